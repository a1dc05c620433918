"""Reads dates and times as people write them, without their time zones. It needs numpy."""

import re

import numpy as np

MINUTE = r":(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
HALF = r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
TIME = rf"(?:(?:T|,?\s+)(?P<hour>\d{{1,2}})(?:{MINUTE})?{HALF}\s*(?:Z|UTC|GMT|[+-]\d{{2}}:?\d{{2}}|[+-]\d{{2}})?)?"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = rf"(?P<name>(?:{'|'.join(MONTHS)})[a-z]{{0,6}})\.?"
ORDERS = {
    "year first": re.compile(
        r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})(?:\s*[-/.月]\s*(?P<day>\d{1,2})?日?|月)?" + TIME
    ),
    "day first": re.compile(r"(?P<day>\d{1,2})[-/.](?P<month>\d{1,2})[-/.](?P<year>\d{4}|\d{2})" + TIME),
    "month first": re.compile(r"(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})[-/.](?P<year>\d{4}|\d{2})" + TIME),
    "month named": re.compile(
        rf"(?:[A-Za-z]{{3,9}},?\s+)?(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[- .]+)?{MONTH}"
        rf"(?:[- .]+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?=[-, ]))?[-, ]+(?P<year>\d{{4}}|\d{{2}}){TIME}",
        re.IGNORECASE,
    ),
    "time of day": re.compile(rf"(?P<hour>\d{{1,2}}){MINUTE}{HALF}"),
    "compact": re.compile(r"(?P<year>(?:19|20)\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])"),
    "year alone": re.compile(r"(?P<year>\d{4})"),
}
EPOCHS = {"epoch seconds": 1.0, "epoch milliseconds": 1e-3, "epoch microseconds": 1e-6, "epoch nanoseconds": 1e-9}
NONE = int(np.iinfo(np.int64).min)  # where there is no moment


def moment(cell: str, order: str) -> int:
    """Return a date as seconds since 1970, `NONE` if it is none; one written year first is read in any order."""
    text = cell.strip()
    found = since_epoch(text, EPOCHS[order]) if order in EPOCHS else exactly(text, order)
    return exactly(text, "year first") if found == NONE and order != "year first" else found


def exactly(text: str, order: str) -> int:
    """Return a date that is written in one order as seconds since 1970."""
    match = ORDERS[order].fullmatch(text)
    if match is None:
        return NONE
    parts = match.groupdict()
    month = int(parts.get("month") or (MONTHS.index(parts["name"].casefold()[:3]) + 1 if "name" in parts else 1))
    day = int(parts.get("day") or parts.get("day2") or 1)
    year = int(parts.get("year") or 1970)
    if len(parts.get("year") or "1970") == 2:
        year += 1900 if year >= 69 else 2000  # as POSIX has it
    hour, minute, second = (int(parts.get(unit) or 0) for unit in ("hour", "minute", "second"))
    if parts.get("half"):
        hour = hour % 12 + (12 if parts["half"][0] in "pP" else 0)
    try:
        date = np.datetime64(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}", "s")
    except ValueError:
        return NONE
    return int(date.astype(np.int64))


def since_epoch(text: str, unit: float) -> int:
    """Return a count since 1970 in seconds of its unit, as seconds."""
    try:
        seconds = float(text) * unit
    except ValueError:
        return NONE
    return int(np.floor(seconds)) if abs(seconds) < 1e11 else NONE
