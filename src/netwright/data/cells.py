"""Single cells: what counts as missing, and what number, truth value or text a cell stands for.

Each rule is one function of one cell; `columns` applies it to each distinct cell of a column.
"""

from __future__ import annotations

import math
import numbers
import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd

# As categories, "none" or "-" may well be an answer, so only spellings that never are one count there. Those
# that pandas reads as missing are all among them, or a CSV file and the frame that pandas makes of it would differ.
MISSING_EXACTLY = frozenset({"None"})
MISSING_WORDS = frozenset(
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
MISSING_NUMBERS = MISSING_WORDS | frozenset(
    ["none", "-", "--", "---", "–", "—", ".", "..", "...", "missing", "unknown", "nil"]
)
INFINITE_WORDS = frozenset(sign + word for sign in ("", "+", "-") for word in ("inf", "infinity", "\u221e"))

TRUE_WORDS = frozenset(
    ["true", "yes", "y", "t", "on", "ja", "oui", "vrai", "wahr", "sí", "да", "是", "真", "はい", "예", "نعم"]
)
FALSE_WORDS = frozenset(
    ["false", "no", "n", "f", "off", "nein", "non", "faux", "falsch", "нет", "否", "假", "いいえ", "아니요", "لا"]
)

LONGEST_NUMBER = 400  # letters: more than any float64 has digits
COMMA_SHARE = 0.05  # of the cells with a comma that must need it as decimal mark; fewer are slips of the pen

# Codes are listed, since any three letters before digits may as well be a part number.
_CODE = (
    r"USD|EUR|GBP|JPY|CNY|RMB|CHF|INR|KRW|BRL|CAD|AUD|NZD|MXN|SEK|NOK|DKK|PLN|CZK|HUF|RUB|TRY|ZAR|SGD|HKD|TWD|THB|IDR|ILS|AED|SAR"
    r"|US\$|R\$|kr\.?|zł|Kč|Ft|Rs\.?|元|円|원"
)
_MONEY = re.compile(rf"^(?:{_CODE})\s*(?=[\d.,+-])|(?<=\d)\s*(?:{_CODE})$")
_GROUPS = {".": ",'\u00a0\u202f\u2009 ", ",": ".'\u00a0\u202f\u2009 "}
_GROUPED = {
    ".": re.compile(
        r"(?!0)\d{1,3}([,'\u00a0\u202f\u2009 ])\d{3}(?:\1\d{3})*(?:\.\d*)?|(?!0)\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d*)?"
    ),
    ",": re.compile(r"(?!0)\d{1,3}([.'\u00a0\u202f\u2009 ])\d{3}(?:\1\d{3})*(?:,\d*)?"),
}
_PLAIN = {  # each text matches in one way only: else one of many digits would take the square of their number
    ".": re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"),
    ",": re.compile(r"(?:\d+(?:,\d*)?|,\d+)(?:[eE][+-]?\d+)?"),
}
# Signs as typographers and other scripts write them; digits of other scripts are read by `float` itself.
_SIGNS = str.maketrans("\u2212\u2013\uff0d\uff0b\u2019\u066b\u066c\uff0e\uff0c\uff05\u066a", "---+'.'.,%%")
_WHOLE = re.compile(r"(-?\d+)\.0+")
_POINTS_BETWEEN = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")
_DECIMAL_COMMA = re.compile(
    r"\d+,(?:\d{1,2}|\d{4,})|(?:0\d*)?,\d+|\d{1,3}(?:[.' \u00a0\u202f]\d{3})+,\d+|\d+,\d+[eE][+-]?\d+"
)


def is_missing(cell: Any, words: frozenset[str] = MISSING_WORDS) -> bool:
    """Return whether a cell holds nothing."""
    if isinstance(cell, str):
        text = cell.strip()
        return text in MISSING_EXACTLY or text.lower() in words
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return True
    return isinstance(cell, float | np.floating | np.datetime64 | np.timedelta64) and bool(cell != cell)


def uses_decimal_comma(cells: list[str]) -> bool:
    """Return whether numbers written like these use the comma as decimal mark: `1,5` does, `1,500` need not.

    So they do, or would, if all their points stand between thousands, and some cannot but do.

    >>> [uses_decimal_comma(cells) for cells in (["1,5", "2"], ["1,500", "2,300"], ["1,500", "2,3"], ["1,500.5"])]
    [True, False, True, False]
    >>> [uses_decimal_comma(cells) for cells in (["1.500.000", "2.000", "3"], ["1.500", "2.000"], ["1.500.000", "2.0"])]
    [True, False, False]
    """
    commas = [cell for cell in cells if "," in cell]
    if not commas and any(cell.count(".") > 1 for cell in cells):
        return all(_POINTS_BETWEEN.fullmatch(_bare(cell)[1]) for cell in cells if "." in cell)
    need = sum(bool(_DECIMAL_COMMA.fullmatch(_bare(cell)[1])) for cell in commas)
    return need > 0 and need >= COMMA_SHARE * len(commas)


def read_number(cell: Any, mark: str = ".") -> float:
    """Return the number that a cell stands for; NaN if it is missing, infinite or none.

    Thousands separators, currency signs and codes, a percent sign (12 % is 12), brackets for negative numbers are read.

    >>> [read_number(text) for text in ("1,234.5", "$ 12", "(3)", "12 %", "1e3", "many")]
    [1234.5, 12.0, -3.0, 12.0, 1000.0, nan]
    >>> read_number("1.234,5", ",")
    1234.5
    """
    if isinstance(cell, str):
        return _number_of_text(cell, mark)
    if isinstance(cell, numbers.Real | np.bool_):
        value = float(cell)
        return value if math.isfinite(value) else math.nan
    return math.nan if is_missing(cell) else _number_of_text(str(cell), mark)


def _number_of_text(text: str, mark: str) -> float:
    sign, body = _bare(text)
    if _GROUPED[mark].fullmatch(body):
        body = body.translate(dict.fromkeys(map(ord, _GROUPS[mark])))
    elif not _PLAIN[mark].fullmatch(body):
        return math.nan
    value = sign * float(body.replace(",", "."))
    return value if math.isfinite(value) else math.nan


def _bare(text: str) -> tuple[float, str]:
    """Return the sign of a number and its digits and marks, without what money and percent bring along.

    A text that is longer than any number is left as it is: to look for money at both its ends takes a second and more
    for some thousand articles.
    """
    sign, body = 1.0, text.strip()
    if len(body) > LONGEST_NUMBER:
        return sign, body
    body = body.translate(_SIGNS)
    if body.startswith("(") and body.endswith(")"):
        sign, body = -1.0, body[1:-1].strip()
    for _ in range(2):  # a sign may stand before or behind the currency
        if body[:1] in ("+", "-") and body[1:2] not in ("+", "-"):
            sign *= -1.0 if body[0] == "-" else 1.0
            body = body[1:].lstrip()
        if body and not (body[0].isdigit() and body[-1].isdigit()):
            body = _without_currency(body)
    return sign, body


def _without_currency(body: str) -> str:
    if unicodedata.category(body[0]) == "Sc":
        body = body[1:].lstrip()
    if body and (body[-1] == "%" or unicodedata.category(body[-1]) == "Sc"):
        body = body[:-1].rstrip()
    return _MONEY.sub("", body).strip()


def read_truth(cell: Any) -> float:
    """Return 1 for true, 0 for false, NaN for anything else, from words, numbers and booleans."""
    if isinstance(cell, str):
        word = cell.strip().lower()
        if word in TRUE_WORDS or word in FALSE_WORDS:
            return float(word in TRUE_WORDS)
    value = read_number(cell)
    return value if value in (0.0, 1.0) else math.nan


def read_word(cell: Any) -> str | None:
    """Return a cell as the text of a category or of words; None if it is missing.

    Numbers lose a fraction of zero, so that 3, 3.0 and "3.0" are one category.

    >>> [read_word(cell) for cell in (3, 3.0, " 3.0", "3.10", True, "TRUE", "NA", "none")]
    ['3', '3', '3', '3.10', 'true', 'true', None, 'none']
    """
    if is_missing(cell):
        return None
    if isinstance(cell, bool | np.bool_):
        return "true" if cell else "false"
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return str(int(cell))
    text = str(cell).strip()
    whole = _WHOLE.fullmatch(text)
    if whole:
        return whole[1]
    return text.lower() if text in ("True", "False", "TRUE", "FALSE") else text


def read_name(cell: Any) -> str | None:
    """Return a cell as `read_word` does, but for a text that says missing: a folder may be called so.

    >>> [read_name(cell) for cell in (3.0, "NA", "none", " ", None)]
    ['3', 'NA', 'none', None, None]
    """
    return read_word(cell) or (cell.strip() or None if isinstance(cell, str) else None)


def read_code(cell: Any, width: int) -> str | None:
    """Return a cell as a code of digits, with the zeros in front that it lost if it was once read as a number.

    >>> [read_code(cell, 5) for cell in ("01234", 1234.0, 98765)]
    ['01234', '01234', '98765']
    """
    word = read_word(cell)
    return word.zfill(width) if word and word.isdecimal() else word
