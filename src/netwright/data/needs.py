"""What a table takes of memory and time, told before it is read, and how one is read that takes too much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from netwright.data.blocks import BLOCK
from netwright.data.large import LargeFrame, LargeParquet, LargeTable
from netwright.data.large_text import LargeText
from netwright.data.packed import most_unpacked, opened_text, opener_of
from netwright.data.reading import is_json, usable_file
from netwright.errors import MissingExtra, TooLargeForMemory

TIMES = {"text": 10.0, "json": 24.0, "excel": 60.0, "parquet": 16.0}
"""Bytes at the peak of a run that holds all rows, for each of the file, beside those of `ROW`. Of text, copies while
it is cut, its cells and their features: a CSV of 60 MB and 456,000 rows took 796 MB beyond what the process had. The
others are guesses: of JSON, a Python object for each cell; the last two are packed."""
FRAME_TIMES = 5.0  # of a frame, beside the frame itself: a guess too
ROW = 700.0  # bytes of a row whatever its cells: folds, orders, answers of the kept trials

LARGEST = 2**40  # bytes of a file that is read piece by piece
MOST_AGAIN = 2  # times what memory holds now, for a run that goes on: a forged record may name any number

PREPARED = 100e6  # bytes, counted as by `needed`, that two slow cores read, understand and encode a second
PREPARED_SHARE = 0.4  # of the time, that may go by until the first network trains
PREPARED_IN_ANY_CASE = 600e6  # bytes

HELD_TIMES = 10.0  # of the bytes of a row that is held: as above, but for what all rows have
JUDGED_SHARE = 0.3  # of the room, for the rows that are held
ANSWER = 300.0  # bytes of each class of a row that is judged: kept answers, and what is made of them
MOST_JUDGED, FEWEST_JUDGED = 200_000, 500


def needed(source: Any, room: float) -> float:
    """Return about how many bytes a run takes that holds all rows of a source; infinite as soon as it is over the room.

    Args:
        source: a path to a table, or a pandas frame; for anything else 0.
        room: bytes that are there.

    Raises:
        DataError: if there is no such file.
    """
    if isinstance(source, pd.DataFrame):
        return FRAME_TIMES * float(source.memory_usage(index=False, deep=False).sum()) + ROW * len(source)
    if not isinstance(source, str | Path) or not Path(source).is_file():
        return 0.0
    path = usable_file(Path(source), LARGEST)
    try:
        form, size = _form_of(path), path.stat().st_size
        packed = form in ("json", "text") and opener_of(path) is not None
    except OSError:  # whoever reads it says what is wrong with it
        return 0.0
    if form in ("excel", "parquet"):
        return TIMES[form] * size
    with opened_text(path) as file:
        head = file.read(BLOCK)
        each = TIMES[form] + ROW * head.count(b"\n") / max(1, len(head))  # for a byte, by how long its lines are
        if not packed or each * most_unpacked(path) <= room:
            return each * (most_unpacked(path) if packed else size)
        unpacked = len(head)  # nobody knows what it holds before
        while each * unpacked <= room and (piece := file.read(BLOCK)):
            unpacked += len(piece)
    return each * unpacked if each * unpacked <= room else float("inf")


def preparable(left: float) -> float:
    """Return about how many bytes, counted as by `needed`, there is time to prepare; left: seconds."""
    return max(PREPARED_IN_ANY_CASE, PREPARED * PREPARED_SHARE * left)


def large_table(source: Any, room: float) -> LargeTable:
    """Return a source that is over the room as a table that is read some rows at a time.

    Raises:
        DataError: if it is no table.
        TooLargeForMemory: if it is of a form that cannot be read so.
        MissingExtra: if it is Parquet, and pyarrow is not installed.
    """
    if isinstance(source, pd.DataFrame):
        return LargeFrame(source)
    path = Path(source)
    form = _form_of(path)
    if form == "excel":
        raise TooLargeForMemory(path, TIMES[form] * path.stat().st_size, room)
    if form == "parquet":
        try:
            return LargeParquet(path)
        except ImportError as error:
            raise MissingExtra("pyarrow", "parquet") from error
    return LargeText(path)


def judged_rows(table: LargeTable, room: float, classes: int) -> int:
    """Return how many rows of a large table can be held, to be judged on and learnt from.

    Args:
        table: of which they are.
        room: bytes that are there for everything.
        classes: of the target; 1 for a number, or where nobody knows yet.
    """
    each = HELD_TIMES * table.size / max(1, table.rows) + ROW + ANSWER * classes
    return max(FEWEST_JUDGED, min(MOST_JUDGED, int(JUDGED_SHARE * room / each)))


def _form_of(path: Path) -> str:
    """Return what a file is by its first bytes: parquet, excel, json or text."""
    with path.open("rb") as file:
        head = file.read(64)
    if head[:4] == b"PAR1":
        return "parquet"
    if head[:4] == b"PK\x03\x04":
        return "excel"
    return "json" if is_json(path, head) else "text"
