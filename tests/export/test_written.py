"""An export replaces what an export wrote, and nothing of its user's."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from netwright.errors import CannotWrite, InTheWay
from netwright.export import written
from netwright.export.forms import FORMS, find_form
from netwright.export.written import SUMS, put_files, put_folder
from netwright.tasks import TASKS
from netwright.testing.models import untrained_model

FIRST = {"model.onnx": b"weights", "predict.py": b"import model", "texts.py": b"words"}
SECOND = {"model.onnx": b"others", "predict.py": b"import models"}
NEEDS = {"keras": "keras", "tensorflow": "tensorflow", "tflite": "tensorflow", "openvino": "openvino"}
OWN = {"source": "train.py", "tensorflow": "notes.txt", "openvino": "notes.txt"}  # of other forms it is predict.py


def contents(folder: Path) -> dict[str, bytes]:
    """Return what lies in a folder and its folders, but for the sums."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def put_saved(folder: Path, files: dict[str, bytes]) -> None:
    """Put a folder with a folder in it in its place."""
    with tempfile.TemporaryDirectory() as made:
        Path(made, "variables").mkdir()
        Path(made, "variables", "data").write_bytes(b"weights")
        put_folder("tensorflow", Path(made), files, folder)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras
@pytest.mark.parametrize(
    "form",
    [
        pytest.param(
            form, marks=pytest.mark.skipif(find_spec(NEEDS.get(form, "torch")) is None, reason="not installed")
        )
        for form in FORMS
    ],
)
def test_no_form_replaces_a_file_of_the_user(form: str, tmp_path: Path) -> None:
    """It stays as it was, alone, and the sentence names it and says what to do."""
    model = untrained_model(TASKS["tabular"], *TASKS["tabular"].toy(0), parts=1)
    own = tmp_path / OWN.get(form, "predict.py")
    own.write_text("mine")
    with pytest.raises(InTheWay, match=f"{own.name} is in the way.*another folder by -o"):
        find_form(form)(model, tmp_path)
    assert contents(tmp_path) == {own.name: b"mine"} and not (tmp_path / SUMS).exists()


def test_what_an_export_wrote_is_replaced(tmp_path: Path) -> None:
    """All of it, that too which the later one has not; and other files of the folder stay."""
    put_files("onnx", FIRST, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    assert contents(tmp_path) == {**FIRST, "notes.txt": b"mine"}
    put_files("onnx", SECOND, tmp_path)
    assert contents(tmp_path) == {**SECOND, "notes.txt": b"mine"}


def test_what_was_changed_since_is_not(tmp_path: Path) -> None:
    """Nor is a file that was put in the place of one that was taken away."""
    put_files("source", FIRST, tmp_path)
    (tmp_path / "predict.py").write_text("better")
    with pytest.raises(InTheWay, match=r"predict\.py is in the way: it was changed"):
        put_files("source", SECOND, tmp_path)
    assert contents(tmp_path) == {**FIRST, "predict.py": b"better"}
    (tmp_path / "predict.py").unlink()
    (tmp_path / "texts.py").write_text("of my own")  # a name that the later export has not
    put_files("source", SECOND, tmp_path)
    assert contents(tmp_path) == {**SECOND, "texts.py": b"of my own"}
    with pytest.raises(InTheWay, match=r"texts\.py is in the way: nothing tells"):
        put_files("source", FIRST, tmp_path)


def test_an_export_of_another_form_is_not_replaced(tmp_path: Path) -> None:
    """Files of one name hold other things there."""
    put_files("onnx", FIRST, tmp_path)
    with pytest.raises(InTheWay, match="it tells of an export to onnx"):
        put_files("source", {"predict.py": b"other"}, tmp_path)
    with pytest.raises(InTheWay, match="it tells of an export to onnx"):
        put_saved(tmp_path, {})
    assert contents(tmp_path) == FIRST


def test_a_folder_is_replaced_if_it_holds_an_export_alone(tmp_path: Path) -> None:
    """With what Python leaves there; and not if anything else lies in it, however deep."""
    folder = tmp_path / "saved"
    put_saved(folder, {"predict.py": b"first", "texts.py": b"words"})
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "texts.pyc").write_bytes(b"x")
    put_saved(folder, {"predict.py": b"second"})
    assert contents(folder) == {"predict.py": b"second", "variables/data": b"weights"}
    (folder / "variables" / "notes.txt").write_text("mine")
    with pytest.raises(InTheWay, match=r"notes\.txt is in the way: nothing tells"):
        put_saved(folder, {})
    (folder / "variables" / "notes.txt").unlink()
    (folder / "predict.py").write_text("better")
    with pytest.raises(InTheWay, match=r"predict\.py is in the way: it was changed"):
        put_saved(folder, {})
    assert contents(folder) == {"predict.py": b"better", "variables/data": b"weights"}


def test_a_link_of_the_user_is_not_lost(tmp_path: Path) -> None:
    """Not even one to a folder."""
    folder = tmp_path / "saved"
    put_saved(folder, {})
    (tmp_path / "elsewhere").mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InTheWay, match="link is in the way"):
        put_saved(folder, {})
    assert (folder / "link").is_symlink()


@pytest.mark.parametrize("at", range(5))
def test_an_export_that_was_broken_off_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Wherever that was: what it had replaced by then is known too."""
    put_files("onnx", FIRST, tmp_path)
    replace, left = written.replace_file, [at]

    def breaking(path: Path, write: object) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        replace(path, write)  # type: ignore[arg-type]

    monkeypatch.setattr(written, "replace_file", breaking)
    if at < 4:  # sums, two files, sums
        with pytest.raises(KeyboardInterrupt):
            put_files("onnx", SECOND, tmp_path)
    else:
        put_files("onnx", SECOND, tmp_path)
    monkeypatch.undo()
    put_files("onnx", SECOND, tmp_path)
    assert contents(tmp_path) == SECOND
    assert (tmp_path / SUMS).read_bytes().count(b"\n") == 3


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum")
def test_the_sums_are_as_sha256sum_reads_them(tmp_path: Path) -> None:
    """Whoever wants to can see with it what has changed."""
    put_files("onnx", FIRST, tmp_path)
    command = ["sha256sum", "--check", "--strict", SUMS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{name}: OK" for name in FIRST]
    (tmp_path / "texts.py").write_text("other")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"my own sums\n",
        f"{hashlib.sha256(b'mine').hexdigest()}  predict.py\n".encode(),
        b"# Written by netwright export --to \x1b[2Jonnx\n",
        b"# Written by netwright export --to onnx\nnonsense\n",
        b"\xff\xfe\x00",
        b"# Written by netwright export --to onnx\n" + b"0" * 64 + b"  " + b"x" * 2**20 + b"\n",
    ],
)
def test_sums_that_no_export_wrote_are_not_believed(tmp_path: Path, content: bytes) -> None:
    """Nor are they replaced."""
    (tmp_path / "predict.py").write_text("mine")
    (tmp_path / SUMS).write_bytes(content)
    for put in (lambda: put_files("onnx", SECOND, tmp_path), lambda: put_saved(tmp_path, {})):
        with pytest.raises(InTheWay, match="it is not as an export writes it"):
            put()
        assert (tmp_path / SUMS).read_bytes() == content and (tmp_path / "predict.py").read_text() == "mine"
    (tmp_path / SUMS).unlink()
    os.mkfifo(tmp_path / SUMS)
    with pytest.raises(CannotWrite, match="device"):
        put_files("onnx", SECOND, tmp_path)
