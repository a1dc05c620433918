"""Layers that maps of images go through.

Letters in shapes: B row, H height, W width, C channel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from netwright.build.backend import layers, ops
from netwright.build.source.parts.keras_starts import he, spread
from netwright.build.source.parts.keras_table_layers import Scale
from netwright.build.source.parts.keras_tensors import Tensor
from netwright.build.source.parts.keras_vector_layers import EPSILON

LAST = "channels_last"  # however Keras is set
OUTSIDE = float(np.finfo(np.float32).min)  # stands around a map that the largest number is sought in


def standardised(
    images: Tensor, means: tuple[float, ...], deviations: tuple[float, ...], size: tuple[int, int]
) -> Tensor:
    """(B, H, W, C) from 0 to 255 → (B, *size, channels), of mean 0 and deviation 1; grey ones as coloured ones."""
    pixels = (images / 255 - np.array(means, np.float32)) / np.array(deviations, np.float32)
    old = images.shape[1:3]
    if old == size:
        return pixels
    larger = size[0] > old[0] or size[1] > old[1]
    down, across = (resizing(before, after, larger) for before, after in zip(old, size, strict=True))
    return ops.einsum("hy,byxc,wx->bhwc", down, pixels, across)


def resizing(old: int, new: int, larger: bool) -> np.ndarray:
    """Return the matrix (new, old) that brings a side to another length, by lines between pixels or by their mean."""
    matrix = np.zeros((new, old), np.float32)
    for place in range(new):
        if larger:
            middle = max(0.0, (place + 0.5) * old / new - 0.5)
            low = min(int(middle), old - 1)
            matrix[place, min(low + 1, old - 1)] += middle - low
            matrix[place, low] += 1 - (middle - low)
        else:
            start, end = place * old // new, math.ceil((place + 1) * old / new)
            matrix[place, start:end] = 1 / (end - start)
    return matrix


def batch_normalised(maps: Tensor, *, name: str) -> Tensor:
    """(B, H, W, C) → the same, normalised by batch; what prediction uses is known from few batches."""
    norm = layers.BatchNormalization(axis=3, momentum=0.8, epsilon=EPSILON, name=f"{name}_batch_norm")
    return norm(maps)


def convolution(
    maps: Tensor, channels: int, kernel: int, activation: str = "", *, name: str, stride: int = 1
) -> Tensor:
    """(B, H, W, C) → (B, H / stride, W / stride, channels): convolution, normalisation by batch, activation."""
    layer = layers.Conv2D(
        channels,
        kernel,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer=he(),
        data_format=LAST,
        name=name,
    )
    maps = batch_normalised(layer(maps), name=name)
    return layers.Activation(activation)(maps) if activation else maps


def by_channel(kernel: int, stride: int = 1, *, name: str, use_bias: bool = False) -> Any:
    """Return a convolution of each channel by itself."""
    return layers.DepthwiseConv2D(
        kernel,
        strides=stride,
        padding="same",
        use_bias=use_bias,
        depthwise_initializer=spread(math.sqrt(2) / kernel),
        data_format=LAST,
        name=name,
    )


def residual_convolution(
    maps: Tensor, channels: int, kernel: int, activation: str, *, name: str, stride: int = 1
) -> Tensor:
    """X + two convolutions, as in a residual network (He et al. 2016, arXiv 1512.03385)."""
    branch = convolution(maps, channels, kernel, activation, name=f"{name}_first", stride=stride)
    branch = convolution(branch, channels, kernel, name=f"{name}_second")
    if (maps.shape[3], stride) != (channels, 1):
        maps = convolution(maps, channels, 1, name=f"{name}_shortcut", stride=stride)
    return layers.Activation(activation)(maps + branch)


def squeeze_excitation(maps: Tensor, few: int, activation: str, *, name: str) -> Tensor:
    """Weigh channels by what all pixels show (arXiv 1709.01507)."""
    seen = ops.mean(maps, axis=(1, 2))  # (B, C)
    squeezed = layers.Dense(few, activation, kernel_initializer=he(), name=f"{name}_squeeze")(seen)
    weights = layers.Dense(maps.shape[3], "sigmoid", kernel_initializer=he(), name=f"{name}_excite")(squeezed)
    return maps * ops.reshape(weights, (-1, 1, 1, maps.shape[3]))


def inverted_residual(
    maps: Tensor,
    channels: int,
    expansion: int,
    kernel: int,
    activation: str,
    squeezed: int = 0,
    *,
    name: str,
    stride: int = 1,
) -> Tensor:
    """Wider inside, a convolution by channel, narrower again (arXiv 1801.04381, 1905.02244); x is added where it fits.

    Args:
        maps: (B, H, W, C).
        channels: that leave.
        expansion: how many times wider.
        kernel: of the convolution by channel.
        activation: behind all convolutions but the last.
        squeezed: channels inside squeeze and excitation; 0 for none.
        name: of the layers.
        stride: of the convolution by channel.
    """
    branch = maps
    if expansion > 1:
        branch = convolution(branch, expansion * maps.shape[3], 1, activation, name=f"{name}_expand")
    branch = batch_normalised(by_channel(kernel, stride, name=f"{name}_depth")(branch), name=f"{name}_depth")
    branch = layers.Activation(activation)(branch)
    if squeezed:
        branch = squeeze_excitation(branch, squeezed, activation, name=name)
    branch = convolution(branch, channels, 1, name=f"{name}_project")
    return maps + branch if (maps.shape[3], stride) == (channels, 1) else branch


def conv_next(maps: Tensor, expansion: int, kernel: int, activation: str, *, name: str) -> Tensor:
    """X + a convolution by channel, layer normalisation, wider, activation, narrower (arXiv 2201.03545)."""
    channels = maps.shape[3]
    branch = by_channel(kernel, name=f"{name}_depth", use_bias=True)(maps)
    branch = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_channel_norm")(branch)
    branch = layers.Dense(expansion * channels, activation, kernel_initializer=he(), name=f"{name}_up")(branch)
    branch = layers.Dense(channels, kernel_initializer=he(), name=f"{name}_down")(branch)
    return maps + Scale(name=f"{name}_gain")(branch)


def max_pool(maps: Tensor, size: int) -> Tensor:
    """(B, H, W, C) → (B, H / size, W / size, C), rounded up: the largest number of each patch."""
    below, beside = (-side % size for side in maps.shape[1:3])
    if below or beside:
        maps = ops.pad(maps, ((0, 0), (0, below), (0, beside), (0, 0)), constant_values=OUTSIDE)
    return layers.MaxPooling2D(size, data_format=LAST)(maps)
