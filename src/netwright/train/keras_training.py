"""Trains one trial in Keras: its folds together as one program, or in turns, with the checks of `train.training`.

Letters in shapes: N row, S fold, M network of a group, V validation row, K output.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.build.chain import marginals
from netwright.build.keras_layers import Array
from netwright.data.stretches import POSITIONS, begins, stretches
from netwright.errors import TrialError
from netwright.spec.costs import rows_at_once
from netwright.spec.network import Network, Recipe
from netwright.train.best import Best
from netwright.train.control import CHECKS, Control, Folds, Progress, Trained
from netwright.train.framework import Split
from netwright.train.keras_groups import Group
from netwright.train.keras_learner import Learner

CERTAIN = 1e-7  # a probability is taken for no less where its logarithm is


@dataclass(frozen=True, eq=False)
class Lessons:
    """What one trial learns from.

    Attributes:
        features: (N, ...) by name, in the types that Keras takes.
        targets: (N,) classes or values; (N, K) chances for a soft loss.
        loss: its name.
        splits: S folds.
    """

    features: Mapping[str, Array]
    targets: NDArray[Any]
    loss: str
    splits: tuple[Split, ...]

    @property
    def classes(self) -> bool:
        """Whether outputs are logits."""
        return self.loss != "squared_error"

    def aims(self, outputs: int, smoothing: float) -> NDArray[np.float32]:
        """Return what outputs should come to (N, K): chances, some of each spread over all classes, or a value."""
        if self.loss == "squared_error":
            return np.asarray(self.targets, np.float32)[:, None]
        if self.loss == "soft_cross_entropy":
            return np.asarray(self.targets, np.float32)
        certain = np.eye(outputs, dtype=np.float32)[self.targets]
        return np.asarray((1 - smoothing) * certain + smoothing / outputs, np.float32)

    def judged(self, predictions: NDArray[np.float32], rows: NDArray[np.int64]) -> float:
        """Return the mean loss of predictions (V, K) for rows; infinite where it is not a number."""
        truth = self.targets[rows]
        if self.loss == "squared_error":
            each = np.square(predictions[:, 0] - truth)
        else:
            logs = np.log(np.maximum(predictions, CERTAIN))
            soft = self.loss == "soft_cross_entropy"
            each = -(truth * logs).sum(axis=1) if soft else -logs[np.arange(len(rows)), truth]
        mean = float(each.mean())
        return mean if math.isfinite(mean) else math.inf


class Training:
    """One trial in training."""

    def __init__(
        self,
        learner: Learner,
        network: Network,
        recipe: Recipe,
        lessons: Lessons,
        groups: Sequence[Group],
        weights: Mapping[str, Array],
        seed: int,
    ) -> None:
        """Begin.

        Args:
            learner: for as many networks as a group has.
            network: the shape of all networks.
            recipe: how they learn.
            lessons: from what.
            groups: which are trained together.
            weights: tensors (S, ...) by name that they begin with.
            seed: of all that is random.
        """
        self._learner, self._recipe, self._lessons, self._network = learner, recipe, lessons, network
        self._groups, self._seed = groups, seed
        self._aims = lessons.aims(network.outputs, recipe.label_smoothing)
        shortest = min(len(split.train) for split in lessons.splits)
        batch_size = min(recipe.batch_size, shortest)
        self._steps_per_epoch = max(1, shortest // batch_size)
        self._size = min(group.rows_a_step(batch_size) for group in groups)
        most = max(len(group.judged) for group in groups)
        self._asked = min(most, rows_at_once(network, len(groups[0].folds)))  # rows at a time, always as many
        self._order = np.random.default_rng(seed)
        self._best = Best.empty(len(lessons.splits), len(lessons.splits))
        self._weights = {name: tensor.copy() for name, tensor in weights.items()}  # of the best
        self._predictions = [np.zeros((len(split.valid), network.outputs), np.float32) for split in lessons.splits]
        self._held: Group | None = None
        self._steps = 0

    def run(self, control: Control) -> Trained:
        """Train until the schedule, the time or the patience ends.

        Raises:
            TrialError: when every network diverged.
        """
        recipe = self._recipe
        check_every = max(1, recipe.epochs // CHECKS)
        patience = math.ceil(recipe.epochs / check_every) // 3
        self._rehearse()
        control.ready()
        for epoch in range(1, recipe.epochs + 1):
            share = self._epoch(epoch, control)
            ended = share >= 1 or epoch == recipe.epochs or control.stop()
            if ended or epoch % check_every == 0:
                losses = self._check()
                kept: tuple[Folds, ...] = (tuple(self._predictions),)
                control.report(Progress(epoch, recipe.epochs, share, (losses,), self._best.by_trial(), kept))
                ended = ended or control.stop()  # given up for what was told: it is judged already
            if ended or (recipe.schedule != "coslog4" and bool((self._best.since > patience).all())):
                break
        (loss,) = self._best.by_trial()
        if not math.isfinite(loss):
            raise TrialError("the loss was not a number: training diverged")
        return Trained(self._weights, tuple(self._predictions), loss, self._steps)

    def _rehearse(self) -> None:
        """Let the program be compiled by a step and an answer that leave nothing behind, and begin."""
        first = self._groups[0]
        self._learner.begin(first.of_networks(self._weights), self._seed)
        self._step(first, np.resize(np.arange(len(first.rows)), self._size), 1.0)
        self._answers(first.judged[:1])
        for place, group in enumerate(self._groups):
            self._learner.begin(group.of_networks(self._weights), self._seed + place)
            if len(self._groups) > 1:
                group.state = self._learner.state()
        self._held = self._groups[-1]

    def _turn(self, group: Group) -> None:
        """Give a group its turn."""
        if self._held is not group:
            if self._held is not None:
                self._held.state = self._learner.state()
            self._learner.restore(group.state)
            self._held = group

    def _epoch(self, epoch: int, control: Control) -> float:
        """Let each group pass over its rows; return the share of the schedule that has gone."""
        share, total = 0.0, self._recipe.epochs * self._steps_per_epoch
        for group in self._groups:
            order = self._shuffled(group)
            self._turn(group)
            for number in range(self._steps_per_epoch):
                taken = (epoch - 1) * self._steps_per_epoch + number
                share = max((taken + 0.5) / total, control.time_used())
                if share >= 1 or control.stop():
                    break
                self._step(group, order[number * self._size : (number + 1) * self._size], share)
                self._steps = taken + 1
        return share

    def _shuffled(self, group: Group) -> NDArray[np.int64]:
        """Return the places of a group's rows (R,) at random; for a chain those of a sentence stay together."""
        if not self._network.chained:
            return self._order.permutation(len(group.rows))
        own = stretches(self._positions(group.rows))
        return np.asarray(np.argsort(self._order.permutation(int(own[-1]) + 1)[own], kind="stable"))

    def _positions(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(self._lessons.features[POSITIONS][rows, 0], np.int64)

    def _step(self, group: Group, places: NDArray[np.int64], share: float) -> None:
        rows = group.rows[places]
        goes_on = [~begins(self._positions(rows))[:, None]] if self._network.chained else []
        wanted = np.concatenate([self._aims[rows], group.counted[places], *goes_on], axis=1, dtype=np.float32)
        self._learner.step(self._features(rows), wanted, self._recipe, share)

    def _features(self, rows: NDArray[np.int64]) -> dict[str, Array]:
        return {name: array[rows] for name, array in self._lessons.features.items()}

    def _check(self) -> float:
        """Judge all networks and keep what is better; return their mean loss now."""
        splits = self._lessons.splits
        losses, found, weights = np.empty(len(splits), np.float32), {}, {}
        for group in self._groups:
            self._turn(group)
            answers = self._answers(group.judged)
            now = self._learner.weights()
            for place, fold in enumerate(group.folds):
                own = np.searchsorted(group.judged, splits[fold].valid)
                found[fold] = answers[own, place]
                weights[fold] = {name: tensor[place] for name, tensor in now.items()}
                losses[fold] = self._lessons.judged(found[fold], splits[fold].valid)
        for fold in np.flatnonzero(self._best.check(losses)).tolist():
            self._predictions[fold] = found[fold]
            for name, tensor in weights[fold].items():
                self._weights[name][fold] = tensor
        return float(losses.mean())

    def _answers(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what the networks that have their turn predict (n, M, K) for rows (n,)."""
        starts = range(0, len(rows), self._asked)
        pieces = [self._learner.outputs(self._features(np.resize(rows[start:], self._asked))) for start in starts]
        outputs = np.concatenate(pieces)[: len(rows)]  # (n, E, M, K)
        if self._network.chained:
            outputs = self._chained(outputs, rows)
        return np.asarray((_softmax(outputs) if self._lessons.classes else outputs).mean(axis=1))

    def _chained(self, scores: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, E, M, K) scores of tags of rows (n,) → (n, E, M, K), the logarithms of marginals."""
        transitions = self._learner.weights()[f"{self._network.last}.transitions"]  # (M, E, K, K)
        networks = transitions.shape[0] * transitions.shape[1]
        flat = scores.transpose(2, 1, 0, 3).reshape(networks, len(rows), -1)
        found = marginals(flat, transitions.reshape(networks, *transitions.shape[2:]), self._positions(rows))
        return np.asarray(found.reshape(*transitions.shape[:2], len(rows), -1).transpose(2, 1, 0, 3))


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
