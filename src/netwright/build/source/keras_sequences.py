"""Blocks that texts go through, as bags of n-grams or as sequences, as lines of a network of Keras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netwright.build.source.draft import Array, Draft, only
from netwright.build.source.keras_inputs import ACTIVATIONS, declare, hold_linear, hold_norm, named
from netwright.build.source.keras_table import write_table
from netwright.build.source.maps import stepping
from netwright.build.source.table import table_width
from netwright.build.source.text import flat
from netwright.spec.blocks import (
    Attention,
    BagInput,
    Block,
    Recurrent,
    SequenceConvolution,
    SequenceInput,
    SequencePool,
    TableInput,
)

LAYERS = {"pieces": "piece_vectors", "bytes": "byte_vectors"}  # whose inputs have these names
_WAYS = ("forward", "backward")  # of a recurrent unit
_FUNCTIONS = {"mean": "mean_of_places", "max": "largest_of_places", "attention": "attention_pool"}


def write_bag(draft: Draft, block: BagInput, source: str) -> None:
    """Write the lines of a bag of n-grams, with the columns of the table beside it."""
    grams, weights = declare(draft, "grams", "(None,)", "int32"), declare(draft, "gram_weights", "(None,)")
    call = f"bag_of_grams({grams}, {weights}, {block.vocabulary}, {block.width})"
    draft.steps.append(f"hidden = {call}{draft.shape(str(block.width))}")
    draft.layers.add("bag_of_grams")
    draft.holds("gram_vectors.embeddings", f"{source}grams")
    _write_beside(draft, block.table, block.width, source)


def _write_beside(draft: Draft, table: TableInput, width: int, source: str) -> None:
    """Write that the columns of the table stand beside what came of a text."""
    beside = table_width(table)
    if beside:
        columns = write_table(draft, table, source)
        draft.steps.append(f"hidden = layers.Concatenate()([hidden, {columns}]){draft.shape(str(width + beside))}")
    draft.width = str(width + beside)


def write_reader(draft: Draft, blocks: Sequence[Block], source: str) -> None:
    """Write the lines from a sequence to the vector of features, with the columns of the table behind it.

    Args:
        draft: of the network.
        blocks: from the input to the pool.
        source: what the names of the tensors of the input begin with.
    """
    first, *inner, pool = blocks
    assert isinstance(first, SequenceInput) and isinstance(pool, SequencePool)
    encoding, width, layer = first.encoding, first.width, LAYERS[first.encoding]
    given = declare(draft, encoding, f"({first.length},)", "int32")
    draft.steps += [
        f"texts = PieceVectors({first.vocabulary}, {width}, {named(layer)})({given}){draft.shape('L', str(width))}",
        f"known = is_known({given}){draft.shape('L', '1')}",
    ]
    draft.layers |= {"PieceVectors", "is_known"}
    draft.holds(f"{layer}.vectors", f"{source}{encoding}")
    draft.holds(f"{layer}.places", f"{source}places")
    for place, block in enumerate(inner):
        width = block.width if isinstance(block, SequenceConvolution | Recurrent) else width
        draft.steps.append(f"texts, known = {_call(draft, block, f'layer_{place}')}{draft.shape('L', str(width))}")
        _hold(draft, f"layer_{place}", f"{place + 1}.", block)
    _write_pool(draft, pool, f"{len(blocks) - 1}.", width)
    _write_beside(draft, first.table, width * (2 if pool.kind == "both" else 1), source)


def _call(draft: Draft, block: Block, name: str) -> str:
    """Return the call of a block."""
    values: list[int | str]
    match block:
        case SequenceConvolution(out, kernel, activation, stride):
            kind, values = "sequence_convolution", [out, kernel, ACTIVATIONS.get(activation, activation)]
            strides = stepping(stride)
        case Recurrent(out):
            kind, values, strides = "recurrent", [out], {}
        case Attention(heads, hidden, activation):
            kind, values, strides = "attention", [heads, hidden, ACTIVATIONS.get(activation, activation)], {}
        case _:
            raise TypeError(f"no sequence goes through {block}")
    draft.layers.add(kind)
    told = [named(name), *(f"{key}={value}" for key, value in strides.items())]
    return f"{kind}({', '.join(['texts', 'known', *map(flat, values), *told])})"


def _hold(draft: Draft, name: str, source: str, block: Block) -> None:
    """Say where the tensors of a block come from."""
    match block:
        case SequenceConvolution(_, kernel):
            draft.holds(f"{name}.kernel", f"{source}weight", lambda tensor: _as_filters(tensor, kernel))
            draft.holds(f"{name}.bias", f"{source}bias", only)
            hold_norm(draft, f"{name}_norm", source)
        case Recurrent():
            for way in _WAYS:
                draft.holds(f"{name}_{way}.kernel", f"{source}{way}_weight", _in_order)
                draft.holds(f"{name}_{way}.recurrent_kernel", f"{source}{way}_recurrent", _in_order)
                draft.holds(f"{name}_{way}.bias", f"{source}{way}_bias", _with_second)
        case Attention():
            for part in ("attend", "join", "up", "down"):
                hold_linear(draft, f"{name}_{part}", f"{source}{part}_")
            for part in ("first", "second"):
                hold_norm(draft, f"{name}_{part}_norm", f"{source}{part}_")


def _as_filters(weight: Array, kernel: int) -> Array:
    """(kernel · inputs, outputs) → (kernel, inputs, outputs), as Keras keeps a convolution."""
    return weight.reshape(kernel, -1, weight.shape[1])


def _in_order(gates: Array) -> Array:
    """Return the gates (..., 3H) in the order of Keras: update, reset, new; ours is reset, update, new."""
    reset, update, new = np.split(gates, 3, axis=1)
    return np.concatenate([update, reset, new], axis=1)


def _with_second(bias: Array) -> Array:
    """(1, 3H) → (2, 3H) in the order of Keras: the second biases, of what was before, are zero."""
    first = _in_order(bias)
    return np.concatenate([first, np.zeros_like(first)])


def _write_pool(draft: Draft, pool: SequencePool, source: str, width: int) -> None:
    """Write that places become one vector."""
    shape = draft.shape(str(width * (2 if pool.kind == "both" else 1)))
    if pool.kind == "both":
        draft.layers |= {"mean_of_places", "largest_of_places"}
        draft.steps.append("pooled = [mean_of_places(texts, known), largest_of_places(texts, known)]")
        draft.steps.append(f"hidden = layers.Concatenate()(pooled){shape}")
        return
    draft.layers.add(_FUNCTIONS[pool.kind])
    draft.steps.append(f"hidden = {_FUNCTIONS[pool.kind]}(texts, known){shape}")
    if pool.kind == "attention":
        draft.holds("pool.kernel", f"{source}weight")
