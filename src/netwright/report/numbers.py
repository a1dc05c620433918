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
    "r2": "r²",
}


def number(value: float) -> str:
    """Return a number with about four significant digits, thousands separated.

    >>> [number(x) for x in (0.97854, 12345.6, 3, 0.0000123)]
    ['0.9785', '12,346', '3', '1.23e-05']
    """
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    if size >= 1000 or float(value).is_integer():
        return f"{value:,.0f}"
    if size < 1e-3 and size > 0:
        return f"{value:.2e}"
    return f"{value:.{max(0, 3 - math.floor(math.log10(size))) if size >= 1 else 4}f}"


def count(value: int, word: str) -> str:
    """Return a count with its word, in the plural where due: `1 trial`, `3 trials`."""
    return f"{value:,} {word}{'' if value == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return seconds as `0.8 s`, `42 s` or `3 min 05 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def cells(text: str) -> int:
    """Return how many columns a text takes in a terminal: wide letters take two."""
    return sum(0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def fitted(text: str, width: int) -> str:
    """Return a text cut or filled with blanks to so many columns of a terminal."""
    if cells(text) > width:
        while cells(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - cells(text))
