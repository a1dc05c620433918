"""A chain over the tags of rows that follow each other, as Keras learns it: what is minimised, and the pairs of tags.

Letters in shapes: B row, E member that shares weights, M network of the stack, K tag, R piece, L row of a piece.
"""

from __future__ import annotations

from collections.abc import Callable

from netwright.build.backend import keras
from netwright.build.keras_layers import GIVEN, Array, Value

PIECE = 32
"""Rows over which a chain goes while it is learnt: one that is longer is learnt in pieces. Each row is a step that is
written out, since TensorFlow takes a hundred times as long for a step of a loop."""


class Pairs(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Holds the scores of pairs of neighbouring tags, for the loss; scores of tags go through as they are."""

    def __init__(self, transitions: Array) -> None:
        """Begin with transitions (M, E, K, K), the first tag before the second."""
        super().__init__(name="pairs")
        self.transitions = self.add_weight(shape=transitions.shape, initializer=GIVEN, name="transitions")
        self.transitions.assign(transitions)

    def call(self, scores: Value) -> Value:
        """Return the scores (B, E, M, K)."""
        return scores


def chain_loss_of(pairs: Pairs, tags: int) -> Callable[[Value, Value], Value]:
    """Return the negative log-likelihood of what was wanted (B, K + M + 1), by scores (B, E, M, K) of tags.

    It is summed over the networks; that of one is a mean over its members and over those rows that count for it. Of
    what was wanted the last number is 1 where a row goes on with the one before it, else 0.

    Args:
        pairs: holds the scores of pairs of tags.
        tags: K.
    """

    def loss(wanted: Value, found: Value) -> Value:
        ops = keras.ops
        scores, wanted = _in_pieces(found, wanted.shape[0]), _in_pieces(wanted, wanted.shape[0])
        aims, counted, goes_on = wanted[..., :tags], wanted[..., tags:-1], wanted[..., -1:]
        transitions = ops.transpose(ops.convert_to_tensor(pairs.transitions), (1, 0, 2, 3))  # (E, M, K, K)
        partition = _partition(scores, transitions, counted, goes_on)  # (E, M)
        own = ops.sum(aims[:, :, None, None] * scores, axis=-1)  # (R, L, E, M)
        own = ops.sum(own * counted[:, :, None], axis=(0, 1))
        both = (counted * goes_on)[:, 1:]
        expected = ops.einsum("rlm,rli,rlj->mij", both, aims[:, :-1], aims[:, 1:])
        own = own + ops.sum(expected * transitions, axis=(2, 3))
        rows = ops.maximum(ops.sum(counted, axis=(0, 1)), 1.0)  # (M,)
        return ops.sum(ops.mean(partition - own, axis=0) / rows)

    return loss


def _in_pieces(value: Value, rows: int) -> Value:
    """(B, ...) → (R, L, ...), with rows of zeros behind the last."""
    pieces = -(-rows // PIECE)
    widths = [(0, pieces * PIECE - rows), *((0, 0) for _ in value.shape[1:])]
    return keras.ops.reshape(keras.ops.pad(value, widths), (pieces, PIECE, *value.shape[1:]))


def _partition(scores: Value, transitions: Value, counted: Value, goes_on: Value) -> Value:
    """Return log Z (E, M) of all stretches that count, those of the pieces together.

    Args:
        scores: (R, L, E, M, K) of tags.
        transitions: (E, M, K, K) of pairs.
        counted: (R, L, M) 1 where a row counts for a network, else 0.
        goes_on: (R, L, 1) 1 where a row goes on with the one before it, else 0.
    """
    ops = keras.ops
    message, total = scores[:, 0], 0.0  # (R, E, M, K)
    for place in range(1, PIECE):
        on = goes_on[:, place, None]  # (R, 1, 1)
        ended = counted[:, place - 1, None] * (1.0 - on)  # (R, 1, M)
        total = total + ops.sum(ops.logsumexp(message, axis=-1) * ended, axis=0)
        through = ops.logsumexp(message[..., None] + transitions, axis=-2)
        message = scores[:, place] + through * on[..., None]
    last = counted[:, -1, None]
    return total + ops.sum(ops.logsumexp(message, axis=-1) * last, axis=0)
