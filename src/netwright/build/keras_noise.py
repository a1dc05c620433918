"""Dropout in Keras whose rate changes from step to step without the program being compiled anew."""

from __future__ import annotations

import numpy as np

from netwright.build.backend import keras
from netwright.build.keras_layers import Value


class Noise(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Sets a share of activations to 0 while networks learn, and scales the others up, so that the mean stays.

    One layer serves a whole network: each place that it is put to draws for itself.
    """

    def __init__(self) -> None:
        """Begin without noise."""
        super().__init__(name="noise")
        self.share = self.add_weight(shape=(), initializer="zeros", trainable=False, name="share")
        self.seeds = keras.random.SeedGenerator(0)

    def call(self, hidden: Value, training: bool = False) -> Value:
        """Return activations of any shape with noise, or as they are where nothing is learnt."""
        if not training:
            return hidden
        share = keras.ops.convert_to_tensor(self.share)
        kept = keras.random.uniform(keras.ops.shape(hidden), seed=self.seeds) >= share
        return keras.ops.where(kept, hidden / (1.0 - share), 0.0)

    def begin(self, seed: int) -> None:
        """Draw from now on what follows from a seed."""
        self.seeds.state.assign(np.array([seed % 2**31, 0]))
