"""The first sheet of an Excel workbook as columns of cells, within limits that a small hostile file would pass.

A workbook is a zip: a few kB may unpack to gigabytes, and a single cell may say that it stands in row 10¹² or column
16,384. So sizes are looked at before anything is unpacked, and rows and cells are counted while they are read.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

MOST_ROWS = 2**20  # of a sheet: so has it Excel
MOST_CELLS = 30_000_000  # with the empty ones between others
MOST_TIMES = 200  # what the parts may unpack to, of the size of the file: XML of numbers takes ten to thirty
SMALL = 2**26  # bytes that any workbook may unpack to


class Oversized(Exception):
    """A workbook passes a limit; its text says which, as the end of a sentence."""


def first_sheet(path: Path) -> list[list[Any]]:
    """Return the columns of the first sheet as lists of cells; rows and columns without a value are left out.

    Values are texts, numbers (whole ones as int), truth values, moments or None.

    Raises:
        Oversized: if it passes a limit.
        Exception: whatever openpyxl meets in a damaged one.
    """
    _check_parts(path)
    book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a file says of its size need not be true
        return _columns([*_filled(sheet.iter_rows(values_only=True))])
    finally:
        book.close()


def _check_parts(path: Path) -> None:
    """See that the parts unpack to a bounded size; no reader of zips gives out more of a part than it says.

    Raises:
        Oversized: if not.
    """
    with zipfile.ZipFile(path) as file:
        unpacked = sum(part.file_size for part in file.infolist())
    if unpacked > max(SMALL, MOST_TIMES * path.stat().st_size):
        raise Oversized(f"its parts unpack to {unpacked / 2**20:,.0f} MiB, more than a workbook of its size holds")


def _columns(rows: list[list[Any]]) -> list[list[Any]]:
    filled = sorted({place for row in rows for place, value in enumerate(row) if value is not None})
    _check_cells(len(filled) * len(rows))
    return [[row[place] if place < len(row) else None for row in rows] for place in filled]


def _check_cells(cells: int) -> None:
    if cells > MOST_CELLS:
        raise Oversized(f"it has more than {MOST_CELLS:,} cells; save it as CSV or Parquet")


def _filled(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[Any]]:
    """Yield rows that hold a value, each cut behind its last one."""
    cells = 0
    for place, row in enumerate(rows):
        if place == MOST_ROWS:
            raise Oversized(f"it has more than {MOST_ROWS:,} rows")
        width = max((column for column, value in enumerate(row, 1) if value is not None and value != ""), default=0)
        if not width:
            continue
        cells += width
        _check_cells(cells)
        yield [_value(value) for value in row[:width]]


def _value(value: Any) -> Any:
    """Return a value as it is meant: Excel keeps whole numbers as fractions."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None if value == "" else value
