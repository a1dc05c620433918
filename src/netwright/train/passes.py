"""In which order rows are learnt from that are not held in memory: without a list of them all."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

MOST_A_PART = 2**18  # rows that a network learns from between two checks
GOLDEN = (math.sqrt(5) - 1) / 2
SPREAD = 0.01  # how far the steps of passes lie apart


def parts_of(rows: int) -> int:
    """Return how many parts a pass over so many rows is made in."""
    return max(1, -(-rows // MOST_A_PART))


def in_turn(total: int, first: int, count: int, seed: int) -> NDArray[np.int64]:
    """Return `count` numbers of 0 to total - 1, from the place `first` on of a sequence without end.

    Every `total` of them are all numbers, once each. One pass goes from x to x + a, modulo the total, by a step a that
    has no divisor with it in common and is about the golden section of it: so numbers that follow each other lie evenly
    over all (Weyl 1916; Knuth, The Art of Computer Programming 3, 6.4, theorem S), and no list of them is needed.

    >>> sorted(in_turn(7, 7, 7, seed=0).tolist())
    [0, 1, 2, 3, 4, 5, 6]
    """
    found = []
    while count > 0:
        number, place = divmod(first, total)
        here = min(count, total - place)
        generator = np.random.default_rng((seed, number))
        step = max(1, int(total * (GOLDEN + SPREAD * generator.uniform(-1, 1))))
        while math.gcd(step, total) > 1:
            step += 1
        begin = int(generator.integers(total))
        found.append((begin + step * np.arange(place, place + here, dtype=np.int64)) % total)
        first, count = first + here, count - here
    return np.concatenate(found) if found else np.zeros(0, np.int64)
