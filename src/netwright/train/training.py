"""Trains many networks of one shape as one program: trials with recipes of their own, each over the same folds."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.errors import TrialError
from netwright.spec.network import Network, Recipe
from netwright.train.best import Best
from netwright.train.control import CHECKS, RUNGS, Control, Folds, Progress, Snapshot, Trained
from netwright.train.framework import Split
from netwright.train.losses import Loss
from netwright.train.passes import parts_of
from netwright.train.population import Population
from netwright.train.restoring import Extent, check_snapshot
from netwright.train.rows import Rows

REHEARSED = 8  # rows a fold are judged before the first training


def train_population(
    network: Network,
    recipes: Sequence[Recipe],
    rows: Rows,
    splits: Sequence[Split],
    loss: Loss,
    control: Control,
    seeds: Sequence[int],
    initial: Mapping[str, Tensor] | None = None,
    snapshot: Snapshot | None = None,
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
        control: time, stop, report, and heirs.
        seeds: one a trial; fold and position change nothing for the other trials.
        initial: tensors (T · S, ...) by name to go on from; else networks begin with random weights.
        snapshot: of this training, cut off, to go on from; recipes and seeds then are those of who had the places.

    Returns:
        The trials as given, then the heirs in the order in which they came, those before the snapshot included.

    Raises:
        TrialError: when every network diverged, or the snapshot is of another training.
    """
    population = Population.start(network, recipes, rows, splits, seeds, initial)
    best = Best.empty(len(population.train), len(splits))
    lives = _Lives(population, best, rows, loss, splits)
    first = recipes[0]
    learnt = min(len(split.train) for split in splits)
    length = learnt + (0 if rows.more is None else len(rows.more))
    batch_size = min(first.batch_size, length)
    parts = 1 if rows.more is None else parts_of(length)  # of a pass: each counts as an epoch here
    steps_per_epoch, epochs = max(1, length // parts // batch_size), first.epochs * parts
    check_every = max(1, first.epochs // CHECKS)
    patience = math.ceil(epochs / check_every) // 3
    rungs = [*RUNGS]
    kept = torch.zeros(())  # (M, V, K) what the networks predict that are kept
    place = _Place()
    if snapshot is not None:
        extent = Extent(
            epochs=epochs,
            steps=steps_per_epoch,
            rows=len(rows.targets) + (0 if rows.more is None else len(rows.more)),
            learnt=steps_per_epoch * batch_size,
            valid=tuple(len(split.valid) for split in splits),
            outputs=network.outputs,
            places=len(recipes),
        )
        check_snapshot(snapshot, lives.snapshot(place, kept, rungs), extent)
        place, kept, rungs = lives.restore(snapshot)  # with an order that may lie elsewhere: of one epoch only
    share = place.share
    for epoch in range(place.epoch, epochs + 1):
        begun, order = place.number, place.order
        if epoch > place.epoch or order is None:
            begun, count = 0, steps_per_epoch * batch_size
            if rows.more is not None:
                order = population.part(rows, epoch - 1, count)  # (M, steps · B)
            else:
                order = population.shuffled(count)
                order = order if network.chained else rows.near(order)  # a chain's is looked at on the processor
        for number in range(begun, steps_per_epoch):
            share = max((lives.steps + 0.5) / (epochs * steps_per_epoch), control.time_used())
            if share >= 1 or control.stop():
                break
            population.step(rows, order[:, number * batch_size : (number + 1) * batch_size], loss, share)
            lives.steps += 1
            if control.due():
                control.keep(lives.snapshot(_Place(epoch, number + 1, share, order), kept, rungs))
        ended = share >= 1 or epoch == epochs or control.stop()
        if ended or epoch % check_every == 0:
            predictions, losses = population.judge(rows, loss)
            better = torch.from_numpy(best.check(losses.numpy()))
            lives.keep(better)
            kept = torch.where(better[:, None, None], predictions, kept)
            by_trial = tuple(losses.view(-1, len(splits)).mean(dim=1).tolist())
            progress = Progress(epoch, epochs, share, by_trial, best.by_trial(), lives.by_trial(kept))
            control.report(progress)
            ended = ended or control.stop()  # given up for what was told; it is judged already
            if not ended and rungs and share >= rungs[0]:
                rungs = [rung for rung in rungs if rung > share]
                if lives.succeed(control, progress):
                    control.keep(lives.snapshot(_Place(epoch + 1, 0, share), kept, rungs))
        # Where the schedule rises again, the best may still come after a third of the checks without a better one.
        if ended or (first.schedule != "coslog4" and bool((best.since > patience).all())):
            break
    return lives.ended()


def rehearse(
    network: Network, recipes: Sequence[Recipe], rows: Rows, splits: Sequence[Split], loss: Loss, seeds: Sequence[int]
) -> None:
    """Take one step of a training and judge a few rows, and leave nothing behind: see `train_population`.

    The first step of a process finds code that still lies on the disk, or a card that no program was sent to: it took
    half a second where those after it took a hundredth, and a training that lasts as long learnt nothing.
    """
    asked = itertools.count()
    control = Control(lambda: 0.0, lambda: next(asked) > 0, lambda progress: None)
    few = [Split(split.train, split.valid[:REHEARSED]) for split in splits]
    with contextlib.suppress(TrialError):  # the training itself will say so, if it diverges
        train_population(network, recipes, rows, few, loss, control, seeds)


@dataclass(frozen=True)
class _Place:
    """Where a training stands: the epoch, the steps taken of it, the share of the schedule, the order of its rows."""

    epoch: int = 1
    number: int = 0
    share: float = 0.0
    order: Tensor | None = None


class _Lives:
    """The trials that have a place in the stack, and those that had one."""

    def __init__(self, population: Population, best: Best, rows: Rows, loss: Loss, splits: Sequence[Split]) -> None:
        """Begin with the trials that the population was started with."""
        self.steps = 0
        self._population, self._best, self._rows, self._loss = population, best, rows, loss
        self._lengths = [len(split.valid) for split in splits]
        self._results: list[Trained | None] = [None] * len(population.recipes)
        self._holders = list(range(len(population.recipes)))  # place in the stack → place in the results
        self._weights = {name: tensor.detach().clone() for name, tensor in population.named().items()}  # the best

    def keep(self, better: Tensor) -> None:
        """Keep the weights, as they are now, of those networks (M,) that are better than what is kept of them."""
        for name, tensor in self._population.named().items():
            self._weights[name][better] = tensor.detach()[better]

    def snapshot(self, place: _Place, kept: Tensor, rungs: Sequence[float]) -> Snapshot:
        """Return all that going on from here takes."""
        tensors = {
            **{f"population.{name}": tensor for name, tensor in self._population.state().items()},
            **{f"best.{name}": tensor for name, tensor in self._weights.items()},
            "kept": kept,
            **({} if place.order is None else {"order": place.order}),
        }
        best: dict[str, NDArray[Any]] = {
            "criterion": self._best.criterion,
            "losses": self._best.losses,
            "since": self._best.since,
        }
        return Snapshot(
            arrays={**{name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}, **best},
            numbers={
                "epoch": place.epoch,
                "number": place.number,
                "share": place.share,
                "steps": self.steps,
                "rungs": len(rungs),
                "holders": self._holders,
                "results": len(self._results),
            },
            ended={turn: result for turn, result in enumerate(self._results) if result is not None},
        )

    def restore(self, snapshot: Snapshot) -> tuple[_Place, Tensor, list[float]]:
        """Come to where a snapshot was made; return the place, what is kept predicts, and the rungs to come."""
        tensors = {name: torch.from_numpy(array) for name, array in snapshot.arrays.items()}
        numbers = snapshot.numbers
        start = "population."
        self._population.restore(
            {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}
        )
        for name, tensor in self._weights.items():
            tensor.copy_(tensors[f"best.{name}"])
        arrays = snapshot.arrays
        self._best.criterion, self._best.losses = arrays["criterion"].copy(), arrays["losses"].copy()
        self._best.since = arrays["since"].copy()
        self.steps, self._holders = numbers["steps"], [*numbers["holders"]]
        self._results = [snapshot.ended.get(turn) for turn in range(numbers["results"])]
        place = _Place(numbers["epoch"], numbers["number"], numbers["share"], tensors.get("order"))
        return place, tensors["kept"], [*RUNGS[len(RUNGS) - numbers["rungs"] :]]

    def succeed(self, control: Control, progress: Progress) -> bool:
        """End some trials and put heirs of others in their places; return whether there were any."""
        heirs = control.heirs(progress)
        for heir in heirs:
            self._results[self._holders[heir.place]] = self._result(heir.place)
            self._holders[heir.place] = len(self._results)
            self._results.append(None)
        if heirs:
            self._population.inherit(heirs)
            for heir in heirs:
                self._best.forget(self._population.networks(heir.place))
        return bool(heirs)

    def by_trial(self, predictions: Tensor) -> tuple[Folds, ...]:
        """Return predictions (M, V, K) by trial and fold, without what pads them."""
        arrays = predictions.numpy().reshape(-1, len(self._lengths), *predictions.shape[1:])
        return tuple(tuple(fold[:length] for fold, length in zip(one, self._lengths, strict=True)) for one in arrays)

    def ended(self) -> tuple[Trained, ...]:
        """Return what came of all trials."""
        for place, holder in enumerate(self._holders):
            self._results[holder] = self._result(place)
        results = [result for result in self._results if result is not None]
        if not any(result.loss < float("inf") for result in results):
            raise TrialError("the loss was not a number: training diverged")
        return tuple(results)

    def _result(self, place: int) -> Trained:
        """Return what has come of the trial at a place: its best weights, and what they predict in full precision."""
        own = self._population.networks(place)
        kept = {name: tensor[own].clone() for name, tensor in self._weights.items()}
        judged = self._population.judged.of_networks(own)
        predictions = self._population.predict(kept, judged, self._rows, self._loss).numpy()
        loss = self._best.losses[own].mean()
        return Trained(
            weights={name: tensor.cpu().numpy() for name, tensor in kept.items()},
            predictions=tuple(predictions[fold, :length] for fold, length in enumerate(self._lengths)),
            loss=float(loss) if np.isfinite(loss) else float("inf"),
            steps=self.steps,
        )
