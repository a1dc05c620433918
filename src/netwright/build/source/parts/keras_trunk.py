"""What a network that others have trained sees in images. Nothing of it learns here.

Letters in shapes: B row, H height, W width, C channel, F feature.
"""

from __future__ import annotations

import numpy as np

from netwright.build.backend import keras, layers, ops
from netwright.build.source.parts.keras_map_layers import convolution
from netwright.build.source.parts.keras_tensors import Tensor
from netwright.build.source.parts.smoothing import smoothing

IMAGE = (32, 32, 3)  # height, width and channels of the images that come in
SIDES = (128, 128)  # height and width that they are brought to
MEANS = (0.5, 0.5, 0.5)  # of the colours that it has learnt from
DEVIATIONS = (0.5, 0.5, 0.5)
LARGEST = 5.0  # that a scaled feature may be


class Standardised(layers.Layer):
    """Features by their mean and deviation over the rows that were learnt from, within bounds."""

    def build(self, shape: tuple[int, ...]) -> None:
        """Make what was measured of features (B, F)."""
        self.middle = self.add_weight(shape=shape[1:], initializer="zeros", trainable=False, name="middle")
        self.spread = self.add_weight(shape=shape[1:], initializer="ones", trainable=False, name="spread")

    def call(self, features: Tensor) -> Tensor:
        """(B, F) → (B, F)."""
        return ops.clip((features - self.middle) / self.spread, -LARGEST, LARGEST)


def through(maps: Tensor) -> Tensor:
    """Return what comes of maps (B, *SIDES, 3) in its layers."""
    return convolution(maps, 8, 3, "relu6", name="trunk_0", stride=2)


def trunk() -> keras.Model:
    """Return the network from images (B, H, W, C), of numbers from 0 to 255, to features (B, F)."""
    images = keras.Input(IMAGE, name="images")
    down, across = (smoothing(*sides) for sides in zip(IMAGE[:2], SIDES, strict=True))
    pixels = ops.einsum("hy,byxc,wx->bhwc", down, images, across) / 255  # as they are where nothing is to be done
    maps = (pixels - np.array(MEANS, np.float32)) / np.array(DEVIATIONS, np.float32)  # grey ones become coloured
    features = ops.mean(through(maps), axis=(1, 2))
    return keras.Model({"images": images}, Standardised(name="standardised")(features))
