"""Trained trunks as ONNX graphs: what networks of others see in images and in texts.

Letters in shapes: B row, L piece, F width, A head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from netwright.build.graph import Graph
from netwright.build.onnx_spatial import Map, even, pooled
from netwright.inference.scaling import within
from netwright.spec.backbones import Backbone
from netwright.spec.encoders import EPSILON, Encoder

BATCH = "batch"
FAR = -1e9  # a logit that takes no part
ATTEND = ("query", "key", "value")  # linear maps
SHORTEST = 1e-12  # of a vector that is brought to length 1

Weights = Mapping[str, NDArray[Any]]


def graph_of_images(
    backbone: Backbone, weights: Weights, encoded: tuple[int, int, int], size: tuple[int, int]
) -> ModelProto:
    """Return the graph from images (B, H, W, C) uint8 to the features (B, F) that a backbone sees in them.

    Args:
        backbone: what it is made of.
        weights: its tensors, named `<position of block>.<part>`.
        encoded: height, width and channels of the images; grey ones are taken for coloured.
        size: height and width that they are brought to.
    """
    graph = Graph()
    images = graph.input("images", np.uint8, (BATCH, *encoded))
    found = seen_in_images(graph, images, backbone, weights, encoded[:2], size)
    graph.output(found, "features", np.float32, (BATCH, backbone.features))
    return graph.finish("trunk", {})


@dataclass(frozen=True)
class Sight:
    """A backbone for images, and what is made of its features before networks take them.

    Attributes:
        backbone: what it is made of.
        weights: its tensors, named `<position of block>.<part>`.
        size: height and width that images are brought to.
        middle: (F,) taken from each feature.
        spread: (F,) that each is then divided by.
        largest: that a feature may be after that.
    """

    backbone: Backbone
    weights: Weights
    size: tuple[int, int]
    middle: NDArray[np.float32]
    spread: NDArray[np.float32]
    largest: float


@dataclass(frozen=True)
class TextSight:
    """An encoder of sentences, and what is made of its features before networks take them.

    Attributes:
        encoder: what it is made of.
        weights: its tensors, as `Encoder.shapes` names them.
        length: pieces of a text that it reads at most.
        middle, spread, largest: as in `Sight`.
    """

    encoder: Encoder
    weights: Weights
    length: int
    middle: NDArray[np.float32]
    spread: NDArray[np.float32]
    largest: float


def frozen_features(graph: Graph, images: str, sight: Sight, encoded: tuple[int, int]) -> str:
    """Return the name of what a trunk sees in images (B, H, W, C), as networks take it (B, F): see `extended`."""
    return _scaled(graph, seen_in_images(graph, images, sight.backbone, sight.weights, encoded, sight.size), sight)


def frozen_text_features(graph: Graph, pieces: str, sight: TextSight) -> str:
    """Return the name of what an encoder sees in pieces of texts (B, L) int64, as networks take it (B, F)."""
    return _scaled(graph, seen_in_texts(graph, pieces, sight.encoder, sight.weights), sight)


def _scaled(graph: Graph, raw: str, sight: Sight | TextSight) -> str:
    away = graph.apply("Sub", raw, graph.constant(sight.middle))
    return within(graph, graph.apply("Div", away, graph.constant(sight.spread)), np.float32(sight.largest))


def seen_in_images(
    graph: Graph, images: str, backbone: Backbone, weights: Weights, encoded: tuple[int, int], size: tuple[int, int]
) -> str:
    """Return the name of the features (B, F) that a backbone sees in images (B, H, W, C) from 0 to 255.

    Args:
        graph: takes the nodes.
        images: of the size `encoded`; grey ones are taken for coloured.
        backbone: what it is made of.
        weights: its tensors, named `<position of block>.<part>`.
        encoded: height and width of the images.
        size: what they are brought to.
    """
    planes = graph.apply("Transpose", graph.cast(images, np.float32), perm=[0, 3, 1, 2])
    if encoded != size:
        down, across = (smoothing(old, new) for old, new in zip(encoded, size, strict=True))
        planes = graph.apply("MatMul", graph.constant(down), planes)
        planes = graph.apply("MatMul", planes, graph.constant(across.T))
    name = even(graph, backbone.inputs(*size), planes)
    parts = [_below(weights, place) for place in range(len(backbone.blocks))]
    return pooled(graph, backbone.blocks, parts, Map(name, len(backbone.means), size))[0]


def smoothing(old: int, new: int) -> NDArray[np.float32]:
    """Return the matrix (new, old) that brings a side to another length as Pillow does, by triangles.

    A new pixel is the mean of the old ones around its middle, weighed by their distance; where a side grows, that is
    linear interpolation.
    """
    step = old / new
    reach = max(step, 1.0)
    matrix = np.zeros((new, old))
    for place in range(new):
        middle = step * (place + 0.5)
        start, end = max(0, int(middle - reach + 0.5)), min(old, int(middle + reach + 0.5))
        weights = np.maximum(0.0, 1 - np.abs(np.arange(start, end) + 0.5 - middle) / reach)
        matrix[place, start:end] = weights / weights.sum()
    return matrix.astype(np.float32)


def graph_of_texts(encoder: Encoder, weights: Weights) -> ModelProto:
    """Return the graph from pieces (B, L) int64, 0 where a text has fewer, to the features (B, F) of texts.

    As `build.encoder.sentence_features` computes them in PyTorch.

    Args:
        encoder: what it is made of.
        weights: its tensors, as `Encoder.shapes` names them.
    """
    graph = Graph()
    pieces = graph.input("pieces", np.int64, (BATCH, "length"))
    found = seen_in_texts(graph, pieces, encoder, weights)
    graph.output(found, "features", np.float32, (BATCH, encoder.features))
    return graph.finish("trunk", {})


def seen_in_texts(graph: Graph, pieces: str, encoder: Encoder, weights: Weights) -> str:
    """Return the name of the features (B, F) of texts; arguments as of `graph_of_texts`."""
    known = graph.cast(graph.apply("Greater", pieces, graph.constant(0, np.int64)), np.float32)  # (B, L)
    length = graph.apply("Shape", pieces, start=1, end=2)
    first, ahead = graph.constant([0], np.int64), graph.constant([0], np.int64)
    positions = graph.apply("Slice", graph.weight(weights["positions"]), first, length, ahead)
    hidden = graph.apply("Add", graph.apply("Gather", graph.weight(weights["pieces"]), pieces, axis=0), positions)
    hidden = _normalised(graph, weights, "norm", hidden)
    absent = graph.apply("Sub", graph.constant(1, np.float32), known)
    unseen = graph.add_axes(graph.apply("Mul", absent, graph.constant(FAR, np.float32)), 1, 2)  # (B, 1, 1, L)
    for layer in range(encoder.layers):
        hidden = _layer(graph, encoder, _below(weights, layer), hidden, unseen)
    weighed = graph.apply("Mul", hidden, graph.add_axes(known, 2))
    along = graph.constant([1], np.int64)
    count = graph.apply("Max", graph.apply("ReduceSum", known, along), graph.constant(1, np.float32))
    mean = graph.apply("Div", graph.apply("ReduceSum", weighed, along, keepdims=0), count)
    size = graph.apply("ReduceL2", mean, graph.constant([1], np.int64))
    return graph.apply("Div", mean, graph.apply("Max", size, graph.constant(SHORTEST, np.float32)))


def _below(weights: Weights, place: int) -> dict[str, NDArray[Any]]:
    split = {name: name.partition(".") for name in weights}
    return {rest: weights[name] for name, (number, _, rest) in split.items() if number == str(place) and rest}


def _layer(graph: Graph, encoder: Encoder, parts: Weights, hidden: str, unseen: str) -> str:
    """(B, L, F) → the same: attention, then two linear maps, each added to what went in and normalised."""
    deep = encoder.width // encoder.heads
    query, key, value = (_heads(graph, encoder, _linear(graph, parts, name, hidden)) for name in ATTEND)
    turned = graph.apply("Transpose", key, perm=[0, 1, 3, 2])
    logits = graph.apply("Mul", graph.apply("MatMul", query, turned), graph.constant(1 / sqrt(deep), np.float32))
    shares = graph.apply("Softmax", graph.apply("Add", logits, unseen), axis=-1)
    seen = graph.apply("Transpose", graph.apply("MatMul", shares, value), perm=[0, 2, 1, 3])
    joined = _linear(graph, parts, "join", graph.apply("Reshape", seen, graph.constant([0, 0, -1], np.int64)))
    hidden = _normalised(graph, parts, "first", graph.apply("Add", hidden, joined))
    inner = graph.apply("Gelu", _linear(graph, parts, "up", hidden))
    return _normalised(graph, parts, "second", graph.apply("Add", hidden, _linear(graph, parts, "down", inner)))


def _heads(graph: Graph, encoder: Encoder, value: str) -> str:
    """(B, L, F) → (B, A, L, F / A)."""
    shape = graph.constant([0, 0, encoder.heads, encoder.width // encoder.heads], np.int64)
    return graph.apply("Transpose", graph.apply("Reshape", value, shape), perm=[0, 2, 1, 3])


def _linear(graph: Graph, parts: Weights, name: str, hidden: str) -> str:
    product = graph.apply("MatMul", hidden, graph.weight(parts[f"{name}_weight"].T))
    return graph.apply("Add", product, graph.weight(parts[f"{name}_bias"]))


def _normalised(graph: Graph, parts: Weights, name: str, hidden: str) -> str:
    norm = (graph.weight(parts[f"{name}_{part}"]) for part in ("gain", "shift"))
    return graph.apply("LayerNormalization", hidden, *norm, axis=-1, epsilon=EPSILON)
