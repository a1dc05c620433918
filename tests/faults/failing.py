"""Trainings that fail when they are told to, in the place of those that PyTorch makes."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest
from sklearn.datasets import load_iris

from netwright.train import torch as engine

TABLE = load_iris(as_frame=True).frame.sample(90, random_state=0, ignore_index=True)
TARGET = "target"


def table() -> pd.DataFrame:
    """Return some irises, of which networks learn in a second."""
    return TABLE.assign(target=TABLE[TARGET].map({0: "setosa", 1: "versicolor", 2: "virginica"}))


@dataclass
class Trainings:
    """What stands in the place of `train_population`.

    Attributes:
        fault: (number of the call, its arguments) → what it raises, or arguments to go on with.
        which: calls that it is asked for, from 1 on.
        batches: the batch size of each call.
    """

    fault: Callable[[int, tuple[Any, ...]], Exception | tuple[Any, ...]]
    which: Container[int]
    batches: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._real = engine.train_population

    def __call__(self, *given: Any) -> Any:
        """Train, or fail."""
        self.batches.append(given[1][0].batch_size)
        number = len(self.batches)
        if number not in self.which:
            return self._real(*given)
        found = self.fault(number, given)
        if isinstance(found, Exception):
            raise found
        return self._real(*found)


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception, which: Container[int]) -> Trainings:
    """Let some trainings raise an error; one lane trains, so that calls have an order."""
    return placed(monkeypatch, Trainings(lambda number, given: error, which))


def placed(monkeypatch: pytest.MonkeyPatch, trainings: Trainings) -> Trainings:
    """Put trainings in the place of the real ones, in one lane."""
    monkeypatch.setattr(engine, "train_population", trainings)
    monkeypatch.setattr(engine, "lanes_of", lambda device: 1)
    return trainings
