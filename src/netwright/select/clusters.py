"""Rows that were drawn in groups, such as the recordings of a person: a score is less sure than their number says."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.select.student import NORMAL, student

Array = NDArray[Any]

UNSEEN = 0.25  # of a group more that is all right or all wrong, beside those that tell how alike rows of a group are


def worth(influences: Array, groups: Array | None) -> float:
    """Return the share of as many rows, drawn one by one, that would make a score as sure as these rows do.

    It is (z/t)^2 / D, where D is Kish's design effect (1965, Survey Sampling): the variance of the score where groups
    are drawn, over that where rows are. The former is the cluster-robust one (Liang and Zeger 1986),
    G/(G - 1) sum_g (sum_{i in g} u_i)^2, and t is Student's for so many groups (Korn and Graubard 1998, who put the
    effective number of rows into intervals of shares).

    Without a mistake nothing tells how alike the rows of a group are: then D is what it is where they are all right or
    wrong together. This counts as `UNSEEN` groups beside the k groups that the variance comes of, with
    k = (sum_g s_g^2)^2 / sum_g s_g^4, so that a few mistakes do not make a score surer than none.

    Args:
        influences: u (N,), by how much each row moves the score; their sum is 0.
        groups: (N,) the group of each row; None where rows are drawn one by one.
    """
    if groups is None:
        return 1.0
    sums = _sums(influences, groups)
    effect = len(groups) / _equal_groups(groups)
    squares, alone = float(np.sum(sums**2)), float(np.sum(influences**2))
    if squares > 0:
        telling = squares**2 / float(np.sum(sums**4))
        seen = len(sums) / (len(sums) - 1) * squares / alone
        effect = (telling * seen + UNSEEN * effect) / (telling + UNSEEN)
    return (NORMAL / student(freedom(groups))) ** 2 / max(1.0, effect)


def values_of_groups(values: Array, groups: Array) -> Array:
    """Return values (G,) of groups whose mean is that of the rows' values (N,), and as sure.

    A group's value is  m + G/N sum_{i in g} (x_i - m):  so the standard error of their mean is the cluster-robust one.
    """
    mean = values.mean()
    sums = _sums(values - mean, groups)
    return np.asarray(mean + len(sums) / len(values) * sums)


def freedom(groups: Array) -> int:
    """Return the degrees of freedom of a variance between groups: those of as many groups of one size.

    Of unequal groups the variance is less sure (Carter, Schnepel and Steigerwald 2017).
    """
    return max(1, round(_equal_groups(groups)) - 1)


def _equal_groups(groups: Array) -> float:
    """Return how many groups of one size have the mean size, over rows, of these."""
    sizes = _sums(np.ones(len(groups)), groups)
    return float(len(groups) ** 2 / np.sum(sizes**2))


def _sums(values: Array, groups: Array) -> Array:
    """Return the sum of the values (N,) of each group (G,)."""
    return np.bincount(np.unique(groups, return_inverse=True)[1], weights=values)
