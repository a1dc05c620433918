"""More rows like those there are, for a teacher to label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.features import Features


def swapped(features: Features, share: float, generator: np.random.Generator) -> Features:
    """Return rows (N) in which each number has, with probability `share`, the value that another row has there.

    Columns keep their values and rows most of what ties their columns together, in the manner of MUNGE (Bucila, Caruana
    and Niculescu-Mizil 2006, Model compression, section 3), with a random row in the place of the nearest.
    """
    other = features.rows(generator.permutation(len(features)))

    def mixed(own: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
        return np.where(generator.random(own.shape) < share, others, own)

    return _each(mixed, features, other)


def joined(first: Features, second: Features) -> Features:
    """Return the rows of both, one after the other."""
    return _each(lambda one, other: np.concatenate([one, other]), first, second)


def _each(combine: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]], one: Features, other: Features) -> Features:
    return Features(
        combine(one.numeric, other.numeric),
        combine(one.plain, other.plain),
        combine(one.categories, other.categories),
    )
