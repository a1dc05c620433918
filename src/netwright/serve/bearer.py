"""The token that a request has to carry: read from a file, compared in constant time, never shown."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from netwright.errors import BadToken

SHORTEST = 16  # letters: fewer can be tried out
LONGEST = 4_096  # bytes of the file


@dataclass(frozen=True)
class Token:
    """A token, of which only the hash is kept: it cannot show up in a message, and all hashes have one length."""

    digest: bytes = field(repr=False)

    def opens(self, header: str) -> bool:
        """Return whether the header `Authorization` holds the token, in a time that says nothing of where it differs.

        Args:
            header: `Bearer TOKEN`, or `Basic` with any name and the token as password, which is how a browser asks
                the person in front of it; empty where there is none.
        """
        return hmac.compare_digest(_digest(_given(header)), self.digest)


def _given(header: str) -> bytes:
    """Return the token that a header holds; nothing if it holds none."""
    scheme, _, word = header.partition(" ")
    if scheme.lower() == "bearer":
        return word.strip().encode("utf-8", "replace")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(word.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return b""


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def read_token(path: Path) -> tuple[Token, bool]:
    """Return the token that a file holds, and whether only its owner may read the file.

    Raises:
        BadToken: if there is no such file, or what it holds is too short, too long, or cannot stand in a header.
    """
    try:
        with path.open("rb") as file:
            private = os.name != "posix" or not stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077
            content = file.read(LONGEST + 1)
    except OSError as error:
        raise BadToken(path, f"the file cannot be read ({(error.strerror or 'no reason given').lower()})") from error
    word = content.strip()
    if len(content) > LONGEST:
        raise BadToken(path, "the file is too long")
    if len(word) < SHORTEST:
        raise BadToken(path, f"it has {len(word)} letters, and fewer than {SHORTEST} can be guessed")
    if not all(0x21 <= letter <= 0x7E for letter in word):
        raise BadToken(path, "it holds blanks, several lines, or letters beyond ASCII")
    return Token(_digest(word)), private
