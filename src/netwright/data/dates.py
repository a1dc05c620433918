"""Dates and times in text, read in one order for a whole column.

Time zones are left aside: a moment is what the clock on the spot showed, which is what hours and weekdays depend on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.cell_texts import Texts
from netwright.data.cells import read_word
from netwright.data.columns import by_distinct

_MINUTE = r":(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
_HALF = r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
_CLOCK = rf"(?P<hour>\d{{1,2}}){_MINUTE}{_HALF}"
_TIME = rf"(?:(?:T|,?\s+)(?P<hour>\d{{1,2}})(?:{_MINUTE})?{_HALF}\s*(?:Z|UTC|GMT|[+-]\d{{2}}:?\d{{2}}|[+-]\d{{2}})?)?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAY = r"(?:[A-Za-z]{3,9},?\s+)?"
_NAME = r"(?P<name>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6})\.?"

ORDERS = {
    "year first": re.compile(
        r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})(?:\s*[-/.月]\s*(?P<day>\d{1,2})?日?|월)?" + _TIME
    ),
    "day first": re.compile(r"(?P<day>\d{1,2})[-/.](?P<month>\d{1,2})[-/.](?P<year>\d{4}|\d{2})" + _TIME),
    "month first": re.compile(r"(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})[-/.](?P<year>\d{4}|\d{2})" + _TIME),
    "month named": re.compile(
        rf"{_WEEKDAY}(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[- .]+)?{_NAME}"
        rf"(?:[- .]+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?=[-, ]))?[-, ]+(?P<year>\d{{4}}|\d{{2}}){_TIME}",
        re.IGNORECASE,
    ),
    "time of day": re.compile(_CLOCK),
    "compact": re.compile(r"(?P<year>(?:19|20)\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])"),
    "year alone": re.compile(r"(?P<year>\d{4})"),
}
"""The ways to write a date that are read, in the order in which they are tried; a time of day is on 1970-01-01."""

EPOCHS = {"epoch seconds": 1.0, "epoch milliseconds": 1e-3, "epoch microseconds": 1e-6, "epoch nanoseconds": 1e-9}
"""Counts since 1970, in seconds of their unit; for columns that the user calls dates only."""

LONGEST = 100  # letters of a date: a run of blanks in a longer text could be parted in very many ways

_STATED_ONLY = ("compact", "year alone")  # digits alone are more often a number
_GLANCE = 40  # cells that are looked at before all of them are
_NOT_A_TIME = np.datetime64("NaT", "s")
_CENTURY = 69  # two digits from here on are of the 1900s (POSIX)


def find_order(cells: Sequence[str], share: float, *, stated: bool = False) -> str | None:
    """Return the order by which most of the cells are dates, at least `share` of them; None if there is none.

    Where day or month may stand first in every cell, the day does.

    Args:
        cells: distinct texts.
        share: of the cells that must be dates, 0 to 1.
        stated: whether the user called them dates: eight digits, years and counts since 1970 are read only then.
    """
    cells = [cell for cell in cells if any(letter.isdecimal() for letter in cell)] if stated else cells
    if not cells:
        return None
    best, most = None, 0
    for order in ORDERS:
        if order in _STATED_ONLY and not stated:
            continue
        glance = _hits(cells[:_GLANCE], order)
        if glance < 0.5 * share * min(_GLANCE, len(cells)):
            continue
        hits = _hits(cells, order)
        if hits >= share * len(cells) and hits > most:
            best, most = order, hits
    return best or (_epoch(cells) if stated else None)


def is_ambiguous(cells: Sequence[str], order: str) -> bool:
    """Return whether the cells could be read with day and month the other way round just as well."""
    if order not in ("day first", "month first"):
        return False
    return _hits(cells, "day first") == _hits(cells, "month first")


def _hits(cells: Sequence[str], order: str) -> int:
    return sum(not np.isnat(_read_exactly(cell, order)) for cell in cells)


def _epoch(cells: Sequence[str]) -> str | None:
    """Return the unit in which numbers are moments between 1970 and 5138; None if they are not all numbers."""
    try:
        largest = max(abs(float(cell)) for cell in cells)
    except ValueError:
        return None
    return next((unit for unit, seconds in EPOCHS.items() if largest * seconds < 1e11), None)


def read_date(cell: str, order: str) -> np.datetime64:
    """Return the moment that a text stands for, to the second; NaT if it is none.

    >>> str(read_date("31/12/2024 5:30 pm", "day first"))
    '2024-12-31T17:30:00'
    """
    found = _read_exactly(cell, order)
    if np.isnat(found) and order != "year first":  # a typed column written to text has this order
        return _read_exactly(cell, "year first")
    return found


def _read_exactly(cell: str, order: str) -> np.datetime64:
    if order in EPOCHS:
        return _since_epoch(cell, EPOCHS[order])
    text = cell.strip()
    match = ORDERS[order].fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        return _NOT_A_TIME
    parts = match.groupdict()
    month = int(parts.get("month") or (_month(parts["name"]) if "name" in parts else 1))
    day = int(parts.get("day") or parts.get("day2") or 1)
    year = int(parts.get("year") or 1970)
    if len(parts.get("year") or "1970") == 2:
        year += 1900 if year >= _CENTURY else 2000
    hour, minute, second = (int(parts.get(unit) or 0) for unit in ("hour", "minute", "second"))
    if parts.get("half"):
        hour = hour % 12 + (12 if parts["half"][0] in "pP" else 0)
    try:
        return np.datetime64(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}", "s")
    except ValueError:
        return _NOT_A_TIME


def _month(name: str) -> int:
    return _MONTHS.index(name.casefold()[:3]) + 1  # an ſ is an s to the pattern above


def _since_epoch(cell: str, unit: float) -> np.datetime64:
    try:
        seconds = float(cell) * unit
    except ValueError:
        return _NOT_A_TIME
    return np.datetime64(int(np.floor(seconds)), "s") if abs(seconds) < 1e11 else _NOT_A_TIME


def read_dates(texts: Texts, order: str) -> NDArray[np.datetime64]:
    """Return the moments (N,) of texts, each distinct one read once."""
    moments = texts.moments() if order == "year first" else None
    if moments is not None:
        return moments
    return by_distinct(texts, lambda text: read_date(text, order), _NOT_A_TIME, "datetime64[s]")


def moments_of_numbers(values: NDArray[Any], order: str) -> NDArray[np.datetime64]:
    """Return the moments (N,) that typed numbers stand for: 20241231 in the order `compact`, counts since 1970."""
    distinct, codes = np.unique(values, return_inverse=True)
    words = (read_word(value) for value in distinct)
    moments = [_NOT_A_TIME if word is None else read_date(word, order) for word in words]
    return np.array(moments, dtype="datetime64[s]")[codes]
