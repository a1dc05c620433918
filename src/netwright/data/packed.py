"""Files as they are or packed by gzip, bzip2 or xz: opened so that what they hold is read, and never without end."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from netwright.errors import NotATable

SMALL = 2**26  # bytes that any packed file may unpack to
MOST_TIMES = 100  # what a larger one may unpack to, of its own size: text takes two to twenty, a bomb a thousand
FEW_CELLS, MOST_CELLS = 30_000_000, 50  # that any file of Parquet or JSON may have; that a larger one may, a byte of it
DAMAGED = (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError)  # what reading a damaged packed file raises

_OPENERS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}


def opener_of(path: Path) -> Callable[[Path], Any] | None:
    """Return what opens a packed file, told by its first bytes; None for one that is not packed."""
    with path.open("rb") as file:
        head = file.read(6)
    return next((opener for magic, opener in _OPENERS.items() if head.startswith(magic)), None)


def most_unpacked(path: Path) -> int:
    """Return the bytes that a packed file may unpack to; what gives more holds no table."""
    return max(SMALL, MOST_TIMES * path.stat().st_size)


def most_cells(size: int) -> int:
    """Return the cells, missing ones too, that a table of so many bytes may have: of Parquet, or of JSON."""
    return max(FEW_CELLS, MOST_CELLS * size)


def too_much(path: Path, most: int) -> NotATable:
    """Return the error of a packed file that gives more bytes than that."""
    return NotATable(path, f"unpacked it is larger than {most // 2**20:,} MiB, more than a table of its size holds")


@contextmanager
def told_plainly(path: Path) -> Iterator[None]:
    """Turn what the system says against reading a file into one sentence."""
    try:
        yield
    except OSError as error:
        raise NotATable(path, f"it cannot be read ({(error.strerror or 'no reason given').lower()})") from error


class Piecewise(Protocol):
    """What is read piece by piece, from its beginning."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, fewer or none at the end."""


@contextmanager
def opened_text(path: Path) -> Iterator[Piecewise]:
    """Open what a file holds, unpacked, for reading piece by piece.

    Raises:
        NotATable: from `read`, if it is damaged or unpacks to more than a table of its size holds.
    """
    with told_plainly(path):
        opener = opener_of(path)
        if opener is None:
            with path.open("rb") as file:
                yield file
            return
        with opener(path) as unpacked:
            yield _Bounded(unpacked, path, most_unpacked(path))


class _Bounded:
    """A packed file that gives no more than so many bytes."""

    def __init__(self, file: Piecewise, path: Path, most: int) -> None:
        self._file, self._path, self._most, self._given = file, path, most, 0

    def read(self, size: int, /) -> bytes:
        try:
            content = self._file.read(size)
        except DAMAGED as error:
            raise NotATable(self._path, "the packed file is damaged") from error
        self._given += len(content)
        if self._given > self._most:
            raise too_much(self._path, self._most)
        return content
