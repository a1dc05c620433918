"""Moves a stack of networks along its gradient: one recipe for all of it, or one for each trial.

Where a stack holds one trial, every tensor has one learning rate and one decay, and PyTorch's fused AdamW passes over
the memory once. Where trials differ, each number has a rate of its own, and ours takes eight passes: at width 256
2 ms against 0.3 for 600,000 numbers (`benchmarks/training.py --what adam`). Stacks of several trials are small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from netwright.spec.network import Recipe
from netwright.train import adam
from netwright.train.schedule import SCHEDULES, flat_cosine
from netwright.train.stack import Stack, decay_of, rate_of

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
    """Tensors that share a learning rate and a decay."""

    rate: float
    decay: float


class Fused:
    """PyTorch's fused AdamW, with a group for every sort of tensor."""

    def __init__(self, stack: Stack, recipe: Recipe) -> None:
        """Begin for networks that all have this recipe."""
        self._recipe = recipe
        sorts: dict[_Sort, list[Tensor]] = {}
        gradients = stack.views_of(stack.gradient)
        for name, tensor in stack.weights.items():
            parameter = tensor.detach().requires_grad_()
            parameter.grad = gradients[name]
            sorts.setdefault(_Sort(rate_of(name, recipe), decay_of(name, recipe)), []).append(parameter)
        self._sorts = tuple(sorts)
        betas = (MOMENTUM, recipe.second_moment)
        self._adamw = torch.optim.AdamW(
            [{"params": tensors} for tensors in sorts.values()], betas=betas, eps=adam.EPSILON, fused=True
        )

    def follow(self, recipes: Sequence[Recipe]) -> None:
        """Stay as it is: a trial alone in its stack has nobody to inherit from."""
        if any(recipe != self._recipe for recipe in recipes):
            raise ValueError("A stack that began with one recipe keeps it.")

    def step(self, progress: float) -> None:
        """Take a step."""
        pace, shrink = SCHEDULES[self._recipe.schedule](progress), flat_cosine(progress)
        for group, sort in zip(self._adamw.param_groups, self._sorts, strict=True):
            group["lr"], group["weight_decay"] = pace * sort.rate, shrink * sort.decay
        self._adamw.step()

    def moments(self) -> tuple[Tensor, ...]:
        """Return nothing: see `follow`."""
        return ()
