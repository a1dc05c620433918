"""Reads numbers as people write them: with thousands, money, per cent, and brackets for what is below zero."""

import math
import re
import unicodedata

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


def number(cell: str, mark: str) -> float:
    """Return a number written with this decimal mark; NaN if it is none, or infinite."""
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
