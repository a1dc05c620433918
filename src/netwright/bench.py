"""What the trials of a run share, and what a finished trial is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.features import Features
from netwright.data.splits import split_folds
from netwright.inference.folds import Sessions
from netwright.metrics import Metric
from netwright.search.desk import Ticket
from netwright.spec.costs import network_cost
from netwright.spec.network import Candidate
from netwright.spec.spaces import Point, Space
from netwright.tasks.task import Loaded, Preparation, Task
from netwright.train.framework import Framework, Predict, Split, Trainer
from netwright.train.pace import Pace

FOLDS = (8, 5, 4, 3)  # numbers of folds, the best first
WRITES, WRITTEN = 8, 75e6  # of a model while a run ends: to measure it, and for good; bytes a second, at least
PLANNED = 6  # candidates of the portfolio that there should be time for
CAUTION = 3.0  # times too long is the first guess of what a training takes: many stop early, wide ones go in bfloat16
MANY_ROWS = 6_000


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
    weights: Mapping[str, NDArray[np.float32]]
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
        features: encoded rows.
        framework: what trains networks.
        trainer: the same with the rows and their targets.
        predict: what answers for trained networks.
        writing: seconds that finishing the run takes beside the usual: for a large preparation, such as a trained
            trunk, to be written, and for rows to test on to be encoded.
    """

    task: Task
    loaded: Loaded
    preparation: Preparation
    metric: Metric
    seed: int
    folds: NDArray[np.int64]
    splits: tuple[Split, ...]
    features: Features
    framework: Framework
    trainer: Trainer
    predict: Predict
    writing: float = 0.0

    @property
    def learnt(self) -> int:
        """The number of rows that one fold's network learns from, at least."""
        return min(len(split.train) for split in self.splits)

    @property
    def space(self) -> Space:
        """What is searched."""
        return self.task.space(self.preparation, len(self.loaded.truth))

    @property
    def quick_points(self) -> tuple[Point, Point]:
        """The first two points: a small network that is soon there, and the default to compare with."""
        rows = len(self.loaded.truth)
        return self.task.first_glance(rows), self.task.default_network(rows)


def set_up(
    task: Task,
    loaded: Loaded,
    metric: Metric,
    framework: Framework,
    seed: int,
    seconds: float | None = None,
    add: Callable[[Preparation], Preparation] = lambda preparation: preparation,
) -> Bench:
    """Fit the preparation, encode the rows and cut the folds.

    Args:
        task: what kind of problem it is.
        loaded: the rows.
        metric: what is measured.
        framework: what trains networks.
        seed: of everything random.
        seconds: of all cores together, that there are for training; without them folds are counted by rows.
        add: adds a trained trunk to the preparation.
    """
    preparation = add(task.prepare(loaded, seed))
    outcome = loaded.schema.target.outcome
    first = task.portfolio(preparation, len(loaded.truth))[:PLANNED]
    candidates = [task.candidate(point, preparation) for point in first]
    count = fold_count(candidates, len(loaded.truth), seconds, Pace(framework.pace))
    count = min(count, len(np.unique(loaded.groups)))
    folds = split_folds(loaded.truth, loaded.groups, folds=count, outcome=outcome, seed=seed)
    splits = tuple(Split(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(count))
    features = preparation.encode(loaded.frame)
    trainer = framework.over(features, preparation.goal.targets(loaded.truth), preparation.quantiles)
    predict = framework.predict or Sessions().predict
    held = sum(array.nbytes for array in preparation.tensors().values())
    writing = WRITES * held / WRITTEN
    return Bench(task, loaded, preparation, metric, seed, folds, splits, features, framework, trainer, predict, writing)


def fold_count(candidates: Sequence[Candidate], rows: int, seconds: float | None, pace: Pace) -> int:
    """Return the number of folds: the most with which there is time to train these candidates.

    With more folds each network sees more of the rows. On tables of 4,000 to 10,000 rows 8 folds were better than 4 or
    5 in the same minute, by 1 to 7 %, though fewer candidates were tried. Without a time limit nothing may hang on
    what a machine can do in a time: then rows decide.
    """
    if seconds is None:
        return FOLDS[0] if rows < MANY_ROWS else FOLDS[1]
    for count in FOLDS[:-1]:
        learnt = rows * (count - 1) // count
        if sum(pace.seconds(one, learnt, count, one.recipe.epochs) for one in candidates) <= CAUTION * seconds:
            return count
    return FOLDS[-1]
