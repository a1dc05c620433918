"""The command in a process of its own, over real sockets: strangers who are slow or large, signals, TLS, workers."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

TARGET = "<b>kind</b>"  # of the table that `conftest` makes
COMMAND = (sys.executable, "-c", "from netwright.cli import main; main()", "serve")
PATIENCE = 60.0  # seconds for what should take a few
QUICK = ("--max-wait", "1s", "--max-body", "100kB", "--max-requests", "8")
WORD = "a-token-of-many-letters"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")


@dataclass
class Server:
    """A running server: its process, where it is, and the file that takes what it says."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    @property
    def port(self) -> int:
        """Return the port."""
        return int(self.url.rstrip("/").rpartition(":")[2])

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def running(bundle: Path, folder: Path, *options: str) -> Iterator[Server]:
    """Run the command until the block is left."""
    log = folder / "log.txt"
    with log.open("wb") as file:
        process = subprocess.Popen([*COMMAND, str(bundle), "--port", "0", *options], stdout=file, stderr=file)
    try:
        yield Server(process, _url(process, log), log)
    finally:
        process.kill()
        process.wait(PATIENCE)


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return where the server is, as soon as it says so."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = re.search(r"at (https?://\S+), Ctrl-C", log.read_text())
        if found:
            return found[1]
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(f"it did not start: {log.read_text()}")


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server that has little patience."""
    with running(bundle, tmp_path_factory.mktemp("server"), *QUICK) as found:
        yield found


@pytest.fixture(scope="module")
def row(table: pd.DataFrame) -> dict[str, Any]:
    """Return a row as JSON has it."""
    cells = table.drop(columns=TARGET).astype(object)
    return dict(cells.where(cells.notna(), None).iloc[0])


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes."""
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            pieces.append(piece)
    return b"".join(pieces)


def trickled(connection: socket.socket, piece: bytes) -> bytes:
    """Return what comes back while a piece is sent again and again, ten times a second, until the other side closes."""
    connection.settimeout(0.1)
    answer, until = b"", time.monotonic() + PATIENCE
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has closed
        while time.monotonic() < until:
            connection.sendall(piece)
            with contextlib.suppress(TimeoutError):
                found = connection.recv(65_536)
                answer += found
                if not found:
                    break
    return answer


def head(length: int | str, path: str = "/predict") -> bytes:
    """Return the head of a request with a body of so many bytes, or one in pieces."""
    size = f"content-length: {length}" if isinstance(length, int) else "transfer-encoding: chunked"
    return f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{size}\r\n\r\n".encode()


def refused(answer: bytes, status: int) -> None:
    """See that an answer is a refusal of a status, as JSON, and the last on its connection."""
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert b"connection: close" in top.lower()
    assert json.loads(body)["status"] == status


def test_requests_are_answered(server: Server, row: dict[str, Any]) -> None:
    """Many on one connection, and two that were sent at once."""
    with httpx.Client(base_url=server.url) as client:
        replies = [client.post("/predict", json=row) for _ in range(20)]
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.text for reply in replies}) == 1
    one = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(one + one.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        assert read_all(connection).count(b'{"status":"ok"}') == 2


def test_a_page_from_elsewhere_is_not_answered(server: Server, row: dict[str, Any]) -> None:
    """Whose own name was given the address of this machine; `/health` says nothing that it could use."""
    for host, status in (("localhost", 200), ("[::1]:80", 200), ("evil.example", 421), ("127.0.0.1.evil.example", 421)):
        for path in ("", "model", "openapi.json", "metrics"):
            assert httpx.get(f"{server.url}{path}", headers={"host": host}).status_code == status
        assert httpx.post(f"{server.url}predict", json=row, headers={"host": host}).status_code == status


def test_a_slow_head_is_closed(server: Server) -> None:
    """One that stops, one that trickles, and one behind an answered request; each is told why."""
    for start in (b"POST /predict HTTP/1.1\r\nhost: he", b"G"):
        with server.connect() as connection:
            connection.sendall(start)
            refused(read_all(connection), 408)
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nx-more: ")
        refused(trickled(connection, b"a"), 408)
    with server.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        answer = b""
        while b'{"status":"ok"}' not in answer:
            answer += connection.recv(65_536)
        connection.sendall(b"GET /hea")
        refused(read_all(connection), 408)


def test_a_silent_connection_is_closed_without_a_word(server: Server) -> None:
    """Whoever asks nothing is told nothing."""
    with server.connect() as connection:
        assert read_all(connection) == b""


def test_a_long_head_is_refused(server: Server) -> None:
    """Before it fills the memory."""
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n")
        answer = b""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(2_000):
                connection.sendall(b"x-more: " + b"a" * 10_000 + b"\r\n")
        with contextlib.suppress(ConnectionResetError):
            answer = read_all(connection)
        assert answer == b"" or answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
    assert httpx.get(f"{server.url}health").status_code == 200


@pytest.mark.parametrize("path", [b"/health", b"/predict"])
def test_endless_trailers_are_cut_off(server: Server, path: bytes) -> None:
    """Before they fill the memory, though they belong to no body and to no head."""
    with server.connect() as connection:
        connection.sendall(b"POST " + path + b" HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n")
        sent = 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(5_000):
                connection.sendall(b"x-more: " + b"a" * 10_000 + b"\r\n")
                sent += 10_000
        assert sent < 50_000_000
    assert httpx.get(f"{server.url}health").status_code == 200


def test_a_slow_body_is_closed(server: Server) -> None:
    """One that stops, and one in pieces that trickle."""
    with server.connect() as connection:
        connection.sendall(head(100) + b"{")
        refused(read_all(connection), 408)
    with server.connect() as connection:
        connection.sendall(head("chunked"))
        refused(trickled(connection, b"1\r\n{\r\n"), 408)


def test_a_large_body_is_refused(server: Server) -> None:
    """By what its head says; or, in pieces, as soon as it is too much, long before its end."""
    with server.connect() as connection:
        connection.sendall(head(300_000_000))
        refused(read_all(connection), 413)
    with server.connect() as connection:
        connection.sendall(head("chunked"))
        sent, piece = 0, b"2710\r\n" + b"x" * 10_000 + b"\r\n"
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while sent < 300_000_000:
                connection.sendall(piece)
                sent += 10_000
                if sent == 200_000:
                    connection.settimeout(5)
                    refused(read_all(connection), 413)
                    break
        assert sent == 200_000
    assert httpx.get(f"{server.url}health").status_code == 200


def test_a_body_that_waits_to_be_asked_for_is_not(server: Server) -> None:
    """A client that says `Expect: 100-continue` need not send what is too large."""
    with server.connect() as connection:
        connection.sendall(head(300_000_000).replace(b"\r\n\r\n", b"\r\nexpect: 100-continue\r\n\r\n"))
        answer = read_all(connection)
        assert b"100 Continue" not in answer
        refused(answer, 413)


def test_what_is_no_http_is_closed(server: Server) -> None:
    """And the server goes on."""
    for noise in (b"\x16\x03\x01\x02\x00\x01\x00", b"\x00" * 1_000, b"GET / HTTP/9.9\r\n\r\n", b"POST / \r\n\r\n"):
        with server.connect() as connection:
            connection.sendall(noise)
            assert b"HTTP/1.1 200" not in read_all(connection)
    assert httpx.get(f"{server.url}health").status_code == 200


def test_too_many_requests_are_told_to_come_again(server: Server, row: dict[str, Any]) -> None:
    """While eight are on their way; `/health` answers all the same."""
    connections = [server.connect() for _ in range(8)]
    try:
        for connection in connections:
            connection.sendall(head(100) + b"{")
        statuses = set()
        until = time.monotonic() + PATIENCE
        while 503 not in statuses and time.monotonic() < until:
            reply = httpx.post(f"{server.url}predict", json=row)
            statuses.add(reply.status_code)
        assert 503 in statuses and reply.headers["retry-after"] == "1"
        assert httpx.get(f"{server.url}health").status_code == 200
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_requests_end(bundle: Path, row: dict[str, Any], tmp_path: Path, number: int) -> None:
    """One that is half there is read to its end and answered; new ones are not taken; the status is 0."""
    body = json.dumps(row).encode()
    with running(bundle, tmp_path) as server:
        with server.connect() as connection:
            connection.sendall(head(len(body)) + body[:10])
            time.sleep(0.3)
            server.process.send_signal(number)
            _wait_until_closed(server)
            connection.sendall(body[10:])
            answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 200 ") and b'"prediction"' in answer
        assert server.process.wait(PATIENCE) == 0
        assert "Traceback" not in server.log.read_text()


def _wait_until_closed(server: Server) -> None:
    """Wait until no new connection is taken."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            server.connect().close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)
    raise AssertionError("it still takes connections")


def certificate(folder: Path) -> tuple[Path, Path]:
    """Return a certificate that signs itself, and its key."""
    paths = folder / "server.crt", folder / "server.key"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-days", "2"]
    try:
        subprocess.run([*words, "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no openssl command makes a certificate here")
    return paths


def test_others_need_the_token_and_tls(bundle: Path, row: dict[str, Any], tmp_path: Path) -> None:
    """With both, every address may be served; the token is written nowhere, and an open file of it is told of."""
    crt, key = certificate(tmp_path)
    token = tmp_path / "token"
    token.write_text(WORD)
    token.chmod(0o644)
    options = ("--host", "0.0.0.0", "--token-file", str(token), "--tls-cert", str(crt), "--tls-key", str(key))
    with running(bundle, tmp_path, *options, "--max-wait", "1s") as server:
        trust, url = ssl.create_default_context(cafile=str(crt)), f"https://127.0.0.1:{server.port}/"
        with httpx.Client(base_url=url, verify=trust) as client:
            assert client.get("/health").status_code == 200
            assert client.post("/predict", json=row).status_code == 401
            wrong = client.post("/predict", json=row, headers={"authorization": f"Bearer {WORD}x"})
            assert wrong.status_code == 401
            right = client.post("/predict", json=row, headers={"authorization": f"Bearer {WORD}"})
            assert right.status_code == 200
            page = client.get("/")
            assert page.status_code == 401 and page.headers["www-authenticate"].startswith("Basic")
            assert client.get("/", auth=("me", WORD)).status_code == 200
            document = client.get("/openapi.json", auth=("me", WORD)).json()
            assert document["security"] == [{"token": []}]
        with server.connect() as plain, trust.wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall(b"GET / HT")
            refused(read_all(connection), 408)
        assert server.end() == 0
        log = server.log.read_text()
        assert WORD not in log and "chmod 600" in log and "Traceback" not in log


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--host", "0.0.0.0"), "--token-file"),
        (("--host", "::"), "--token-file"),
        (("--host", "0.0.0.0", "--token-file", "TOKEN"), "--tls-elsewhere"),
        (("--tls-cert", "TOKEN"), "--tls-key"),
        (("--tls-cert", "TOKEN", "--tls-key", "TOKEN"), "do not fit together"),
        (("--token-file", "nowhere"), "nowhere"),
        (("--max-body", "much"), "much"),
        (("--max-time", "long"), "long"),
    ],
)
def test_what_is_not_safe_is_refused_at_once(bundle: Path, tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    """In a sentence, with the status 2."""
    token = tmp_path / "token"
    token.write_text(WORD)
    words = [str(token) if word == "TOKEN" else word for word in options]
    done = subprocess.run([*COMMAND, str(bundle), *words], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2 and done.stdout == ""
    assert said in done.stderr and "Traceback" not in done.stderr and WORD not in done.stderr


def test_a_port_in_use_and_a_file_that_is_no_model_are_refused(bundle: Path, tmp_path: Path) -> None:
    """Each with its sentence; with several processes too."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = [*COMMAND, str(bundle), "--port", str(taken.getsockname()[1])]
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 2 and "in use" in done.stderr
    (tmp_path / "model.nw").write_text("no model")
    for workers in ("1", "2"):
        words = [*COMMAND, str(tmp_path / "model.nw"), "--port", "0", "--workers", workers]
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 2 and "is not a Netwright model" in done.stderr


def test_several_processes_serve_together(bundle: Path, row: dict[str, Any], tmp_path: Path) -> None:
    """They count together, one that is killed is started again, and all end with the first."""
    with running(bundle, tmp_path, "--workers", "2") as server:
        for _ in range(30):
            assert httpx.post(f"{server.url}predict", json=row, timeout=PATIENCE).status_code == 200
        text = httpx.get(f"{server.url}metrics").text
        assert 'netwright_requests_total{path="/predict",status="200"} 30.0' in text
        first, *_ = _children(server)
        os.kill(first, signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        while "started again" not in server.log.read_text():
            assert time.monotonic() < until
            time.sleep(0.05)
        for _ in range(10):
            assert httpx.post(f"{server.url}predict", json=row, timeout=PATIENCE).status_code == 200
        children = _children(server)
        assert first not in children
        assert server.end() == 0
        assert not any(_is_alive(each) for each in children)
        assert "Traceback" not in server.log.read_text()


def test_processes_end_with_the_one_that_started_them(bundle: Path, tmp_path: Path) -> None:
    """However it ended."""
    with running(bundle, tmp_path, "--workers", "2") as server:
        assert httpx.get(f"{server.url}health", timeout=PATIENCE).status_code == 200
        children = _children(server)
        assert len(children) == 2
        server.end(signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        while any(_is_alive(each) for each in children):
            assert time.monotonic() < until
            time.sleep(0.05)


def _children(server: Server) -> list[int]:
    """Return the processes that serve."""
    import psutil

    found = psutil.Process(server.process.pid).children()
    return [child.pid for child in found if any("spawn_main" in word for word in child.cmdline())]


def _is_alive(process: int) -> bool:
    import psutil

    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_process_that_cannot_predict_ends_all(tmp_path: Path) -> None:
    """Its reason is said, and nothing is started again and again: here what decodes images is not installed."""
    images = Path(__file__).parent.parent / "bundle" / "released" / "format-1" / "image.nw"
    (tmp_path / "PIL.py").write_text("raise ModuleNotFoundError('no PIL here', name='PIL')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    for workers, status in (("1", 2), ("2", 1)):
        words = [*COMMAND, str(images), "--port", "0", "--workers", workers]
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, env=environment)
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr and "Serving" not in done.stderr
        assert "pip install" in done.stderr if workers == "1" else "here" in done.stderr
