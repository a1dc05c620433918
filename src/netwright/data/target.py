"""What a target asks for: one of two classes, one of several, or a number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from netwright.data.cells import is_missing, read_word
from netwright.data.findings import Finding
from netwright.data.parsing import decimal_mark, read_numbers
from netwright.data.schema import Label, Outcome, Target
from netwright.errors import ConstantTarget, NotANumber, TooFewRows, TooManyClasses, UnknownTask, WrongClassCount, nearest

FEWEST_ROWS = 10
MOST_CLASSES = 1_000
NUMBER_CLASSES = 20  # distinct whole numbers up to which they are classes, not amounts
ROWS_A_CLASS = 5  # rows per distinct whole number, at least, for it to be a class
TASKS = ("auto", "classification", "binary", "multiclass", "regression")


def infer_target(cells: pd.Series, task: str) -> tuple[Target, tuple[Finding, ...]]:
    """Return the target, and what was noticed in it.

    Texts and booleans are classes. Whole numbers are classes if there are at most `NUMBER_CLASSES` of them, each in
    `ROWS_A_CLASS` rows on average; with more, and with fractions, the target is a number. `task` overrules.

    Raises:
        DataError: if it is constant, missing, in too few rows, or does not fit the task.
        UnknownTask: if there is no such task.
    """
    name = str(cells.name)
    wanted = task.removeprefix("tabular_")
    if wanted not in TASKS:
        raise UnknownTask(task, TASKS, nearest(wanted, TASKS))
    words = [read_word(cell) for cell in pd.unique(cells.dropna()).tolist()]
    classes = sorted({word for word in words if word is not None})
    missing = int(cells.isna().sum() + cells.isin([cell for cell in pd.unique(cells.dropna()) if is_missing(cell)]).sum())
    if len(cells) - missing < FEWEST_ROWS:
        raise TooFewRows(name, len(cells) - missing, FEWEST_ROWS)
    if len(classes) < 2:
        raise ConstantTarget(name, classes[0])
    findings = [_missing_rows(name, missing)] if missing else []
    numbers = _distinct_numbers(cells, classes)
    outcome = _outcome(wanted, classes, numbers, len(cells) - missing, name, cells)
    if outcome == Outcome.REGRESSION:
        return Target(name, outcome, ()), (*findings, *_unread_numbers(cells, name))
    if len(classes) > MOST_CLASSES:
        raise TooManyClasses(name, len(classes), MOST_CLASSES)
    labels = _labels(cells, classes, numbers)
    return Target(name, outcome, labels), (*findings, *_rare(cells, name))


def _missing_rows(name: str, missing: int) -> Finding:
    return Finding("missing_target", name, f"{missing} rows have no value in the target {name!r}; they are left out.")


def _distinct_numbers(cells: pd.Series, classes: list[str]) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """Return the distinct values as numbers, if all of them are."""
    values = read_numbers(pd.Series(classes, dtype=object), decimal_mark(cells))
    return np.sort(values) if np.isfinite(values).all() else None


def _outcome(wanted: str, classes: list[str], numbers: Any, rows: int, name: str, cells: pd.Series) -> Outcome:
    if wanted == "regression":
        values = read_numbers(cells, decimal_mark(cells))
        if np.isfinite(values).sum() < max(FEWEST_ROWS, 0.5 * rows):
            raise NotANumber(name, next(word for word in classes if numbers is None or word))
        return Outcome.REGRESSION
    count = Outcome.BINARY if len(classes) == 2 else Outcome.MULTICLASS
    if wanted == "binary" and count != Outcome.BINARY:
        raise WrongClassCount(name, len(classes))
    if wanted != "auto" or numbers is None or len(classes) == 2:
        return Outcome.MULTICLASS if wanted == "multiclass" else count
    whole = bool((numbers == np.round(numbers)).all())
    few = len(classes) <= NUMBER_CLASSES and rows >= ROWS_A_CLASS * len(classes)
    return count if whole and few else Outcome.REGRESSION


def _unread_numbers(cells: pd.Series, name: str) -> tuple[Finding, ...]:
    values = read_numbers(cells, decimal_mark(cells))
    unread = int((~np.isfinite(values)).sum() - sum(is_missing(cell) for cell in cells))
    text = f"{unread} cells of the target {name!r} are not numbers; their rows are left out."
    return (Finding("mixed_types", name, text),) if unread > 0 else ()


def _labels(cells: pd.Series, classes: list[str], numbers: Any) -> tuple[Label, ...]:
    """Return the classes sorted, with the type that the user gave them."""
    kind = cells.dtype.kind
    if kind == "b":
        return (False, True)
    if kind in "iu":
        return tuple(sorted(int(word) for word in classes))
    if kind == "f":
        values = sorted(float(word) for word in classes)
        return tuple(values)
    if all(isinstance(cell, bool | np.bool_) for cell in cells.dropna()):
        return (False, True)
    if numbers is not None and len(set(numbers)) == len(classes):
        by_value = sorted(classes, key=lambda word: float(read_numbers(pd.Series([word], dtype=object), ".")[0]))
        whole = all(word.lstrip("-").isdigit() and str(int(word)) == word for word in classes)
        return tuple(int(word) for word in by_value) if whole else tuple(by_value)
    return tuple(classes)


def _rare(cells: pd.Series, name: str) -> tuple[Finding, ...]:
    counts = cells.value_counts()
    single = [str(label) for label, count in counts.items() if count == 1]
    if not single:
        return ()
    listed = ", ".join(repr(label) for label in single[:5]) + (" and more" if len(single) > 5 else "")
    text = (
        f"{len(single)} classes of {name!r} have one row only ({listed}); they are learnt from, but nothing can be said "
        "of how well."
    )
    return (Finding("rare_class", name, text),)
