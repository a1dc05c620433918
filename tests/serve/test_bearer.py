"""The token: read from a file, compared by its hash, shown nowhere."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from netwright.errors import BadToken
from netwright.serve.bearer import read_token

WORD = "0123456789abcdef0123"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with a token, closed to others."""
    path = tmp_path / "token"
    path.write_text(f"{WORD}\n")
    path.chmod(0o600)
    return path


def basic(word: str) -> str:
    """Return the header that a browser sends."""
    return "Basic " + base64.b64encode(f"anybody:{word}".encode()).decode()


def test_the_token_opens_and_nothing_else_does(file: Path) -> None:
    """As Bearer, or as the password that a browser asks for."""
    token, private = read_token(file)
    assert private
    for header in (f"Bearer {WORD}", f"bearer  {WORD} ", basic(WORD)):
        assert token.opens(header), header
    wrong = ["", "Bearer", "Bearer ", f"Bearer {WORD}x", f"Bearer {WORD[:-1]}", f"Token {WORD}", WORD]
    wrong += ["Basic", "Basic !!!", "Basic YQ==", basic(""), basic(WORD + ":x"), f"Bearer {WORD}\xff", "Bearer \udcff"]
    for header in wrong:
        assert not token.opens(header), header


def test_the_token_is_not_shown(file: Path) -> None:
    """Not even its hash."""
    token, _ = read_token(file)
    assert WORD not in repr(token) and repr(token) == "Token()"


@pytest.mark.skipif(os.name != "posix", reason="the modes of files are those of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_it_is_told_whether_others_may_read_the_file(file: Path, mode: int) -> None:
    """As in a container, where it often cannot be helped."""
    file.chmod(mode)
    assert read_token(file)[1] is False


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"two words that are long", b"a" * 20 + b"\n" + b"b" * 20])
def test_what_is_no_token_is_refused(tmp_path: Path, content: bytes) -> None:
    """Too short, several words, several lines; what it holds is not repeated."""
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(BadToken) as error:
        read_token(path)
    assert str(path) in str(error.value)
    assert not content.strip() or content.decode().strip() not in str(error.value)


def test_files_that_cannot_hold_a_token_are_refused(tmp_path: Path) -> None:
    """None, a folder, a long one, one of other letters."""
    (tmp_path / "long").write_bytes(b"a" * 10_000)
    (tmp_path / "other").write_bytes("ü".encode() * 20)
    for name in ("nowhere", ".", "long", "other"):
        with pytest.raises(BadToken):
            read_token(tmp_path / name)
