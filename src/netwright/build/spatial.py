"""Blocks that maps go through, in PyTorch: the starting weights and the function of one network.

The networks of a stack go one after the other: on a processor one convolution over M groups took four times as long as
M convolutions. Maps lie in memory with their channels last. Letters in shapes: B row of the batch, C channel, H height,
W width, F feature.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from netwright.build.activations import ACTIVATIONS
from netwright.build.constants import constant
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
from netwright.spec.numbers import BRIGHTEST, EPSILON
from netwright.spec.spatial import margins, spatial_shapes

Weights = Mapping[str, Tensor]

MOMENTUM = 0.2  # of the means and variances that prediction uses: a short training has few batches to know them from


def spatial_weights(block: Spatial, channels: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Return the starting weights of a block that `channels` enter.

    Convolutions start as in He et al. (2015, arXiv 1502.01852), and all gains at 1. That branches begin as nothing is
    for large batches and dozens of blocks: here, networks learnt far less in as many passes so (docs/why/training.md).
    """
    return {name: _first(block, name, shape, generator) for name, shape in spatial_shapes(block, channels).items()}


def _first(block: Spatial, name: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    match name.rpartition("_")[2]:
        case "weight":
            return torch.randn(shape, generator=generator) * math.sqrt(2 / math.prod(shape[1:]))
        case "variance" | "gain":
            return torch.ones(shape)
        case _:
            return torch.zeros(shape)


# --- the function --------------------------------------------------------------------------------------------------


def image_features(blocks: Sequence[Block], weights: Sequence[Weights], images: Tensor, *, training: bool) -> Tensor:
    """Return the features (B, F) that one network sees in images.

    Args:
        blocks: from the image to the global pool.
        weights: for each block its tensors by name.
        images: (B, H, W, C) from 0 to 255, whole numbers or not.
        training: whether to normalise by the batch, and to add its mean and variance to those that are kept.
    """
    hidden = images
    for block, parts in zip(blocks, weights, strict=True):
        if parts:
            hidden = hidden.to(next(iter(parts.values())).dtype)  # a block computes in the type of its weights
        hidden = _apply(block, parts, hidden, training=training)
    return hidden


def _apply(block: Block, parts: Weights, hidden: Tensor, *, training: bool) -> Tensor:
    match block:
        case ImageInput():
            return _standardised(block, hidden)
        case Convolution(stride=stride, activation=activation):
            return ACTIVATIONS[activation](_convolve(parts, "", hidden, stride, training=training))
        case ResidualConvolution():
            return _residual(block, parts, hidden, training=training)
        case InvertedResidual():
            return _inverted(block, parts, hidden, training=training)
        case ConvNext():
            return _convnext(block, parts, hidden)
        case MaxPool(size):
            return functional.max_pool2d(hidden, size, ceil_mode=True)
        case GlobalPool(kind):
            pooled = {"mean": (hidden.mean(dim=(2, 3)),), "max": (hidden.amax(dim=(2, 3)),)}
            return torch.cat(pooled.get(kind) or (*pooled["mean"], *pooled["max"]), dim=1)
        case _:
            raise TypeError(f"no map goes through {block}")


def _standardised(block: ImageInput, images: Tensor) -> Tensor:
    """(B, H, W, C) from 0 to 255 → (B, C, h, w) of mean 0 and deviation 1, grey ones as coloured ones."""
    deviations = constant(block.deviations, images.device) * BRIGHTEST
    means = constant(block.means, images.device) * BRIGHTEST
    hidden = ((images.float() - means) / deviations).permute(0, 3, 1, 2)
    if hidden.shape[2:] != (block.height, block.width):
        size = (block.height, block.width)
        larger = block.height > hidden.shape[2] or block.width > hidden.shape[3]
        how = {"mode": "bilinear", "align_corners": False} if larger else {"mode": "area"}
        hidden = functional.interpolate(hidden, size, **how)
    return _channels_last(hidden)


def _channels_last(maps: Tensor) -> Tensor:
    """Return maps (B, C, H, W) whose channels lie last in memory, as then do those of all layers behind.

    Otherwise a step takes 1.2 to 1.4 times as long. A single channel lies either way, but the strides tell which way
    the next layer is to lie: so they are those of memory that has just been filled.
    """
    last = maps.permute(0, 2, 3, 1).contiguous()
    return last.flatten().view(last.shape).permute(0, 3, 1, 2)


def _convolve(parts: Weights, prefix: str, hidden: Tensor, stride: int, *, training: bool, groups: int = 1) -> Tensor:
    """Convolve and normalise by batch; the pixels stay, divided by the stride."""
    weight = parts[f"{prefix}weight"]
    kernel = weight.shape[-1]
    if groups > 1 and hidden.is_cuda:
        hidden = hidden.contiguous()  # see `_convnext`
    if stride == 1:
        out = functional.conv2d(hidden, weight, padding=kernel // 2, groups=groups)
    else:
        down, across = (margins(side, kernel, stride) for side in hidden.shape[2:])
        out = functional.conv2d(functional.pad(hidden, (*across, *down)), weight, stride=stride, groups=groups)
    return functional.batch_norm(
        out,
        parts[f"{prefix}mean"],
        parts[f"{prefix}variance"],
        parts[f"{prefix}gain"].float(),
        parts[f"{prefix}shift"].float(),
        training=training,
        momentum=MOMENTUM,
        eps=EPSILON,
    )


def _residual(block: ResidualConvolution, parts: Weights, hidden: Tensor, *, training: bool) -> Tensor:
    inner = ACTIVATIONS[block.activation](_convolve(parts, "first_", hidden, block.stride, training=training))
    inner = _convolve(parts, "second_", inner, 1, training=training)
    if "shortcut_weight" in parts:
        hidden = _convolve(parts, "shortcut_", hidden, block.stride, training=training)
    return ACTIVATIONS[block.activation](hidden + inner)


def _inverted(block: InvertedResidual, parts: Weights, hidden: Tensor, *, training: bool) -> Tensor:
    activate = ACTIVATIONS[block.activation]
    inner = activate(_convolve(parts, "expand_", hidden, 1, training=training)) if block.expansion > 1 else hidden
    inner = activate(_convolve(parts, "depth_", inner, block.stride, training=training, groups=inner.shape[1]))
    if block.squeeze:
        squeezed = activate(functional.linear(inner.mean(dim=(2, 3)), parts["squeeze_weight"], parts["squeeze_bias"]))
        excited = torch.sigmoid(functional.linear(squeezed, parts["excite_weight"], parts["excite_bias"]))
        inner = inner * excited[:, :, None, None]
    out = _convolve(parts, "project_", inner, 1, training=training)
    return out + hidden if out.shape == hidden.shape else out


def _convnext(block: ConvNext, parts: Weights, hidden: Tensor) -> Tensor:
    channels = hidden.shape[1]
    depth = parts["depth_weight"]
    # On a card convolutions by channel are slow where channels lie last.
    plain = hidden.contiguous() if hidden.is_cuda else hidden
    inner = functional.conv2d(plain, depth, parts["depth_bias"], padding=block.kernel // 2, groups=channels)
    inner = inner.permute(0, 2, 3, 1)  # (B, H, W, C)
    inner = functional.layer_norm(inner, (channels,), parts["norm_gain"], parts["norm_shift"])
    inner = ACTIVATIONS[block.activation](functional.linear(inner, parts["up_weight"], parts["up_bias"]))
    inner = functional.linear(inner, parts["down_weight"], parts["down_bias"]) * parts["gain"]
    return hidden + inner.permute(0, 3, 1, 2)
