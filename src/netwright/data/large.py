"""Tables that are not held in memory: some of their rows at random, and then all others, part by part.

Where a form allows it, parts come in random order, so that the first of them stand for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.blocks import (
    Integers,
    drawn,
)
from netwright.data.reading import FOLDER, as_table, check_names, checked
from netwright.errors import DataError, EmptyTable, NotATable

PART_ROWS = 16_384  # of a table of typed columns that come together
PART_BYTES = 2**26  # that the texts of these may take


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


class LargeParquet:
    """A file of Parquet, whose groups of rows are read one by one."""

    def __init__(self, path: Path) -> None:
        """Look at what a file says of itself.

        Raises:
            NotATable: if it is damaged, or takes far more than its size tells.
            ImportError: if pyarrow is not installed.
        """
        from netwright.data.parquet import open_parquet, rows_within, texts_of  # a CSV reader need not pay for it

        self._path = path
        try:
            self._file = open_parquet(path)
            texts = texts_of(path, self._file)
            about = self._file.metadata
            self._spans: list[tuple[int, int, int]] = []  # group, first row, rows
            first = 0
            for group in range(about.num_row_groups):
                self._spans.append((group, first, int(about.row_group(group).num_rows)))
                first += self._spans[-1][2]
            self._size = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
            self._size += texts.total
            self._part = rows_within(texts, PART_ROWS, PART_BYTES)
        except (DataError, MemoryError):
            raise
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
        """The bytes that its columns take unpacked, as it says, and what its texts take once they are read."""
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
                for batch in self._file.iter_batches(self._part, [group], use_threads=False):
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
