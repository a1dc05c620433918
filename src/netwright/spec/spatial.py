"""Shapes and costs of the blocks that maps go through.

A map has C channels of H times W pixels. Convolutions keep the pixels, or divide them by the stride, rounded up; what
lies outside of a map is 0, on both sides alike or once more at the end (“same” padding, as in TensorFlow and ONNX).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

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
from netwright.spec.cost import Cost, is_trained

Shapes = dict[str, tuple[int, ...]]
Pixels = tuple[int, int]

SQUEEZED = 4  # times fewer channels inside squeeze and excitation than enter the block
FEWEST_SQUEEZED = 4


def trunk(blocks: Sequence[Block]) -> int:
    """Return the number of blocks from the image to the vector of features; 0 where a network takes no image."""
    return next((place for place, block in enumerate(blocks, 1) if isinstance(block, GlobalPool)), 0)


def spatial_cost(block: ImageInput | Spatial | GlobalPool, before: Cost) -> Cost:
    """Return the cost of a block, by that of the block before it."""
    match block:
        case ImageInput():
            return Cost(block.channels, 1, 0, 0, (block.height, block.width))
        case MaxPool(size):
            return Cost(before.width, 1, 0, 0, strided(before.pixels, size))
        case GlobalPool(kind):
            return Cost(before.width * (2 if kind == "both" else 1), 1, 0, 0)
        case _:
            shapes = spatial_shapes(block, before.width)
            after = strided(before.pixels, _stride(block))
            channels = before.width if isinstance(block, ConvNext) else block.channels
            parameters = sum(prod(shape) for name, shape in shapes.items() if is_trained(name))
            flops = sum(
                2 * prod(shape) * prod(_pixels_of(name, before.pixels, after))
                for name, shape in shapes.items()
                if name.endswith("weight")
            )
            return Cost(channels, 1, parameters, flops, after)


def spatial_shapes(block: ImageInput | Spatial | GlobalPool, channels: int) -> Shapes:
    """Return the shape of each tensor of a block by name, constants included; `channels` enter it."""
    match block:
        case Convolution(out, kernel):
            return _convolution("", channels, out, kernel)
        case ResidualConvolution(out, kernel, stride):
            changed = stride > 1 or out != channels
            shortcut = _convolution("shortcut_", channels, out, 1) if changed else {}
            return _convolution("first_", channels, out, kernel) | _convolution("second_", out, out, kernel) | shortcut
        case InvertedResidual(out, expansion, kernel, squeeze=squeeze):
            inner = expansion * channels
            few = max(FEWEST_SQUEEZED, channels // SQUEEZED)
            expand = _convolution("expand_", channels, inner, 1) if expansion > 1 else {}
            weigh: Shapes = {
                "squeeze_weight": (few, inner),
                "squeeze_bias": (few,),
                "excite_weight": (inner, few),
                "excite_bias": (inner,),
            }
            depth, project = _convolution("depth_", 1, inner, kernel), _convolution("project_", inner, out, 1)
            return expand | depth | (weigh if squeeze else {}) | project
        case ConvNext(expansion, kernel):
            inner = expansion * channels
            return {
                "depth_weight": (channels, 1, kernel, kernel),
                "depth_bias": (channels,),
                "norm_gain": (channels,),
                "norm_shift": (channels,),
                "up_weight": (inner, channels),
                "up_bias": (inner,),
                "down_weight": (channels, inner),
                "down_bias": (channels,),
                "gain": (channels,),
            }
        case _:
            return {}


def margins(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the pixels to add before and after a side, so that a convolution divides it by the stride, rounded up.

    >>> margins(28, 3, 1), margins(28, 3, 2)
    ((1, 1), (0, 1))
    """
    total = max(0, (-(-side // stride) - 1) * stride + kernel - side)
    return total // 2, total - total // 2


def strided(pixels: Pixels, stride: int) -> Pixels:
    """Return the pixels of a map after a step of this stride.

    >>> strided((28, 7), 2)
    (14, 4)
    """
    return -(-pixels[0] // stride), -(-pixels[1] // stride)


def largest_map(block: Spatial, before: Cost, after: Cost) -> int:
    """Return the most numbers of one image inside a block."""
    if isinstance(block, InvertedResidual):
        return block.expansion * before.numbers
    if isinstance(block, ConvNext):
        return block.expansion * after.numbers
    return after.numbers


def _convolution(prefix: str, inputs: int, outputs: int, kernel: int) -> Shapes:
    """Return the tensors of a convolution that batch normalisation follows."""
    each = dict.fromkeys((f"{prefix}gain", f"{prefix}shift", f"{prefix}mean", f"{prefix}variance"), (outputs,))
    return {f"{prefix}weight": (outputs, inputs, kernel, kernel), **each}


def _stride(block: Convolution | ResidualConvolution | InvertedResidual | ConvNext) -> int:
    return 1 if isinstance(block, ConvNext) else block.stride


def _pixels_of(name: str, before: Pixels, after: Pixels) -> Pixels:
    """Return the pixels at which a matrix is applied: squeeze and excitation see one, expansion those that enter."""
    if name in ("squeeze_weight", "excite_weight"):
        return (1, 1)
    return before if name == "expand_weight" else after
