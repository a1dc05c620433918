"""What the trials of a run share, and what a finished trial is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netwright.data.features import Features
from netwright.data.more_rows import MoreRows
from netwright.engine.cut import PLANNED, Cut, cut, plan
from netwright.inference.folds import Sessions
from netwright.metrics import Metric
from netwright.search.desk import Ticket
from netwright.spec.costs import network_cost
from netwright.spec.network import Candidate
from netwright.spec.spaces import Point, Space
from netwright.tasks.task import Loaded, Preparation, Task
from netwright.train.control import Folds
from netwright.train.framework import Framework, Predict, Split, Trainer
from netwright.train.pace import Pace

WRITES, WRITTEN = 8, 75e6  # of a model while a run ends: to measure it, and for good; bytes a second, at least
TRAINING_SHARE = 0.6  # of the memory that is free when trials begin, for all that train at one time
ROWS_TIMES = 4  # of the bytes of their features, that rows take: cells as they were read, cells by kind, features
KEPT_SHARE = 0.15  # of it, for the answers of trials that are kept


@dataclass(frozen=True)
class Trial:
    """A finished trial.

    Attributes:
        ticket: its number, its point and who proposed it.
        candidate: the network and recipe that the point stands for.
        weights: tensors (S, ...) by name, one network a fold.
        folds: S.
        predictions: by networks that have not learnt from the row, for the J rows that are judged on, which are all but
            where one fold alone is held out: probabilities (J, K), or values (J,) in the unit of the target.
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
        metric: what is measured, on the rows that are judged on.
        cut: which these are, and which are learnt from.
        features: encoded rows.
        framework: what trains networks.
        trainer: the same with the rows and their targets.
        predict: what answers for trained networks.
        writing: seconds that finishing the run takes beside the usual, for a large preparation, such as a trained
            trunk, to be written.
        tested: rows to test on in the end; testing: seconds in which they are read and encoded.
        more: rows that networks learn from and nobody is judged on, since they are not held; None without any.
        before: how many these were in an earlier run, which this one goes on with and may have no time to read all of.
        lane_room: bytes of memory that one training may take.
        kept_room: bytes of memory for the answers of trials that are kept.
    """

    task: Task
    loaded: Loaded
    preparation: Preparation
    metric: Metric
    seed: int
    cut: Cut
    features: Features
    framework: Framework
    trainer: Trainer
    predict: Predict
    writing: float = 0.0
    tested: int = 0
    testing: float = 0.0
    more: MoreRows | None = None
    before: int = 0
    lane_room: float = math.inf
    kept_room: float = math.inf

    @property
    def splits(self) -> tuple[Split, ...]:
        """For each fold the rows to learn from and to be judged on."""
        return self.cut.splits

    @cached_property
    def truth(self) -> NDArray[Any]:
        """The truth (J,) of the rows that are judged on."""
        whole, judged = self.loaded.truth, self.cut.judged
        return whole if len(judged) == len(whole) else whole[judged]

    def answers(self, folds: Folds) -> NDArray[Any]:
        """Return predictions of all folds in the order of the rows: probabilities (J, K), or values (J,)."""
        raw = np.empty((len(self.cut.judged), self.preparation.goal.outputs), np.float32)
        for places, predictions in zip(self.cut.places, folds, strict=True):
            raw[places] = predictions
        return self.preparation.goal.decode(raw)

    @property
    def rows(self) -> int:
        """The number of all rows, those among them that are not held in memory."""
        return len(self.loaded.truth) + max(self.before, 0 if self.more is None else len(self.more))

    @property
    def learnt(self) -> int:
        """The number of rows that one fold's network learns from, at least."""
        return min(len(split.train) for split in self.splits) + (0 if self.more is None else len(self.more))

    @property
    def space(self) -> Space:
        """What is searched."""
        return self.task.space(self.preparation, self.rows)

    @property
    def quick_points(self) -> tuple[Point, Point]:
        """The first two points: a small network that is soon there, and the default to compare with."""
        return self.task.first_glance(self.rows), self.task.default_network(self.rows)

    def first_points(self, *, portfolio: bool) -> tuple[Point, ...]:
        """Return the points that a search begins with: small networks that are soon there, and the task's portfolio."""
        known = self.task.portfolio(self.preparation, self.rows) if portfolio else ()
        return (*self.quick_points, *known)


class Rest(Protocol):
    """The rows of a table that are not held in memory."""

    @property
    def rows(self) -> int:
        """How many there are, about."""

    @property
    def before(self) -> int:
        """How many an earlier run learnt from, which this one goes on with; 0 without one."""

    def encoded(self, loaded: Loaded, preparation: Preparation, folds: NDArray[np.int64]) -> MoreRows | None:
        """Return them as networks learn from them; None where there are none left.

        Args:
            loaded: the rows that are held.
            preparation: fitted on these.
            folds: (N,) of these, as in `cut.Cut`.
        """


def set_up(
    task: Task,
    loaded: Loaded,
    metric: Metric,
    framework: Framework,
    seed: int,
    seconds: float | None = None,
    add: Callable[[Preparation], Preparation] = lambda preparation: preparation,
    rest: Rest | None = None,
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
        rest: rows to learn from beside those that are loaded.
    """
    preparation = add(task.prepare(loaded, seed))
    rows = len(loaded.truth) + (0 if rest is None else rest.rows)
    first = task.portfolio(preparation, rows)[:PLANNED]
    candidates = [task.candidate(point, preparation) for point in first]
    groups = len(np.unique(loaded.groups))
    made = cut(loaded, plan(candidates, rows, groups, seconds, Pace(framework.pace)), seed)
    features = preparation.encode(loaded.frame)
    more = None if rest is None else rest.encoded(loaded, preparation, made.folds)
    trainer = framework.over(features, preparation.goal.targets(loaded.truth), preparation.quantiles, more)
    predict = framework.predict or Sessions().predict
    held = sum(array.nbytes for array in preparation.tensors().values())
    writing = WRITES * held / WRITTEN
    return Bench(
        task=task,
        loaded=loaded,
        preparation=preparation,
        metric=metric.among(made.judged),
        seed=seed,
        cut=made,
        features=features,
        framework=framework,
        trainer=trainer,
        predict=predict,
        writing=writing,
        more=more,
        before=0 if rest is None else rest.before,
    )


def within_memory(bench: Bench, room: float, left: float) -> Bench:
    """Return the bench with its shares of the memory that its rows leave.

    Args:
        bench: set up.
        room: bytes for the whole run.
        left: bytes that are left now: of them no more is given out, whatever was planned.
    """
    free = max(0.0, room - _held(bench))
    lane = min(TRAINING_SHARE * free, left) / bench.framework.sharing
    on_card = bench.framework.device.startswith("cuda")  # whose memory is its own
    return replace(bench, lane_room=math.inf if on_card else lane, kept_room=KEPT_SHARE * free)


def _held(bench: Bench) -> int:
    """Return the bytes that rows take; what is learnt from as it was read, such as images, is held once."""
    columns = bench.loaded.frame.columns.values()
    return sum(
        array.nbytes * (1 if any(array is cells for cells in columns) else ROWS_TIMES)
        for array in bench.features.arrays.values()
    )
