"""Blocks that sequences go through, as nodes of an ONNX graph: the same functions as in `build.sequence`.

Letters in shapes: S network of the stack, B row, L place of the sequence, W width, A head, D width of a head, H half a
width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.build.graph import Graph
from netwright.build.onnx_activations import activate
from netwright.spec.blocks import Attention, Block, Recurrent, SequenceConvolution, SequenceInput, SequencePool
from netwright.spec.numbers import EPSILON, FAR
from netwright.spec.sequences import places_behind

Weights = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Places:
    """Sequences on their way.

    Attributes:
        name: of the value (S, B, L, W).
        known: of (1, B, L, 1): 1 where a text has a piece, 0 behind its end.
        stack, length, width: S, L and W.
    """

    name: str
    known: str
    stack: int
    length: int
    width: int


def sequence_features(graph: Graph, blocks: Sequence[Block], weights: Sequence[Weights], names: str) -> tuple[str, int]:
    """Return the name and width of the features (S, B, F) that the networks see in texts.

    Args:
        graph: takes the nodes.
        blocks: from the input to the pool.
        weights: for each block its tensors (S, ...) by name.
        names: (B, L) pieces or bytes of the texts, 0 behind their end.
    """
    first, pool = blocks[0], blocks[-1]
    assert isinstance(first, SequenceInput)
    assert isinstance(pool, SequencePool)
    places = _begun(graph, first, weights[0], names)
    for block, parts in zip(blocks[1:-1], weights[1:-1], strict=True):
        places = _apply(graph, block, parts, places)
    return _pool(graph, pool, weights[-1], places)


def _begun(graph: Graph, first: SequenceInput, parts: Weights, names: str) -> Places:
    """Return the vectors of pieces and places of the first pieces of texts."""
    cut = _slice(graph, graph.cast(names, np.int64), 1, 0, first.length)
    some = graph.cast(graph.apply("Greater", cut, graph.constant(0, np.int64)), np.float32)
    known = graph.add_axes(some, 0, 3)
    vectors = graph.apply("Gather", graph.weight(parts[first.encoding]), cut, axis=1)  # (S, B, L, W)
    placed = graph.apply("Add", vectors, graph.weight(parts["places"][:, None]))
    stack = len(parts["places"])
    return Places(graph.apply("Mul", placed, known), known, stack, first.length, first.width)


def _slice(graph: Graph, value: str, axis: int, start: int, end: int, step: int = 1) -> str:
    return graph.apply("Slice", value, *(graph.constant([number], np.int64) for number in (start, end, axis, step)))


def _apply(graph: Graph, block: Block, parts: Weights, places: Places) -> Places:
    match block:
        case SequenceConvolution():
            return _convolution(graph, block, parts, places)
        case Recurrent():
            return _recurrent(graph, block, parts, places)
        case Attention():
            return _attention(graph, block, parts, places)
        case _:
            raise TypeError(f"no sequence goes through {block}")


def _linear(graph: Graph, parts: Weights, prefix: str, places: Places) -> Places:
    """(S, B, L, W) → (S, B, L, V)."""
    weight = parts[f"{prefix}weight"]
    flat = graph.reshape(places.name, places.stack, -1, places.width)
    out = graph.apply("MatMul", flat, graph.weight(weight))
    out = graph.apply("Add", out, graph.weight(parts[f"{prefix}bias"]))  # (S, 1, V)
    width = weight.shape[2]
    return replace(places, name=graph.reshape(out, places.stack, -1, places.length, width), width=width)


def _normalised(graph: Graph, parts: Weights, prefix: str, places: Places) -> Places:
    gain, shift = (graph.weight(parts[f"{prefix}norm_{part}"][:, None, None]) for part in ("scale", "bias"))
    plain = graph.constant(np.ones(places.width, np.float32))
    even = graph.apply("LayerNormalization", places.name, plain, axis=-1, epsilon=EPSILON)
    return replace(places, name=graph.apply("Add", graph.apply("Mul", even, gain), shift))


def _convolution(graph: Graph, block: SequenceConvolution, parts: Weights, places: Places) -> Places:
    """Every so many places with their neighbours → linear, normalisation, activation; x is added where both stay."""
    half, stride, kept = block.kernel // 2, block.stride, places_behind(block, places.length)
    padded = graph.apply("Pad", places.name, graph.constant([0, 0, half, 0, 0, 0, half, 0], np.int64))
    shifts = range(block.kernel)
    near = graph.join([_slice(graph, padded, 2, shift, shift + places.length, stride) for shift in shifts], 3)
    known = _slice(graph, places.known, 2, 0, places.length, stride) if stride > 1 else places.known
    wide = Places(near, known, places.stack, kept, block.kernel * places.width)
    out = _normalised(graph, parts, "", _linear(graph, parts, "", wide))
    name = activate(graph, block.activation, out.name)
    if stride == 1 and out.width == places.width:
        name = graph.apply("Add", name, places.name)
    return replace(out, name=graph.apply("Mul", name, known))


def _recurrent(graph: Graph, block: Recurrent, parts: Weights, places: Places) -> Places:
    """Return both directions of a gated recurrent unit side by side, by the operator that the standard has for it.

    With `linear_before_reset` it is h = (1 - u) · tanh(W x + r · (R h)) + u · h, as in `build.sequence`.
    """
    half = block.width // 2
    counts = graph.apply("ReduceSum", places.known, graph.constant([0, 2, 3], np.int64), keepdims=0)
    lengths = graph.cast(counts, np.int32)  # (B,)
    each = graph.apply_all("Split", places.stack, places.name, axis=0, num_outputs=places.stack)
    states = []
    for place, one in enumerate(each):
        inputs = graph.apply("Transpose", graph.reshape(one, -1, places.length, places.width), perm=[1, 0, 2])
        own = (graph.constant(array) for array in _gates(parts, place, half))
        state, _ = graph.apply_all(
            "GRU", 2, inputs, *own, lengths, hidden_size=half, direction="bidirectional", linear_before_reset=1
        )  # (L, 2, B, H)
        state = graph.apply("Transpose", state, perm=[2, 0, 1, 3])
        states.append(graph.reshape(state, 1, -1, places.length, block.width))
    name = graph.apply("Mul", graph.join(states, 0), places.known)
    return replace(places, name=name, width=block.width)


def _gates(parts: Weights, place: int, half: int) -> tuple[NDArray[np.float32], ...]:
    """Return the weights (2, 3H, W), (2, 3H, H) and biases (2, 6H) of one network, in the order of the standard.

    That is update, reset, new; ours is reset, update, new.
    """
    order = np.r_[half : 2 * half, 0:half, 2 * half : 3 * half]
    ways = ("forward_", "backward_")
    weight = np.stack([parts[f"{way}weight"][place].T[order] for way in ways])
    recurrent = np.stack([parts[f"{way}recurrent"][place].T[order] for way in ways])
    bias = np.stack([parts[f"{way}bias"][place, 0][order] for way in ways])
    return weight, recurrent, np.concatenate([bias, np.zeros_like(bias)], axis=1)


def _attention(graph: Graph, block: Attention, parts: Weights, places: Places) -> Places:
    """One layer of a Transformer, normalised before each branch."""
    stack, length, width = places.stack, places.length, places.width
    deep = width // block.heads
    each = _linear(graph, parts, "attend_", _normalised(graph, parts, "first_", places))
    split = graph.reshape(each.name, stack, -1, length, 3, block.heads, deep)
    query, key, value = (
        graph.reshape(one, stack, -1, length, block.heads, deep)
        for one in graph.apply_all("Split", 3, split, axis=3, num_outputs=3)
    )
    query, value = (graph.apply("Transpose", one, perm=[0, 1, 3, 2, 4]) for one in (query, value))  # (S, B, A, L, D)
    key = graph.apply("Transpose", key, perm=[0, 1, 3, 4, 2])  # (S, B, A, D, L)
    logits = graph.apply("Mul", graph.apply("MatMul", query, key), graph.constant(1 / sqrt(deep), np.float32))
    logits = graph.apply("Add", logits, _unseen(graph, places))
    mixed = graph.apply("MatMul", graph.apply("Softmax", logits, axis=-1), value)
    mixed = graph.reshape(graph.apply("Transpose", mixed, perm=[0, 1, 3, 2, 4]), stack, -1, length, width)
    joined = _linear(graph, parts, "join_", replace(places, name=mixed))
    hidden = replace(places, name=graph.apply("Add", places.name, joined.name))
    inner = _linear(graph, parts, "up_", _normalised(graph, parts, "second_", hidden))
    down = _linear(graph, parts, "down_", replace(inner, name=activate(graph, block.activation, inner.name)))
    name = graph.apply("Add", hidden.name, down.name)
    return replace(places, name=graph.apply("Mul", name, places.known))


def _unseen(graph: Graph, places: Places) -> str:
    """Return what is added to logits (1, B, 1, 1, L): 0 where a text has a piece, `FAR` behind its end."""
    absent = graph.apply("Sub", graph.constant(1, np.float32), places.known)
    far = graph.apply("Mul", absent, graph.constant(FAR, np.float32))
    return graph.reshape(far, 1, -1, 1, 1, places.length)


def _pool(graph: Graph, pool: SequencePool, parts: Weights, places: Places) -> tuple[str, int]:
    """(S, B, L, W) → (S, B, F): the mean, the largest or a weighed sum of the known places; 0 where there is none."""
    along = graph.constant([2], np.int64)
    known = graph.cast(places.known, np.bool_)
    if pool.kind == "attention":
        logits = _linear(graph, {**parts, "bias": np.zeros((places.stack, 1, 1), np.float32)}, "", places)
        shares = graph.apply(
            "Softmax", graph.apply("Where", known, logits.name, graph.constant(FAR, np.float32)), axis=2
        )
        weighed = graph.apply("Mul", shares, places.name)
        return graph.apply("ReduceSum", weighed, along, keepdims=0), places.width
    names = []
    if pool.kind in ("mean", "both"):
        count = graph.apply("ReduceSum", places.known, along, keepdims=0)
        count = graph.apply("Max", count, graph.constant(1, np.float32))
        names.append(graph.apply("Div", graph.apply("ReduceSum", places.name, along, keepdims=0), count))
    if pool.kind in ("max", "both"):
        largest = graph.apply("Where", known, places.name, graph.constant(FAR, np.float32))
        some = graph.apply("ReduceMax", places.known, along, keepdims=0)
        names.append(graph.apply("Mul", graph.apply("ReduceMax", largest, along, keepdims=0), some))
    return graph.join(names, 2), len(names) * places.width
