"""Rows that follow each other in a sequence, such as the tokens of a sentence: told by one number a row.

Whether a row goes on with the one before it is seen by its position alone, wherever rows are parted, taken or mixed:
its position is one more. What remains of a sequence once rows were taken out of it are the stretches in between.
Letters in shapes: N row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

POSITIONS = "positions"
"""The name of positions among the columns of a frame (N,), and among features (N, 1)."""

Numbers = NDArray[np.int64]


def positions_of(sequences: NDArray[Any]) -> Numbers:
    """Return the positions (N,) of rows, by the numbers of their sequences (N,), which lie one behind the other.

    >>> positions_of(np.array([7, 7, 7, 9, 9])).tolist()
    [0, 1, 2, 4, 5]
    """
    return np.arange(len(sequences)) + np.cumsum(_differ(sequences))


def begins(positions: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether each row (N,) begins a stretch.

    >>> begins(np.array([0, 1, 2, 4, 6, 7])).tolist()
    [True, False, False, True, True, False]
    """
    return np.concatenate([np.ones(min(1, len(positions)), np.bool_), np.diff(positions) != 1])


def stretches(positions: NDArray[Any]) -> Numbers:
    """Return the number of the stretch of each row (N,), from 0."""
    return np.cumsum(begins(positions)) - 1


def edges_of(positions: NDArray[Any]) -> Numbers:
    """Return where stretches begin, and the number of rows behind the last of them."""
    return np.append(np.flatnonzero(begins(positions)), len(positions))


def blocks(positions: NDArray[Any], most: int) -> Iterator[slice]:
    """Yield rows some at a time, `most` of them or fewer, but for a longer stretch: no stretch is parted.

    >>> list(blocks(np.array([0, 1, 2, 4, 6, 7]), 4))
    [slice(0, 4, None), slice(4, 6, None)]
    """
    edges = edges_of(positions).tolist()
    start = 0
    for end, after in zip(edges[1:], [*edges[2:], None], strict=False):
        if after is None or after - start > most:
            yield slice(start, end)
            start = end


def alike(positions: NDArray[Any], most: int) -> Iterator[Numbers]:
    """Yield the rows of stretches of similar lengths, the longest first: little is wasted where they are laid in step.

    As many stretches are taken together as have room, the longest of them times their number, in `most` rows; one at
    least.
    """
    edges = edges_of(positions)
    lengths = np.diff(edges)
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        end = start + max(1, most // int(lengths[order[start]]))
        yield np.concatenate([np.arange(edges[one], edges[one + 1]) for one in np.sort(order[start:end])])
        start = end


def _differ(sequences: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether each row is of another sequence than the one before it; the first is not."""
    return np.concatenate([np.zeros(min(1, len(sequences)), np.bool_), sequences[1:] != sequences[:-1]])
