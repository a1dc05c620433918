"""Tables that memory does not hold: some of their rows at random, and then all others, part by part.

Where a form allows it, parts come in random order, so that the first of them stand for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
from netwright.data.packed import opener_of, told_plainly
from netwright.data.reading import FOLDER, as_table, check_names, checked, is_json, read_records
from netwright.errors import EmptyTable, NotATable, RaggedRow

PART_ROWS = 16_384  # of a table of typed columns that come together
LINE_END, RETURN = 10, 13
BYTE_ORDER = b"\xef\xbb\xbf"


@dataclass(frozen=True, eq=False)
class Sample:
    """Some rows of a table.

    Attributes:
        table: the rows, as `read_table` would return them.
        numbers: (n,) of these rows in the file, rising; blank lines among them are no rows of `table`.
    """

    table: pd.DataFrame
    numbers: Integers


class LargeTable(Protocol):
    """A table that is read some rows at a time."""

    @property
    def rows(self) -> int:
        """How many rows there are."""

    @property
    def size(self) -> int:
        """The bytes of all rows as they are written."""

    def sample(self, most: int, seed: int) -> Sample:
        """Return so many rows, each as likely, in their order; all where there are no more.

        Raises:
            DataError: if they are no rows of a table.
        """

    def rest(self, numbers: Integers, seed: int) -> Iterator[pd.DataFrame]:
        """Yield all rows but those of these numbers (n,), rising, part by part.

        Raises:
            DataError: if some are no rows of a table.
        """


def shuffled(spans: Sequence[Any], seed: int) -> list[Any]:
    """Return spans in random order."""
    return [spans[place] for place in np.random.default_rng(seed).permutation(len(spans))]


def within(numbers: Integers, first: int, rows: int) -> Integers:
    """Return those of rising numbers that name one of so many rows from the first on."""
    return numbers[np.searchsorted(numbers, first) : np.searchsorted(numbers, first + rows)]


# --- text ------------------------------------------------------------------------------------------------------------


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


# --- typed columns ---------------------------------------------------------------------------------------------------


class LargeParquet:
    """A file of Parquet, whose groups of rows are read one by one."""

    def __init__(self, path: Path) -> None:
        """Look at what a file says of itself.

        Raises:
            NotATable: if it is damaged.
            ImportError: if pyarrow is not installed.
        """
        import pyarrow.parquet  # a CSV reader need not pay for it

        self._path = path
        try:
            self._file = pyarrow.parquet.ParquetFile(path)
            about = self._file.metadata
            self._spans: list[tuple[int, int, int]] = []  # group, first row, rows
            first = 0
            for group in range(about.num_row_groups):
                self._spans.append((group, first, int(about.row_group(group).num_rows)))
                first += self._spans[-1][2]
            self._size = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
        except Exception as error:  # as of `reading._read_parquet`
            raise NotATable(path, "the Parquet file is damaged") from error
        check_names(self._file.schema_arrow.names, path)
        self._names = [name for name in self._file.schema_arrow.names if not name.startswith("__index_level_")]

    @property
    def rows(self) -> int:
        """How many rows it says that it has."""
        return sum(rows for _, _, rows in self._spans)

    @property
    def size(self) -> int:
        """The bytes that its columns take unpacked, as it says."""
        return max(int(self._size), self._path.stat().st_size)

    def sample(self, most: int, seed: int) -> Sample:
        """Return some rows: see `LargeTable`."""
        numbers = drawn(self.rows, most, seed)
        found = [
            part.iloc[within(numbers, first, len(part)) - first]
            for first, part in self._parts(self._spans)
            if len(within(numbers, first, len(part)))
        ]
        if not found:
            raise EmptyTable(self._path, "it has a header but no rows")
        table = checked(pd.concat(found, ignore_index=True), self._path)
        table.attrs[FOLDER] = str(self._path.parent)
        return Sample(table, numbers)

    def rest(self, numbers: Integers, seed: int) -> Iterator[pd.DataFrame]:
        """Yield all other rows: see `LargeTable`."""
        for first, part in self._parts(shuffled(self._spans, seed)):
            yield _others(part, within(numbers, first, len(part)) - first)

    def _parts(self, spans: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, pd.DataFrame]]:
        """Yield the number of the first row and the rows of each part."""
        for group, first, _ in spans:
            given = first
            try:
                for batch in self._file.iter_batches(PART_ROWS, [group], use_threads=False):
                    part = batch.select(self._names).to_pandas(ignore_metadata=True)  # an index is a column like others
                    yield given, part
                    given += len(part)
            except MemoryError:
                raise
            except Exception as error:  # as of `reading._read_parquet`
                raise NotATable(self._path, "the Parquet file is damaged") from error


class LargeFrame:
    """A pandas frame, which memory does hold, but not what is made of it."""

    def __init__(self, frame: pd.DataFrame) -> None:
        """Take a frame as it is.

        Raises:
            DataError: if it has no rows or columns, or two columns of one name.
        """
        self._table = checked(as_table(frame), "The data frame")

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self._table)

    @property
    def size(self) -> int:
        """The bytes of its cells, of texts as pointers."""
        return int(self._table.memory_usage(index=False, deep=False).sum())

    def sample(self, most: int, seed: int) -> Sample:
        """Return some rows: see `LargeTable`."""
        numbers = drawn(self.rows, most, seed)
        return Sample(self._table.iloc[numbers].reset_index(drop=True), numbers)

    def rest(self, numbers: Integers, seed: int) -> Iterator[pd.DataFrame]:
        """Yield all other rows: see `LargeTable`."""
        for first in shuffled(range(0, self.rows, PART_ROWS), seed):
            part = self._table.iloc[first : first + PART_ROWS]
            yield _others(part, within(numbers, first, len(part)) - first)


def _others(part: pd.DataFrame, places: NDArray[np.int64]) -> pd.DataFrame:
    """Return a part without the rows at these places."""
    kept = np.ones(len(part), np.bool_)
    kept[places] = False
    return part.iloc[np.flatnonzero(kept)].reset_index(drop=True)
