"""Text cut into blocks of whole rows, without being held as a whole.

A row ends with a line, unless the line end stands in quotes. In UTF-8, GB 18030 and the Western encodings no letter of
several bytes has a byte that is a line end or a quote, so bytes are looked at and not letters; UTF-16 is written anew.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netwright.data.packed import Piecewise, opened_text, told_plainly
from netwright.errors import NotATable

BLOCK = 4 * 2**20  # bytes that are read together
LONGEST_ROW = 32 * 2**20  # bytes; beyond it, quotes are no longer taken for such

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Marks:
    """The bytes by which rows are told apart.

    Attributes:
        newline: that a line ends with.
        quote: between two of which a line end is part of a cell; None where nothing is quoted.
    """

    newline: int
    quote: int | None


@dataclass(frozen=True, eq=False)  # arrays have no equality of one bit
class Block:
    """Some rows that follow each other.

    Attributes:
        first: the number of the first, from 0.
        start: the place of its first byte in the text.
        content: their bytes, with the last line end.
        ends: (n,) where in `content` each row ends.
    """

    first: int
    start: int
    content: bytes
    ends: Integers

    def row(self, number: int) -> bytes:
        """Return the row of this number."""
        place = number - self.first
        return self.content[self.ends[place - 1] if place else 0 : self.ends[place]]

    def without(self, numbers: Integers) -> bytes:
        """Return the bytes of all rows but those of these numbers (n,), rising, which are all of this block."""
        kept, last = [], 0
        for place in (numbers - self.first).tolist():
            kept.append(self.content[last : self.ends[place - 1] if place else 0])
            last = int(self.ends[place])
        return b"".join([*kept, self.content[last:]])


@dataclass(frozen=True)
class Span:
    """Where a block lies: the number of its first row, how many there are, the place of its bytes, and their number."""

    first: int
    rows: int
    start: int
    size: int
    marks: Marks


def row_ends(content: bytes, marks: Marks) -> Integers:
    r"""Return the places (n,) behind the line ends of a text that end a row; it begins with a row.

    >>> row_ends(b'a,"b\nc"\nd\n', Marks(10, 34)).tolist()
    [8, 10]
    """
    letters = np.frombuffer(content, np.uint8)
    newlines: Integers = np.flatnonzero(letters == marks.newline) + 1
    if marks.quote is None or marks.quote not in content:
        return newlines
    quotes = np.flatnonzero(letters == marks.quote)
    return np.asarray(newlines[np.searchsorted(quotes, newlines) % 2 == 0])


def blocks(file: Piecewise, marks: Marks, start: int, name: object) -> Iterator[tuple[Block, Marks]]:
    """Yield the blocks of a text, and the marks that each was cut by.

    Where a quote stands inside a word, all line ends behind it seem to be quoted. So from a row on that would be longer
    than `LONGEST_ROW`, quotes are no longer looked at.

    Args:
        file: at the beginning of the first row.
        marks: by which rows are told apart.
        start: the place of the first row in the text.
        name: of the file, for errors.

    Raises:
        NotATable: if a line is longer than `LONGEST_ROW`.
    """
    rest, first, newline = b"", 0, bytes([marks.newline])
    while piece := file.read(BLOCK):
        content = rest + piece
        ends = row_ends(content, marks)
        if not len(ends) and len(content) > LONGEST_ROW:
            marks = Marks(marks.newline, None)
            ends = row_ends(content, marks)
            if not len(ends):
                raise NotATable(name, f"it has a line of more than {LONGEST_ROW // 2**20} MiB")
        last = int(ends[-1]) if len(ends) else 0
        if last:
            yield Block(first, start, content[:last], ends), marks
        first, start, rest = first + len(ends), start + last, content[last:]
    if rest:
        yield Block(first, start, rest + newline, np.array([len(rest) + 1])), marks


@contextmanager
def opened_rows(path: Path, encoding: str) -> Iterator[Piecewise]:
    """Open a text for reading piece by piece: unpacked, and UTF-16 as UTF-8."""
    with opened_text(path) as file:
        yield _Rewritten(file, encoding) if encoding.startswith("utf-16") else file


class _Rewritten:
    """A text of another encoding as UTF-8."""

    def __init__(self, file: Piecewise, encoding: str) -> None:
        self._file, self._decoder = file, codecs.getincrementaldecoder(encoding)(errors="replace")
        self._ended = False

    def read(self, size: int, /) -> bytes:
        while not self._ended:
            piece = self._file.read(size)
            self._ended = not piece
            text = self._decoder.decode(piece, final=self._ended)
            if text:
                return text.encode("utf-8")
        return b""


def passed(file: Piecewise, size: int) -> None:
    """Read so many bytes and leave them aside."""
    while size > 0 and (piece := file.read(min(size, BLOCK))):
        size -= len(piece)


def read_span(path: Path, span: Span) -> Block:
    """Return the block that lies there, of a text that is neither packed nor rewritten.

    Raises:
        NotATable: if the file has become shorter since it was looked at.
    """
    with told_plainly(path), path.open("rb") as file:
        file.seek(span.start)
        content = file.read(span.size)
    newline = bytes([span.marks.newline])
    content += b"" if content.endswith(newline) else newline
    ends = row_ends(content, span.marks)
    if len(ends) < span.rows:
        raise NotATable(path, "it was changed while it was read")
    return Block(span.first, span.start, content, ends)


def drawn(rows: int, most: int, seed: int) -> Integers:
    """Return so many numbers of 0 to rows - 1, each as likely, rising; all where there are no more.

    >>> drawn(4, 9, 0).tolist()
    [0, 1, 2, 3]
    """
    if most >= rows:
        return np.arange(rows, dtype=np.int64)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False)).astype(np.int64)
