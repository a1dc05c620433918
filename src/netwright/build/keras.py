"""A spec made real in Keras 3: a stack of M networks of one shape, as layers of a functional model.

The same function as `build.torch.forward`, block by block, on rows that all networks share. Without noise it
consists of layers and operations that Keras brings, so that plain Keras reads a saved model back on any backend, with
no code of ours and in its safe mode. Letters in shapes: B row, M network of the stack, E member that shares weights
(TabM), F feature, H width, K output. Rows lead, as Keras has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from netwright.build.backend import keras
from netwright.build.keras_chain import marginals
from netwright.build.keras_layers import Array, Parts, Value, activate, even, joined, looked_up, product, reshaped
from netwright.build.keras_sequence import sequence_features
from netwright.build.keras_spatial import image_features
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
    Residual,
    SequenceInput,
    TableInput,
)
from netwright.spec.network import Network
from netwright.spec.numbers import EPSILON, ROOT_EPSILON
from netwright.spec.sequences import sequence_trunk
from netwright.spec.spatial import trunk

NARROWEST = 1e-6  # interval of a piecewise embedding

Weights = Mapping[str, Array]
Inputs = Mapping[str, Value]
"""The features (B, ...) of the rows, by what they are: see `data.features.Features`."""

Noise = Callable[[Value], Value]
"""What is done to activations while networks learn: see `build.keras_noise`."""


def quiet(value: Value) -> Value:
    """Return a value as it is: there is no noise."""
    return value


@dataclass(frozen=True)
class Hidden:
    """What flows between two blocks.

    Attributes:
        value: (B · E, M, F): the members of a row stand one after the other.
        members: E; 1 without.
    """

    value: Value
    members: int

    def by_member(self) -> Value:
        """Return the value as (B, E, M, F)."""
        return keras.ops.reshape(self.value, (-1, self.members, *self.value.shape[1:]))


def forward(network: Network, weights: Weights, inputs: Inputs, label: str = "network", noise: Noise = quiet) -> Value:
    """Return the outputs (B, E, M, K) of a stack of networks: logits, or values for regression.

    Of a chain they are the logarithms of marginals.

    Args:
        network: their common shape.
        weights: tensors (M, ...) as `build.torch.initial_weights` names them.
        inputs: the rows that all of them see.
        label: what the layers are called after.
        noise: put where networks have dropout.
    """
    parts = [_parts(weights, position, label) for position in range(len(network.blocks))]
    first = network.blocks[0]
    if isinstance(first, ImageInput):
        behind = trunk(network.blocks)
        stack = len(next(iter(weights.values())))
        seen = noise(image_features(network.blocks[:behind], parts[:behind], inputs["images"], stack))
    elif isinstance(first, SequenceInput):
        behind = sequence_trunk(network.blocks)
        read = sequence_features(network.blocks[:behind], parts[:behind], inputs[first.encoding])
        seen = noise(joined([read, *_apply_input(first.table, parts[0], inputs)], 2))
    else:
        behind = 1
        seen = joined(_vectors(first, parts[0], inputs), 2)
        seen = noise(seen) if isinstance(first, BagInput) else seen
    hidden = Hidden(seen, 1)
    for block, named in zip(network.blocks[behind:], parts[behind:], strict=True):
        hidden = _apply_block(block, named, hidden, noise)
    return _chained(parts[-1], hidden, inputs[POSITIONS]) if network.chained else hidden.by_member()


def _parts(weights: Weights, position: int, label: str) -> Parts:
    """Return the tensors of the block at a position, by the names that it has for them."""
    prefix = f"{position}."
    own = {name[len(prefix) :]: tensor for name, tensor in weights.items() if name.startswith(prefix)}
    return Parts(f"{label}_block{position}", own)


def _apply_block(block: Block, parts: Parts, hidden: Hidden, noise: Noise) -> Hidden:
    match block:
        case Members(count):
            signs = parts["in_scale"].swapaxes(0, 1)  # (E, M, F)
            each = product(parts.layer("members"), "bmf,emf->bemf", hidden.value, signs)
            return Hidden(_together(each), count)
        case Dense():
            linear = _linear(parts, "", hidden)
            return replace(linear, value=noise(activate(block.activation, _normalise(block.norm, parts, linear.value))))
        case Residual():
            normal = replace(hidden, value=_normalise(block.norm, parts, hidden.value))
            up = _linear(parts, "up_", normal)
            down = _linear(parts, "down_", replace(up, value=noise(activate(block.activation, up.value))))
            return replace(hidden, value=keras.layers.Add()([hidden.value, down.value]))
        case Head() | ChainHead():
            return _head(parts, hidden)
        case _:
            raise TypeError(f"no vector goes through {block}")


def _together(each: Value) -> Value:
    """(B, E, M, F) → (B · E, M, F)."""
    return keras.ops.reshape(each, (-1, *each.shape[2:]))


def _linear(parts: Parts, prefix: str, hidden: Hidden) -> Hidden:
    """(B · E, M, F) → (B · E, M, H); the weight is shared by the members E, scalings and bias are their own."""
    name, weight, bias = parts.layer(f"{prefix}linear"), parts[f"{prefix}weight"], parts[f"{prefix}bias"]
    if hidden.members == 1:
        return replace(hidden, value=product(name, "bmf,mfh->bmh", hidden.value, weight, bias, biased="mh"))
    into, out = (parts[f"{prefix}{end}_scale"].swapaxes(0, 1) for end in ("in", "out"))  # (E, M, F) and (E, M, H)
    each = product(f"{name}_in", "bemf,emf->bemf", hidden.by_member(), into)
    linear = replace(hidden, value=product(name, "bmf,mfh->bmh", _together(each), weight))
    own = bias.swapaxes(0, 1)  # (E, M, H)
    each = product(f"{name}_out", "bemh,emh->bemh", linear.by_member(), out, own, biased="emh")
    return replace(hidden, value=_together(each))


def _head(parts: Parts, hidden: Hidden) -> Hidden:
    """(B · E, M, F) → (B · E, M, K); each member has a weight of its own."""
    name, weight, bias = parts.layer("head"), parts["weight"], parts["bias"]  # (M, E, F, K) and (M, E, K)
    if hidden.members == 1:
        return Hidden(product(name, "bmf,mfk->bmk", hidden.value, weight[:, 0], bias[:, 0], biased="mk"), 1)
    weight, bias = weight.swapaxes(0, 1), bias.swapaxes(0, 1)
    each = product(name, "bemf,emfk->bemk", hidden.by_member(), weight, bias, biased="emk")
    return replace(hidden, value=_together(each))


def _chained(parts: Parts, scores: Hidden, positions: Value) -> Value:
    """Return what a chain makes of scores of tags, (B, E, M, K); members are networks of their own for it."""
    each, pairs = scores.by_member(), parts["transitions"].swapaxes(0, 1)  # (E, M, K, K)
    _, members, stack, tags = each.shape
    flat = reshaped(each, members * stack, tags)
    found = marginals(parts.layer("pairs"), flat, pairs.reshape(members * stack, tags, tags), positions)
    return reshaped(found, members, stack, tags)


def _normalise(norm: Normalisation, parts: Parts, value: Value) -> Value:
    if norm == "none":
        return value
    gain = parts["norm_scale"]
    if norm == "rms":
        value = keras.ops.rms_normalization(value, axis=-1, epsilon=ROOT_EPSILON)
        return product(parts.layer("norm"), "bmf,mf->bmf", value, gain)
    return product(parts.layer("norm"), "bmf,mf->bmf", even(value, EPSILON), gain, parts["norm_bias"], biased="mf")


# --- inputs ----------------------------------------------------------------------------------------------------------


def _vectors(block: Block, parts: Parts, inputs: Inputs) -> list[Value]:
    """Return the features (B, M, F) of rows of a table, or of texts as bags beside one, in pieces."""
    if isinstance(block, BagInput):
        return [_bag(parts, inputs), *_apply_input(block.table, parts, inputs)]
    assert isinstance(block, TableInput)
    return _apply_input(block, parts, inputs)


def _bag(parts: Parts, inputs: Inputs) -> Value:
    """Return the weighted sums (B, M, W) of the vectors (M, V + 1, W) of the n-grams of each text."""
    stack, _, width = parts["grams"].shape
    each = looked_up(parts.layer("grams"), parts["grams"], inputs["grams"])  # (B, G, M · W)
    sums = keras.ops.matmul(reshaped(inputs["gram_weights"], 1, each.shape[1]), each)  # (B, 1, M · W)
    return reshaped(sums, stack, width)


def _apply_input(block: TableInput, parts: Parts, inputs: Inputs) -> list[Value]:
    """Return the features (B, M, F) of rows of a table in pieces, each multiplied by its scale; none of no columns."""
    pieces: list[tuple[str, Value]] = []
    if block.numeric:
        pieces.append(("numeric", _embed(block, parts, inputs["numeric"])))
    pieces += [(name, inputs[name]) for name in ("plain", "frozen") if getattr(block, name)]
    if block.cardinalities:
        pieces.append(("categories", _embed_categories(block, parts, inputs["categories"])))
    ends = np.cumsum([piece.shape[-1] for _, piece in pieces])
    scales = np.split(parts["scale"], ends, axis=1)[: len(pieces)]
    return [_scaled(parts.layer(f"{name}_scale"), each, own) for (name, each), own in zip(pieces, scales, strict=True)]


def _scaled(name: str, piece: Value, scale: Array) -> Value:
    """Return a piece (B, M, F), or (B, F) that is the same for all networks, times a scale (M, F): (B, M, F)."""
    return product(name, "bf,mf->bmf" if len(piece.shape) == 2 else "bmf,mf->bmf", piece, scale)


def _embed(block: TableInput, parts: Parts, numeric: Value) -> Value:
    """(B, F) → (B, M, F · width), each column by a small matrix of its own; (B, F) as it is without an embedding."""
    if isinstance(block.embedding, Identity):
        return numeric
    weight, bias = parts["weight"], parts["bias"][:, :, 0]  # (M, F, Q, W) and (M, F, W)
    stack, columns, width = len(weight), block.numeric, block.embedding.width
    periodic = isinstance(block.embedding, Periodic)
    inner = reshaped(_waves(parts, numeric) if periodic else _shares(parts, numeric), columns, stack, -1)
    embedded = product(parts.layer("embedding"), "bfmq,mfqw->bmfw", inner, weight, bias, biased="mfw")
    if periodic:
        alike = reshaped(keras.layers.RepeatVector(stack)(numeric), stack, columns, 1)
        embedded = joined([embedded, alike], 3)
    return reshaped(embedded, stack, columns * width)


def _waves(parts: Parts, numeric: Value) -> Value:
    """(B, F) → (B, F, M · Q): the waves of each column."""
    frequency, phase = (_side_by_side(parts[name][:, :, 0]) for name in ("frequency", "phase"))
    return keras.ops.cos(product(parts.layer("waves"), "bf,fq->bfq", numeric, frequency, phase, biased="fq"))


def _shares(parts: Parts, numeric: Value) -> Value:
    """(B, F) → (B, F, M · Q): how far each value lies in each interval, from 0 to 1."""
    knots = parts["knots"]
    low, high = _side_by_side(knots[:, :, :-1]), _side_by_side(knots[:, :, 1:])
    slope = 1 / np.maximum(high - low, np.float32(NARROWEST))
    name = parts.layer("intervals")
    line = product(name, "bf,fq->bfq", numeric, slope, -low * slope, biased="fq", trained=False)
    return keras.layers.ReLU(max_value=1.0)(line)


def _side_by_side(each: Array) -> Array:
    """(M, F, Q) → (F, M · Q)."""
    return each.transpose(1, 0, 2).reshape(each.shape[1], -1)


def _embed_categories(block: TableInput, parts: Parts, categories: Value) -> Value:
    """(B, C) → (B, M, C · W), through one table for all columns, laid end to end."""
    stack, _, width = parts["categories"].shape
    columns = len(block.cardinalities)
    if columns > 1:
        starts = np.cumsum([0, *block.cardinalities[:-1]], dtype=np.int32)
        # Not added: Keras would add a vector as a bias, which TensorFlow Lite cannot do to whole numbers.
        categories = keras.ops.subtract(categories, -starts)
    each = looked_up(parts.layer("categories"), parts["categories"], categories)
    each = keras.layers.Permute((2, 1, 3))(reshaped(each, columns, stack, width))
    return reshaped(each, stack, columns * width)
