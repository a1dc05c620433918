"""Blocks that sequences go through, as layers of Keras: the same functions as in `build.sequence`.

Letters in shapes: B row, L place of the sequence, M network of the stack, W width, A head of attention, D width of a
head. Places behind the end of a text are zero, and nothing of them reaches an answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netwright.build.backend import keras
from netwright.build.keras_layers import (
    GIVEN,
    Array,
    Parts,
    Value,
    activate,
    even,
    joined,
    looked_up,
    product,
    reshaped,
)
from netwright.spec.blocks import Attention, Block, Recurrent, SequenceConvolution, SequenceInput, SequencePool
from netwright.spec.numbers import EPSILON, FAR


@dataclass(frozen=True)
class Places:
    """Sequences on their way.

    Attributes:
        hidden: (B, L, M, W), zero behind the end of a text.
        known: (B, L) float32, 1 where a text has a piece, and 0 behind its end.
    """

    hidden: Value
    known: Value

    def only(self, hidden: Value) -> Places:
        """Return other numbers (B, L, M, V) at these places, zero behind the end of a text."""
        return Places(keras.layers.Multiply()([hidden, self.mask]), self.known)

    @property
    def mask(self) -> Value:
        """Return the known places as (B, L, 1, 1)."""
        return reshaped(self.known, self.known.shape[1], 1, 1)

    @property
    def behind(self) -> Value:
        """Return what is taken from logits (B, L): 0 where a text has a piece, -`FAR` behind its end.

        It is not added: on TensorFlow, Keras 3.15 adds what has one row and one other axis as a bias, and along the
        last axis if that is as long.
        """
        return (1.0 - self.known) * -FAR


def sequence_features(blocks: Sequence[Block], parts: Sequence[Parts], names: Value) -> Value:
    """Return the features (B, M, F) that the networks see in texts.

    Args:
        blocks: from the input to the pool.
        parts: for each block its tensors (M, ...) by name.
        names: (B, L) pieces or bytes of the texts, 0 behind their end.
    """
    first = blocks[0]
    assert isinstance(first, SequenceInput)
    places = _first_places(first, parts[0], names)
    for block, named in zip(blocks[1:-1], parts[1:-1], strict=True):
        places = _apply(block, named, places)
    pool = blocks[-1]
    assert isinstance(pool, SequencePool)
    return _pool(pool, parts[-1], places)


def _first_places(first: SequenceInput, parts: Parts, names: Value) -> Places:
    """Return the vectors of pieces and of their places, added."""
    stack, _, width = parts["places"].shape
    names = keras.ops.cast(names, "int32")
    if names.shape[1] > first.length:
        names = names[:, : first.length]
    length = names.shape[1]
    known = keras.ops.cast(keras.ops.greater(names, 0), "float32")
    vectors = looked_up(parts.layer(first.encoding), parts[first.encoding], names)  # (B, L, M · W)
    side_by_side = parts["places"][:, :length].transpose(1, 0, 2).reshape(length, stack * width)
    placed = product(parts.layer("places"), "bl,lw->blw", known, side_by_side)
    seen = keras.layers.Multiply()([vectors, reshaped(known, length, 1)])
    return Places(reshaped(keras.layers.Add()([seen, placed]), length, stack, width), known)


def _apply(block: Block, parts: Parts, places: Places) -> Places:
    match block:
        case SequenceConvolution():
            return _convolution(block, parts, places)
        case Recurrent():
            return _recurrent(block, parts, places)
        case Attention():
            return places.only(_attention(block, parts, places))
        case _:
            raise TypeError(f"no sequence goes through {block}")


def _linear(parts: Parts, prefix: str, hidden: Value) -> Value:
    """(B, L, M, W) → (B, L, M, V)."""
    weight, bias = parts[f"{prefix}weight"], parts[f"{prefix}bias"]
    out = product(parts.layer(f"{prefix}linear"), "bmw,mwv->bmv", _one_by_one(hidden), weight, bias, biased="mv")
    return _by_text(out, hidden)


def _normalised(parts: Parts, prefix: str, hidden: Value) -> Value:
    gain, shift = parts[f"{prefix}norm_scale"], parts[f"{prefix}norm_bias"]
    level = even(_one_by_one(hidden), EPSILON)
    return _by_text(product(parts.layer(f"{prefix}norm"), "bmw,mw->bmw", level, gain, shift, biased="mw"), hidden)


def _one_by_one(hidden: Value) -> Value:
    """(B, L, M, W) → (B · L, M, W): TensorFlow Lite does not convert products along two axes of rows rightly."""
    return keras.ops.reshape(hidden, (-1, *hidden.shape[2:]))


def _by_text(out: Value, hidden: Value) -> Value:
    """(B · L, M, V) → (B, L, M, V), with L as in what it came from."""
    return keras.ops.reshape(out, (-1, hidden.shape[1], *out.shape[1:]))


def _convolution(block: SequenceConvolution, parts: Parts, places: Places) -> Places:
    """Every so many places with their neighbours → linear, normalisation, activation; x is added where both stay."""
    hidden, half, stride = places.hidden, block.kernel // 2, block.stride
    length = hidden.shape[1]
    padded = keras.ops.pad(hidden, ((0, 0), (half, half), (0, 0), (0, 0))) if half else hidden
    near = joined([padded[:, shift : shift + length : stride] for shift in range(block.kernel)], 3)
    out = activate(block.activation, _normalised(parts, "", _linear(parts, "", near)))
    if stride == 1 and out.shape == hidden.shape:
        out = keras.layers.Add()([out, hidden])
    known = places.known[:, ::stride] if stride > 1 else places.known
    return Places(out, known).only(out)


def _recurrent(block: Recurrent, parts: Parts, places: Places) -> Places:
    """Return both directions of a gated recurrent unit side by side; the networks go one after the other."""
    length, stack, width = places.hidden.shape[1:]
    seen = keras.ops.greater(places.known, 0.5)
    states = []
    for network in range(stack):
        own = reshaped(places.hidden[:, :, network : network + 1], length, width)
        unit = keras.layers.GRU(
            block.width // 2,
            return_sequences=True,
            reset_after=True,
            kernel_initializer=GIVEN,
            recurrent_initializer=GIVEN,
        )
        both = keras.layers.Bidirectional(unit, name=parts.of_one(network).layer("recurrent"))
        weights = [array for way in ("forward_", "backward_") for array in _gates(parts.of_one(network), way)]
        found = _with_weights(both, own, seen, weights)
        states.append(keras.ops.expand_dims(found, 2))  # a layer would warn that it drops the mask
    return places.only(joined(states, 2))


def _with_weights(layer: Value, value: Value, seen: Value, weights: Sequence[Array]) -> Value:
    """Return what a layer makes of the places (B, L) that are seen, once it has these weights."""
    found = layer(value, mask=seen)
    layer.set_weights(weights)
    return found


def _gates(parts: Parts, way: str) -> tuple[Array, Array, Array]:
    """Return the weights (W, 3H), (H, 3H) and biases (2, 3H) of one direction, in the order of Keras.

    That is update, reset, new; ours is reset, update, new.
    """
    inputs, inner, bias = (parts[f"{way}{name}"] for name in ("weight", "recurrent", "bias"))
    half = len(inner)
    order = np.r_[half : 2 * half, 0:half, 2 * half : 3 * half]
    return inputs[:, order], inner[:, order], np.concatenate([bias[:, order], np.zeros_like(bias)])


def _attention(block: Attention, parts: Parts, places: Places) -> Value:
    """One layer of a Transformer, normalised before each branch."""
    hidden = places.hidden
    length, stack, width = hidden.shape[1:]
    deep = width // block.heads
    each = _linear(parts, "attend_", _normalised(parts, "first_", hidden))
    thirds = (each[:, :, :, place * width : (place + 1) * width] for place in range(3))
    query, key, value = (reshaped(one, length, stack, block.heads, deep) for one in thirds)
    query, value = (keras.layers.Permute((2, 3, 1, 4))(one) for one in (query, value))  # (B, M, A, L, D)
    key = keras.layers.Permute((2, 3, 4, 1))(key)  # (B, M, A, D, L)
    logits = keras.ops.matmul(query, key) * (1 / math.sqrt(deep))
    shares = keras.ops.softmax(logits - reshaped(places.behind, 1, 1, 1, length), axis=-1)
    mixed = keras.layers.Permute((3, 1, 2, 4))(keras.ops.matmul(shares, value))
    joined_heads = _linear(parts, "join_", reshaped(mixed, length, stack, width))
    hidden = keras.layers.Add()([hidden, joined_heads])
    inner = activate(block.activation, _linear(parts, "up_", _normalised(parts, "second_", hidden)))
    return keras.layers.Add()([hidden, _linear(parts, "down_", inner)])


def _pool(pool: SequencePool, parts: Parts, places: Places) -> Value:
    """(B, L, M, W) → (B, M, F): the mean, the largest or a weighed sum of the known places; 0 where there is none."""
    hidden, known = places.hidden, places.mask
    length = hidden.shape[1]
    behind = reshaped(places.behind, length, 1, 1)
    if pool.kind == "attention":
        logits = product(parts.layer("attention"), "bmw,mwv->bmv", _one_by_one(hidden), parts["weight"])
        logits = _by_text(logits, hidden)  # (B, L, M, 1)
        shares = keras.ops.softmax(logits - behind, axis=1)
        return keras.ops.sum(keras.layers.Multiply()([shares, hidden]), axis=1)
    pieces = []
    count = keras.ops.maximum(keras.ops.sum(known, axis=1), 1.0)  # (B, 1, 1)
    if pool.kind in ("mean", "both"):
        pieces.append(keras.ops.sum(hidden, axis=1) / count)
    if pool.kind in ("max", "both"):
        largest = keras.ops.max(hidden - behind, axis=1)
        pieces.append(largest * keras.ops.max(known, axis=1))
    return joined(pieces, 2)
