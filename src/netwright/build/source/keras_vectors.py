"""Blocks that vectors go through, as lines of a network of Keras."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.build.source.draft import Draft, only, same
from netwright.build.source.keras_inputs import activation_of, declare, hold_linear, hold_norm, named, noise_of
from netwright.errors import NoSource
from netwright.spec.blocks import Block, ChainHead, Dense, Head, Members, Residual

_SCALED = ("weight", "in_scale", "out_scale", "bias")  # tensors of a linear layer that members share


def write_run(draft: Draft, blocks: Sequence[Block], first: int, dropout: float) -> None:
    """Write blocks of one sort that follow each other, see `vectors.runs`.

    Args:
        draft: of the network.
        blocks: the blocks.
        first: the position of the first of them among the blocks of the network.
        dropout: the share of activations that are dropped in training.
    """
    match blocks[0]:
        case Dense():
            _write_dense(draft, [block for block in blocks if isinstance(block, Dense)], first, dropout)
        case Residual():
            _write_residual(draft, [block for block in blocks if isinstance(block, Residual)], first, dropout)
        case Members():
            _write_members(draft, blocks[0], first)
        case Head() | ChainHead():
            _write_head(draft, blocks[0], first)
        case _:
            raise TypeError(f"no vector goes through {blocks[0]}")


def write_dropped(draft: Draft, dropout: float) -> None:
    """Write that some of what came of an image or a text is dropped."""
    if noise := noise_of(draft, dropout):
        draft.steps.append(f"hidden = {noise}(hidden)")


def _write_dense(draft: Draft, blocks: Sequence[Dense], first: int, dropout: float) -> None:
    """Write layers of one activation and normalisation, as a loop where there are several."""
    one, widths = blocks[0], tuple(block.width for block in blocks)
    kind = _kind(draft, "dense")
    name = draft.attribute("linear" if len(blocks) == 1 else "linears")
    noise, activation = noise_of(draft, dropout), activation_of(draft, one.activation)
    if len(blocks) == 1:
        width, indent, label = draft.size("width", one.width), "", named(name)
    else:
        text, indent = draft.size("widths", widths), "    "
        alike = not text.isidentifier() and len(set(widths)) == 1
        width, label = str(widths[0]) if alike else "width", named(name, "place")
        head = f"for place in range({len(widths)}):" if alike else f"for place, width in enumerate({text}):"
        draft.steps.append(head)
    call = f"{kind}(hidden, {width}, {activation}, {label}{_norm(one.norm)})"
    draft.steps.append(f"{indent}hidden = {f'{noise}({call})' if noise else call}{_shape(draft, width)}")
    for place in range(len(blocks)):
        own = name if len(blocks) == 1 else f"{name}_{place}"
        _hold_linear(draft, own, f"{first + place}.")
        if one.norm != "none":
            hold_norm(draft, f"{own}_norm", f"{first + place}.", one.norm)
    draft.width = width if len(blocks) == 1 else f"{text}[-1]" if text.isidentifier() else str(widths[-1])


def _write_residual(draft: Draft, blocks: Sequence[Residual], first: int, dropout: float) -> None:
    """Write equal residual blocks, as a loop where there are several; arguments as above."""
    one, kind = blocks[0], _kind(draft, "residual_block")
    name = draft.attribute("block" if len(blocks) == 1 else "blocks")
    noise, activation = noise_of(draft, dropout), activation_of(draft, one.activation)
    indent, label = "", named(name)
    if len(blocks) > 1:
        indent, label = "    ", named(name, "place")
        draft.steps.append(f"for place in range({draft.size('depth', len(blocks))}):")
    values = [draft.size("inner", one.hidden), activation, *([noise] if noise else []), label]
    call = f"{kind}(hidden, {', '.join(values)}{_norm(one.norm)})"
    draft.steps.append(f"{indent}hidden = {call}{_shape(draft, draft.width)}")
    for place in range(len(blocks)):
        own, source = name if len(blocks) == 1 else f"{name}_{place}", f"{first + place}."
        for part in ("up", "down"):
            _hold_linear(draft, f"{own}_{part}", f"{source}{part}_")
        if one.norm != "none":
            hold_norm(draft, f"{own}_norm", source, one.norm)


def _kind(draft: Draft, name: str) -> str:
    """Return the function for a block, of members or of one network."""
    kind = f"member_{name}" if draft.members else name
    draft.layers.add(kind)
    return kind


def _norm(norm: str) -> str:
    return "" if norm == "none" else f', norm="{norm}"'


def _shape(draft: Draft, width: str) -> str:
    return draft.shape("E", width) if draft.members else draft.shape(width)


def _hold_linear(draft: Draft, name: str, source: str) -> None:
    if not draft.members:
        hold_linear(draft, name, source)
        return
    for part in _SCALED:
        draft.holds(f"{name}.{part}", f"{source}{part}")


def _write_members(draft: Draft, block: Members, position: int) -> None:
    """Write that members with scalings of their own begin.

    Raises:
        NoSource: if there are members already.
    """
    if draft.members:
        raise NoSource("one of its networks has members within members")
    draft.members = draft.size("members", block.count)
    draft.steps.append(f"hidden = Members({draft.members})(hidden){_shape(draft, draft.width)}")
    draft.layers.add("Members")
    draft.holds("members.in_scale", f"{position}.in_scale")


def _write_head(draft: Draft, block: Head | ChainHead, position: int) -> None:
    """Write the last layer, and the chain over its outputs where there is one."""
    kind, shape = "MemberHead" if draft.members else "head", _shape(draft, str(block.outputs))
    draft.layers.add(kind)
    found = "outputs" if isinstance(block, Head) else "scores"
    draft.steps.append(f"{found} = {kind}({block.outputs})(hidden){shape}")
    if isinstance(block, ChainHead):
        positions = declare(draft, "positions", "(1,)", "int32")
        draft.steps.append(f"outputs = TagChain()({found}, {positions}){shape}")
        draft.layers.add("TagChain")
        draft.holds("chain.weight", f"{position}.transitions", same if draft.members else only)
    if draft.members:
        draft.holds("head.weight", f"{position}.weight")
        draft.holds("head.bias", f"{position}.bias")
    else:
        draft.holds("head.kernel", f"{position}.weight", only)
        draft.holds("head.bias", f"{position}.bias", only)
