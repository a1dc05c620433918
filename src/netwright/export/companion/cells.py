"""Reads numbers, dates and words as people write them, for the model.onnx beside this file. It needs numpy."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING = {"", "na", "n/a", "#n/a", "#na", "nan", "-nan", "null", "<na>", "nat", "?", "#null!", "#div/0!", "#value!"}
TRUE, FALSE = {"true", "yes", "y", "t", "on", "1", "1.0"}, {"false", "no", "n", "f", "off", "0", "0.0"}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ORDERS = {"year first": (0, 1, 2), "day first": (2, 1, 0), "month first": (2, 0, 1)}
EPOCHS = {"epoch seconds": 1, "epoch milliseconds": 1e-3, "epoch microseconds": 1e-6, "epoch nanoseconds": 1e-9}


def number(cell: str, mark: str) -> float:
    """Return a number written with this decimal mark; NaN if it is none."""
    digits = re.sub(r"[^0-9eE+.\-,]", "", cell).replace("." if mark == "," else ",", "").replace(",", ".")
    try:
        return float(digits)
    except ValueError:
        return np.nan


def moment(cell: str, order: str) -> int:
    """Return a date in one of the orders of people as seconds since 1970; the least number of all if it is none."""
    try:
        if order in EPOCHS:
            return int(np.floor(float(cell) * EPOCHS[order]))
        digits = [int(one) for one in re.findall(r"\d+", cell)]
        if order == "month named":
            month = 1 + next(place for place, name in enumerate(MONTHS) if name in cell.lower())
            year, day = (digits[0], 1) if digits[0] > 31 else (digits[1], digits[0])
            date, clock = [year, month, day], digits[2:]
        elif order == "time of day":
            date, clock = [1970, 1, 1], digits
        elif order in ("compact", "year alone"):
            date, clock = [int(cell[:4]), int(cell[4:6] or 1), int(cell[6:8] or 1)], []
        else:
            day = [1] if order == "year first" and len(digits) == 2 else []
            date, clock = [[*digits, *day][place] for place in ORDERS[order]], digits[3:]
        year, (hour, minute, second) = date[0], [*clock, 0, 0, 0][:3]
        year += 0 if year > 99 else 1900 if year > 68 else 2000
        if half := re.search(r"([ap])\.?m", cell.lower()):
            hour = hour % 12 + 12 * (half[1] == "p")
        text = f"{year:04}-{date[1]:02}-{date[2]:02}T{hour:02}:{minute:02}:{second:02}"
        return int(np.datetime64(text, "s").astype(np.int64))
    except (ValueError, IndexError, StopIteration):
        return np.iinfo(np.int64).min


def word(cell: str, width: str) -> str:
    """Return a category as the model knows it: whole numbers without a fraction, codes with their zeros."""
    text = re.sub(r"^(-?\d+)\.0+$", r"\1", cell.lower() if cell.lower() in ("true", "false") else cell)
    return text.zfill(int(width)) if width and text.isdecimal() else text


def present(cell: str) -> str:
    """Return a cell without spaces around it, empty where it says that it is missing."""
    text = cell.strip()
    return "" if text == "None" or text.lower() in MISSING else text


def fed(cells: list[str], kind: str, form: str) -> NDArray[Any]:
    """Return the cells of a column of a kind as the graph takes them."""
    if kind == "categorical":
        return np.array([[word(cell, form)] for cell in cells], object)
    if kind == "datetime":
        return np.array([[moment(cell, form)] for cell in cells], np.int64)
    if kind == "boolean":
        return np.array([[1.0 if c.lower() in TRUE else 0.0 if c.lower() in FALSE else np.nan] for c in cells])
    return np.array([[number(cell, form or ".")] for cell in cells])
