"""Moves a stack of networks along its gradient: one recipe for all of it, or one for each trial.

Where a stack holds one trial, every tensor has one learning rate and one decay, and PyTorch's fused AdamW passes over
the memory once. Where trials differ, each number has a rate of its own, and ours takes eight passes: at width 256
2 ms against 0.3 for 600,000 numbers (`benchmarks/training.py --what adam`). Stacks of several trials are small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from netwright.spec.network import Recipe
from netwright.train import adam
from netwright.train.schedule import SCHEDULES, flat_cosine
from netwright.train.stack import Stack, decay_of

MOMENTUM = 0.9


class Optimiser(Protocol):
    """AdamW over the parameters of a stack."""

    def step(self, progress: float) -> None:
        """Take a step along the stack's gradient; progress: share of the schedule that has gone."""

    def follow(self, recipes: Sequence[Recipe]) -> None:
        """Go on under these recipes (M,), one for each network."""

    def moments(self) -> tuple[Tensor, ...]:
        """Return vectors (M · P,) that belong to the networks as their parameters do."""


def optimiser_for(stack: Stack, recipes: Sequence[Recipe], trials: int) -> Optimiser:
    """Return the faster optimiser for networks with these recipes (M,), which are those of so many trials."""
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

    def __init__(self, stack: Stack, recipe: Recipe) -> None:
        """Begin for networks that all have this recipe."""
        self._recipe = recipe
        sorts: dict[tuple[float, float], _Sort] = {}
        gradients = stack.views_of(stack.gradient)
        for name, tensor in stack.weights.items():
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
                eps=adam.EPSILON,
                maximize=False,
            )

    def moments(self) -> tuple[Tensor, ...]:
        """Return nothing: see `follow`."""
        return ()
