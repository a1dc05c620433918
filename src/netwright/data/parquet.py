"""Files of Parquet: opened with a look at what they say of themselves; what their texts take, told before it is read.

A small file may hold a long text once, and ten million times its number. So texts are first read as numbers into a
dictionary, part by part, and the lengths of what these stand for are added up. It is imported by who reads such a file,
since pyarrow takes half a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from numpy.typing import NDArray

from netwright.data.packed import most_cells
from netwright.errors import NotATable
from netwright.errors.base import megabytes
from netwright.resources.memory import free_memory

PART_ROWS = 1_024  # whose texts are looked at together
FEW_ROWS = 1_024  # whose texts are not looked at: a page is no longer than 2 GiB
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)


@dataclass(frozen=True)
class Texts:
    """What the texts of a file take once they are read.

    Attributes:
        total: bytes of all.
        heaviest: of those in any `PART_ROWS` rows that begin at a multiple of that, at the most.
    """

    total: float
    heaviest: float


def open_parquet(path: Path) -> Any:
    """Return a file of Parquet (`pyarrow.parquet.ParquetFile`).

    Raises:
        NotATable: if it says that it has more cells than one of its size holds.
        Exception: whatever pyarrow meets in a damaged one.
    """
    file = pyarrow.parquet.ParquetFile(path)
    about = file.metadata
    groups = [about.row_group(number) for number in range(about.num_row_groups)]
    values = sum(group.column(place).num_values for group in groups for place in range(about.num_columns))  # in lists
    said = max(about.num_rows * about.num_columns, values)
    if not 0 <= said <= most_cells(path.stat().st_size):
        raise NotATable(path, f"it says that it has {said:,} cells, more than a file of its size holds")
    return file


def texts_of(path: Path, file: Any) -> Texts:
    """Return what the texts of an opened file take.

    Raises:
        NotATable: if that is more than there is.
        Exception: whatever pyarrow meets in a damaged one.
    """
    names = [field.name for field in file.schema_arrow if any(is_text(field.type) for is_text in _TEXTS)]
    if not names or file.metadata.num_rows <= FEW_ROWS:
        return Texts(0.0, 0.0)
    most, total, heaviest = free_memory(), 0.0, 0.0
    coded = pyarrow.parquet.ParquetFile(path, read_dictionary=sorted({*names} - _sharing(file.metadata)))
    for batch in coded.iter_batches(PART_ROWS, columns=names, use_threads=False):
        here = sum(float(_lengths(column).sum()) for column in batch.columns)
        total, heaviest = total + here, max(heaviest, here)
        if total > most:
            raise NotATable(path, f"its texts take more than the {megabytes(most)} of memory that are free")
    return Texts(total, heaviest)


def _sharing(about: Any) -> set[str]:
    """Return the columns whose texts begin as the one before: pyarrow cannot read these as numbers."""
    groups = (about.row_group(number) for number in range(about.num_row_groups))
    columns = (group.column(place) for group in groups for place in range(about.num_columns))
    return {column.path_in_schema for column in columns if "DELTA_BYTE_ARRAY" in column.encodings}


def rows_within(texts: Texts, rows: int, room: float) -> int:
    """Return how many of `rows` rows can be read together, so that their texts take no more than some bytes of room.

    Where few rows take more, it is as many as were looked at.
    """
    parts = max(1, int(room / max(texts.heaviest, 1.0)))
    return min(rows, parts * PART_ROWS)


def _lengths(texts: Any) -> NDArray[np.int64]:
    """Return the bytes of each text (N,) that is there."""
    if isinstance(texts, pa.DictionaryArray):
        each = _lengths(texts.dictionary)
        return np.asarray(each[texts.indices.drop_null().to_numpy()])
    return np.asarray(pc.binary_length(texts).fill_null(0).to_numpy(zero_copy_only=False), np.int64)
