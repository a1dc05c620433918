"""Weights from a hub: what is fetched and what is not, by a library that is made up here and by the real one.

The real one asks a small hub on this machine; nothing here needs the internet.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from netwright.errors import BadRepository, MissingExtra, UnreachableWeights
from netwright.pretrained import hub
from netwright.pretrained.hub import asked_of_hub, fetch

USUAL, MINE = "them/theirs", "me/mine"
FILES = ("model.safetensors", "config.json")
CONTENT = {"model.safetensors": b"weights", "config.json": b"{}", "pytorch_model.bin": b"a pickle"}


# --- which repository is meant -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pretrained", "repository"),
    [
        ("hub", USUAL),
        ("hub:me/mine", MINE),
        ("hub:me/mine-2.x_y", "me/mine-2.x_y"),
        ("auto", None),
        ("hubs", None),
        ("hub.pth", None),
        ("./hub", None),
        (Path("hub"), None),
        (Path("hub:me/mine"), None),
    ],
)
def test_the_hub_is_meant_only_where_its_name_is_said(pretrained: str | Path, repository: str | None) -> None:
    """A path that looks like it is a path."""
    assert asked_of_hub(pretrained, USUAL) == repository


@pytest.mark.parametrize(
    "name",
    ["", "mine", "me/", "/mine", "me/mine/x", "../mine", "me/..", "me/mine?x", "me/mine\n", "ü/mine", "https://x"],
)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """Before anything is asked."""
    with pytest.raises(BadRepository, match="hub:OWNER/NAME"):
        asked_of_hub(f"hub:{name}", USUAL)


# --- with a library that is made up --------------------------------------------------------------------------------


class AnswerError(Exception):
    """What the hub answers with a status, as the library raises it."""

    def __init__(self, status: int) -> None:
        super().__init__("no")
        self.response = SimpleNamespace(status_code=status)


@dataclass
class Library:
    """What `fetch` uses of huggingface_hub: the same names and the same arguments, with all that was asked.

    Attributes:
        cache: the folder that files are written to.
        files: name → content of the repository.
        sizes: of the files as the hub tells them, where it tells something else.
        down: what every question to the hub ends with.
        full: what fetching ends with.
        asked: the questions to the hub.
    """

    cache: Path
    files: dict[str, bytes] = field(default_factory=lambda: dict(CONTENT))
    sizes: dict[str, int | None] = field(default_factory=dict)
    down: Exception | None = None
    full: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def HfApi(self, *, token: bool) -> Library:  # noqa: N802 (the name is theirs)
        """Return what answers questions."""
        assert token is False
        return self

    def model_info(self, repository: str, *, revision: str, files_metadata: bool, timeout: float) -> SimpleNamespace:
        """Return what a repository holds."""
        assert (repository, revision, files_metadata) == (MINE, "main", True) and timeout > 0
        self.asked.append("info")
        if self.down:
            raise self.down
        sizes = {name: self.sizes.get(name, len(content)) for name, content in self.files.items()}
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=name, size=size) for name, size in sizes.items()])

    def snapshot_download(
        self,
        repository: str,
        *,
        revision: str,
        allow_patterns: list[str],
        etag_timeout: float,
        token: bool,
        local_files_only: bool,
    ) -> str:
        """Write files into the cache."""
        assert (repository, revision, token) == (MINE, "main", False) and etag_timeout > 0
        if local_files_only:
            if not self.cache.is_dir():
                raise FileNotFoundError("nothing is cached")
            return str(self.cache)
        self.asked.append("files")
        if self.full:
            raise self.full
        self.cache.mkdir(exist_ok=True)
        for name in allow_patterns:
            (self.cache / name).write_bytes(self.files[name])
        return str(self.cache)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Return a library that `fetch` takes for the real one."""
    made = Library(tmp_path / "cache")
    monkeypatch.setitem(sys.modules, "huggingface_hub", made)
    for name in hub.SETTINGS:
        monkeypatch.setenv(name, "")  # so that what is set by the test is undone
        monkeypatch.delenv(name)
    return made


def test_only_the_files_that_are_named_are_fetched_and_only_once(library: Library) -> None:
    """No pickle comes along; later the hub is not even asked. The library is told to be silent."""
    folder = fetch(MINE, FILES)
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert (folder / "model.safetensors").read_bytes() == b"weights"
    library.down = ConnectionError()
    assert fetch(MINE, FILES) == folder
    assert library.asked == ["info", "files"]
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"


def test_a_cache_that_lacks_a_file_is_filled(library: Library) -> None:
    """As after a download that was interrupted, or one for another purpose."""
    library.cache.mkdir()
    (library.cache / "config.json").write_bytes(b"{}")
    assert (fetch(MINE, FILES) / "model.safetensors").is_file()
    assert library.asked == ["info", "files"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_is_not_there_for_all_is_told(library: Library, status: int) -> None:
    """Nothing, or a repository for which one has to sign in."""
    library.down = AnswerError(status)
    with pytest.raises(UnreachableWeights, match=r"me/mine .* knows no such repository .* --pretrained PATH"):
        fetch(MINE, FILES)


@pytest.mark.parametrize("error", [ConnectionError(), TimeoutError(), AnswerError(503), RuntimeError("new")])
def test_a_hub_that_does_not_answer_is_told(library: Library, error: Exception) -> None:
    """Whatever the library raises; what can be done without a network is told too."""
    library.down = error
    with pytest.raises(UnreachableWeights, match=r"cannot be reached.*--pretrained PATH"):
        fetch(MINE, FILES)
    assert library.asked == ["info"]


def test_a_disk_that_is_full_is_told(library: Library) -> None:
    """It is not the hub's fault."""
    library.full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(UnreachableWeights, match="cannot be written to the cache"):
        fetch(MINE, FILES)


def test_a_repository_without_the_files_is_told(library: Library) -> None:
    """One that holds pickles only, say."""
    del library.files["model.safetensors"]
    with pytest.raises(UnreachableWeights, match=r"holds no file model\.safetensors"):
        fetch(MINE, FILES)
    assert library.asked == ["info"]


@pytest.mark.parametrize("size", [hub.LARGEST, None])
def test_nothing_is_fetched_that_is_too_large_or_may_be(library: Library, size: int | None) -> None:
    """All files together are over the limit; one that tells no size could be."""
    library.sizes = {"model.safetensors": size}
    with pytest.raises(UnreachableWeights, match="more than 200 MB"):
        fetch(MINE, FILES)
    assert library.asked == ["info"]


def test_what_comes_is_measured_again(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that tells less than it sends is not believed."""
    library.sizes = {"model.safetensors": 1}
    monkeypatch.setattr(hub, "LARGEST", 8)
    with pytest.raises(UnreachableWeights, match="its files have more"):
        fetch(MINE, FILES)


def test_without_the_library_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the line that installs it."""
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtra, match=r"pip install 'netwright\[hub\]'"):
        fetch(MINE, FILES)


# --- with the real library and a hub on this machine ---------------------------------------------------------------


COMMIT = "0123456789abcdef0123456789abcdef01234567"
PROGRAM = f"""
from netwright.errors import NetwrightError
from netwright.pretrained.hub import fetch
try:
    print(fetch({MINE!r}, {FILES!r}))
except NetwrightError as error:
    print(error)
"""


class Hub(BaseHTTPRequestHandler):
    """A hub with one repository, open to all."""

    def do_HEAD(self) -> None:
        """Answer without the content."""
        self.do_GET()

    def do_GET(self) -> None:
        """Answer."""
        seen: list[tuple[str, str, dict[str, str]]] = self.server.seen  # type: ignore[attr-defined]
        seen.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
        path = self.path.partition("?")[0]
        files = f"/{MINE}/resolve/{COMMIT}/"
        if path.startswith(f"/api/models/{MINE}/revision/"):
            siblings = [{"rfilename": name, "size": len(content)} for name, content in CONTENT.items()]
            self.answer(200, json.dumps({"id": MINE, "sha": COMMIT, "siblings": siblings}).encode())
        elif path.startswith(f"/api/models/{MINE}/tree/"):
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in CONTENT.items()
            ]
            self.answer(200, json.dumps(tree).encode())
        elif path.startswith(files) and path.removeprefix(files) in CONTENT:
            self.answer(200, CONTENT[path.removeprefix(files)])
        else:
            self.answer(401, b"{}")  # as the real one answers to strangers for what is not there

    def answer(self, status: int, content: bytes) -> None:
        """Send it."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """Return a hub that listens on this machine, and keeps what it was asked in `seen`."""
    pytest.importorskip("huggingface_hub")
    made = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    made.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def fetched(program: str, port: int, home: Path) -> str:
    """Return what a program prints in a process of its own, whose library asks the hub at a port."""
    settings = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(home), "HF_TOKEN": "hf_secret"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    kept |= {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**kept, **settings},
    )
    return done.stdout.strip()


def test_the_real_library_fetches_what_is_named_and_nothing_else(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    """Without the token that lies ready, and without telling what else is installed."""
    folder = Path(fetched(PROGRAM, server.server_port, tmp_path))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {name: CONTENT[name] for name in FILES}
    assert folder.is_relative_to(tmp_path) and folder.name == COMMIT
    seen = server.seen  # type: ignore[attr-defined]
    assert any(path.endswith("/config.json") for _, path, _ in seen)
    assert not any("pickle" in path or "pytorch_model" in path for _, path, _ in seen)
    assert all("authorization" not in headers and "torch" not in headers["user-agent"] for *_, headers in seen)
    seen.clear()
    assert Path(fetched(PROGRAM, server.server_port, tmp_path)) == folder
    assert seen == []


def test_the_real_library_finds_nothing(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    """No such repository, no such hub, and offline."""
    other = PROGRAM.replace(MINE, "me/other")
    assert "knows no such repository that is open to all" in fetched(other, server.server_port, tmp_path)
    offline = f"import os; os.environ['HF_HUB_OFFLINE'] = '1'\n{PROGRAM}"
    assert "the hub cannot be reached" in fetched(offline, server.server_port, tmp_path)
    assert "the hub cannot be reached" in fetched(PROGRAM, 1, tmp_path)
