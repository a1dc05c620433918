"""Shapes and costs of the blocks that sequences go through.

A sequence has L places with W numbers each. Blocks keep the places, but for convolutions with a stride; a pool makes
one vector of them, with the columns of the table behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from netwright.spec.blocks import Attention, Block, Recurrent, SequenceConvolution, SequencePool, Sequential
from netwright.spec.cost import Cost

Shapes = dict[str, tuple[int, ...]]
GATES = 3  # of a gated recurrent unit: reset, update, new


def sequence_trunk(blocks: Sequence[Block]) -> int:
    """Return the number of blocks from the sequence to the vector of features; 0 where a network takes none."""
    return next((place for place, block in enumerate(blocks, 1) if isinstance(block, SequencePool)), 0)


def sequence_cost(block: Sequential | SequencePool, before: Cost) -> Cost:
    """Return the cost of a block, by that of the block before it."""
    length, width = places_behind(block, before.pixels[0]), before.width
    shapes = sequence_shapes(block, width)
    parameters = sum(map(prod, shapes.values()))
    flops = 2 * length * sum(prod(shape) for name, shape in shapes.items() if name.endswith(("weight", "recurrent")))
    if isinstance(block, SequencePool):
        return Cost(width * (2 if block.kind == "both" else 1) + before.beside, 1, parameters, flops)
    if isinstance(block, Attention):
        flops += 4 * length * length * width
    out = width if isinstance(block, Attention) else block.width
    return replace(before, width=out, parameters=parameters, flops=flops, pixels=(length, 1))


def places_behind(block: Sequential | SequencePool, length: int) -> int:
    """Return how many of L places a block leaves, rounded up."""
    return -(-length // block.stride) if isinstance(block, SequenceConvolution) else length


def sequence_shapes(block: Sequential | SequencePool, width: int) -> Shapes:
    """Return the shape of each tensor of a block by name; `width` numbers a place enter it."""
    match block:
        case SequenceConvolution(out, kernel):
            return {"weight": (kernel * width, out), "bias": (1, out), "norm_scale": (out,), "norm_bias": (out,)}
        case Recurrent(out):
            one: Shapes = {"weight": (width, GATES * out // 2), "recurrent": (out // 2, GATES * out // 2)}
            one |= {"bias": (1, GATES * out // 2)}
            return {f"{way}_{name}": shape for way in ("forward", "backward") for name, shape in one.items()}
        case Attention(_, hidden):
            norms: Shapes = {
                f"{place}_norm_{part}": (width,) for place in ("first", "second") for part in ("scale", "bias")
            }
            linear = {
                "attend": (width, 3 * width),
                "join": (width, width),
                "up": (width, hidden),
                "down": (hidden, width),
            }
            shapes: Shapes = {f"{name}_weight": shape for name, shape in linear.items()}
            return norms | shapes | {f"{name}_bias": (1, shape[1]) for name, shape in linear.items()}
        case SequencePool(kind):
            return {"weight": (width, 1)} if kind == "attention" else {}


def largest_sequence(block: Sequential | SequencePool, before: Cost, after: Cost) -> int:
    """Return the most numbers that one row takes inside a block."""
    length, width = before.pixels[0], before.width
    match block:
        case SequenceConvolution(out, kernel):
            return places_behind(block, length) * max(kernel * width, out)
        case Recurrent(out):
            return length * GATES * out
        case Attention(heads, hidden):
            return max(length * max(3 * width, hidden), heads * length * length)
        case _:
            return after.numbers
