"""A spec made real in ONNX: a stack of S networks of one shape, as nodes of a graph.

The same function as `build.torch.forward` without its noise, block by block, on rows that all networks share. Letters
in shapes: S network of the stack, E member that shares weights (TabM), B row, F feature, H width, K output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.build.graph import Graph
from netwright.build.onnx_activations import activate
from netwright.build.onnx_chain import Grid, marginals
from netwright.build.onnx_sequence import sequence_features
from netwright.build.onnx_spatial import image_features
from netwright.data.stretches import POSITIONS
from netwright.spec.blocks import (
    BagInput,
    Block,
    ChainHead,
    Dense,
    Head,
    Identity,
    ImageInput,
    Members,
    Normalisation,
    Periodic,
    Piecewise,
    Residual,
    SequenceInput,
    TableInput,
)
from netwright.spec.network import Network
from netwright.spec.numbers import EPSILON, ROOT_EPSILON
from netwright.spec.sequences import sequence_trunk
from netwright.spec.spatial import trunk

NARROWEST = 1e-6  # interval of a piecewise embedding

Array = NDArray[Any]
Weights = Mapping[str, Array]
Inputs = Mapping[str, str]
"""The names of the features (B, ...) of the rows, by what they are: see `data.features.Features`."""


@dataclass(frozen=True)
class Hidden:
    """What flows between two blocks.

    Attributes:
        name: of a value (S, B, F), or (S, E, B, F) where members share weights.
        stack: networks S.
        members: E; 1 without.
        width: F.
    """

    name: str
    stack: int
    members: int
    width: int


def outputs(graph: Graph, network: Network, weights: Weights, inputs: Inputs, size: tuple[int, int] | None) -> str:
    """Return the name of the outputs (S, E, B, K) of a stack of networks: logits, or values for regression.

    Of a chain they are the logarithms of marginals.

    Args:
        graph: takes the nodes.
        network: their common shape.
        weights: tensors (S, ...) as `build.torch.initial_weights` names them.
        inputs: the rows that all of them see.
        size: height and width of the images that are fed, if any are.
    """
    stack = len(next(iter(weights.values())))
    parts = [_parts(weights, position) for position in range(len(network.blocks))]
    first = network.blocks[0]
    if isinstance(first, ImageInput):
        assert size is not None
        behind = trunk(network.blocks)
        name, width = image_features(graph, network.blocks[:behind], parts[:behind], inputs["images"], size)
        hidden = Hidden(name, stack, 1, width)
    elif isinstance(first, SequenceInput):
        behind = sequence_trunk(network.blocks)
        read = sequence_features(graph, network.blocks[:behind], parts[:behind], inputs[first.encoding])
        name, width = _with_table(graph, read, first.table, parts[0], inputs)
        hidden = Hidden(name, stack, 1, width)
    else:
        behind = 1
        name, width = _vectors(graph, first, parts[0], inputs)
        hidden = Hidden(name, stack, 1, width)
    for block, named in zip(network.blocks[behind:], parts[behind:], strict=True):
        hidden = _apply(graph, block, named, hidden)
    if network.chained:
        return _chained(graph, hidden, parts[-1]["transitions"], inputs[POSITIONS])
    return hidden.name if hidden.members > 1 else graph.add_axes(hidden.name, 1)


def _parts(weights: Weights, position: int) -> dict[str, Array]:
    """Return the tensors of the block at a position, by the names that it has for them."""
    prefix = f"{position}."
    return {name[len(prefix) :]: tensor for name, tensor in weights.items() if name.startswith(prefix)}


def _apply(graph: Graph, block: Block, parts: Weights, hidden: Hidden) -> Hidden:
    match block:
        case Members(count):
            each = graph.add_axes(hidden.name, 1)
            signs = graph.weight(parts["in_scale"][:, :, None])
            return Hidden(graph.apply("Mul", each, signs), hidden.stack, count, hidden.width)
        case Dense():
            linear = _linear(graph, parts, "", hidden)
            name = _normalise(graph, block.norm, parts, linear)
            return replace(linear, name=activate(graph, block.activation, name))
        case Residual():
            normal = replace(hidden, name=_normalise(graph, block.norm, parts, hidden))
            up = _linear(graph, parts, "up_", normal)
            inner = replace(up, name=activate(graph, block.activation, up.name))
            down = _linear(graph, parts, "down_", inner)
            return replace(hidden, name=graph.apply("Add", hidden.name, down.name))
        case Head() | ChainHead():
            weight, bias = parts["weight"], parts["bias"]  # (S, E, F, K) and (S, E, K)
            if hidden.members == 1:
                weight, bias = weight[:, 0], bias[:, 0]
            product = graph.apply("MatMul", hidden.name, graph.weight(weight))
            name = graph.apply("Add", product, graph.weight(np.expand_dims(bias, -2)))
            return replace(hidden, name=name, width=block.outputs)
        case _:
            raise TypeError(f"no vector goes through {block}")


def _chained(graph: Graph, scores: Hidden, transitions: Array, positions: str) -> str:
    """Return the name of what a chain with transitions (S, E, K, K) makes of scores, (S, E, B, K)."""
    networks = scores.stack * scores.members  # members are networks of their own here
    flat = graph.reshape(scores.name, networks, -1, scores.width)
    pairs = transitions.reshape(networks, scores.width, scores.width)
    found = marginals(graph, flat, pairs, Grid.of(graph, positions))
    return graph.reshape(found, scores.stack, scores.members, -1, scores.width)


def _linear(graph: Graph, parts: Weights, prefix: str, hidden: Hidden) -> Hidden:
    """(S, E, B, F) → (S, E, B, H); the weight is shared by the members E, scalings and bias are their own."""
    weight, bias = parts[prefix + "weight"], parts[prefix + "bias"]
    width, name = weight.shape[2], hidden.name
    if hidden.members == 1:
        name = graph.apply("MatMul", name, graph.weight(weight))
        name = graph.apply("Add", name, graph.weight(bias))  # (S, 1, H)
        return replace(hidden, name=name, width=width)
    name = graph.apply("Mul", name, graph.weight(parts[prefix + "in_scale"][:, :, None]))
    name = graph.reshape(name, hidden.stack, -1, hidden.width)  # one product for all members
    name = graph.apply("MatMul", name, graph.weight(weight))
    name = graph.reshape(name, hidden.stack, hidden.members, -1, width)
    name = graph.apply("Mul", name, graph.weight(parts[prefix + "out_scale"][:, :, None]))
    return replace(hidden, name=graph.apply("Add", name, graph.weight(bias[:, :, None])), width=width)


def _normalise(graph: Graph, norm: Normalisation, parts: Weights, hidden: Hidden) -> str:
    if norm == "none":
        return hidden.name
    axes = (1,) if hidden.members == 1 else (1, 2)
    gain = graph.weight(np.expand_dims(parts["norm_scale"], axes))
    if norm == "rms":
        square = graph.mean(graph.apply("Mul", hidden.name, hidden.name), -1, keep=True)
        root = graph.apply("Sqrt", graph.apply("Add", square, graph.constant(ROOT_EPSILON, np.float32)))
        return graph.apply("Mul", graph.apply("Div", hidden.name, root), gain)
    plain = graph.constant(np.ones(hidden.width, np.float32))
    even = graph.apply("LayerNormalization", hidden.name, plain, axis=-1, epsilon=EPSILON)
    return graph.apply("Add", graph.apply("Mul", even, gain), graph.weight(np.expand_dims(parts["norm_bias"], axes)))


# --- inputs ----------------------------------------------------------------------------------------------------------


def _vectors(graph: Graph, block: Block, parts: Weights, inputs: Inputs) -> tuple[str, int]:
    """Return the name and width of the features (S, B, F) of rows of a table, or of texts as bags beside one."""
    if isinstance(block, BagInput):
        bags = _bags(graph, parts["grams"], inputs)
        return _with_table(graph, (bags, block.width), block.table, parts, inputs)
    assert isinstance(block, TableInput)
    return table_features(graph, block, parts, inputs)


def _with_table(
    graph: Graph, found: tuple[str, int], table: TableInput, parts: Weights, inputs: Inputs
) -> tuple[str, int]:
    """Return the name and width of features (S, B, F) with those of the table behind them, if it has any."""
    if not parts["scale"].shape[1]:
        return found
    (name, width), (beside, more) = found, table_features(graph, table, parts, inputs)
    return graph.join([name, beside], 2), width + more


def _bags(graph: Graph, vectors: Array, inputs: Inputs) -> str:
    """Return the weighted sums (S, B, W) of the vectors (S, V + 1, W) of the n-grams of each text."""
    stack, _, width = vectors.shape
    side_by_side = graph.weight(vectors.transpose(1, 0, 2).reshape(len(vectors[0]), stack * width))
    each = graph.apply("Gather", side_by_side, inputs["grams"], axis=0)  # (B, G, S · W)
    sums = graph.apply("MatMul", graph.add_axes(inputs["gram_weights"], 1), each)  # (B, 1, S · W)
    return graph.apply("Transpose", graph.reshape(sums, -1, stack, width), perm=[1, 0, 2])


def table_features(graph: Graph, block: TableInput, parts: Weights, inputs: Inputs) -> tuple[str, int]:
    """Return the name and width of the features (S, B, F) of rows of a table, each multiplied by its scale."""
    scale = parts["scale"]
    stack, width = scale.shape
    pieces: list[tuple[str, int]] = []
    if block.numeric:
        pieces.append(_embed(graph, block, parts, inputs["numeric"], stack))
    if block.plain:
        pieces.append((inputs["plain"], block.plain))
    if block.frozen:
        pieces.append((inputs["frozen"], block.frozen))
    if block.cardinalities:
        pieces.append(_embed_categories(graph, block, parts["categories"], inputs["categories"]))
    ends = np.cumsum([size for _, size in pieces])
    scales = np.split(scale[:, None], ends[:-1], axis=2)  # of each piece by itself, so that all have the stack's axis
    names = [graph.apply("Mul", name, graph.weight(own)) for (name, _), own in zip(pieces, scales, strict=True)]
    return graph.join(names, 2), width


def _embed(graph: Graph, block: TableInput, parts: Weights, numeric: str, stack: int) -> tuple[str, int]:
    """(B, F) → (S, B, F · width), or (B, F) as it is; columns stand first meanwhile, each with its own matrix."""
    embedding, columns = block.embedding, block.numeric
    if isinstance(embedding, Identity):
        return numeric, columns
    each = graph.add_axes(graph.apply("Transpose", numeric, perm=[1, 0]), 1)  # (F, 1, B)
    weight = graph.weight(parts["weight"].swapaxes(2, 3))  # (S, F, W, Q)
    bias = graph.weight(parts["bias"].swapaxes(2, 3))  # (S, F, W, 1)
    if isinstance(embedding, Periodic):
        turns = graph.apply("Mul", each, graph.weight(parts["frequency"].swapaxes(2, 3)))
        inner = graph.apply("Cos", graph.apply("Add", turns, graph.weight(parts["phase"].swapaxes(2, 3))))
    else:
        inner = _shares(graph, embedding, parts["knots"], each)
    name = graph.apply("Add", graph.apply("MatMul", weight, inner), bias)  # (S, F, W, B)
    if isinstance(embedding, Periodic):
        alike = graph.apply("Expand", each, graph.constant((stack, columns, 1, 1), np.int64))
        name = graph.join([name, alike], 2)
    name = graph.reshape(name, stack, columns * embedding.width, -1)
    return graph.apply("Transpose", name, perm=[0, 2, 1]), columns * embedding.width


def _shares(graph: Graph, embedding: Piecewise, knots: Array, each: str) -> str:
    """Return how far each value lies in each interval (S or 1, F, bins, B), from 0 to 1."""
    if (knots == knots[:1]).all():
        knots = knots[:1]  # all folds have the same
    low, high = knots[:, :, :-1, None], knots[:, :, 1:, None]
    slope = 1 / np.maximum(high - low, np.float32(NARROWEST))
    shares = graph.apply("Add", graph.apply("Mul", each, graph.weight(slope)), graph.weight(-low * slope))
    return graph.apply("Clip", shares, graph.constant(0, np.float32), graph.constant(1, np.float32))


def _embed_categories(graph: Graph, block: TableInput, table: Array, categories: str) -> tuple[str, int]:
    """(B, C) → (S, B, C · W), through one table for all columns, laid end to end."""
    starts = np.cumsum([0, *block.cardinalities[:-1]])
    index = graph.apply("Add", categories, graph.constant(starts, np.int64))
    each = graph.apply("Gather", graph.weight(table), index, axis=1)  # (S, B, C, W)
    width = len(block.cardinalities) * table.shape[2]
    return graph.reshape(each, len(table), -1, width), width
