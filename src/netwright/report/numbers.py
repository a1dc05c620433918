"""Numbers and names as a person reads them."""

from __future__ import annotations

import math
import unicodedata

METRIC_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log-loss",
    "roc_auc": "area under the ROC curve",
    "rmse": "root mean squared error",
    "mae": "mean absolute error",
    "macro_f1": "macro-averaged F1",
    "entity_f1": "F1 of entities",
    "r2": "r²",
}
PERCENT = frozenset({"accuracy", "balanced_accuracy"})  # metrics that are shares of rows
_INVISIBLE = {"Mn", "Me", "Cf"}  # Unicode categories that take no column of a terminal


def metric_name(metric: str) -> str:
    """Return a metric in words.

    >>> metric_name("rmse")
    'root mean squared error'
    """
    return METRIC_NAMES.get(metric, metric)


def number(value: float | None) -> str:
    """Return a number with about four significant digits, thousands separated; a dash for none.

    >>> [number(x) for x in (0.97854, 12345.6, 3, 0.0123456, 0.0000123, float("nan"))]
    ['0.9785', '12,346', '3', '0.01235', '1.23e-05', '–']
    """
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    if size >= 1e12 or 0 < size < 1e-4:
        return f"{value:.2e}"
    if size >= 1000 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.{3 - math.floor(math.log10(size))}f}" if size >= 1e-3 else f"{value:.3g}"


def score(value: float | None, metric: str) -> str:
    """Return a score as it is usually given: shares of rows in percent, all others as numbers.

    >>> score(0.98347, "accuracy"), score(54.2544, "rmse")
    ('98.3 %', '54.25')
    """
    if metric not in PERCENT or value is None or not math.isfinite(value):
        return number(value)
    return f"{percent(value)} %"


def percent(share: float) -> str:
    """Return a share of 0 to 1 as a percentage: 100 only if it is all, and 0 only if it is nothing.

    >>> [percent(x) for x in (0.98347, 1, 0.9999, 0.00001, 0)]
    ['98.3', '100', '99.9', '0.1', '0']
    """
    return f"{100 * share:.0f}" if share in (0, 1) else f"{min(99.9, max(0.1, 100 * share)):.1f}"


def milliseconds(value: float) -> str:
    """Return a time in milliseconds, three digits of it.

    >>> milliseconds(0.8512), milliseconds(153.2)
    ('0.851 ms', '153 ms')
    """
    return f"{_three_digits(value)} ms"


def megabytes(size: float) -> str:
    """Return bytes in megabytes, three digits of it.

    >>> megabytes(204_900), megabytes(12_345_678)
    ('0.205 MB', '12.3 MB')
    """
    return f"{_three_digits(size / 1e6)} MB"


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def count(value: int, word: str) -> str:
    """Return a count with its word, in the plural where due.

    >>> count(1, "trial"), count(1200, "row")
    ('1 trial', '1,200 rows')
    """
    return f"{value:,} {word}{'' if value == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return seconds as a person says them.

    >>> [duration(x) for x in (0.84, 42.4, 185, 7380)]
    ['0.8 s', '42 s', '3 min 05 s', '2 h 03 min']
    """
    if not math.isfinite(seconds):
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60:,} h {minutes % 60:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def cells(text: str) -> int:
    """Return how many columns a text takes in a terminal: wide letters take two, marks upon letters none.

    >>> cells("漢字 e\u0301")
    6
    """
    return sum(map(_cells_of, text))


def _cells_of(letter: str) -> int:
    if unicodedata.category(letter) in _INVISIBLE:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def printable(text: str) -> str:
    """Return a text without letters that steer a terminal or turn the line around; a � stands for each.

    >>> printable("red" + chr(27) + "[31m")
    'red�[31m'
    """
    return "".join("�" if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") else letter for letter in text)


def shortened(text: str, width: int) -> str:
    """Return a text on one line, cut with an ellipsis where it takes more than so many columns of a terminal.

    >>> shortened("a very long name", 10), shortened("漢字漢字", 6)
    ('a very lo…', '漢字…')
    """
    text = printable(text[: 4 * width + 1])  # as much as could be seen, and no more is looked at
    if cells(text) <= width:
        return text
    kept, room = [], width - 1
    for letter in text:
        room -= _cells_of(letter)
        if room < 0:
            break
        kept.append(letter)
    return "".join(kept) + "…"


def fitted(text: str, width: int) -> str:
    """Return a text cut or filled with blanks to so many columns of a terminal.

    >>> fitted("漢字", 6) + "|"
    '漢字  |'
    """
    text = shortened(text, width)
    return text + " " * (width - cells(text))
