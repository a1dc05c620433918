"""A linear chain over the tags of rows that follow each other, in numpy: see `build.torch_chain`.

Letters in shapes: M network, B row, N stretch that goes on at a place, K tag.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.stretches import edges_of

Array = NDArray[Any]


def marginals(scores: Array, transitions: Array, positions: Array) -> Array:
    """Return the logarithms of the marginals (M, B, K) of rows, each given all of its stretch.

    Args:
        scores: (M, B, K) of tags.
        transitions: (M, K, K) of pairs of neighbouring tags, the first before the second.
        positions: (B,) of the rows, the same for all networks: see `data.stretches`.
    """
    if not len(positions):
        return scores
    steps = _steps(positions)
    onward, back = np.exp(transitions), np.exp(transitions.swapaxes(1, 2))
    forward, backward = scores.copy(), np.zeros_like(scores)
    for before, rows in pairwise(steps):
        forward[:, rows] += _through(forward[:, before[: len(rows)]], onward)
    for before, rows in reversed([*pairwise(steps)]):
        backward[:, before[: len(rows)]] = _through(scores[:, rows] + backward[:, rows], back)
    both = forward + backward
    both -= both.max(axis=2, keepdims=True)
    return np.asarray(both - np.log(np.exp(both).sum(axis=2, keepdims=True)))


def _steps(positions: Array) -> list[Array]:
    """Return at each place the rows (N,) that stretches have there, the longest stretches first."""
    edges = edges_of(positions)
    lengths = np.diff(edges)
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = edges[order], lengths[order]
    return [starts[: np.count_nonzero(lengths > place)] + place for place in range(int(lengths[0]))]


def _through(message: Array, powers: Array) -> Array:
    """(M, N, K) → (M, N, K), less a number that is common to all tags."""
    return np.asarray(np.log(np.exp(message - message.max(axis=2, keepdims=True)) @ powers))
