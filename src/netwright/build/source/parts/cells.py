"""Single cells of a table: what counts as missing, and what number, word, truth value or moment a cell stands for."""

from __future__ import annotations

import datetime
import math
import numbers
import re
import unicodedata
from typing import Any

import numpy as np

MISSING = frozenset(
    [
        "",
        "na",
        "n/a",
        "#n/a",
        "#n/a n/a",
        "#na",
        "nan",
        "-nan",
        "1.#ind",
        "-1.#ind",
        "1.#qnan",
        "-1.#qnan",
        "null",
        "<na>",
        "nat",
        "?",
        "#null!",
        "#div/0!",
        "#value!",
        "#ref!",
    ]
)
WHOLE = re.compile(r"(-?\d+)\.0+")


def is_missing(cell: Any) -> bool:
    """Return whether a cell holds nothing."""
    if cell is None:
        return True
    if isinstance(cell, str):
        text = cell.strip()
        return text == "None" or text.lower() in MISSING
    return isinstance(cell, float | np.floating | np.datetime64) and bool(cell != cell)


# --- numbers ----------------------------------------------------------------------------------------------------------

CODES = (
    r"USD|EUR|GBP|JPY|CNY|RMB|CHF|INR|KRW|BRL|CAD|AUD|NZD|MXN|SEK|NOK|DKK|PLN|CZK|HUF|RUB|TRY|ZAR|SGD|HKD|TWD|THB|IDR|ILS|AED|SAR"
    r"|US\$|R\$|kr\.?|zł|Kč|Ft|Rs\.?|元|円|원"
)
MONEY = re.compile(rf"^(?:{CODES})\s*(?=[\d.,+-])|(?<=\d)\s*(?:{CODES})$")
GROUPS = {".": ",'\u00a0\u202f\u2009 ", ",": ".'\u00a0\u202f\u2009 "}
GROUPED = {
    ".": re.compile(
        r"(?!0)\d{1,3}([,'\u00a0\u202f\u2009 ])\d{3}(?:\1\d{3})*(?:\.\d*)?|(?!0)\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d*)?"
    ),
    ",": re.compile(r"(?!0)\d{1,3}([.'\u00a0\u202f\u2009 ])\d{3}(?:\1\d{3})*(?:,\d*)?"),
}
PLAIN = {
    ".": re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"),
    ",": re.compile(r"(?:\d+(?:,\d*)?|,\d+)(?:[eE][+-]?\d+)?"),
}
SIGNS = str.maketrans("\u2212\u2013\uff0d\uff0b\u2019\u066b\u066c\uff0e\uff0c\uff05\u066a", "---+'.'.,%%")


def read_number(cell: Any, mark: str = ".") -> float:
    """Return the number that a cell stands for; NaN if it is missing, infinite or none.

    Thousands separators, currency signs and codes, a percent sign (12 % is 12), brackets for negative numbers are read.

    Args:
        cell: a text or a number.
        mark: the decimal mark of numbers that are text.
    """
    if isinstance(cell, numbers.Real | np.bool_):
        value = float(cell)
        return value if math.isfinite(value) else math.nan
    if not isinstance(cell, str):
        return math.nan
    sign, body = bare(cell)
    if GROUPED[mark].fullmatch(body):
        body = body.translate(dict.fromkeys(map(ord, GROUPS[mark])))
    elif not PLAIN[mark].fullmatch(body):
        return math.nan
    value = sign * float(body.replace(",", "."))
    return value if math.isfinite(value) else math.nan


def bare(text: str) -> tuple[float, str]:
    """Return the sign of a number and its digits and marks, without what money and percent bring along."""
    body = text.strip().translate(SIGNS)
    sign = 1.0
    if body.startswith("(") and body.endswith(")"):
        sign, body = -1.0, body[1:-1].strip()
    for _ in range(2):  # a sign may stand before or behind the currency
        if body[:1] in ("+", "-") and body[1:2] not in ("+", "-"):
            sign *= -1.0 if body[0] == "-" else 1.0
            body = body[1:].lstrip()
        if body and not (body[0].isdigit() and body[-1].isdigit()):
            body = without_currency(body)
    return sign, body


def without_currency(body: str) -> str:
    """Return a number without a currency or a percent sign around it."""
    if unicodedata.category(body[0]) == "Sc":
        body = body[1:].lstrip()
    if body and (body[-1] == "%" or unicodedata.category(body[-1]) == "Sc"):
        body = body[:-1].rstrip()
    return MONEY.sub("", body).strip()


# --- truth values -----------------------------------------------------------------------------------------------------

TRUE = frozenset(
    ["true", "yes", "y", "t", "on", "ja", "oui", "vrai", "wahr", "sí", "да", "是", "真", "はい", "예", "نعم"]
)
FALSE = frozenset(
    ["false", "no", "n", "f", "off", "nein", "non", "faux", "falsch", "нет", "否", "假", "いいえ", "아니요", "لا"]
)


def read_truth(cell: Any) -> float:
    """Return 1 for true, 0 for false, NaN for anything else, from words, numbers and booleans."""
    word = cell.strip().lower() if isinstance(cell, str) else ""
    if word in TRUE or word in FALSE:
        return float(word in TRUE)
    value = read_number(cell)
    return value if value in (0.0, 1.0) else math.nan


# --- words ------------------------------------------------------------------------------------------------------------


def read_word(cell: Any) -> str | None:
    """Return a cell as the text of a category or of words; None if it is missing.

    Numbers lose a fraction of zero, so that 3, 3.0 and "3.0" are one category.
    """
    if is_missing(cell):
        return None
    if isinstance(cell, bool | np.bool_):
        return "true" if cell else "false"
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return str(int(cell))
    text = str(cell).strip()
    whole = WHOLE.fullmatch(text)
    if whole:
        return whole[1]
    return text.lower() if text in ("True", "False", "TRUE", "FALSE") else text


def read_code(cell: Any, width: int) -> str | None:
    """Return a cell as a code of so many digits, with the zeros in front that it lost if it was read as a number."""
    word = read_word(cell)
    return word.zfill(width) if word and word.isdecimal() else word


# --- moments ----------------------------------------------------------------------------------------------------------

MINUTE = r":(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
HALF = r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
TIME = rf"(?:(?:T|,?\s+)(?P<hour>\d{{1,2}})(?:{MINUTE})?{HALF}\s*(?:Z|UTC|GMT|[+-]\d{{2}}:?\d{{2}}|[+-]\d{{2}})?)?"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = r"(?P<name>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6})\.?"
ORDERS = {
    "year first": re.compile(
        r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})(?:\s*[-/.月]\s*(?P<day>\d{1,2})?日?|월)?" + TIME
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
NO_MOMENT = np.datetime64("NaT", "s")


def read_moment(cell: Any, order: str) -> np.datetime64:
    """Return the moment that a cell stands for, to the second, without its time zone; NaT if it is none.

    Args:
        cell: a text, a `datetime`, a number, or None.
        order: one of `ORDERS` or `EPOCHS`; a date that is written year first is read in any order.
    """
    if isinstance(cell, datetime.datetime):
        return np.datetime64(cell.replace(tzinfo=None), "s")
    if isinstance(cell, datetime.date):
        return np.datetime64(cell, "s")
    if isinstance(cell, np.datetime64):
        return cell.astype("datetime64[s]")
    text = read_word(cell) if not isinstance(cell, str) else cell.strip()
    if text is None:
        return NO_MOMENT
    found = read_exactly(text, order)
    return read_exactly(text, "year first") if np.isnat(found) and order != "year first" else found


def read_exactly(text: str, order: str) -> np.datetime64:
    """Return the moment that a text stands for in one order; NaT if it is none."""
    if order in EPOCHS:
        return since_epoch(text, EPOCHS[order])
    match = ORDERS[order].fullmatch(text) if len(text) <= 100 else None  # longer runs of blanks would take long
    if match is None:
        return NO_MOMENT
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
        return np.datetime64(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}", "s")
    except ValueError:
        return NO_MOMENT


def since_epoch(text: str, unit: float) -> np.datetime64:
    """Return the moment that a count since 1970 stands for, in seconds of its unit."""
    try:
        seconds = float(text) * unit
    except ValueError:
        return NO_MOMENT
    return np.datetime64(math.floor(seconds), "s") if abs(seconds) < 1e11 else NO_MOMENT
