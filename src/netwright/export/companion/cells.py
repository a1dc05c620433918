"""Reads cells as people write them, for the model.onnx beside this file. It needs numpy."""

import re
from typing import Any

import moments
import numerals
import numpy as np
from numpy.typing import NDArray

MISSING = {
    *("", "na", "n/a", "#n/a", "#n/a n/a", "#na", "nan", "-nan", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
    *("null", "<na>", "nat", "?", "#null!", "#div/0!", "#value!", "#ref!"),
}
TRUE = {"true", "yes", "y", "t", "on", "ja", "oui", "vrai", "wahr", "sí", "да", "是", "真", "はい", "예", "نعم"}
FALSE = {"false", "no", "n", "f", "off", "nein", "non", "faux", "falsch", "нет", "否", "假", "いいえ", "아니요", "لا"}


def present(cell: str) -> str:
    """Return a cell without spaces around it, empty where it says that it is missing."""
    text = cell.strip()
    return "" if text == "None" or text.lower() in MISSING else text


def word(cell: str, width: str = "") -> str:
    """Return a category as the model knows it: whole numbers without a fraction, codes with their zeros."""
    text = present(cell)
    text = re.sub(r"^(-?\d+)\.0+\Z", r"\1", text.lower() if text in ("True", "False", "TRUE", "FALSE") else text)
    return text.zfill(int(width)) if width and text.isdecimal() else text


def truth(cell: str) -> float:
    """Return 1 for true, 0 for false, NaN for anything else."""
    text = cell.strip().lower()
    value = float(text in TRUE) if text in TRUE | FALSE else numerals.number(cell, ".")
    return value if value in (0.0, 1.0) else np.nan


def fed(cells: list[str], kind: str, form: str) -> NDArray[Any]:
    """Return the cells of a column of a kind as the graph takes them."""
    if kind == "categorical":
        return np.array([[word(cell, form)] for cell in cells], object)
    if kind == "datetime":
        return np.array([[moments.moment(cell, form)] for cell in cells], np.int64)
    if kind == "boolean":
        return np.array([[truth(cell)] for cell in cells])
    return np.array([[numerals.number(cell, form or ".")] for cell in cells])
