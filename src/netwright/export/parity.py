"""Whether a model answers the same in another form as where it was trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.frame import Frame
from netwright.data.schema import Outcome
from netwright.errors import UnequalExport
from netwright.export.examples import example_table
from netwright.model import Model
from netwright.tasks.task import frames

BATCHES = (1, 2, 1_000)  # rows that are answered at once, if the form has nothing that takes too much memory for that
MOST = 1e-4  # of a probability; of a number, of the range of those learnt from
TIE = 2 * MOST  # two probabilities that lie closer may change places

Answers = NDArray[Any]
Features = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Parity:
    """How near two ways of computing answers are.

    Attributes:
        difference: the largest, of a probability, or of a number as a share of the range learnt from.
        rows: compared, in batches of `BATCHES`.
        ties: rows whose most probable class differs, since two are as probable to within `TIE`.
    """

    difference: float
    rows: int
    ties: int


@dataclass(frozen=True)
class Rows:
    """Rows as a file would hold them, and as they were read by kind."""

    table: pd.DataFrame
    frame: Frame


def rows_of(model: Model, table: pd.DataFrame) -> Iterator[Rows]:
    """Yield the rows of a table, read by kind: all at once, but of images or sounds only some at a time."""
    first = 0
    for frame in frames(model.task, table, model.preparation.schema):
        yield Rows(table.iloc[first : first + frame.rows], frame)
        first += frame.rows


def compare(model: Model, answers: Callable[[Rows], Answers], form: str) -> Parity:
    """Return how near answers in another form are to those of PyTorch, on rows made up at random.

    Where PyTorch is not installed, since another framework trained, they are compared with those of ONNX Runtime.

    Args:
        model: whose answers they are.
        answers: of rows, (N, K) probabilities or (N,) values.
        form: what it is called in the sentence of an error.

    Raises:
        UnequalExport: if a probability differs by more than `MOST`, a number by more than that share of its range, or a
            label where there is no tie.
    """
    largest, rows, ties = 0.0, 0, 0
    reference = model.answers_of if find_spec("torch") is None else model.answers_by_torch
    for seed, batch in enumerate(BATCHES):
        for each in rows_of(model, example_table(model, batch, seed)):
            right, found = reference(each.frame), answers(each)
            largest = max(largest, _difference(model, right, found, form))
            ties += _ties(model, right, found, form)
            rows += each.frame.rows
    if largest > MOST:
        raise UnequalExport(form, largest, MOST)
    return Parity(largest, rows, ties)


def compare_on_features(model: Model, names: Sequence[str], ask: Callable[[Features], Answers], form: str) -> Parity:
    """Return how near answers are that are given to features, as `compare` does.

    Args:
        model: whose answers they are.
        names: of the features that are asked with: see `data.features.Features`.
        ask: features (N, ...) by name → answers.
        form: what it is called in the sentence of an error.

    Raises:
        UnequalExport: as `compare`.
    """

    def answer(rows: Rows) -> Answers:
        features = model.preparation.encode(rows.frame)
        return ask({name: features[name] for name in names}).astype(np.float64)

    return compare(model, answer, form)


def _difference(model: Model, right: Answers, found: Answers, form: str) -> float:
    # Not only of those found: what differs from no number differs by none, and that is not more than anything.
    if right.shape != found.shape or not (np.isfinite(found).all() and np.isfinite(right).all()):
        raise UnequalExport(form, np.inf, MOST)
    scale = model.preparation.goal.scale
    unit = 1.0 if scale is None else max(scale.high - scale.low, np.finfo(np.float64).tiny)
    return float(np.abs(right - found).max(initial=0.0)) / unit


def _ties(model: Model, right: Answers, found: Answers, form: str) -> int:
    """Return how many rows have another most probable class, all of them ties.

    Raises:
        UnequalExport: if one is no tie.
    """
    if model.outcome == Outcome.REGRESSION:
        return 0
    best, other = right.argmax(axis=1), found.argmax(axis=1)
    rows: NDArray[Any] = np.flatnonzero(best != other)
    apart = right[rows, best[rows]] - right[rows, other[rows]]
    if (apart > TIE).any():
        raise UnequalExport(form, float(apart.max()), TIE)
    return len(rows)
