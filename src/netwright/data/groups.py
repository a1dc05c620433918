"""Rows that belong together: copies of one thing, or what a column says, such as the person that a row is of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.cells import read_word
from netwright.data.findings import Finding
from netwright.data.schema import Target

FEW_GROUPS = 5
LARGEST_SHARE = 0.125  # of all rows that a group of near copies may have
LARGEST_OF_CLASS = 0.25  # of the rows of one class

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


def first_rows(groups: Integers) -> Integers:
    """Return for each row (N,) the place of the first row of its group."""
    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    return np.asarray(first[member], np.int64)


def of_wide_groups(groups: Integers, truth: NDArray[Any]) -> Integers:
    """Return the rows, rising, of groups that are too large to be of one thing: they are what all rows show.

    Such a group has more than `LARGEST_SHARE` of all rows, or `LARGEST_OF_CLASS` of those of its class.

    Args:
        groups: (N,) of near copies, numbers from 0 to N; those of one group have one truth.
        truth: (N,) class numbers or values.
    """
    sizes = np.bincount(groups, minlength=len(groups))[groups]
    of_class = np.unique(truth, return_inverse=True, return_counts=True)
    alike = of_class[2][of_class[1]] if truth.dtype.kind in "iu" else np.full(len(groups), len(groups))
    most = np.minimum(LARGEST_SHARE * len(groups), LARGEST_OF_CLASS * alike)
    return np.flatnonzero(sizes > np.maximum(2.0, most))


def check_near(count: int, noun: str) -> list[Finding]:
    """Return what is told where so many rows, such as images, are nearly the same as others."""
    if not count:
        return []
    what = f"1 {noun} is nearly the same as another" if count == 1 else f"{count} {noun}s are nearly the same as others"
    kept = "such are kept together in one fold, so that nothing is judged on what it learnt."
    return [Finding("near_duplicates", None, f"{what}; {kept}")]


def kept_together(groups: Integers, cells: pd.Series[Any]) -> Integers:
    """Return the groups (N,) that a column says: rows whose cells are equal as words share one.

    A row whose cell is missing stays in the group that it has. Of the others the column alone decides: rows of two
    people may be equal, and are still of two people.

    Args:
        groups: (N,) that rows have without the column.
        cells: (N,) what it says.
    """
    codes, _ = pd.factorize(np.array(group_words(cells), object))
    own = np.where(codes >= 0, codes, groups + len(groups))
    return np.unique(own, return_inverse=True)[1].astype(np.int64)


def group_words(cells: pd.Series[Any]) -> list[str | None]:
    """Return what cells of a column of groups say (N,), None where one is missing.

    3, 3.0 and "3" say the same: of a table that is read in pieces, those without a gap hold integers, others floats.
    """
    return [read_word(cell) for cell in cells.tolist()]


def check_groups(groups: Integers, truth: NDArray[Any], target: Target) -> list[Finding]:
    """Return what makes groups a poor base of an estimate: few of them, or classes that lie in one each.

    Args:
        groups: (N,) of rows.
        truth: (N,) class numbers or values.
        target: what they are of.
    """
    findings = []
    count = int(groups.max()) + 1
    if count < FEW_GROUPS:
        text = f"There are only {count} groups of rows, so the estimate hangs on what each of them is like."
        findings.append(Finding("few_groups", None, text))
    alone = [repr(label) for place, label in enumerate(target.labels) if len({*groups[truth == place].tolist()}) == 1]
    if alone:
        text = (
            f"All rows of {', '.join(alone[:10])} lie in one group: no network that learnt of them is judged on them."
        )
        findings.append(Finding("class_in_one_group", None, text))
    return findings
