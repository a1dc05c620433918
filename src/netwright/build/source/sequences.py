"""Blocks that texts go through, as bags of n-grams or as sequences, as lines of a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netwright.build.source.draft import Array, Draft, looped, only, transposed
from netwright.build.source.maps import stepping
from netwright.build.source.table import table_width, write_table
from netwright.build.source.text import STEP, WIDTH, Call, flat
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

_WAYS = {"forward": "", "backward": "_reverse"}  # of a recurrent unit, and what names of its tensors end with


def write_bag(draft: Draft, block: BagInput, source: str) -> None:
    """Write the lines of a bag of n-grams, with the columns of the table beside it."""
    draft.setup.append(f'self.grams = nn.EmbeddingBag({block.vocabulary + 1}, {block.width}, mode="sum")')
    draft.holds("grams.weight", f"{source}grams")
    draft.steps.append(
        f'hidden = self.grams(rows["grams"], per_sample_weights=rows["gram_weights"]){draft.shape(str(block.width))}'
    )
    _write_beside(draft, block.table, block.width, source)


def _write_beside(draft: Draft, table: TableInput, width: int, source: str) -> None:
    """Write that the columns of the table stand beside what came of a text."""
    beside = table_width(table)
    if beside:
        columns = write_table(draft, table, source)
        draft.steps.append(f"hidden = torch.cat([hidden, {columns}], dim=1){draft.shape(str(width + beside))}")
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
    encoding, width = first.encoding, first.width
    draft.setup.append(f"self.{encoding} = nn.Embedding({first.vocabulary + 1}, {width})")
    draft.setup.append(f"self.places = nn.Embedding({first.length}, {width})")
    draft.holds(f"{encoding}.weight", f"{source}{encoding}")
    draft.holds("places.weight", f"{source}places")
    draft.steps += [
        f'names = rows["{encoding}"][:, :{first.length}].long(){draft.shape("L")}',
        f"known = (names > 0).unsqueeze(2){draft.shape('L', '1')}",
        f"places = self.places.weight[: names.shape[1]]  # (L, {width})",
        f"texts = (self.{encoding}(names) + places) * known{draft.shape('L', str(width))}",
    ]
    if inner:
        calls = []
        for place, block in enumerate(inner):
            calls.append(_layer(draft, block, width))
            _hold(draft, f"layers.{place}", f"{place + 1}.", block)
            width = block.width if isinstance(block, SequenceConvolution | Recurrent) else width
        draft.setup += _listed(calls)
        draft.steps += ["for layer in self.layers:", "    texts, known = layer(texts, known)"]
        draft.steps[-1] += draft.shape("L", str(width)) if len({call.values[0] for call in calls}) == 1 else ""
    _write_pool(draft, pool, f"{len(blocks) - 1}.", width)
    _write_beside(draft, first.table, width * (2 if pool.kind == "both" else 1), source)


def _listed(calls: Sequence[Call]) -> list[str]:
    """Return the lines of layers as a list, equal ones by a loop."""
    texts = [flat(call) for call in calls]
    if len(texts) > 1 and len(set(texts)) == 1:
        return looped("layers", texts[0], f"for _ in range({len(texts)})")
    line = f"self.layers = nn.ModuleList([{', '.join(texts)}])"
    if len(2 * STEP + line) <= WIDTH:
        return [line]
    entries = [f"{STEP}{STEP}{text}," for text in texts]
    return ["self.layers = nn.ModuleList(", f"{STEP}[", *entries, f"{STEP}]", ")"]


def _layer(draft: Draft, block: Block, width: int) -> Call:
    """Return the call that makes a block which so many numbers a place enter."""
    draft.layers.add(type(block).__name__)
    match block:
        case SequenceConvolution(out, kernel, activation, stride):
            return Call("SequenceConvolution", (width, out, kernel, draft.activation(activation)), stepping(stride))
        case Recurrent(out):
            return Call("Recurrent", (width, out))
        case Attention(heads, hidden, activation):
            return Call("Attention", (width, heads, hidden, draft.activation(activation)))
        case _:
            raise TypeError(f"no sequence goes through {block}")


def _hold(draft: Draft, name: str, source: str, block: Block) -> None:
    """Say where the tensors of a block come from."""
    match block:
        case SequenceConvolution(out, kernel):
            draft.holds(f"{name}.convolution.weight", f"{source}weight", lambda tensor: _as_filters(tensor, kernel))
            draft.holds(f"{name}.convolution.bias", f"{source}bias", only)
            _hold_norm(draft, f"{name}.norm", source)
        case Recurrent(out):
            for way, end in _WAYS.items():
                draft.holds(f"{name}.gru.weight_ih_l0{end}", f"{source}{way}_weight", transposed)
                draft.holds(f"{name}.gru.weight_hh_l0{end}", f"{source}{way}_recurrent", transposed)
                draft.holds(f"{name}.gru.bias_ih_l0{end}", f"{source}{way}_bias", only)
                draft.holds_zeros(f"{name}.gru.bias_hh_l0{end}", (3 * out // 2,), np.float32)
        case Attention():
            for part in ("attend", "join", "up", "down"):
                draft.linear(f"{name}.{part}", f"{source}{part}_")
            for part in ("first", "second"):
                _hold_norm(draft, f"{name}.{part}_norm", f"{source}{part}_")


def _hold_norm(draft: Draft, name: str, source: str) -> None:
    draft.holds(f"{name}.weight", f"{source}norm_scale")
    draft.holds(f"{name}.bias", f"{source}norm_bias")


def _as_filters(weight: Array, kernel: int) -> Array:
    """(kernel · inputs, outputs) → (outputs, inputs, kernel), as PyTorch keeps a convolution."""
    return np.ascontiguousarray(weight.reshape(kernel, -1, weight.shape[1]).transpose(2, 1, 0))


def _write_pool(draft: Draft, pool: SequencePool, source: str, width: int) -> None:
    """Write that places become one vector."""
    shape = draft.shape(str(width * (2 if pool.kind == "both" else 1)))
    match pool.kind:
        case "attention":
            draft.setup.append(f"self.pool = AttentionPool({width})")
            draft.layers.add("AttentionPool")
            draft.holds("pool.score.weight", f"{source}weight", transposed)
            draft.steps.append(f"hidden = self.pool(texts, known){shape}")
        case "mean" | "max":
            function = {"mean": "mean_of_places", "max": "largest_of_places"}[pool.kind]
            draft.layers.add(function)
            draft.steps.append(f"hidden = {function}(texts, known){shape}")
        case "both":
            draft.layers |= {"mean_of_places", "largest_of_places"}
            draft.imports.whole["torch"] = "torch"
            draft.steps.append("pooled = [mean_of_places(texts, known), largest_of_places(texts, known)]")
            draft.steps.append(f"hidden = torch.cat(pooled, dim=1){shape}")
