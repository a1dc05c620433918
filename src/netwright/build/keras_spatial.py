"""Blocks that maps go through, as layers of Keras: the same functions as in `build.spatial`.

The networks of a stack go one after the other, and their features are laid side by side. Letters in shapes: B row,
H height, W width, C channel, F feature, M network of the stack.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netwright.build.backend import keras
from netwright.build.keras_layers import GIVEN, Array, Parts, Value, activate, applied, even, joined, product, reshaped
from netwright.build.onnx_spatial import resizing
from netwright.spec.blocks import (
    Block,
    ConvNext,
    Convolution,
    GlobalPool,
    ImageInput,
    InvertedResidual,
    MaxPool,
    ResidualConvolution,
)
from netwright.spec.numbers import BRIGHTEST, EPSILON

KEPT = 0.8  # of the means and variances that prediction uses, where training in Keras goes on: see `build.spatial`
LEAST = float(np.finfo(np.float32).min)  # what stands outside of a map that the largest number is sought in
LAST = "channels_last"  # however Keras is set


def image_features(blocks: Sequence[Block], parts: Sequence[Parts], images: Value, stack: int) -> Value:
    """Return the features (B, M, F) that each network of a stack sees in images.

    Args:
        blocks: from the image to the global pool.
        parts: for each block its tensors (M, ...) by name.
        images: (B, H, W, C), whole numbers from 0 to 255.
        stack: how many networks M.
    """
    first = blocks[0]
    assert isinstance(first, ImageInput)
    seen = _standardised(first, parts[0], images)
    features = []
    for place in range(stack):
        hidden = seen
        for block, named in zip(blocks[1:], parts[1:], strict=True):
            hidden = _apply(block, named.of_one(place), hidden)
        features.append(reshaped(hidden, 1, hidden.shape[1]))
    return joined(features, 1)


def _apply(block: Block, parts: Parts, hidden: Value) -> Value:
    match block:
        case Convolution(stride=stride, activation=activation):
            return activate(activation, _convolve(parts, "", hidden, stride))
        case ResidualConvolution():
            return _residual(block, parts, hidden)
        case InvertedResidual():
            return _inverted(block, parts, hidden)
        case ConvNext():
            return _convnext(block, parts, hidden)
        case MaxPool(size):
            return _max_pool(size, hidden)
        case GlobalPool(kind):
            mean = keras.layers.GlobalAveragePooling2D(data_format=LAST)
            largest = keras.layers.GlobalMaxPooling2D(data_format=LAST)
            pools = {"mean": (mean,), "max": (largest,), "both": (mean, largest)}[kind]
            return joined([pool(hidden) for pool in pools], 1)
        case _:
            raise TypeError(f"no map goes through {block}")


def _standardised(block: ImageInput, parts: Parts, images: Value) -> Value:
    """(B, H, W, C) from 0 to 255 → (B, h, w, C) of mean 0 and deviation 1, grey ones as coloured ones."""
    channels = block.channels
    if images.shape[3] < channels:
        images = joined([images] * channels, 3)
    means, deviations = np.array(block.means), np.array(block.deviations)
    scale, offset = 1 / (BRIGHTEST * deviations), -means / deviations
    hidden = keras.layers.Rescaling(scale.tolist(), offset.tolist(), name=parts.layer("scale"))(images)
    old, new = images.shape[1:3], (block.height, block.width)
    if old == new:
        return hidden
    larger = new[0] > old[0] or new[1] > old[1]
    down, across = (resizing(before, after, larger=larger) for before, after in zip(old, new, strict=True))
    hidden = product(parts.layer("down"), "byxc,hy->bhxc", hidden, down, trained=False)
    return product(parts.layer("across"), "bhxc,wx->bhwc", hidden, across, trained=False)


def _convolve(parts: Parts, prefix: str, hidden: Value, stride: int) -> Value:
    """Convolve and normalise by batch; the pixels stay, divided by the stride."""
    weight = parts[f"{prefix}weight"].transpose(2, 3, 1, 0)  # (k, k, inputs, outputs)
    layer = keras.layers.Conv2D(
        weight.shape[3],
        weight.shape[0],
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer=GIVEN,
        data_format=LAST,
        name=parts.layer(f"{prefix}convolution"),
    )
    return _batch_norm(parts, prefix, applied(layer, hidden, [weight]))


def _by_channel(parts: Parts, prefix: str, hidden: Value, stride: int, *biases: Array) -> Value:
    """Convolve each channel by itself; the pixels stay, divided by the stride."""
    weight = parts[f"{prefix}weight"].transpose(2, 3, 0, 1)  # (k, k, channels, 1)
    layer = keras.layers.DepthwiseConv2D(
        weight.shape[0],
        strides=stride,
        padding="same",
        use_bias=bool(biases),
        depthwise_initializer=GIVEN,
        data_format=LAST,
        name=parts.layer(f"{prefix}convolution"),
    )
    return applied(layer, hidden, [weight, *biases])


def _batch_norm(parts: Parts, prefix: str, hidden: Value) -> Value:
    name = parts.layer(f"{prefix}norm")
    layer = keras.layers.BatchNormalization(axis=3, momentum=KEPT, epsilon=EPSILON, name=name)
    return applied(layer, hidden, [parts[f"{prefix}{part}"] for part in ("gain", "shift", "mean", "variance")])


def _dense(parts: Parts, prefix: str, hidden: Value) -> Value:
    """Return a linear map of the last axis."""
    weight, bias = parts[f"{prefix}weight"], parts[f"{prefix}bias"]
    layer = keras.layers.Dense(len(weight), kernel_initializer=GIVEN, name=parts.layer(f"{prefix}linear"))
    return applied(layer, hidden, [weight.T, bias])


def _max_pool(size: int, hidden: Value) -> Value:
    """Return the largest number of each patch; patches begin at the first pixel, and the last may be smaller."""
    below, beside = (-side % size for side in hidden.shape[1:3])
    if below or beside:
        hidden = keras.ops.pad(hidden, ((0, 0), (0, below), (0, beside), (0, 0)), constant_values=LEAST)
    return keras.layers.MaxPooling2D(size, data_format=LAST)(hidden)


def _residual(block: ResidualConvolution, parts: Parts, hidden: Value) -> Value:
    inner = activate(block.activation, _convolve(parts, "first_", hidden, block.stride))
    inner = _convolve(parts, "second_", inner, 1)
    if "shortcut_weight" in parts:
        hidden = _convolve(parts, "shortcut_", hidden, block.stride)
    return activate(block.activation, keras.layers.Add()([hidden, inner]))


def _inverted(block: InvertedResidual, parts: Parts, hidden: Value) -> Value:
    inner = hidden
    if block.expansion > 1:
        inner = activate(block.activation, _convolve(parts, "expand_", hidden, 1))
    inner = _batch_norm(parts, "depth_", _by_channel(parts, "depth_", inner, block.stride))
    inner = activate(block.activation, inner)
    if block.squeeze:
        mean = keras.layers.GlobalAveragePooling2D(data_format=LAST)(inner)
        squeezed = activate(block.activation, _dense(parts, "squeeze_", mean))
        excited = keras.layers.Activation("sigmoid")(_dense(parts, "excite_", squeezed))
        inner = keras.layers.Multiply()([inner, reshaped(excited, 1, 1, inner.shape[3])])
    out = _convolve(parts, "project_", inner, 1)
    return keras.layers.Add()([out, hidden]) if out.shape == hidden.shape else out


def _convnext(block: ConvNext, parts: Parts, hidden: Value) -> Value:
    inner = even(_by_channel(parts, "depth_", hidden, 1, parts["depth_bias"]), EPSILON)
    gain, shift = parts["norm_gain"], parts["norm_shift"]
    inner = product(parts.layer("norm"), "bhwc,c->bhwc", inner, gain, shift, biased="c")
    inner = _dense(parts, "down_", activate(block.activation, _dense(parts, "up_", inner)))
    return keras.layers.Add()([hidden, product(parts.layer("gain"), "bhwc,c->bhwc", inner, parts["gain"])])
