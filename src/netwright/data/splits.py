"""Folds for cross-validation: classes evenly spread, and rows that are one thing never parted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.frame import Frame
from netwright.data.schema import Outcome

ALWAYS_LEARNT = -1  # the fold of rows that every network learns from, so that nobody is judged on them

BINS = 10  # of a number to predict: each fold sees low, middle and high values alike

DISPUTED = 0.05  # share of the repeated rows from which on equal rows are no copies, since their truths differ

Integers = NDArray[np.int64]


def thing_groups(frame: Frame, truth: NDArray[Any]) -> Integers:
    """Return a number for each row (N,): rows that are copies of one thing share one, and stay in one fold.

    Copies agree in everything, in the truth too. Where columns have few values, rows can be equal by chance: then
    truths differ among equal rows, new rows will repeat these as well, and to hold all of them out would judge by a
    harder problem than the one at hand. So where more than `DISPUTED` of the repeated rows have an equal with another
    truth, each row is a thing of its own.

    Args:
        frame: the cells of all rows.
        truth: (N,) class numbers or values.
    """
    groups = row_groups(frame)
    return np.arange(len(groups), dtype=np.int64) if disputed(groups, truth) else parted_by_truth(groups, truth)


def parted_by_truth(groups: Integers, truth: NDArray[Any]) -> Integers:
    """Return a number for each row (N,), from 0 in the order of first rows: rows share it that share group and truth.

    Args:
        groups: (N,) numbers from 0 to N.
        truth: (N,) class numbers or values.
    """
    copies, _ = pd.factorize(groups * (len(groups) + 1) + pd.factorize(truth)[0])
    return np.asarray(copies, np.int64)


def disputed(groups: Integers, truth: NDArray[Any]) -> bool:
    """Return whether more than `DISPUTED` of the rows that share a group share it with a row of another truth.

    Args:
        groups: (N,) numbers from 0 to N.
        truth: (N,) class numbers or values.
    """
    copies = parted_by_truth(groups, truth)
    sizes, agreeing = np.bincount(groups)[groups], np.bincount(copies)[copies]
    repeated = sizes > 1
    return bool(repeated.any() and (agreeing < sizes)[repeated].mean() > DISPUTED)


def row_groups(frame: Frame) -> Integers:
    """Return a number for each row (N,), from 0 in the order of first rows; rows whose cells are all equal share one.

    Exact, not by hashes of rows: two rows that differ never share a number. Missing cells are equal to each other, and
    0.0 is -0.0. It stops as soon as all rows are told apart, which most tables need few columns for.
    """
    if not frame.columns:
        return np.arange(frame.rows, dtype=np.int64)
    groups, count = np.zeros(frame.rows, np.int64), 1
    for cells in frame.columns.values():
        codes, values = pd.factorize(cells, use_na_sentinel=True)  # missing: -1
        groups, distinct = pd.factorize(groups * (len(values) + 1) + codes + 1)  # below N · (N + 1): no overflow
        count = len(distinct)
        if count == frame.rows:
            break
    return np.asarray(groups, np.int64)


def split_folds(target: NDArray[Any], groups: Integers, *, folds: int, outcome: Outcome, seed: int) -> Integers:
    """Return the fold of each row (N,), 0 to folds - 1.

    Groups are dealt out class by class (a number to predict is cut into `BINS` classes by its quantiles), the largest
    first and else in random order, each to the fold that has the fewest rows of that class, then the fewest rows at
    all. So no fold is empty; and where every row is a group of its own, the folds differ by at most one row, in all and
    in each class. A class with fewer groups than folds is missing from some folds: it is learnt from the others.

    Args:
        target: (N,) class numbers or values, all known.
        groups: (N,) rows with one number stay together; their class is that of the first of them.
        folds: at least 1, and at most the number of groups.
        outcome: what the target is.
        seed: of the order.

    Raises:
        ValueError: if there are not so many groups.
    """
    names, first, member, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    if not 1 <= folds <= len(names):
        raise ValueError(f"1 <= folds <= number of groups must hold, but got {folds} folds and {len(names)} groups")
    classes = (_binned(target) if outcome == Outcome.REGRESSION else target.astype(np.int64))[first]
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.lexsort((-sizes[order], classes[order]))]
    fold_of_group = np.empty(len(names), np.int64)
    totals = np.zeros(folds, np.int64)
    ends = np.flatnonzero(np.diff(classes[order])) + 1
    for of_class in np.split(order, ends):
        fold_of_group[of_class] = _deal(sizes[of_class], totals)
        totals += np.bincount(fold_of_group[of_class], weights=sizes[of_class], minlength=folds).astype(np.int64)
    return np.asarray(fold_of_group[member])


def held_out(folds: Integers) -> Integers:
    """Return folds (N,) of which the first alone is held out: the rows of the others are always learnt from."""
    return np.where(folds == 0, folds, ALWAYS_LEARNT)


def _deal(sizes: Integers, totals: Integers) -> Integers:
    """Return the fold of each group (G,) of one class.

    Args:
        sizes: (G,) rows of each group, falling.
        totals: rows that each fold has of other classes.
    """
    many = int(np.searchsorted(-sizes, -1))  # groups of more than one row
    dealt = np.empty(len(sizes), np.int64)
    own = np.zeros(len(totals), np.int64)
    for place in range(many):
        dealt[place] = fold = int(np.lexsort((totals + own, own))[0])
        own[fold] += sizes[place]
    dealt[many:] = np.repeat(np.arange(len(totals)), _levelled(own, totals, len(sizes) - many))
    return dealt


def _levelled(own: Integers, totals: Integers, rows: int) -> Integers:
    """Return how many single rows each fold gets, as if one after another went to the fold with the fewest."""
    level = int(own.min())
    while np.maximum(level + 1 - own, 0).sum() <= rows:
        short = own <= level  # these rise together, to the next fold above them or as far as the rows go
        above = own[~short]
        rise = (rows - int(np.maximum(level - own, 0).sum())) // int(short.sum())
        level = min(level + rise, int(above.min())) if len(above) else level + rise
    given = np.maximum(level - own, 0)
    order = np.lexsort((totals + own + given, own + given))
    given[order[: rows - int(given.sum())]] += 1
    return given


def _binned(values: NDArray[np.float64]) -> Integers:
    """Return the tenth that each value (N,) belongs to, 0 to `BINS` - 1; equal values belong to one."""
    ranks = np.searchsorted(np.sort(values), values, side="left")
    return np.asarray(ranks * BINS // len(values), np.int64)
