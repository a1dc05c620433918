"""Tables of text that are not held in memory: CSV, TSV and JSON lines, packed or not, found again by their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from netwright.data.blocks import (
    BLOCK,
    Block,
    Integers,
    Marks,
    Span,
    blocks,
    drawn,
    opened_rows,
    passed,
    read_span,
)
from netwright.data.delimited import Dialect, beginning, cut_rows, decoded, with_header
from netwright.data.large import Sample, shuffled, within
from netwright.data.packed import opener_of, told_plainly
from netwright.data.reading import FOLDER, checked, is_json, read_records
from netwright.errors import EmptyTable, NotATable, RaggedRow

LINE_END, RETURN = 10, 13
BYTE_ORDER = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class _Form:
    """How the rows of a text are written.

    Attributes:
        encoding: of the file, as Python calls it.
        start: the place of the first row, in UTF-8 where the file is UTF-16; lines: those before it.
        dialect: how a row is cut into cells; None for JSON.
    """

    encoding: str
    start: int
    lines: int
    marks: Marks
    dialect: Dialect | None

    @property
    def letters(self) -> str:
        """What blocks are written in."""
        return "utf-8" if self.encoding.startswith("utf-") else self.encoding


class LargeText:
    """Delimited text or JSON lines. The first row, which may be a header, is read with every part."""

    def __init__(self, path: Path) -> None:
        """Look through a file: where its rows are, and that they are written as its beginning says.

        Raises:
            NotATable: if it is no text, or a line has no end.
        """
        self._path = path
        with told_plainly(path):
            form, plain = _form_of(path), opener_of(path) is None
        self._whole = plain and not form.encoding.startswith("utf-16")  # any place can be read
        self._spans: list[Span] = []
        self._first, utf8 = b"", form.letters == "utf-8"
        for block, marks in self._blocks(form):
            if not self._spans:
                self._first = block.row(0)
            if utf8 and not _is_utf8(block.content):
                form = _Form(decoded(block.content)[1], form.start, form.lines, form.marks, form.dialect)
                utf8 = False
            self._spans.append(Span(block.first, len(block.ends), block.start, len(block.content), marks))
        if not self._spans:
            raise EmptyTable(path, "it has no lines but blank ones and comments")
        self._form = form
        self._skipped = 1 if form.dialect else 0  # the first row is no part of the sample
        self._names: list[str] = []
        self._headed = True

    @property
    def rows(self) -> int:
        """How many rows there are, blank lines among them; whether the first is a header is known from a sample on."""
        return self._lines - (1 if self._headed and self._skipped else 0)

    @property
    def _lines(self) -> int:
        return sum(span.rows for span in self._spans)

    @property
    def size(self) -> int:
        """The bytes of all rows."""
        return sum(span.size for span in self._spans)

    def sample(self, most: int, seed: int) -> Sample:
        """Return some rows: see `LargeTable`."""
        numbers = self._skipped + drawn(self._lines - self._skipped, most, seed)
        found: list[bytes] = [self._first] * self._skipped
        for block in self._all(self._spans):
            found += [block.row(number) for number in within(numbers, block.first, len(block.ends)).tolist()]
        table = self._table_of(b"".join(found), numbers)
        table.attrs[FOLDER] = str(self._path.parent)
        self._names = [*table.columns]
        return Sample(table, numbers)

    def rest(self, numbers: Integers, seed: int) -> Iterator[pd.DataFrame]:
        """Yield all other rows: see `LargeTable`."""
        for block in self._all(shuffled(self._spans, seed) if self._whole else self._spans):
            left_out = within(numbers, block.first, len(block.ends))
            if self._skipped and block.first == 0:
                left_out = np.concatenate([np.zeros(1, np.int64), left_out])  # the header, or a row of every sample
            content = block.without(left_out)
            if content.strip():
                every = np.arange(block.first, block.first + len(block.ends))
                yield self._part(content, np.setdiff1d(every, left_out, assume_unique=True))

    def _part(self, content: bytes, numbers: Integers) -> pd.DataFrame:
        """Return the rows of a block, which have these numbers."""
        text, form = content.decode(self._form.letters, errors="replace"), self._form
        if form.dialect is None:
            return read_records(self._path, text).reindex(columns=self._names)
        with self._counted(numbers, 1):
            rows = cut_rows(text, form.dialect, self._path, 1, len(self._names))
        return rows.set_axis(self._names, axis=1)

    def _table_of(self, content: bytes, numbers: Integers) -> pd.DataFrame:
        """Return the rows that were drawn, behind the first one."""
        text, form = content.decode(self._form.letters, errors="replace"), self._form
        if form.dialect is None:
            return checked(read_records(self._path, text), self._path)
        with self._counted(numbers, 2):
            rows = cut_rows(text, form.dialect, self._path, 1)
        table = checked(with_header(rows), self._path)
        self._headed = len(table) < len(rows)
        return table

    @contextmanager
    def _counted(self, numbers: Integers, first: int) -> Iterator[None]:
        """Let a row with too many cells be named by its line in the file, not in the rows that are read together.

        Args:
            numbers: of these rows; each is taken for one line.
            first: the line that the first of them is in what is read.
        """
        try:
            yield
        except RaggedRow as error:
            place = min(max(error.line - first, 0), len(numbers) - 1)
            line = self._form.lines + int(numbers[place]) + 1
            raise RaggedRow(self._path, line, error.cells, error.width) from error

    def _all(self, spans: Sequence[Span]) -> Iterator[Block]:
        """Yield the blocks of these spans; of what can only be read from its beginning, all."""
        if self._whole:
            yield from (read_span(self._path, span) for span in spans)
        else:
            yield from (block for block, _ in self._blocks(self._form))

    def _blocks(self, form: _Form) -> Iterator[tuple[Block, Marks]]:
        with opened_rows(self._path, form.encoding) as file:
            passed(file, form.start)
            yield from blocks(file, form.marks, form.start, self._path)


def _is_utf8(content: bytes) -> bool:
    if content.isascii():
        return True
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _form_of(path: Path) -> _Form:
    """Return how the rows of a file are written, told from its beginning.

    Raises:
        NotATable: if it is no text, or one whole JSON value.
    """
    with opened_rows(path, "utf-8") as file:
        head = file.read(BLOCK)
    text, encoding = decoded(_whole_lines(head))
    newline = RETURN if "\n" not in text and "\r" in text else LINE_END
    marked = len(BYTE_ORDER) if encoding == "utf-8-sig" and head.startswith(BYTE_ORDER) else 0
    if is_json(path, text[:64].encode(errors="replace")):
        if text.lstrip("\ufeff \t\r\n").startswith("["):
            raise NotATable(path, "it is one JSON list, which cannot be read piece by piece; save it as JSON lines")
        return _Form(encoding, marked, 0, Marks(newline, None), None)
    start, dialect = beginning(text, path)
    before = text[:start]
    lines = before.count(chr(newline))
    quote = None if dialect.separator == " " else ord(dialect.quote)
    written = len(before.encode("utf-8" if encoding.startswith("utf-") else encoding))
    return _Form(encoding, written + marked, lines, Marks(newline, quote), dialect)


def _whole_lines(head: bytes) -> bytes:
    """Return the beginning of a text up to its last line end, so that no letter is cut; all where it has none."""
    end = max(head.rfind(b"\n"), head.rfind(b"\r")) + 1
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or 0 in head[:16]:
        return head[: len(head) // 2 * 2]  # UTF-16, where a byte of ten is not always a line end
    return head[:end] or head
