"""Moves a stack of networks along its gradient: one recipe for all of it, or one for each trial.

Where a stack holds one trial, every tensor has one learning rate and one decay, and PyTorch's fused AdamW passes over
the memory once. Where trials differ, each number has a rate of its own, and ours takes eight passes: at width 256
2 ms against 0.3 for 600,000 numbers (`benchmarks/training.py --what adam`). Stacks of several trials are small. Descent
with momentum alone needs four passes, and has no fused form here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from netwright.spec.network import Recipe
from netwright.train import adam, sgd
from netwright.train.rates import EPSILON, MOMENTUM, decay_of
from netwright.train.schedule import SCHEDULES, flat_cosine
from netwright.train.stack import Stack

MUON_MOMENTUM = 0.95
RMS = 0.2  # of the numbers of a step of AdamW, about
NEWTON = (3.4445, -4.7750, 2.0315)


class Optimiser(Protocol):
    """What moves the parameters of a stack."""

    def step(self, progress: float) -> None:
        """Take a step along the stack's gradient; progress: share of the schedule that has gone."""

    def follow(self, recipes: Sequence[Recipe]) -> None:
        """Go on under these recipes (M,), one for each network."""

    def moments(self) -> tuple[Tensor, ...]:
        """Return vectors (M · P,) that belong to the networks as their parameters do."""

    def state(self) -> dict[str, Tensor]:
        """Return all that steps have changed, by name: tensors that can be written to, but for `steps`."""

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""


def optimiser_for(stack: Stack, recipes: Sequence[Recipe], trials: int) -> Optimiser:
    """Return the faster optimiser for networks with these recipes (M,), which are those of so many trials."""
    if recipes[0].optimiser == "muon":
        return Muon(stack, recipes[0])
    if recipes[0].optimiser == "sgd":
        return Nesterov(stack, recipes)
    return Fused(stack, recipes[0]) if trials == 1 else PerNumber(stack, recipes)


class PerNumber:
    """Every number has its own rate and decay; schedule and second moment are those of the first recipe."""

    def __init__(self, stack: Stack, recipes: Sequence[Recipe]) -> None:
        """Begin for networks with these recipes (M,)."""
        self._stack = stack
        self._state = adam.init(stack.parameters)
        self.follow(recipes)

    def follow(self, recipes: Sequence[Recipe]) -> None:
        """Go on under these recipes (M,)."""
        self._first = recipes[0]
        self._rates = self._stack.rates(recipes)
        self._decays = self._rates * self._stack.decays(recipes)

    def step(self, progress: float) -> None:
        """Take a step."""
        adam.step(
            self._stack.parameters,
            self._stack.gradient,
            self._state,
            rates=self._rates,
            decays=self._decays,
            pace=SCHEDULES[self._first.schedule](progress),
            shrink=flat_cosine(progress),
            momentum=MOMENTUM,
            second_moment=self._first.second_moment,
        )

    def moments(self) -> tuple[Tensor, ...]:
        """Return both moments (M · P,)."""
        return self._state.first, self._state.second

    def state(self) -> dict[str, Tensor]:
        """Return both moments, and the number of steps."""
        return {"first": self._state.first, "second": self._state.second, "steps": torch.tensor(self._state.steps)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        self._state.first.copy_(state["first"])
        self._state.second.copy_(state["second"])
        self._state.steps = int(state["steps"])


class Nesterov:
    """Descent with momentum: every number has its own rate and decay; the schedule is that of the first recipe."""

    def __init__(self, stack: Stack, recipes: Sequence[Recipe]) -> None:
        """Begin for networks with these recipes (M,)."""
        self._stack = stack
        self._state = sgd.init(stack.parameters)
        self.follow(recipes)

    def follow(self, recipes: Sequence[Recipe]) -> None:
        """Go on under these recipes (M,)."""
        self._schedule = SCHEDULES[recipes[0].schedule]
        self._rates = self._stack.rates(recipes)
        self._decays = self._stack.decays(recipes)

    def step(self, progress: float) -> None:
        """Take a step."""
        sgd.step(
            self._stack.parameters,
            self._stack.gradient,
            self._state,
            rates=self._rates,
            decays=self._decays,
            pace=self._schedule(progress),
            shrink=flat_cosine(progress),
            momentum=MOMENTUM,
        )

    def moments(self) -> tuple[Tensor, ...]:
        """Return the velocity (M · P,)."""
        return (self._state.velocity,)

    def state(self) -> dict[str, Tensor]:
        """Return the velocity."""
        return {"velocity": self._state.velocity}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        self._state.velocity.copy_(state["velocity"])


@dataclass(frozen=True)
class _Sort:
    """Tensors that share a learning rate and a decay, with their gradients, moments and numbers of steps."""

    rate: float
    decay: float
    parameters: list[Tensor] = field(default_factory=list)
    gradients: list[Tensor] = field(default_factory=list)
    first: list[Tensor] = field(default_factory=list)
    second: list[Tensor] = field(default_factory=list)
    steps: list[Tensor] = field(default_factory=list)


class Fused:
    """PyTorch's fused AdamW, called once for every sort of tensor.

    Its functional form is used: the first step of the optimiser object imports a compiler, which takes a second.
    """

    def __init__(self, stack: Stack, recipe: Recipe, names: Collection[str] | None = None) -> None:
        """Begin for networks that all have this recipe; names: of the tensors to move, else all."""
        self._recipe = recipe
        sorts: dict[tuple[float, float], _Sort] = {}
        gradients = stack.views_of(stack.gradient)
        moved = stack.weights if names is None else {name: stack.weights[name] for name in names}
        for name, tensor in moved.items():
            rate, decay = stack.rate_of(name, recipe), decay_of(name, recipe)
            sort = sorts.setdefault((rate, decay), _Sort(rate, decay))
            sort.parameters.append(tensor)
            sort.gradients.append(gradients[name])
            sort.first.append(torch.zeros_like(tensor))
            sort.second.append(torch.zeros_like(tensor))
            sort.steps.append(torch.tensor(0.0, device=tensor.device))
        self._sorts = tuple(sorts.values())

    def follow(self, recipes: Sequence[Recipe]) -> None:
        """Stay as it is: a trial alone in its stack has nobody to inherit from."""
        if any(recipe != self._recipe for recipe in recipes):
            raise ValueError("A stack that began with one recipe keeps it.")

    def step(self, progress: float) -> None:
        """Take a step."""
        pace, shrink = SCHEDULES[self._recipe.schedule](progress), flat_cosine(progress)
        for sort in self._sorts:
            adamw(
                sort.parameters,
                sort.gradients,
                sort.first,
                sort.second,
                [],
                sort.steps,
                fused=True,
                amsgrad=False,
                beta1=MOMENTUM,
                beta2=self._recipe.second_moment,
                lr=pace * sort.rate,
                weight_decay=shrink * sort.decay,
                eps=EPSILON,
                maximize=False,
            )

    def moments(self) -> tuple[Tensor, ...]:
        """Return nothing: see `follow`."""
        return ()

    def state(self) -> dict[str, Tensor]:
        """Return both moments of each tensor, and its number of steps."""
        found: dict[str, Tensor] = {}
        for number, sort in enumerate(self._sorts):
            for part, tensors in (("first", sort.first), ("second", sort.second), ("steps", sort.steps)):
                found |= {f"{part}.{number}.{place}": tensor for place, tensor in enumerate(tensors)}
        return found

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])


@dataclass(frozen=True)
class _Matrix:
    """A matrix of every network (M, O, I), with its gradient, its momentum, its learning rate and its decay."""

    parameters: Tensor
    gradient: Tensor
    momentum: Tensor
    rate: float
    decay: float


class Muon:
    """Momentum made orthogonal for the matrices of inner blocks, AdamW for all else.

    Jordan et al. 2024 (kellerjordan.github.io/posts/muon), with the scale of Liu et al. 2025 (arXiv 2502.16982): by it
    a step is as large as one of AdamW, so that learning rates and decays mean the same.
    """

    def __init__(self, stack: Stack, recipe: Recipe) -> None:
        """Begin for networks that all have this recipe."""
        self._recipe = recipe
        gradients = stack.views_of(stack.gradient)
        edges = {next(iter(stack.weights)).partition(".")[0], stack.head}
        inner = [
            name
            for name, tensor in stack.weights.items()
            if name.endswith("weight") and tensor.ndim > 2 and name.partition(".")[0] not in edges
        ]
        self._matrices = tuple(
            _Matrix(
                stack.weights[name].flatten(2),
                gradients[name].flatten(2),
                torch.zeros_like(stack.weights[name].flatten(2)),
                stack.rate_of(name, recipe),
                decay_of(name, recipe),
            )
            for name in inner
        )
        self._rest = Fused(stack, recipe, [name for name in stack.weights if name not in inner])

    def follow(self, recipes: Sequence[Recipe]) -> None:
        """Stay as it is: a trial alone in its stack has nobody to inherit from."""
        self._rest.follow(recipes)

    def step(self, progress: float) -> None:
        """Take a step."""
        pace, shrink = SCHEDULES[self._recipe.schedule](progress), flat_cosine(progress)
        for one in self._matrices:
            one.momentum.lerp_(one.gradient, 1 - MUON_MOMENTUM)
            ahead = torch.lerp(one.gradient, one.momentum, MUON_MOMENTUM)  # Nesterov's
            rows, columns = ahead.shape[1:]
            one.parameters.mul_(1 - pace * one.rate * shrink * one.decay)
            one.parameters.add_(orthogonal(ahead), alpha=-pace * one.rate * RMS * max(rows, columns) ** 0.5)
        self._rest.step(progress)

    def moments(self) -> tuple[Tensor, ...]:
        """Return nothing: see `follow`."""
        return ()

    def state(self) -> dict[str, Tensor]:
        """Return the momentum of each matrix, and what moves all else."""
        own = {f"momentum.{place}": one.momentum for place, one in enumerate(self._matrices)}
        return {**own, **{f"rest.{name}": tensor for name, tensor in self._rest.state().items()}}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])


def orthogonal(matrices: Tensor) -> Tensor:
    """Return matrices (M, O, I) whose singular values have all been brought near to 1, by five steps of Newton-Schulz.

    The polynomial is that of Jordan et al. 2024: it ends between 0.7 and 1.2, and does not converge, but is fast.
    """
    wide = matrices.shape[1] <= matrices.shape[2]
    hidden = matrices if wide else matrices.transpose(1, 2)
    hidden = hidden / hidden.flatten(1).norm(dim=1).clamp_min(1e-7)[:, None, None]
    for _ in range(5):
        square = hidden @ hidden.transpose(1, 2)
        hidden = NEWTON[0] * hidden + (NEWTON[1] * square + NEWTON[2] * square @ square) @ hidden
    found: Tensor = hidden if wide else hidden.transpose(1, 2)
    return found
