"""Blocks that maps of images go through, as lines of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from netwright.build.source.draft import Draft
from netwright.build.source.text import STEP, Call, flat
from netwright.spec.blocks import (
    Block,
    ConvNext,
    Convolution,
    GlobalPool,
    ImageInput,
    InvertedResidual,
    MaxPool,
    ResidualConvolution,
    Spatial,
)
from netwright.spec.costs import block_costs
from netwright.spec.network import Network
from netwright.spec.spatial import spatial_shapes

_PARTS = {"weight": "gain", "bias": "shift", "running_mean": "mean", "running_var": "variance"}
_POOLS = {"mean": "maps.mean(dim=(2, 3))", "max": "maps.amax(dim=(2, 3))"}


def write_trunk(draft: Draft, network: Network, length: int, *, grows: bool) -> None:
    """Write the lines from the image to the vector of features.

    Args:
        draft: of the network.
        network: which takes images.
        length: the number of blocks up to its pool.
        grows: whether images are smaller while it begins to learn.
    """
    first, *inner, pool = network.blocks[:length]
    assert isinstance(first, ImageInput) and isinstance(pool, GlobalPool)
    costs = block_costs(network)
    blocks = [block for block in inner if isinstance(block, Spatial)]
    draft.imports.whole["torch"] = "torch"
    for name, values in (("means", first.means), ("deviations", first.deviations)):
        draft.setup.append(
            f'self.register_buffer("{name}", torch.tensor({flat(short_floats(values))}), persistent=False)'
        )
    draft.steps.append('pixels = (rows["images"].float() / 255 - self.means) / self.deviations')
    draft.layers.add("resized")
    size = f"{first.height}, {first.width}"
    if grows:
        draft.setup.append(f"self.size = ({size})  # of images; smaller while training begins")
    draft.steps.append(
        f"maps = resized(pixels.permute(0, 3, 1, 2), {'*self.size' if grows else size})"
        + draft.shape(*map(str, (first.channels, first.height, first.width)))
    )
    if blocks:
        draft.setup.append("self.trunk = nn.Sequential(")
        write_layers(draft, blocks, [(cost.width, *cost.pixels) for cost in costs])
        draft.setup.append(")")
        draft.steps.append(f"maps = self.trunk(maps){draft.shape(*map(str, _shape_of(costs[length - 2])))}")
    width = costs[length - 1].width
    if pool.kind == "both":
        draft.steps.append(f"hidden = torch.cat([{_POOLS['mean']}, {_POOLS['max']}], dim=1){draft.shape(str(width))}")
    else:
        draft.steps.append(f"hidden = {_POOLS[pool.kind]}{draft.shape(str(width))}")
    draft.width = str(width)


def _shape_of(cost: Any) -> tuple[int, int, int]:
    return cost.width, *cost.pixels


def short_floats(values: Sequence[float]) -> tuple[float, ...]:
    """Return numbers with the digits that a float32 has."""
    return tuple(float(str(np.float32(value))) for value in values)


def write_layers(draft: Draft, blocks: Sequence[Spatial], shapes: Sequence[tuple[int, ...]]) -> None:
    """Write blocks as entries of a sequence, equal ones that follow each other as one.

    Args:
        draft: of the network.
        blocks: behind the input.
        shapes: channels, height and width behind the input and each of them.
    """
    place = 0
    while place < len(blocks):
        before = shapes[place]
        text = flat(_layer(draft, blocks[place], before[0]))
        last = place
        while last + 1 < len(blocks) and blocks[last + 1] == blocks[place] and shapes[last + 1] == before:
            last += 1
        count = last - place + 1
        entry = text if count == 1 else f"*({text} for _ in range({count}))"
        draft.setup.append(f"{STEP}{entry},{draft.shape(*map(str, shapes[last + 1]))}")
        for each in range(place, last + 1):
            _hold(draft, f"trunk.{each}", f"{each + 1}.", blocks[each], before[0])
        place = last + 1


def _layer(draft: Draft, block: Spatial, channels: int) -> Call:
    """Return the call that makes a block which so many channels enter."""
    name = type(block).__name__
    if not isinstance(block, MaxPool):
        draft.layers.add(name)
    match block:
        case MaxPool(size):
            return Call("nn.MaxPool2d", (size,), {"ceil_mode": True})
        case ConvNext(expansion, kernel, activation):
            return Call(name, (channels, expansion, kernel, draft.activation(activation)))
        case Convolution(out, kernel, stride, activation) | ResidualConvolution(out, kernel, stride, activation):
            return Call(name, (channels, out, kernel, draft.activation(activation)), stepping(stride))
        case InvertedResidual(out, expansion, kernel, stride, activation):
            squeezed = spatial_shapes(block, channels).get("squeeze_bias", ())
            values = (channels, out, expansion, kernel, draft.activation(activation), *squeezed)
            return Call(name, values, stepping(stride))


def stepping(stride: int) -> dict[str, int]:
    """Return the argument for a stride, where it is not the usual one."""
    return {"stride": stride} if stride > 1 else {}


def _hold(draft: Draft, name: str, source: str, block: Block, channels: int) -> None:
    """Say where the tensors of a block come from."""
    match block:
        case Convolution():
            _hold_convolution(draft, name, source)
        case ResidualConvolution():
            parts = ["first", "second"]
            parts += ["shortcut"] if "shortcut_weight" in spatial_shapes(block, channels) else []
            for part in parts:
                _hold_convolution(draft, f"{name}.{part}", f"{source}{part}_")
        case InvertedResidual():
            for part in (*(("expand",) if block.expansion > 1 else ()), "depth", "project"):
                _hold_convolution(draft, f"{name}.{part}", f"{source}{part}_")
            for part in ("squeeze", "excite") if block.squeeze else ():
                for tensor in ("weight", "bias"):
                    draft.holds(f"{name}.weigh.{part}.{tensor}", f"{source}{part}_{tensor}")
        case ConvNext():
            for part in ("depth", "up", "down"):
                for tensor in ("weight", "bias"):
                    draft.holds(f"{name}.{part}.{tensor}", f"{source}{part}_{tensor}")
            draft.holds(f"{name}.channel_norm.weight", f"{source}norm_gain")
            draft.holds(f"{name}.channel_norm.bias", f"{source}norm_shift")
            draft.holds(f"{name}.gain", f"{source}gain")


def _hold_convolution(draft: Draft, name: str, source: str) -> None:
    draft.holds(f"{name}.convolution.weight", f"{source}weight")
    for part, own in _PARTS.items():
        draft.holds(f"{name}.batch_norm.{part}", f"{source}{own}")
    draft.holds_zeros(f"{name}.batch_norm.num_batches_tracked", (), np.int64)
