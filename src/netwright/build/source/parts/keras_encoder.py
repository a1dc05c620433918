"""What an encoder of sentences that others have trained sees in texts. Nothing of it learns here.

Letters in shapes: B row, L piece, F width.
"""

from __future__ import annotations

import math

import numpy as np

from netwright.build.backend import keras, layers, ops
from netwright.build.source.parts.keras_tensors import Tensor

PIECES, POSITIONS = 30_522, 512  # that it knows, and that it can read of a text
WIDTH, HEADS, HIDDEN, LAYERS = 384, 12, 1_536, 6
EPSILON = 1e-12  # of the normalisation, as it was trained
LENGTH = 64  # pieces that are read here
LARGEST = 5.0  # that a scaled feature may be
FAR = -1e9  # a logit that takes no part


class Positions(layers.Layer):
    """Adds a vector to each place."""

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the vectors."""
        self.vectors = self.add_weight(shape=(POSITIONS, WIDTH), initializer="zeros", name="vectors")

    def call(self, hidden: Tensor) -> Tensor:
        """(B, L, F) → (B, L, F)."""
        return hidden + self.vectors[: hidden.shape[1]]


class Standardised(layers.Layer):
    """Features by their mean and deviation over the rows that were learnt from, within bounds."""

    def build(self, shape: tuple[int, ...]) -> None:
        """Make what was measured of features (B, F)."""
        self.middle = self.add_weight(shape=shape[1:], initializer="zeros", trainable=False, name="middle")
        self.spread = self.add_weight(shape=shape[1:], initializer="ones", trainable=False, name="spread")

    def call(self, features: Tensor) -> Tensor:
        """(B, F) → (B, F)."""
        return ops.clip((features - self.middle) / self.spread, -LARGEST, LARGEST)


def encoder() -> keras.Model:
    """Return the network from pieces (B, L) to the mean of their vectors (B, F), of length 1 and then standardised.

    See BERT (arXiv 1810.04805) and MiniLM (arXiv 2002.10957).
    """
    pieces = keras.Input((LENGTH,), dtype="int32", name="word_pieces")
    known = ops.expand_dims(ops.cast(pieces > 0, "float32"), 2)  # (B, L, 1)
    vectors = layers.Embedding(PIECES, WIDTH, embeddings_initializer="zeros", name="pieces")(pieces)
    hidden = normalised(Positions(name="positions")(vectors), "norm")  # (B, L, F)
    for place in range(LAYERS):
        hidden = layer(hidden, known, f"layer_{place}")
    mean = ops.sum(hidden * known, axis=1) / ops.maximum(ops.sum(known, axis=1), 1.0)
    length = ops.sqrt(ops.sum(ops.square(mean), axis=1, keepdims=True))
    features = Standardised(name="standardised")(mean / ops.maximum(length, 1e-12))
    return keras.Model({"word_pieces": pieces}, features)


def layer(hidden: Tensor, known: Tensor, name: str) -> Tensor:
    """Attention, then two linear maps, each added to what went in and normalised (arXiv 1706.03762).

    (B, L, F) and which pieces are known (B, L, 1) → (B, L, F).
    """
    deep = WIDTH // HEADS
    each = (mapped(hidden, WIDTH, f"{name}_{part}") for part in ("query", "key", "value"))
    query, key, value = (
        ops.transpose(ops.reshape(one, (-1, LENGTH, HEADS, deep)), (0, 2, 1, 3)) for one in each
    )  # (B, heads, L, deep)
    logits = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) / math.sqrt(deep)
    seen = ops.reshape(known, (-1, 1, 1, LENGTH)) > 0.5
    mixed = ops.matmul(ops.softmax(ops.where(seen, logits, FAR), axis=-1), value)
    mixed = ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (-1, LENGTH, WIDTH))
    hidden = normalised(hidden + mapped(mixed, WIDTH, f"{name}_join"), f"{name}_first_norm")
    inner = layers.Activation("gelu")(mapped(hidden, HIDDEN, f"{name}_up"))
    return normalised(hidden + mapped(inner, WIDTH, f"{name}_down"), f"{name}_second_norm")


def mapped(hidden: Tensor, width: int, name: str) -> Tensor:
    """(B, L, inputs) → (B, L, width)."""
    return layers.Dense(width, kernel_initializer="zeros", name=name)(hidden)


def normalised(hidden: Tensor, name: str) -> Tensor:
    """(B, L, F) → the same, of mean 0 and deviation 1 at each place, times and plus what was learnt."""
    return layers.LayerNormalization(epsilon=EPSILON, name=name)(hidden)


def whole(pieces: np.ndarray) -> np.ndarray:
    """Return pieces (N, L) with zeros behind them, so that each text has as many places as are read."""
    return np.pad(pieces, ((0, 0), (0, LENGTH - pieces.shape[1]))).astype(np.int32)
