"""Blocks that maps of images go through, as lines of a network of Keras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netwright.build.source.draft import Array, Draft, transposed
from netwright.build.source.keras_inputs import ACTIVATIONS, declare, named
from netwright.build.source.maps import short_floats, stepping
from netwright.build.source.text import flat
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

IMAGE = "IMAGE"  # the constant of a written file that tells height, width and channels of the images that come in

_KINDS = {
    Convolution: "convolution",
    ResidualConvolution: "residual_convolution",
    InvertedResidual: "inverted_residual",
    ConvNext: "conv_next",
    MaxPool: "max_pool",
}
_PARTS = {"gamma": "gain", "beta": "shift", "moving_mean": "mean", "moving_variance": "variance"}
_POOLS = {"mean": "ops.mean(maps, axis=(1, 2))", "max": "ops.max(maps, axis=(1, 2))"}


def write_trunk(draft: Draft, network: Network, length: int) -> None:
    """Write the lines from the image to the vector of features.

    Args:
        draft: of the network.
        network: which takes images.
        length: the number of blocks up to its pool.
    """
    first, *inner, pool = network.blocks[:length]
    assert isinstance(first, ImageInput) and isinstance(pool, GlobalPool)
    costs = block_costs(network)
    blocks = [block for block in inner if isinstance(block, Spatial)]
    given = declare(draft, "images", IMAGE)
    means, deviations = (flat(short_floats(values)) for values in (first.means, first.deviations))
    draft.steps.append(f"means, deviations = {means}, {deviations}")
    size = (first.height, first.width)
    shape = draft.shape(*map(str, (*size, first.channels)))
    draft.steps.append(f"maps = standardised({given}, means, deviations, {flat(size)}){shape}")
    draft.layers.add("standardised")
    draft.steps += layer_lines(draft, blocks, [(cost.width, *cost.pixels) for cost in costs])
    width = costs[length - 1].width
    if pool.kind == "both":
        draft.steps.append(f"pooled = [{_POOLS['mean']}, {_POOLS['max']}]")
        draft.steps.append(f"hidden = layers.Concatenate()(pooled){draft.shape(str(width))}")
    else:
        draft.steps.append(f"hidden = {_POOLS[pool.kind]}{draft.shape(str(width))}")
    draft.width = str(width)


def layer_lines(draft: Draft, blocks: Sequence[Spatial], shapes: Sequence[tuple[int, ...]]) -> list[str]:
    """Return the lines that lead maps through blocks, equal ones that follow each other as a loop.

    Args:
        draft: of the network, which is told of its layers and tensors.
        blocks: behind the input.
        shapes: channels, height and width behind the input and each of them.
    """
    lines, place = [], 0
    while place < len(blocks):
        before, last = shapes[place], place
        while last + 1 < len(blocks) and blocks[last + 1] == blocks[place] and shapes[last + 1] == before:
            last += 1
        channels, *pixels = shapes[last + 1]
        told = draft.shape(*map(str, (*pixels, channels)))
        if last > place:
            lines.append(f"for place in range({place}, {last + 1}):")
            lines.append(f"    maps = {_call(draft, blocks[place], before[0], named('trunk', 'place'))}{told}")
        else:
            lines.append(f"maps = {_call(draft, blocks[place], before[0], named(f'trunk_{place}'))}{told}")
        for each in range(place, last + 1):
            _hold(draft, f"trunk_{each}", f"{each + 1}.", blocks[each], before[0])
        place = last + 1
    return lines


def _call(draft: Draft, block: Spatial, channels: int, label: str) -> str:
    """Return the call of a block which maps of so many channels enter."""
    kind = _KINDS[type(block)]
    values: list[int | str]
    draft.layers.add(kind)
    if isinstance(block, MaxPool):
        return f"max_pool(maps, {block.size})"
    activation = ACTIVATIONS.get(block.activation, block.activation)
    match block:
        case ConvNext(expansion, kernel):
            values = [expansion, kernel, activation]
        case InvertedResidual(out, expansion, kernel):
            squeezed = spatial_shapes(block, channels).get("squeeze_bias", ())
            values = [out, expansion, kernel, activation, *squeezed]
        case Convolution(out, kernel) | ResidualConvolution(out, kernel):
            values = [out, kernel, activation]
    strides = {} if isinstance(block, ConvNext) else stepping(block.stride)
    named_values = [label, *(f"{name}={value}" for name, value in strides.items())]
    return f"{kind}({', '.join(['maps', *map(flat, values), *named_values])})"


def _hold(draft: Draft, name: str, source: str, block: Block, channels: int) -> None:
    """Say where the tensors of a block come from, which so many channels enter."""
    match block:
        case Convolution():
            _hold_convolution(draft, name, source)
        case ResidualConvolution():
            shortcut = ("shortcut",) if "shortcut_weight" in spatial_shapes(block, channels) else ()
            for part in ("first", "second", *shortcut):
                _hold_convolution(draft, f"{name}_{part}", f"{source}{part}_")
        case InvertedResidual():
            for part in (*(("expand",) if block.expansion > 1 else ()), "project"):
                _hold_convolution(draft, f"{name}_{part}", f"{source}{part}_")
            draft.holds(f"{name}_depth.kernel", f"{source}depth_weight", _by_channel)
            _hold_batch_norm(draft, f"{name}_depth", f"{source}depth_")
            for part in ("squeeze", "excite") if block.squeeze else ():
                _hold_map(draft, f"{name}_{part}", f"{source}{part}_")
        case ConvNext():
            draft.holds(f"{name}_depth.kernel", f"{source}depth_weight", _by_channel)
            draft.holds(f"{name}_depth.bias", f"{source}depth_bias")
            draft.holds(f"{name}_channel_norm.gamma", f"{source}norm_gain")
            draft.holds(f"{name}_channel_norm.beta", f"{source}norm_shift")
            for part in ("up", "down"):
                _hold_map(draft, f"{name}_{part}", f"{source}{part}_")
            draft.holds(f"{name}_gain.scale", f"{source}gain")


def _hold_convolution(draft: Draft, name: str, source: str) -> None:
    draft.holds(f"{name}.kernel", f"{source}weight", _as_kernel)
    _hold_batch_norm(draft, name, source)


def _hold_batch_norm(draft: Draft, name: str, source: str) -> None:
    for part, own in _PARTS.items():
        draft.holds(f"{name}_batch_norm.{part}", f"{source}{own}")


def _hold_map(draft: Draft, name: str, source: str) -> None:
    """Say that a linear layer is one whose weight is kept as (outputs, inputs)."""
    draft.holds(f"{name}.kernel", f"{source}weight", transposed)
    draft.holds(f"{name}.bias", f"{source}bias")


def _as_kernel(weight: Array) -> Array:
    """(outputs, inputs, k, k) → (k, k, inputs, outputs)."""
    return np.ascontiguousarray(weight.transpose(2, 3, 1, 0))


def _by_channel(weight: Array) -> Array:
    """(channels, 1, k, k) → (k, k, channels, 1)."""
    return np.ascontiguousarray(weight.transpose(2, 3, 0, 1))
