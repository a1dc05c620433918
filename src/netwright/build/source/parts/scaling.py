"""Numbers made small and even."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

LARGEST = 1e150  # of any number: differences and squares of such are still finite
FURTHEST = 1e6  # of a scaled number: beyond it, its float32 is the limit of 3 anyway


@dataclass(frozen=True)
class Piece:
    """What comes of one column: numbers that are embedded, numbers taken as they are, numbers of categories."""

    numeric: Sequence[np.ndarray] = ()
    plain: Sequence[np.ndarray] = ()
    categories: Sequence[np.ndarray] = ()


def squashed(values: np.ndarray) -> np.ndarray:
    """Return z / √(1 + (z/3)²): nearly z around 0, within ±3 everywhere; 0 where z is not a number."""
    z = np.clip(values, -FURTHEST, FURTHEST)
    return known(z / np.sqrt(1 + np.square(z / 3)))


def known(values: np.ndarray) -> np.ndarray:
    """Return values with 0 in the place of NaN."""
    return np.nan_to_num(values.astype(np.float32), nan=0.0)


def scaled(values: np.ndarray, centre: float, factor: float) -> np.ndarray:
    """Return (x - centre) · factor, squashed; 0 where x is missing."""
    furthest = FURTHEST / factor if factor else LARGEST
    return squashed(np.clip(np.clip(values, -LARGEST, LARGEST) - centre, -furthest, furthest) * factor)


def flags(mask: Iterable[bool]) -> np.ndarray:
    """Return 1 where something is so, and 0 elsewhere."""
    return np.array([*mask], np.float32)
