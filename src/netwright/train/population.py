"""Trains many networks of one shape as one program: trials with recipes of their own, each over the same folds.

Letters in shapes: T trial, S fold, M = T · S network of the stack, B row of the batch, V validation row, P parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.build.torch import Batch, Noise, forward, initial_weights
from netwright.data.features import Features
from netwright.errors import TrialError
from netwright.spec.network import Network, Recipe
from netwright.train import adam
from netwright.train.losses import Loss
from netwright.train.predict import rows_at_once
from netwright.train.schedule import SCHEDULES, flat_cosine
from netwright.train.stack import Stack, stack_parameters

MOMENTUM = 0.9
CHECKS = 32  # times a validation is made in a training; more cost time and find no better epoch


@dataclass(frozen=True)
class Rows:
    """Encoded rows as tensors: numeric (N, F), plain (N, P), categories (N, C), targets (N,), quantiles (F, Q)."""

    numeric: Tensor
    plain: Tensor
    categories: Tensor
    targets: Tensor
    quantiles: Tensor

    def batch(self, index: Tensor) -> Batch:
        """Return the rows named by `index` (M, B)."""
        return Batch(self.numeric[index], self.plain[index], self.categories[index])


def as_rows(
    features: Features, targets: NDArray[np.float32] | NDArray[np.int64], quantiles: NDArray[np.float32]
) -> Rows:
    """Return features and targets as tensors that share their memory."""
    arrays = (features.numeric, features.plain, features.categories, targets, quantiles)
    return Rows(*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))


@dataclass(frozen=True)
class Split:
    """The rows that one fold's network learns from, and those it is judged on."""

    train: NDArray[np.int64]
    valid: NDArray[np.int64]


@dataclass(frozen=True)
class Progress:
    """Told to the listener after each check: the epoch of how many, and the mean validation loss of each trial (T,)."""

    epoch: int
    epochs: int
    losses: tuple[float, ...]


@dataclass(frozen=True)
class Trained:
    """What came of one trial.

    Attributes:
        weights: tensors (S, ...), one network a fold.
        predictions: for each of S folds (V, K), in the order of its validation rows.
        loss: mean validation loss over folds; infinite when training diverged.
        steps: optimiser steps taken.
    """

    weights: dict[str, Tensor]
    predictions: tuple[NDArray[np.float32], ...]
    loss: float
    steps: int


@dataclass(frozen=True)
class Control:
    """How the outside steers a training.

    Attributes:
        time_used: share of the time allowed that has gone, 0 to 1; the schedule ends when it reaches 1. Constant 0
            where only the number of epochs counts.
        stop: whether to give up at once with what there is.
        report: told after every check.
    """

    time_used: Callable[[], float]
    stop: Callable[[], bool]
    report: Callable[[Progress], None]


def train_population(
    network: Network,
    recipes: Sequence[Recipe],
    rows: Rows,
    splits: Sequence[Split],
    loss: Loss,
    control: Control,
    seeds: Sequence[int],
) -> tuple[Trained, ...]:
    """Train each recipe on each fold, all as one stack.

    A fold's network is kept as it was at the check where the *other* folds of its trial were best on average (at the
    end, with one fold). So its validation rows never chose their own network, and their predictions stay honest.

    Args:
        network: the common shape.
        recipes: T of them; epochs, batch size, schedule and second moment are those of the first.
        rows: all rows.
        splits: S folds.
        loss: what is minimised.
        control: time, stop and report.
        seeds: one a trial; fold and position change nothing for the other trials.

    Raises:
        TrialError: when every network diverged.
    """
    population = _Population.start(network, recipes, rows, splits, seeds)
    first = recipes[0]
    batch_size = min(first.batch_size, min(len(split.train) for split in splits))
    steps_per_epoch = max(1, min(len(split.train) for split in splits) // batch_size)
    check_every = max(1, first.epochs // CHECKS)
    best = _Best.empty(population, len(recipes))
    steps = 0
    for epoch in range(1, first.epochs + 1):
        order = population.shuffled(steps_per_epoch * batch_size)  # (M, steps · B)
        for number in range(steps_per_epoch):
            share = max((steps + 0.5) / (first.epochs * steps_per_epoch), control.time_used())
            if share >= 1 or control.stop():
                break
            population.step(rows, order[:, number * batch_size : (number + 1) * batch_size], loss, share)
            steps += 1
        ended = share >= 1 or epoch == first.epochs or control.stop()
        if ended or epoch % check_every == 0:
            losses = best.check(population, rows, loss, final=ended)
            control.report(Progress(epoch, first.epochs, losses))
        if ended or best.gave_up:
            break
    return best.trained(population, steps)


@dataclass
class _Population:
    """The stack in training: M = T · S networks, trial by trial."""

    network: Network
    recipes: Sequence[Recipe]
    stack: Stack
    state: adam.AdamState
    train: list[Tensor]  # M of (n,): rows to learn from
    valid: Tensor  # (M, V) rows to be judged on, padded with the first
    valid_mask: Tensor  # (M, V)
    lengths: list[int]
    generators: list[torch.Generator]
    noise: torch.Generator
    rates: Tensor  # (M · P,)
    decays: Tensor  # (M · P,)
    dropouts: Tensor  # (M,)
    smoothing: Tensor

    @staticmethod
    def start(
        network: Network, recipes: Sequence[Recipe], rows: Rows, splits: Sequence[Split], seeds: Sequence[int]
    ) -> _Population:
        own = [seed * 1009 + fold for seed in seeds for fold in range(len(splits))]  # (M,)
        stack = stack_parameters(initial_weights(network, rows.quantiles, own))
        per_network = [recipe for recipe in recipes for _ in splits]
        rates = stack.rates(torch.tensor([recipe.learning_rate for recipe in per_network]))
        decays = stack.decays(torch.tensor([recipe.weight_decay for recipe in per_network]))
        width = max(len(split.valid) for split in splits)
        valid = [np.pad(split.valid, (0, width - len(split.valid)), mode="edge") for split in splits]
        mask = [np.arange(width) < len(split.valid) for split in splits]
        return _Population(
            network=network,
            recipes=recipes,
            stack=stack,
            state=adam.init(stack.parameters),
            train=[torch.from_numpy(split.train) for split in splits] * len(recipes),
            valid=torch.from_numpy(np.stack(valid)).repeat(len(recipes), 1),
            valid_mask=torch.from_numpy(np.stack(mask)).repeat(len(recipes), 1),
            lengths=[len(split.valid) for split in splits],
            generators=[torch.Generator().manual_seed(seed + 1) for seed in own],
            noise=torch.Generator().manual_seed(own[0] + 2),
            rates=rates,
            decays=rates * decays,
            dropouts=torch.tensor([recipe.dropout for recipe in per_network]),
            smoothing=torch.tensor([recipe.label_smoothing for recipe in per_network]),
        )

    def shuffled(self, count: int) -> Tensor:
        """Return (M, count) rows to learn from, in an order of its own for each network."""
        orders = [
            rows[torch.randperm(len(rows), generator=generator)[:count]]
            for rows, generator in zip(self.train, self.generators, strict=True)
        ]
        return torch.stack(orders)

    def step(self, rows: Rows, index: Tensor, loss: Loss, progress: float) -> None:
        """Take one optimiser step on the rows `index` (M, B)."""
        first = self.recipes[0]
        noise = Noise(self.dropouts * flat_cosine(progress), self.noise) if self.dropouts.any() else None
        self.stack.gradient.zero_()
        outputs = forward(self.network, self.stack.named(), rows.batch(index), noise)
        loss.training(outputs, rows.targets[index], self.smoothing).sum().backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            adam.step(
                self.stack.parameters,
                self.stack.gradient,
                self.state,
                rates=self.rates,
                decays=self.decays,
                pace=SCHEDULES[first.schedule](progress),
                shrink=flat_cosine(progress),
                momentum=MOMENTUM,
                second_moment=first.second_moment,
            )

    def judge(self, rows: Rows, loss: Loss) -> tuple[Tensor, Tensor]:
        """Return predictions (M, V, K) for the validation rows and the mean loss of each network (M,)."""
        pieces = []
        with torch.no_grad():
            chunk = rows_at_once(self.network, len(self.valid))
            for start in range(0, self.valid.shape[1], chunk):
                batch = rows.batch(self.valid[:, start : start + chunk])
                pieces.append(loss.decode(forward(self.network, self.stack.named(), batch)))
            predictions = torch.cat(pieces, dim=1)
            each = loss.validation(predictions, rows.targets[self.valid]) * self.valid_mask
        return predictions, each.sum(dim=1) / self.valid_mask.sum(dim=1)


@dataclass
class _Best:
    """For each network the weights and predictions at the check where the other folds of its trial did best."""

    trials: int
    criterion: Tensor  # (M,)
    losses: Tensor  # (M,)
    weights: dict[str, Tensor]  # (M, ...)
    predictions: Tensor | None
    since: int = 0

    @staticmethod
    def empty(population: _Population, trials: int) -> _Best:
        infinite = torch.full((len(population.valid),), float("inf"))
        weights = {name: tensor.detach().clone() for name, tensor in population.stack.named().items()}
        return _Best(trials, infinite, infinite.clone(), weights, None)

    def check(self, population: _Population, rows: Rows, loss: Loss, *, final: bool) -> tuple[float, ...]:
        """Judge the population as it is now and keep what is better; return the loss of each trial."""
        predictions, losses = population.judge(rows, loss)
        losses = torch.where(torch.isfinite(losses), losses, torch.inf)
        by_trial = losses.view(self.trials, -1)  # (T, S)
        folds = by_trial.shape[1]
        if folds > 1:
            criterion = ((by_trial.sum(dim=1, keepdim=True) - by_trial) / (folds - 1)).flatten()
        else:
            criterion = losses if final else torch.full_like(losses, float("inf"))
        better = criterion < self.criterion
        if self.predictions is None:
            self.predictions = torch.zeros_like(predictions)
        self.criterion = torch.where(better, criterion, self.criterion)
        self.losses = torch.where(better, losses, self.losses)
        for name, tensor in population.stack.weights.items():
            self.weights[name][better] = tensor.detach()[better]
        self.predictions[better] = predictions[better]
        self.since = 0 if bool(better.any()) or folds == 1 else self.since + 1
        return tuple(by_trial.mean(dim=1).tolist())

    @property
    def gave_up(self) -> bool:
        """Whether nothing has got better for a third of all checks."""
        return self.since > CHECKS // 3

    def trained(self, population: _Population, steps: int) -> tuple[Trained, ...]:
        """Return what came of each trial."""
        if self.predictions is None or not bool(torch.isfinite(self.losses).any()):
            raise TrialError("the loss was not a number: training diverged")
        folds = len(population.lengths)
        results = []
        for trial in range(self.trials):
            own = slice(trial * folds, (trial + 1) * folds)
            kept = self.predictions[own].numpy()
            results.append(
                Trained(
                    weights={name: tensor[own].clone() for name, tensor in self.weights.items()},
                    predictions=tuple(kept[fold, :length] for fold, length in enumerate(population.lengths)),
                    loss=float(self.losses[own].mean()),
                    steps=steps,
                )
            )
        return tuple(results)
