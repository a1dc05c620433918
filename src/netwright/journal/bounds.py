"""How much of a record is read: one that was forged may promise more than any run writes.

A page of a forged tree can be named as its own child many times, so that a small file holds rows without end; cells can
share the pages that they lie in, so that each is as large as the file. So neither time nor memory follow from the size.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping
from typing import Any

LARGEST_CELL = 64 * 2**20  # bytes; 100,000 columns are described in a fifth of it
LARGEST_ANSWER = 512 * 2**20  # bytes of all rows of an answer, as Python holds them
MOST_VALUES = 16_000_000  # of JSON in all rows of an answer: each takes up to a hundred bytes once it is parsed
STEPS = 1_000  # of SQLite's machine between two looks at how many there were
MOST_LOOKS = 500_000
FEW_LOOKS = 5_000  # where a record has already been found to have no end: it is asked a dozen things

Row = tuple[Any, ...]


class PassedBound(sqlite3.DataError):
    """A record holds more than is read."""


def fetch(
    connection: sqlite3.Connection, statement: str, values: Mapping[str, Any], *, patient: bool = True
) -> list[Row]:
    """Return the rows of an answer, all of them in bounded time and memory.

    Args:
        connection: to a record that is not trusted.
        statement: what is asked.
        values: of its parameters.
        patient: whether no answer of the record has taken too long before: then this one may take `MOST_LOOKS`.

    Raises:
        sqlite3.Error: as SQLite does; `PassedBound` where there is more than is read.
    """
    looks, most = 0, MOST_LOOKS if patient else FEW_LOOKS

    def enough() -> bool:
        nonlocal looks
        looks += 1
        return looks > most

    before = connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_CELL)
    connection.set_progress_handler(enough, STEPS)
    try:
        return _within(connection.execute(statement, values))
    except sqlite3.OperationalError as error:
        if looks > most:
            raise PassedBound("it takes too long to be read") from error
        raise
    finally:
        connection.set_progress_handler(None, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, before)


def _within(cursor: sqlite3.Cursor) -> list[Row]:
    rows, size, values = [], 0, 0
    for row in cursor:
        size += sum(map(sys.getsizeof, row))
        values += sum(map(_values, row))
        if size > LARGEST_ANSWER or values > MOST_VALUES:
            raise PassedBound("it is too large to be read")
        rows.append(row)
    return rows


def _values(cell: Any) -> int:
    """Return how many values a text holds at the most, if it is JSON."""
    return sum(map(cell.count, ",[{")) if isinstance(cell, str) else 0
