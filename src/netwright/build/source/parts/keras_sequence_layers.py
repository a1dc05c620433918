"""Layers that texts go through as sequences.

Letters in shapes: B row, L place, F feature.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from netwright.build.backend import keras, layers, ops
from netwright.build.source.parts.keras_starts import he, spread
from netwright.build.source.parts.keras_tensors import Tensor
from netwright.build.source.parts.keras_vector_layers import EPSILON

FAR = -1e4  # a number that takes no part


def bag_of_grams(grams: Tensor, weights: Tensor, known: int, width: int) -> Tensor:
    """(B, G) numbers of n-grams, 0 for none, and their weights (B, G) → the weighed sum of their vectors (B, width)."""
    vectors = layers.Embedding(known + 1, width, embeddings_initializer=spread(), name="gram_vectors")(grams)
    return ops.sum(vectors * ops.expand_dims(weights, 2), axis=1)


class PieceVectors(layers.Layer):
    """Vectors of pieces and of their places, added; zero behind the end of a text."""

    def __init__(self, known: int, width: int, *, name: str) -> None:
        super().__init__(name=name)
        self.known, self.width = known, width

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the vectors, for pieces (B, L)."""
        self.vectors = self.add_weight(shape=(self.known + 1, self.width), initializer=spread(), name="vectors")
        self.places = self.add_weight(shape=(shape[1], self.width), initializer=spread(), name="places")

    def call(self, pieces: Tensor) -> Tensor:
        """(B, L) whole numbers, 0 behind the end → (B, L, width)."""
        placed = ops.take(self.vectors, pieces, axis=0) + self.places
        return placed * is_known(pieces)


def is_known(pieces: Tensor) -> Tensor:
    """(B, L) whole numbers → 1 where a text has a piece, and 0 behind its end (B, L, 1)."""
    return ops.expand_dims(ops.cast(pieces > 0, "float32"), 2)


def sequence_convolution(
    texts: Tensor, known: Tensor, width: int, kernel: int, activation: str, *, name: str, stride: int = 1
) -> tuple[Tensor, Tensor]:
    """A place with its neighbours, linear, layer normalisation, activation; x is added where it fits.

    As in convolutional networks for sentences (Kim 2014, arXiv 1408.5882).

    Args:
        texts: (B, L, F).
        known: (B, L, 1) which places are.
        width: of what leaves.
        kernel: places that are seen together.
        activation: its name.
        name: of the layers.
        stride: from one place that is kept to the next.

    Returns:
        (B, L / stride, width), and which places are known there.
    """
    half = kernel // 2
    near = ops.pad(texts, ((0, 0), (half, half), (0, 0)))
    layer = layers.Conv1D(
        width,
        kernel,
        strides=stride,
        kernel_initializer=he(),
        data_format="channels_last",
        name=name,
    )
    out = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm")(layer(near))
    out = layers.Activation(activation)(out)
    known = known[:, ::stride]
    return (texts + out if (texts.shape[2], stride) == (width, 1) else out) * known, known


def recurrent(texts: Tensor, known: Tensor, width: int, *, name: str) -> tuple[Tensor, Tensor]:
    """A gated recurrent unit in each direction (Cho et al. 2014, arXiv 1406.1078), each with half of the width.

    (B, L, F) and which places are known (B, L, 1) → (B, L, width), and the same.
    """
    seen = known[:, :, 0] > 0.5
    forward = gated(width // 2, name=f"{name}_forward")(texts, mask=seen)
    backward = gated(width // 2, name=f"{name}_backward", go_backwards=True)(texts, mask=seen)
    states = ops.concatenate([forward, ops.flip(backward, axis=1)], axis=2)
    return states * known, known


def gated(width: int, *, name: str, go_backwards: bool = False) -> Any:
    """Return a gated recurrent unit in one direction."""
    return layers.GRU(
        width,
        kernel_initializer=he(),
        recurrent_initializer=orthogonal_gates,
        bias_constraint=one_bias,
        return_sequences=True,
        go_backwards=go_backwards,
        name=name,
    )


def orthogonal_gates(shape: tuple[int, int], dtype: Any = None) -> Tensor:
    """Return a square matrix for each of three gates (H, 3H), each orthogonal."""
    square = (shape[0], shape[0])
    return ops.concatenate([keras.initializers.Orthogonal()(square, dtype) for _ in range(3)], axis=1)


def one_bias(bias: Tensor) -> Tensor:
    """Return the biases (2, 3H) of a unit without the second ones: one of each is enough."""
    return bias * np.array([[1.0], [0.0]], np.float32)


def linear_map(width: int, *, name: str, share: float = 1.0) -> Any:
    """Return a linear layer that begins with a share of the usual variance."""
    return layers.Dense(width, kernel_initializer=he(share), name=name)


def attention(
    texts: Tensor, known: Tensor, heads: int, hidden: int, activation: str, *, name: str
) -> tuple[Tensor, Tensor]:
    """A layer of a Transformer (arXiv 1706.03762), normalised before each branch (arXiv 2002.04745).

    (B, L, F) and which places are known (B, L, 1) → (B, L, F), and the same.
    """
    length, width = texts.shape[1:]
    deep = width // heads
    inner = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_first_norm")(texts)
    split = ops.reshape(linear_map(3 * width, name=f"{name}_attend")(inner), (-1, length, 3, heads, deep))
    query, key, value = (ops.transpose(split[:, :, part], (0, 2, 1, 3)) for part in range(3))  # (B, heads, L, deep)
    logits = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) / math.sqrt(deep)
    seen = ops.reshape(known, (-1, 1, 1, length)) > 0.5
    shares = ops.softmax(ops.where(seen, logits, FAR), axis=-1)
    mixed = ops.reshape(ops.transpose(ops.matmul(shares, value), (0, 2, 1, 3)), (-1, length, width))
    texts = texts + linear_map(width, name=f"{name}_join", share=0.1)(mixed)  # branches begin as little
    inner = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_second_norm")(texts)
    inner = layers.Activation(activation)(linear_map(hidden, name=f"{name}_up")(inner))
    texts = texts + linear_map(width, name=f"{name}_down", share=0.1)(inner)
    return texts * known, known


def mean_of_places(texts: Tensor, known: Tensor) -> Tensor:
    """(B, L, F) and which places are known (B, L, 1) → their mean (B, F)."""
    return ops.sum(texts, axis=1) / ops.maximum(ops.sum(known, axis=1), 1.0)


def largest_of_places(texts: Tensor, known: Tensor) -> Tensor:
    """(B, L, F) and which places are known (B, L, 1) → their largest numbers (B, F)."""
    return ops.max(ops.where(known > 0.5, texts, FAR), axis=1) * ops.max(known, axis=1)


def attention_pool(texts: Tensor, known: Tensor) -> Tensor:
    """(B, L, F) and which places are known (B, L, 1) → their sum, weighed by attention (B, F)."""
    scores = layers.Dense(1, use_bias=False, kernel_initializer=he(), name="pool")(texts)
    weights = ops.softmax(ops.where(known > 0.5, scores, FAR), axis=1)  # (B, L, 1)
    return ops.sum(weights * texts, axis=1)
