"""Blocks that vectors go through, as lines of a network."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.build.source.draft import Draft, looped, only, same
from netwright.errors import NoSource
from netwright.spec.blocks import Block, ChainHead, Dense, Head, Members, Residual

NORMS = {"layer": "nn.LayerNorm", "rms": "nn.RMSNorm"}
_SCALED = ("weight", "in_scale", "out_scale", "bias")  # tensors of a linear layer that members share


def write_dense(draft: Draft, blocks: Sequence[Dense], first: int, before: int, dropout: float) -> None:
    """Write layers of one activation and normalisation, one after the other, as a loop where there are several.

    Args:
        draft: of the network.
        blocks: the layers.
        first: the position of the first of them among the blocks of the network.
        before: what enters it.
        dropout: the share of activations that are dropped in training.
    """
    one = blocks[0]
    names = [draft.attribute("linear" if len(blocks) == 1 else "linears")]
    if one.norm != "none":
        names.append(draft.attribute("norm" if len(blocks) == 1 else "norms"))
    widths = (before, *(block.width for block in blocks))
    kind, lead = ("MemberLinear", f"{draft.members}, ") if draft.members else ("nn.Linear", "")
    draft.layers |= {kind} if draft.members else set()
    if len(blocks) == 1:
        after = draft.size("width", one.width)
        draft.setup.append(f"self.{names[0]} = {kind}({lead}{draft.width}, {after})")
        draft.setup += [f"self.{norm} = {NORMS[one.norm]}({after})" for norm in names[1:]]
        calls, indent, width = [f"self.{name}" for name in names], "", after
        draft.width = after
    else:
        width = _write_lists(draft, names, widths, one.norm, f"{kind}({lead}before, after)")
        calls, indent = [name.rpartition("s")[0] for name in names], "    "
    tensor = _applied(draft, calls, one.activation, dropout)
    draft.steps.append(f"{indent}hidden = {tensor}{_shape(draft, width)}")
    for place in range(len(blocks)):
        behind = "" if len(blocks) == 1 else f".{place}"
        _hold_linear(draft, f"{names[0]}{behind}", f"{first + place}.")
        for norm in names[1:]:
            _hold_norm(draft, f"{norm}{behind}", f"{first + place}.", one.norm)


def _write_lists(draft: Draft, names: list[str], widths: tuple[int, ...], norm: str, layer: str) -> str:
    """Write several layers as lists, and the head of the loop over them; return the width in it."""
    text = draft.size("widths", widths)
    varying = text.isidentifier()
    draft.setup += looped(names[0], layer, f"for before, after in pairwise({text})")
    draft.imports.take("itertools", "pairwise")
    for name in names[1:]:
        if not varying and len(set(widths[1:])) == 1:
            each, loop = str(widths[1]), f"for _ in range({len(widths) - 1})"
        else:
            each, loop = "width", f"for width in {f'{text}[1:]' if varying else widths[1:]}"
        draft.setup += looped(name, f"{NORMS[norm]}({each})", loop)
    if len(names) == 1:
        draft.steps.append(f"for {names[0].rpartition('s')[0]} in self.{names[0]}:")
    else:
        lists = ", ".join(f"self.{name}" for name in names)
        singles = ", ".join(name.rpartition("s")[0] for name in names)
        draft.steps.append(f"for {singles} in zip({lists}, strict=True):")
    draft.width = f"{text}[-1]" if varying else str(widths[-1])
    return "width" if varying or len(set(widths[1:])) > 1 else str(widths[1])


def _applied(draft: Draft, layers: list[str], activation: str, dropout: float) -> str:
    """Return the expression for what comes of `hidden` in layers, one after the other."""
    inner = "hidden"
    for layer in layers:
        inner = f"{layer}({inner})"
    inner = f"{_activation(draft, activation)}({inner})"
    return f"{_dropout(draft, dropout)}({inner})" if dropout else inner


def _activation(draft: Draft, activation: str) -> str:
    """Return the activation as the forward pass calls it."""
    function = draft.size("activation", draft.activation(activation))
    if not function.isidentifier():
        return function
    line = f"self.{function} = {function}"
    draft.layers.add("Activation")
    if line not in draft.setup:
        draft.setup.append(line)
    return f"self.{function}"


def _dropout(draft: Draft, dropout: float) -> str:
    """Return the dropout as the forward pass calls it."""
    line = f"self.dropout = nn.Dropout({draft.size('dropout', dropout)})"
    if line not in draft.setup:
        draft.setup.append(line)
    return "self.dropout"


def write_dropped(draft: Draft, dropout: float) -> None:
    """Write that some of what came of an image or a text is dropped."""
    if dropout:
        draft.steps.append(f"hidden = {_dropout(draft, dropout)}(hidden)")


def write_residual(draft: Draft, blocks: Sequence[Residual], first: int, dropout: float) -> None:
    """Write equal residual blocks, one after the other, as a loop where there are several; arguments as above."""
    one = blocks[0]
    norm = f"{NORMS[one.norm]}({draft.width})" if one.norm != "none" else "nn.Identity()"
    kind = "MemberResidualBlock" if draft.members else "ResidualBlock"
    draft.layers.add(kind)
    values = [draft.members] if draft.members else []
    activation = draft.size("activation", draft.activation(one.activation))
    draft.layers |= {"Activation"} if activation.isidentifier() else set()
    values += [draft.width, draft.size("inner", one.hidden), activation, norm, draft.size("dropout", dropout)]
    call = f"{kind}({', '.join(values)})"
    if len(blocks) == 1:
        name = draft.attribute("block")
        draft.setup.append(f"self.{name} = {call}")
        draft.steps.append(f"hidden = self.{name}(hidden){_shape(draft, draft.width)}")
    else:
        name = draft.attribute("blocks")
        depth = draft.size("depth", len(blocks))
        draft.setup += looped(name, call, f"for _ in range({depth})")
        draft.steps.append(f"for block in self.{name}:")
        draft.steps.append(f"    hidden = block(hidden){_shape(draft, draft.width)}")
    for place in range(len(blocks)):
        own, source = name if len(blocks) == 1 else f"{name}.{place}", f"{first + place}."
        _hold_linear(draft, f"{own}.up", f"{source}up_")
        _hold_linear(draft, f"{own}.down", f"{source}down_")
        if one.norm != "none":
            _hold_norm(draft, f"{own}.norm", source, one.norm)


def write_members(draft: Draft, block: Members, position: int) -> None:
    """Write that members with scalings of their own begin.

    Raises:
        NoSource: if there are members already.
    """
    if draft.members:
        raise NoSource("one of its networks has members within members")
    draft.members = draft.size("members", block.count)
    draft.setup.append(f"self.members = Members({draft.members}, {draft.width})")
    draft.steps.append(f"hidden = self.members(hidden){_shape(draft, draft.width)}")
    draft.layers.add("Members")
    draft.holds("members.in_scale", f"{position}.in_scale")


def write_head(draft: Draft, block: Head | ChainHead, position: int) -> None:
    """Write the last layer, the chain over its outputs where there is one, and what is returned."""
    if draft.members:
        draft.setup.append(f"self.head = MemberHead({draft.members}, {draft.width}, {block.outputs})")
        draft.layers.add("MemberHead")
        draft.holds("head.weight", f"{position}.weight")
        draft.holds("head.bias", f"{position}.bias")
    else:
        draft.setup.append(f"self.head = nn.Linear({draft.width}, {block.outputs})")
        draft.holds("head.weight", f"{position}.weight", lambda tensor: only(tensor).T.copy())
        draft.holds("head.bias", f"{position}.bias", only)
    if isinstance(block, Head):
        draft.steps.append(f"return self.head(hidden){_shape(draft, str(block.outputs))}")
        return
    sizes = [draft.members] if draft.members else []
    draft.setup.append(f"self.chain = TagChain({', '.join([*sizes, *[str(block.outputs)] * 2])})")
    draft.layers.add("TagChain")
    draft.holds("chain.weight", f"{position}.transitions", same if draft.members else only)
    draft.steps.append(f"scores = self.head(hidden){_shape(draft, str(block.outputs))}")
    draft.steps.append('return self.chain(scores, rows["positions"])')


def _hold_linear(draft: Draft, name: str, source: str) -> None:
    if not draft.members:
        draft.linear(name, source)
        return
    for part in _SCALED:
        draft.holds(f"{name}.{part}", f"{source}{part}", same)


def _hold_norm(draft: Draft, name: str, source: str, norm: str) -> None:
    draft.holds(f"{name}.weight", f"{source}norm_scale")
    if norm == "layer":
        draft.holds(f"{name}.bias", f"{source}norm_bias")


def _shape(draft: Draft, width: str) -> str:
    return draft.shape("E", width) if draft.members else draft.shape(width)


Vectors = Dense | Residual | Members | Head | ChainHead


def write_run(draft: Draft, blocks: Sequence[Block], first: int, before: int, dropout: float) -> None:
    """Write blocks of one sort that follow each other, see `runs`; arguments as of `write_dense`."""
    match blocks[0]:
        case Dense():
            write_dense(draft, [block for block in blocks if isinstance(block, Dense)], first, before, dropout)
        case Residual():
            write_residual(draft, [block for block in blocks if isinstance(block, Residual)], first, dropout)
        case Members():
            write_members(draft, blocks[0], first)
        case Head() | ChainHead():
            write_head(draft, blocks[0], first)
        case _:
            raise TypeError(f"no vector goes through {blocks[0]}")


def runs(blocks: Sequence[Block]) -> list[list[Block]]:
    """Return blocks in runs that are written as one: layers that differ in width alone, and equal residual blocks."""
    found: list[list[Block]] = []
    for block in blocks:
        if found and _alike(found[-1][-1], block):
            found[-1].append(block)
        else:
            found.append([block])
    return found


def _alike(one: Block, other: Block) -> bool:
    if isinstance(one, Dense) and isinstance(other, Dense):
        return (one.activation, one.norm) == (other.activation, other.norm)
    return isinstance(one, Residual) and one == other
