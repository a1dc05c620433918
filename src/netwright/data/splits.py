"""Folds for cross-validation: classes evenly spread, and rows that are one thing never parted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.frame import Frame
from netwright.data.schema import Outcome

BINS = 10  # of a number to predict: each fold sees low, middle and high values alike


def row_groups(frame: Frame) -> NDArray[np.int64]:
    """Return a number for each row (N,); rows whose cells are all equal share one."""
    if not frame.columns:
        return np.arange(frame.rows)
    mixed = np.zeros(frame.rows, np.uint64)
    for cells in frame.columns.values():
        plain = (
            np.array(["\0" if cell is None else cell for cell in cells], dtype=object)
            if cells.dtype == object
            else cells
        )
        with np.errstate(over="ignore"):
            mixed = mixed * np.uint64(1_099_511_628_211) + pd.util.hash_array(plain)
    return np.unique(mixed, return_inverse=True)[1].astype(np.int64)


def split_folds(
    target: NDArray[Any], groups: NDArray[np.int64], *, folds: int, outcome: Outcome, seed: int
) -> NDArray[np.int64]:
    """Return the fold of each row (N,), 0 to folds - 1.

    Groups are dealt out one after another, in random order but class by class (a number to predict is cut into `BINS`
    classes by its quantiles), each to the fold that has the fewest rows of that class, then the fewest rows at all.

    Args:
        target: (N,) class numbers or values.
        groups: (N,) rows with one number stay together; their class is that of the first of them.
        folds: at least 2, and at most the number of groups.
        outcome: what the target is.
        seed: of the order.
    """
    classes = _binned(target) if outcome == Outcome.REGRESSION else target.astype(np.int64)
    _, first, member, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(first))
    order = order[np.lexsort((np.arange(len(order)), -sizes[order], classes[first][order]))]
    fold_of_group = np.empty(len(first), np.int64)
    totals = np.zeros(folds, np.int64)
    of_class = np.zeros(folds, np.int64)
    current = -1
    for group in order:
        if classes[first[group]] != current:
            current, of_class = int(classes[first[group]]), np.zeros(folds, np.int64)
        fold = min(range(folds), key=lambda i: (of_class[i], totals[i]))
        fold_of_group[group] = fold
        of_class[fold] += sizes[group]
        totals[fold] += sizes[group]
    return fold_of_group[member]


def _binned(values: NDArray[np.float64]) -> NDArray[np.int64]:
    edges = np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])
    return np.searchsorted(edges, values, side="right").astype(np.int64)
