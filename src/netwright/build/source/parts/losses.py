"""What is minimised, and what a network is judged by."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from netwright.build.source.parts.model import ROWS_AT_ONCE, decoded
from netwright.build.source.parts.recipes import Recipe

Rows = dict[str, Tensor]
"""What `preprocess.encode` makes of rows, as tensors."""


def loss_on(network: nn.Module, recipe: Recipe, rows: Rows, targets: Tensor) -> Tensor:
    """Return what is minimised, on a batch of rows."""
    # if chain:
    chain = getattr(network, "chain", None)
    if chain is not None:
        # if sparsity:
        if recipe.sparsity:
            return chain.loss(network(rows), rows["positions"], targets) + penalty(network, recipe)
        # end
        return chain.loss(network(rows), rows["positions"], targets)
    # end
    # if mixup:
    if recipe.mixup:
        return mixed_loss(network, recipe, rows, targets)
    # end
    # if sparsity:
    if recipe.sparsity:
        return loss_of(network(rows), targets, recipe) + penalty(network, recipe)
    # end
    return loss_of(network(rows), targets, recipe)


def penalty(network: nn.Module, recipe: Recipe) -> Tensor:
    """Return what the scales of features cost: those that do not pay for themselves go to zero."""
    scale = network.get_parameter("scale")
    return recipe.sparsity * scale.abs().sum()


def mixed_loss(network: nn.Module, recipe: Recipe, rows: Rows, targets: Tensor) -> Tensor:
    """Return the loss on pairs of rows, of which, and of whose losses, the same share is taken (mixup)."""
    share = float(np.random.default_rng(int(torch.randint(2**31, ()))).beta(recipe.mixup, recipe.mixup))
    other = torch.randperm(len(targets))
    blended = {
        name: torch.lerp(tensor[other].float(), tensor.float(), share) if blends(name, tensor) else tensor
        for name, tensor in rows.items()
    }
    outputs = network(blended)
    return share * loss_of(outputs, targets, recipe) + (1 - share) * loss_of(outputs, targets[other], recipe)


def blends(name: str, tensor: Tensor) -> bool:
    """Return whether numbers are amounts; whole ones name things, such as categories, but for those of pixels."""
    return tensor.is_floating_point() or name == "images"


# if classes:
def loss_of(outputs: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    # if members:
    """Return the mean cross-entropy of outputs (B, K) or, of members that all learn, (B, E, K)."""
    outputs = outputs.flatten(0, -2)
    targets = targets.repeat_interleave(len(outputs) // len(targets))
    # end
    # if not members:
    """Return the mean cross-entropy of outputs (B, K)."""
    # end
    # if smoothing:
    if recipe.label_smoothing:
        return functional.cross_entropy(outputs, targets, label_smoothing=recipe.label_smoothing)
    # end
    return functional.cross_entropy(outputs, targets)


def judge(network: nn.Module, rows: Rows, targets: Tensor, index: Tensor) -> float:
    """Return the log-loss of a network on some rows; infinite where it is not a number."""
    chances = answered(network, rows, index)
    loss = -chances[torch.arange(len(index)), targets[index]].clamp_min(1e-7).log().mean()
    return float(loss) if torch.isfinite(loss) else math.inf


# end
# if number:
def loss_of_numbers(outputs: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    # if members:
    """Return the mean squared error of outputs (B, 1) or, of members that all learn, (B, E, 1)."""
    targets = targets.repeat_interleave(outputs.numel() // len(targets))
    # end
    # if not members:
    """Return the mean squared error of outputs (B, 1)."""
    # end
    return functional.mse_loss(outputs.flatten(), targets)


def judge_numbers(network: nn.Module, rows: Rows, targets: Tensor, index: Tensor) -> float:
    """Return the mean squared error of a network on some rows; infinite where it is not a number."""
    loss = functional.mse_loss(answered(network, rows, index)[:, 0], targets[index])
    return float(loss) if torch.isfinite(loss) else math.inf


# end
def answered(network: nn.Module, rows: Rows, index: Tensor) -> Tensor:
    """Return the answers (n, K) of a network for some rows."""
    network.eval()
    with torch.no_grad():
        # if chain:
        parts = [index]  # a sentence must not be parted
        # end
        # if not chain:
        parts = index.split(ROWS_AT_ONCE)
        # end
        return torch.cat([decoded(network({name: tensor[some] for name, tensor in rows.items()})) for some in parts])
