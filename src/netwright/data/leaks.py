"""Columns that tell the target all by themselves: the target under another name, or what is known only after it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.findings import Finding
from netwright.data.frame import Frame
from netwright.data.schema import Outcome

MOST_ROWS = 4_000  # looked at
FEWEST_ROWS = 40
FEWEST_OTHERS = 15  # rows outside the largest class: with fewer, some of many columns fits by luck
MOST_CELLS = 4_000_000  # looked at in all columns together, so that wide tables take seconds too
ERRORS = 0.01  # share of wrong answers up to which a column leaks,
ERRORS_OF_PLAIN = 0.1  # if they are also this few of those that the largest class alone makes
R2 = 0.999  # of the ranks of a number, which no outlier spoils
MOST_CLASSES = 50  # told apart; rarer ones count as one

Array = NDArray[Any]


def find_leaks(frame: Frame, truth: Array, outcome: Outcome, rows: NDArray[np.int64]) -> tuple[Finding, ...]:
    """Return the columns each of which alone predicts the target nearly perfectly, on rows it was not learnt from.

    The predictor learns from one half of the rows and is judged on the other, and the other way round. It answers with
    the most frequent class, or the mean rank, of the rows that have the same value; between numbers by the nearest, or
    by interpolation. A missing cell is a value like another, since being missing may tell the target too.

    Args:
        frame: the cells.
        truth: (N,) class numbers or values, none missing.
        outcome: what the target is.
        rows: the rows that may be looked at, none the repeat of another.
    """
    generator = np.random.default_rng(0)  # a leak shows on any rows: these are always the same
    most = min(MOST_ROWS, max(400, MOST_CELLS // max(1, len(frame.columns))))
    rows = np.sort(generator.permutation(rows)[:most])
    if len(rows) < FEWEST_ROWS:
        return ()
    half = generator.random(len(rows)) < 0.5
    if outcome == Outcome.REGRESSION:
        ranks = _ranks(truth[rows])
        return tuple(
            _finding(name, f"r² {score:.4f}")
            for name, cells in frame.columns.items()
            if (score := _r2(_places(cells[rows]), ranks, half, cells.dtype == object)) >= R2
        )
    classes = _common(truth[rows])
    plain = 1 - float(np.bincount(classes).max() / len(classes))
    if plain * len(classes) < FEWEST_OTHERS:
        return ()
    most_errors = min(ERRORS, ERRORS_OF_PLAIN * plain)
    return tuple(
        _finding(name, f"accuracy {1 - errors:.3f}")
        for name, cells in frame.columns.items()
        if (errors := _errors(_places(cells[rows]), classes, half, cells.dtype == object)) <= most_errors
    )


def _finding(name: str, score: str) -> Finding:
    text = (
        f"Column {name!r} alone predicts the target almost perfectly ({score}). It is used; if it would not be known "
        "when predicting, leave it out of the data."
    )
    return Finding("leak", name, text)


def _places(cells: Array) -> NDArray[np.float64]:
    """Return cells as numbers (N,): themselves, or one for each text; missing ones far beyond all others.

    Enormous numbers are cut, so that there is a beyond.
    """
    if cells.dtype == object:
        known: dict[Any, int] = {}
        return np.array([known.setdefault(cell, len(known)) for cell in cells], np.float64)
    if cells.dtype.kind == "M":
        cells = np.where(np.isnat(cells), np.nan, cells.astype("datetime64[s]").astype(np.int64))
    cells = np.clip(cells, -1e300, 1e300)
    missing = np.isnan(cells)
    if not missing.any():
        return np.asarray(cells, np.float64)
    present = cells[~missing]
    low, high = (float(present.min()), float(present.max())) if len(present) else (0.0, 0.0)
    return np.where(missing, high + 10 * (high - low) + abs(high) + 1, cells)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean rank of each value (N,), 0 to 1."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray(((ends - (counts - 1) / 2) / len(values))[codes])


def _common(truth: Array) -> NDArray[np.int64]:
    """Return classes (N,) numbered from the most frequent, rare ones as one."""
    _, codes, counts = np.unique(truth, return_inverse=True, return_counts=True)
    order = np.empty(len(counts), np.int64)
    order[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.minimum(order[codes], MOST_CLASSES)


def _errors(places: Array, classes: NDArray[np.int64], half: NDArray[np.bool_], exact: bool) -> float:
    """Return the share of rows (N,) whose class the other half's most frequent one at the same place is not."""
    width, wrong = int(classes.max()) + 1, 0
    for learn in (half, ~half):
        known, codes = np.unique(places[learn], return_inverse=True)
        counts = np.bincount(codes * width + classes[learn], minlength=len(known) * width).reshape(-1, width)
        near = _nearest(known, places[~learn])
        usual = counts.argmax(axis=1)[near]
        if exact:
            usual = np.where(known[near] == places[~learn], usual, 0)  # class 0 is the most frequent
        wrong += int((usual != classes[~learn]).sum())
    return wrong / len(classes)


def _nearest(known: Array, places: Array) -> NDArray[np.int64]:
    right = np.clip(np.searchsorted(known, places), 0, len(known) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(places / 2 - known[left] / 2 < known[right] / 2 - places / 2, left, right)  # halves: no overflow


def _r2(places: Array, ranks: NDArray[np.float64], half: NDArray[np.bool_], exact: bool) -> float:
    """Return the share of the variance of ranks (N,) that the other half's mean ranks at or between places explain."""
    squares = 0.0
    for learn in (half, ~half):
        known, codes = np.unique(places[learn], return_inverse=True)
        means = np.bincount(codes, weights=ranks[learn]) / np.bincount(codes)
        if exact:
            near = _nearest(known, places[~learn])
            answers = np.where(known[near] == places[~learn], means[near], 0.5)
        else:
            answers = np.interp(places[~learn], known, means)
        squares += float(np.square(answers - ranks[~learn]).sum())
    return 1 - squares / max(float(ranks.var()) * len(ranks), 1e-300)
