"""Entities in the tags of tokens, as class numbers, and the most probable tags that mark some. Numpy alone.

In the scheme IOB2 class 0 is outside of all entities, 2k + 1 that of the first token of an entity of type k, and 2k + 2
that of each further one (see `data.tags`). Letters in shapes: N token, S sentence, K class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SLIGHT = 1e-6
"""The share of the chance of going on that counts for beginning. So where nothing else is likely, a tag that goes on
with nothing is read as one that begins, as the scorer of CoNLL-2000 reads it."""


def best_tags(chances: Array, first: Array) -> Array:
    """Return the tags (N,) of sentences that are the most probable together, of those that mark entities.

    An entity goes on only where one of its type is: of all ways through the tags that hold to it, that with the
    greatest product of chances is found (Viterbi 1967). Where the most probable tags of each token by itself hold to
    it, they are it; of equal chances the first class counts.

    Args:
        chances: (N, K) of each tag of each token.
        first: (N,) whether a token is the first of its sentence.
    """
    tags: Array = chances.argmax(axis=1)
    sentences = np.cumsum(first) - 1
    wrong = np.unique(sentences[_goes_on_with_nothing(tags, first)])
    if not len(wrong):
        return tags
    starts = np.append(np.flatnonzero(first), len(tags))
    lengths = np.diff(starts)
    order = wrong[np.argsort(-lengths[wrong], kind="stable")]  # the longest first: those that go on come first
    ways, steps = [], []
    score = _outside(len(order), chances.shape[1])
    for place in range(int(lengths[order[0]])):
        going = int((lengths[order] > place).sum())
        rows = starts[order[:going]] + place
        came, before = _best_before(score[:going])
        score[:going] = before + _logarithms(chances[rows])
        ways.append(came)
        steps.append(rows)
    chosen = score.argmax(axis=1)
    for came, rows in zip(reversed(ways), reversed(steps), strict=True):
        tags[rows] = chosen[: len(rows)]
        chosen[: len(rows)] = came[np.arange(len(rows)), chosen[: len(rows)]]
    return tags


def _goes_on_with_nothing(tags: Array, first: Array) -> Array:
    """Return whether each tag (N,) goes on with an entity that is not there."""
    inside = (tags % 2 == 0) & (tags > 0)
    before = np.concatenate([np.zeros(1, np.int64), tags[:-1]])[: len(tags)]
    return np.asarray(inside & (first | ((before != tags) & (before != tags - 1))))


def _outside(sentences: int, classes: int) -> Array:
    """Return the scores (S, K) in front of sentences, where no entity is."""
    score = np.full((sentences, classes), -np.inf)
    score[:, 0] = 0.0
    return score


def _logarithms(chances: Array) -> Array:
    """Return the logarithms of chances (S, K); see `SLIGHT`."""
    own = chances.astype(np.float64)
    inside = np.arange(2, own.shape[1], 2)
    own[:, inside - 1] += SLIGHT * own[:, inside]
    return np.log(np.maximum(own, np.finfo(np.float64).tiny))


def _best_before(score: Array) -> tuple[Array, Array]:
    """Return from which tag each one (S, K) is best come to, and with what score; by the scores (S, K) before."""
    came = np.repeat(score.argmax(axis=1)[:, None], score.shape[1], axis=1)
    inside = np.arange(2, score.shape[1], 2)
    came[:, inside] = np.where(score[:, inside - 1] >= score[:, inside], inside - 1, inside)
    return came, np.take_along_axis(score, came, axis=1)


def entity_counts(truth: Array, tags: Array, first: Array) -> tuple[Array, Array, Array]:
    """Return at the first token of each entity (N,): whether it was found, is predicted, and is true.

    A predicted entity counts as found where it begins, ends and is named as a true one is (CoNLL-2000).

    Args:
        truth: (N,) the true tags.
        tags: (N,) those predicted.
        first: (N,) whether a token is the first of its sentence, out of which no entity reaches.
    """
    own, said = _entities(truth, first), _entities(tags, first)
    found = (own == said).all(axis=1) & (own[:, 0] >= 0)
    return found.astype(np.float64), (said[:, 0] >= 0).astype(np.float64), (own[:, 0] >= 0).astype(np.float64)


def _entities(tags: Array, first: Array) -> Array:
    """Return the type and the last token (N, 2) of the entity that begins at each token; -1 where none does."""
    kinds = (tags - 1) // 2  # -1 outside
    before = np.concatenate([np.full(1, -1), kinds[:-1]])
    begins = (kinds >= 0) & ((tags % 2 == 1) | (kinds != before) | first)
    ends = (kinds >= 0) & np.concatenate([begins[1:] | (kinds[1:] != kinds[:-1]), np.ones(1, np.bool_)])
    found = np.full((len(tags), 2), -1)
    found[begins] = np.stack([kinds[begins], np.flatnonzero(ends)], axis=1)
    return found
