"""Blocks that maps go through, as nodes of an ONNX graph: the same functions as in `build.spatial`, for prediction.

The networks of a stack go one after the other, and their features are laid side by side. Letters in shapes: B row,
C channel, H height, W width, F feature, S network of the stack.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.build.graph import Graph
from netwright.build.onnx_activations import activate
from netwright.spec.blocks import (
    Activation,
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
from netwright.spec.spatial import margins, strided

Weights = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Map:
    """A map (B, C, H, W) on its way: the name of its value, its channels C, and its pixels (H, W)."""

    name: str
    channels: int
    pixels: tuple[int, int]


def image_features(
    graph: Graph, blocks: Sequence[Block], weights: Sequence[Weights], images: str, size: tuple[int, int]
) -> tuple[str, int]:
    """Return the name and width of the features (S, B, F) that each network sees in images.

    Args:
        graph: takes the nodes.
        blocks: from the image to the global pool.
        weights: for each block its tensors (S, ...) by name.
        images: (B, H, W, C) uint8.
        size: their height and width.
    """
    first = blocks[0]
    assert isinstance(first, ImageInput)
    seen = standardised(graph, first, images, size)
    stack = len(next(tensor for parts in weights for tensor in parts.values()))
    names, width = [], 0
    for place in range(stack):
        own = [{name: tensor[place] for name, tensor in parts.items()} for parts in weights]
        name, width = pooled(graph, blocks[1:], own[1:], seen)
        names.append(graph.add_axes(name, 0))
    return graph.join(names, 0), width


def pooled(graph: Graph, blocks: Sequence[Block], weights: Sequence[Weights], seen: Map) -> tuple[str, int]:
    """Return the name and width of the features (B, F) of one network: of maps through blocks, the last a pool."""
    for block, parts in zip(blocks[:-1], weights[:-1], strict=True):
        seen = _apply(graph, block, parts, seen)
    pool = blocks[-1]
    assert isinstance(pool, GlobalPool)
    axes = graph.constant([2, 3], np.int64)
    kinds = {"mean": ("ReduceMean",), "max": ("ReduceMax",), "both": ("ReduceMean", "ReduceMax")}[pool.kind]
    names = [graph.apply(operator, seen.name, axes, keepdims=0) for operator in kinds]
    return graph.join(names, 1), len(names) * seen.channels


def standardised(graph: Graph, block: ImageInput, images: str, size: tuple[int, int]) -> Map:
    """(B, H, W, C) from 0 to 255 → (B, C, h, w) of mean 0 and deviation 1, grey ones as coloured ones."""
    name = even(graph, block, graph.apply("Transpose", graph.cast(images, np.float32), perm=[0, 3, 1, 2]))
    wanted = (block.height, block.width)
    if size != wanted:
        larger = wanted[0] > size[0] or wanted[1] > size[1]
        down, across = (resizing(old, new, larger=larger) for old, new in zip(size, wanted, strict=True))
        name = graph.apply("MatMul", graph.constant(down), name)
        name = graph.apply("MatMul", name, graph.constant(across.T))
    return Map(name, block.channels, wanted)


def even(graph: Graph, block: ImageInput, planes: str) -> str:
    """Return the name of planes (B, C, H, W) from 0 to 255 with the mean 0 and the deviation 1 in each channel."""
    means, deviations = (
        np.array(numbers, np.float32)[:, None, None] * np.float32(BRIGHTEST)
        for numbers in (block.means, block.deviations)
    )
    return graph.apply("Div", graph.apply("Sub", planes, graph.constant(means)), graph.constant(deviations))


def resizing(old: int, new: int, *, larger: bool) -> NDArray[np.float32]:
    """Return the matrix (new, old) that brings a side to another length.

    Args:
        old: its pixels.
        new: those wanted.
        larger: whether by linear interpolation between the middles of pixels; else by the mean of the pixels that each
            new one touches.
    """
    matrix = np.zeros((new, old))
    for place in range(new):
        if larger:
            middle = max(0.0, (place + 0.5) * old / new - 0.5)
            low = min(int(middle), old - 1)
            matrix[place, min(low + 1, old - 1)] += middle - low
            matrix[place, low] += 1 - (middle - low)
        else:
            start, end = place * old // new, math.ceil((place + 1) * old / new)
            matrix[place, start:end] = 1 / (end - start)
    return matrix.astype(np.float32)


def _apply(graph: Graph, block: Block, parts: Weights, seen: Map) -> Map:
    match block:
        case Convolution(stride=stride, activation=activation):
            return _active(graph, activation, _convolve(graph, parts, "", seen, stride))
        case ResidualConvolution():
            return _residual(graph, block, parts, seen)
        case InvertedResidual():
            return _inverted(graph, block, parts, seen)
        case ConvNext():
            return _convnext(graph, block, parts, seen)
        case MaxPool(size):
            sides = [size, size]
            name = graph.apply("MaxPool", seen.name, kernel_shape=sides, strides=sides, ceil_mode=1)
            return Map(name, seen.channels, strided(seen.pixels, size))
        case _:
            raise TypeError(f"no map goes through {block}")


def _active(graph: Graph, activation: Activation, seen: Map) -> Map:
    return Map(activate(graph, activation, seen.name), seen.channels, seen.pixels)


def _convolve(graph: Graph, parts: Weights, prefix: str, seen: Map, stride: int, groups: int = 1) -> Map:
    """Convolve and normalise by what training measured; the pixels stay, divided by the stride and rounded up."""
    weight = parts[f"{prefix}weight"]
    kernel = weight.shape[-1]
    (top, bottom), (left, right) = (margins(side, kernel, stride) for side in seen.pixels)
    name = graph.apply(
        "Conv",
        seen.name,
        graph.weight(weight),
        kernel_shape=[kernel, kernel],
        pads=[top, left, bottom, right],
        strides=[stride, stride],
        group=groups,
    )
    measured = (graph.weight(parts[f"{prefix}{part}"]) for part in ("gain", "shift", "mean", "variance"))
    name = graph.apply("BatchNormalization", name, *measured, epsilon=EPSILON)
    return Map(name, len(weight), strided(seen.pixels, stride))


def _residual(graph: Graph, block: ResidualConvolution, parts: Weights, seen: Map) -> Map:
    inner = _active(graph, block.activation, _convolve(graph, parts, "first_", seen, block.stride))
    inner = _convolve(graph, parts, "second_", inner, 1)
    if "shortcut_weight" in parts:
        seen = _convolve(graph, parts, "shortcut_", seen, block.stride)
    both = Map(graph.apply("Add", seen.name, inner.name), inner.channels, inner.pixels)
    return _active(graph, block.activation, both)


def _inverted(graph: Graph, block: InvertedResidual, parts: Weights, seen: Map) -> Map:
    inner = seen
    if block.expansion > 1:
        inner = _active(graph, block.activation, _convolve(graph, parts, "expand_", inner, 1))
    inner = _convolve(graph, parts, "depth_", inner, block.stride, inner.channels)
    inner = _active(graph, block.activation, inner)
    if block.squeeze:
        weighed = graph.apply("Mul", inner.name, _excited(graph, block, parts, inner))
        inner = Map(weighed, inner.channels, inner.pixels)
    out = _convolve(graph, parts, "project_", inner, 1)
    same = out.channels == seen.channels and out.pixels == seen.pixels
    return Map(graph.apply("Add", out.name, seen.name), out.channels, out.pixels) if same else out


def _excited(graph: Graph, block: InvertedResidual, parts: Weights, inner: Map) -> str:
    """Return the name of how much each channel weighs (B, C, 1, 1), by what all pixels show."""
    mean = graph.apply("ReduceMean", inner.name, graph.constant([2, 3], np.int64), keepdims=0)
    few = activate(graph, block.activation, _linear(graph, parts, "squeeze_", mean))
    excited = graph.apply("Sigmoid", _linear(graph, parts, "excite_", few))
    return graph.add_axes(excited, 2, 3)


def _linear(graph: Graph, parts: Weights, prefix: str, hidden: str) -> str:
    product = graph.apply("MatMul", hidden, graph.weight(parts[f"{prefix}weight"].T))
    return graph.apply("Add", product, graph.weight(parts[f"{prefix}bias"]))


def _convnext(graph: Graph, block: ConvNext, parts: Weights, seen: Map) -> Map:
    margin = block.kernel // 2
    inner = graph.apply(
        "Conv",
        seen.name,
        graph.weight(parts["depth_weight"]),
        graph.weight(parts["depth_bias"]),
        kernel_shape=[block.kernel, block.kernel],
        pads=[margin] * 4,
        group=seen.channels,
    )
    inner = graph.apply("Transpose", inner, perm=[0, 2, 3, 1])  # (B, H, W, C)
    norm = (graph.weight(parts["norm_gain"]), graph.weight(parts["norm_shift"]))
    inner = graph.apply("LayerNormalization", inner, *norm, axis=-1, epsilon=EPSILON)
    inner = activate(graph, block.activation, _linear(graph, parts, "up_", inner))
    inner = graph.apply("Mul", _linear(graph, parts, "down_", inner), graph.weight(parts["gain"]))
    inner = graph.apply("Transpose", inner, perm=[0, 3, 1, 2])
    return Map(graph.apply("Add", seen.name, inner), seen.channels, seen.pixels)
