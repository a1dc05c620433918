"""Rows that belong together: copies of one thing, or what a column says, such as the person that a row is of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def united(groups: Integers, one: Integers, two: Integers) -> Integers:
    """Return the groups with those of each pair made one: all take the lowest number that they are tied to.

    Args:
        groups: (N,) for each row the place of the first row of its group.
        one: (P,) first rows of pairs.
        two: (P,) second rows of pairs.
    """
    while True:
        low = np.minimum(groups[one], groups[two])
        changed = groups.copy()
        np.minimum.at(changed, groups[one], low)
        np.minimum.at(changed, groups[two], low)
        changed = changed[changed]
        if np.array_equal(changed, groups):
            return groups
        groups = changed


def kept_together(groups: Integers, cells: pd.Series) -> Integers:
    """Return the groups (N,) with those made one that share a cell (N,); a missing cell ties nothing."""
    codes, _ = pd.factorize(cells)
    known = np.flatnonzero(codes >= 0)
    tied = united(_first_of(groups), known[_first_of(codes[known])], known)
    return np.unique(tied, return_inverse=True)[1].astype(np.int64)


def _first_of(numbers: NDArray[Any]) -> Integers:
    """Return for each row (N,) the place of the first row that has its number."""
    _, first, member = np.unique(numbers, return_index=True, return_inverse=True)
    return np.asarray(first[member], np.int64)
