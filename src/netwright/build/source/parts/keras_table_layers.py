"""Layers that the columns of a table enter by.

Letters in shapes: B row, F feature.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from netwright.build.backend import keras, layers, ops
from netwright.build.source.parts.keras_starts import evenly, spread
from netwright.build.source.parts.keras_tensors import Tensor


class Scale(layers.Layer):
    """Multiplies each feature by a number of its own, which is learnt."""

    def __init__(self, first: float = 1.0, *, name: str) -> None:
        super().__init__(name=name)
        self.first = first

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the numbers, for features (..., F)."""
        self.scale = self.add_weight(
            shape=(shape[-1],), initializer=keras.initializers.Constant(self.first), name="scale"
        )

    def call(self, features: Tensor) -> Tensor:
        """(..., F) → (..., F)."""
        return features * self.scale


class PeriodicEmbedding(layers.Layer):
    """cos(2π(wx + b)) of each number, then linear, beside the number itself (PBLD, arXiv 2407.04491, section 3)."""

    def __init__(self, frequencies: int, width: int, sigma: float, *, name: str) -> None:
        super().__init__(name=name)
        self.frequencies, self.width, self.sigma = frequencies, width, sigma

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights, for numbers (B, F)."""
        waves, mapped = (shape[1], self.frequencies), (shape[1], self.width - 1)
        self.frequency = self.add_weight(shape=waves, initializer=spread(2 * math.pi * self.sigma), name="frequency")
        self.phase = self.add_weight(shape=waves, initializer=evenly(math.pi), name="phase")
        self.weight = self.add_weight(
            shape=(*waves, self.width - 1), initializer=spread(self.frequencies**-0.5), name="weight"
        )
        self.bias = self.add_weight(shape=mapped, initializer=spread(), name="bias")

    def call(self, numbers: Tensor) -> Tensor:
        """(B, F) → (B, F · width)."""
        each = ops.expand_dims(numbers, 2)  # (B, F, 1)
        waves = ops.cos(each * self.frequency + self.phase)  # (B, F, frequencies)
        mapped = ops.einsum("bfq,fqw->bfw", waves, self.weight) + self.bias  # (B, F, width - 1)
        return ops.reshape(ops.concatenate([mapped, each], axis=2), (-1, numbers.shape[1] * self.width))


class PiecewiseEmbedding(layers.Layer):
    """How far each number has come through each of some intervals, then linear (PLE, arXiv 2203.05556, section 3.2).

    The knots between the intervals are quantiles of the training rows.
    """

    def __init__(self, bins: int, width: int, *, name: str) -> None:
        super().__init__(name=name)
        self.bins, self.width = bins, width

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights, for numbers (B, F)."""
        self.knots = self.add_weight(
            shape=(shape[1], self.bins + 1), initializer="zeros", trainable=False, name="knots"
        )
        self.weight = self.add_weight(
            shape=(shape[1], self.bins, self.width), initializer=spread((2 / self.bins) ** 0.5), name="weight"
        )
        self.bias = self.add_weight(shape=(shape[1], self.width), initializer="zeros", name="bias")

    def call(self, numbers: Tensor) -> Tensor:
        """(B, F) → (B, F · width)."""
        low, high = self.knots[:, :-1], self.knots[:, 1:]  # (F, bins)
        share = (ops.expand_dims(numbers, 2) - low) / ops.maximum(high - low, 1e-6)  # (B, F, bins)
        mapped = ops.einsum("bfq,fqw->bfw", ops.clip(share, 0.0, 1.0), self.weight) + self.bias
        return ops.reshape(mapped, (-1, numbers.shape[1] * self.width))


class CategoryEmbedding(layers.Layer):
    """A vector for each category of each column; number 0 of a column is what was unseen, rare or missing."""

    def __init__(self, sizes: tuple[int, ...], width: int, *, name: str) -> None:
        super().__init__(name=name)
        self.starts = np.cumsum((0, *sizes[:-1])).astype(np.int32)
        self.count, self.width = sum(sizes), width  # of all columns, one below the other

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the vectors."""
        self.vectors = self.add_weight(shape=(self.count, self.width), initializer=self.first_vectors, name="vectors")

    def first_vectors(self, shape: tuple[int, ...], dtype: Any = None) -> Tensor:
        """Return the vectors as they begin: an unseen category says nothing."""
        known = np.ones((self.count, 1), np.float32)
        known[self.starts] = 0.0
        return ops.multiply(spread(self.width**-0.5)(shape, dtype), known)

    def call(self, categories: Tensor) -> Tensor:
        """(B, columns) whole numbers → (B, columns · width)."""
        each = ops.take(self.vectors, ops.add(categories, self.starts), axis=0)
        return ops.reshape(each, (-1, len(self.starts) * self.width))
