"""What the trials of a run share, and what a finished trial is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.splits import split_folds
from netwright.metrics import Metric
from netwright.search.desk import Ticket
from netwright.spec.costs import network_cost
from netwright.spec.network import Candidate
from netwright.spec.spaces import Point, Space
from netwright.tasks.task import Loaded, Preparation, Task
from netwright.train.rows import Rows, Split, as_rows


@dataclass(frozen=True)
class Trial:
    """A finished trial.

    Attributes:
        ticket: its number, its point and who proposed it.
        candidate: the network and recipe that the point stands for.
        weights: tensors (S, ...) by name, one network a fold.
        folds: S.
        predictions: out of fold, for every row: probabilities (N, K), or values (N,) in the unit of the target.
        score: the metric on them; loss: the validation loss, lower is better.
        seconds: training time.
    """

    ticket: Ticket
    candidate: Candidate
    weights: Mapping[str, Any]
    folds: int
    predictions: NDArray[Any]
    score: float
    loss: float
    seconds: float

    @property
    def parameters(self) -> int:
        """Trained numbers of all its networks."""
        return self.folds * network_cost(self.candidate.network).parameters


@dataclass(frozen=True)
class Bench:
    """Everything that trials share and none changes.

    Attributes:
        folds: (N,) the fold of each row.
        splits: the folds as rows to learn from and to be judged on.
        rows: encoded rows and targets.
    """

    task: Task
    loaded: Loaded
    preparation: Preparation
    metric: Metric
    seed: int
    folds: NDArray[np.int64]
    splits: tuple[Split, ...]
    rows: Rows

    @property
    def learnt(self) -> int:
        """The number of rows that one fold's network learns from, at least."""
        return min(len(split.train) for split in self.splits)

    @property
    def space(self) -> Space:
        """What is searched."""
        return self.task.space(len(self.loaded.truth), self.loaded.schema.target.outcome)

    @property
    def quick_points(self) -> tuple[Point, Point]:
        """The first two points: a small network that is soon there, and the default to compare with."""
        rows = len(self.loaded.truth)
        return self.task.first_glance(rows), self.task.default_network(rows)


def set_up(task: Task, loaded: Loaded, metric: Metric, seed: int) -> Bench:
    """Fit the preparation, encode the rows and cut the folds."""
    preparation = task.prepare(loaded, seed)
    count = min(fold_count(len(loaded.truth)), len(np.unique(loaded.groups)))
    outcome = loaded.schema.target.outcome
    folds = split_folds(loaded.truth, loaded.groups, folds=count, outcome=outcome, seed=seed)
    splits = tuple(Split(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(count))
    features = preparation.encode(loaded.frame)
    rows = as_rows(features, preparation.targets(loaded.truth), preparation.quantiles)
    return Bench(task, loaded, preparation, metric, seed, folds, splits, rows)


def fold_count(rows: int) -> int:
    """Return the number of folds: more where rows are few, since then each network should see most of them."""
    return 8 if rows < 2_000 else 5 if rows < 6_000 else 4
