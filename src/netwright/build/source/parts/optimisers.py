"""AdamW, gradient descent with momentum, and Muon for the matrices of inner blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from netwright.build.source.parts.recipes import Recipe, flat_cosine, rate_and_decay


# if not muon:
def optimiser_for(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return what moves a network, with one group for all parameters of the same rate and decay."""
    groups = grouped([*network.named_parameters()], recipe)
    # if sgd:
    if recipe.sgd:
        return torch.optim.SGD(groups, momentum=0.9, nesterov=True)
    # end
    return torch.optim.AdamW(groups, betas=(0.9, recipe.second_moment), fused=True)


# end
# if muon:
def optimisers_for(network: nn.Module, recipe: Recipe) -> Optimisers:
    """Return AdamW, and where the recipe says so Muon for the matrices of all blocks between the first and the last."""
    # if sgd:
    if recipe.sgd:
        return Optimisers(torch.optim.SGD(grouped([*network.named_parameters()], recipe), momentum=0.9, nesterov=True))
    # end
    inner = [one for one in network.named_parameters() if recipe.muon and is_inner(*one)]
    names = {name for name, _ in inner}
    rest = [one for one in network.named_parameters() if one[0] not in names]
    adam = torch.optim.AdamW(grouped(rest, recipe), betas=(0.9, recipe.second_moment), fused=True)
    return Optimisers(adam, *([Muon(grouped(inner, recipe))] if inner else []))


def is_inner(name: str, parameter: Tensor) -> bool:
    """Return whether a parameter is a matrix of an inner block."""
    inside = name.startswith(("trunk.", "linear", "block")) and not name.startswith("trunk.0.")
    return inside and name.endswith("weight") and parameter.ndim > 1


class Optimisers:
    """Several optimisers, as one."""

    def __init__(self, *optimisers: Any) -> None:
        self.optimisers = optimisers
        self.param_groups = [group for optimiser in optimisers for group in optimiser.param_groups]

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def step(self) -> None:
        """Take a step."""
        for optimiser in self.optimisers:
            optimiser.step()


class Muon:
    """Momentum made orthogonal (Jordan et al. 2024), at the scale of steps of AdamW (arXiv 2502.16982)."""

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        self.param_groups = groups
        self.momenta = {parameter: torch.zeros_like(parameter) for group in groups for parameter in group["params"]}

    def step(self) -> None:
        """Take a step."""
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    self.move(parameter, group["lr"], group["weight_decay"])

    def move(self, parameter: Any, rate: float, decay: float) -> None:
        """Move one parameter."""
        momentum = self.momenta[parameter].lerp_(parameter.grad, 0.05)
        ahead = torch.lerp(parameter.grad, momentum, 0.95).flatten(1)  # Nesterov's
        length = 0.2 * max(ahead.shape) ** 0.5
        parameter.mul_(1 - rate * decay).sub_(rate * length * orthogonal(ahead).view_as(parameter))


def orthogonal(matrix: Tensor) -> Tensor:
    """Return a matrix whose singular values have been brought near to 1, by five steps of Newton-Schulz."""
    wide = matrix.shape[0] <= matrix.shape[1]
    hidden = matrix if wide else matrix.T
    hidden = hidden / hidden.norm().clamp_min(1e-7)
    for _ in range(5):
        square = hidden @ hidden.T
        hidden = 3.4445 * hidden + (-4.7750 * square + 2.0315 * square @ square) @ hidden
    return hidden if wide else hidden.T


# end
def grouped(named: Sequence[tuple[str, Tensor]], recipe: Recipe) -> list[dict[str, Any]]:
    """Return parameters in groups of the same learning rate and decay."""
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in named:
        if parameter.requires_grad:
            groups.setdefault(rate_and_decay(name, recipe), []).append(parameter)
    return [{"params": params, "rate": rate, "decay": decay} for (rate, decay), params in groups.items()]


def pace(optimiser: Any, recipe: Recipe, progress: float) -> None:
    """Set learning rates and decays for the moment when a share of the training has gone."""
    for group in optimiser.param_groups:
        group["lr"] = recipe.schedule(progress) * group["rate"]
        group["weight_decay"] = flat_cosine(progress) * group["decay"]
