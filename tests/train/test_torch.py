"""What PyTorch does as a framework, before and around the training of a stack."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.data.features import Features, table_features
from netwright.errors import TrialError
from netwright.spec.blocks import Dense, Head, Periodic, TableInput
from netwright.spec.network import Network, Recipe
from netwright.train.control import Control
from netwright.train.framework import Split
from netwright.train.population import Population
from netwright.train.torch import Torch, TorchTrainer
from netwright.train.training import train_population

NETWORK = Network((TableInput(2, 0, (), Periodic(frequencies=4, width=3)), Dense(8), Head(2)))
RECIPE = Recipe(epochs=10, batch_size=20)
QUIET = Control(lambda: 0.0, lambda: False, lambda progress: None)


def _features() -> tuple[Features, np.ndarray]:
    numeric = np.random.default_rng(0).normal(size=(120, 2)).astype(np.float32)
    empty = np.zeros((120, 0))
    return table_features(numeric, empty.astype(np.float32), empty.astype(np.int64)), numeric[:, 0] > 0


def _trainer() -> TorchTrainer:
    features, positive = _features()
    return Torch().over(features, positive.astype(np.int64), np.zeros((2, 49), np.float32))


def _splits() -> list[Split]:
    fold = np.arange(120) % 2
    return [Split(np.flatnonzero(fold != each), np.flatnonzero(fold == each)) for each in range(2)]


def test_time_counts_from_when_steps_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of a process takes long, and leaves no time to a short training, were it counted."""
    clock, began, stepped, plain = [0.0], [0.0], [0], Population.step

    def step(*given: object) -> None:
        stepped[0] += 1
        clock[0] += 10.0 if stepped[0] == 1 else 0.01
        plain(*given)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(Population, "step", step)
    told: list[float] = []

    def ready() -> None:
        told.append(clock[0])
        began[0] = clock[0]

    control = Control(lambda: min(1.0, clock[0] - began[0]), lambda: False, lambda progress: None, ready=ready)
    trainer = _trainer()
    for _ in range(2):
        (trained,) = trainer.train(NETWORK, [RECIPE], _splits(), "cross_entropy", control, [0])
        assert trained.steps == 30  # of ten epochs
        began[0] = clock[0]
    assert told == [10.0]  # the second training finds all warm
    assert stepped[0] == 61


def test_a_rehearsal_leaves_nothing_behind() -> None:
    """The training after it comes out as without, to the last bit."""
    trainer = _trainer()
    (rehearsed,) = trainer.train(NETWORK, [RECIPE], _splits(), "cross_entropy", QUIET, [3])
    (again,) = trainer.train(NETWORK, [RECIPE], _splits(), "cross_entropy", QUIET, [3])
    assert rehearsed.loss == again.loss
    assert all(np.array_equal(rehearsed.weights[name], again.weights[name]) for name in again.weights)


def test_a_network_that_diverges_at_once_is_told_of_by_its_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not by the rehearsal: what failed there may be otherwise in what follows."""
    calls: list[int] = []

    def diverging_once(*given: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise TrialError("the loss was not a number")
        return train_population(*given)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr("netwright.train.training.train_population", diverging_once)
    monkeypatch.setattr("netwright.train.torch.train_population", diverging_once)
    (trained,) = _trainer().train(NETWORK, [RECIPE], _splits(), "cross_entropy", QUIET, [0])
    assert np.isfinite(trained.loss)
    assert len(calls) == 2
