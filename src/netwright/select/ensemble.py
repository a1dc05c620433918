"""Mixes trials by greedy forward selection with replacement over out-of-fold predictions (Caruana et al. 2004).

What is chosen below, and by how much it helped, is measured by `benchmarks/selection.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.select.calibrate import spread_rows
from netwright.select.room import Room
from netwright.spec.numbers import LEAST_CHANCE

Array = NDArray[Any]

ROUNDS = 40  # picks, with replacement, so weights in steps of 1/40: on large tables 20 were measurably worse
MOST_ROWS = 20_000  # rows looked at: on more the choice is the same, and it is made after every trial
DOUBT_ROWS = 10  # see `doubt`
BRIER_SHARE = 0.8  # of the objective when accuracy is asked for; the rest is log-loss


def select_weights(
    predictions: Sequence[Array],
    truth: Array,
    metric: str,
    *,
    room: Room | None = None,
    among: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return the mixing weights (C,) of C candidates; they sum to one.

    Each round adds, to the sum of those picked so far, the candidate that makes the mean best; the best round counts.
    What "best" means is a smooth objective, since on few rows a step-like one picks by luck:

    - accuracy: 0.8 * mean (1 - p)^2 + 0.2 * mean -ln p, with p the probability of the true class;
    - any other metric of classes: mean -ln p;
    - mae: the mean absolute error; any other metric of numbers: the mean squared error.

    On small tables the weights are drawn towards the plain mean of the best few candidates, see `doubt`. A candidate
    with a prediction that is not finite gets no weight.

    Args:
        predictions: C arrays, (N, K) probabilities or (N,) values, in any order; of equal ones the first is picked.
            Of more than 20,000 rows, 20,000 evenly spread ones are looked at.
        truth: (N,) class numbers or values.
        metric: what the user asked for.
        room: what the chosen may take together; if nobody fits in, the one that comes nearest gets all the weight.
        among: (n,) the rows to choose by, as if there were no others; None for all.

    Raises:
        ValueError: if no candidate has finite predictions.
    """
    count = len(truth) if among is None else len(among)
    rows = spread_rows(count, MOST_ROWS) if among is None else among[spread_rows(count, MOST_ROWS)]
    columns, loss = _objective(predictions, truth[rows], rows, metric)
    usable = np.asarray(np.isfinite(columns).all(axis=1))
    if not usable.any():
        raise ValueError("No candidate has predictions that are finite everywhere.")
    columns = np.where(usable[:, None], columns, 0)
    doors = _Doors(room or Room.without_limits(len(columns)), usable)
    nobody = np.zeros(len(columns), np.bool_)
    if not doors.open_to(nobody).any():
        nearest = np.where(usable, doors.room.greediness(), np.inf).argmin()
        return np.asarray(np.arange(len(columns)) == nearest, np.float64)
    share = doubt(count)
    favoured = _best_few(np.where(usable, loss(columns), np.inf), doors) if share else nobody
    picks = _picks(columns, loss, doors, favoured)
    even = favoured / max(1, favoured.sum())
    weights = (1 - share) * picks / picks.sum() + share * even
    # All the weight may come out a last bit above one, and no model file holds that.
    return np.asarray(np.minimum(weights, 1.0))


def blend(
    predictions: Sequence[Array], weights: NDArray[np.float64], rows: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Return the weighted mean (N, ...) of the predictions of C candidates with weights (C,), in full precision.

    Args:
        predictions: C arrays (N, ...).
        weights: (C,).
        rows: (n,) those of which the mean (n, ...) is asked; None for all. Nothing is computed of the others.
    """
    chosen = ((weight, prediction) for weight, prediction in zip(weights, predictions, strict=True) if weight)
    if rows is not None:
        chosen = ((weight, prediction[rows]) for weight, prediction in chosen)
    return np.asarray(sum(weight * prediction.astype(np.float64) for weight, prediction in chosen))


def doubt(rows: int) -> float:
    """Return how much of the weight goes to the best few alike, rather than to the picks: sqrt(10 / rows), at most 0.5.

    The error of a mix's measured loss falls with the root of the rows, and so does this guard against a lucky mix. In
    the simulations it won 0.005 to 0.03 of log-loss on 60 rows and nothing from 2,000 rows up. From 4,000 rows it is 0,
    so that the model does not carry networks of hardly any weight. Bagged selection (Caruana 2004, section 2.3) did
    as well on 60 rows with many different candidates, but worse with few candidates or from 2,000 rows up.
    """
    share = min(0.5, math.sqrt(DOUBT_ROWS / rows))
    return share if share >= 0.05 else 0.0


@dataclass(frozen=True)
class _Doors:
    """Which candidates may still come in, given those that are in already."""

    room: Room
    usable: NDArray[np.bool_]

    def open_to(self, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(self.usable & self.room.open_to(inside))


def _best_few(alone: NDArray[np.float64], doors: _Doors) -> NDArray[np.bool_]:
    """Return the best quarter of the candidates, at most 5, that fit in together, as a mask (C,)."""
    chosen = np.zeros(len(alone), np.bool_)
    for candidate in np.argsort(alone, kind="stable"):
        if chosen.sum() < min(5, math.ceil(len(alone) / 4)) and doors.open_to(chosen)[candidate]:
            chosen[candidate] = True
    return chosen


def _picks(
    columns: Array, loss: Callable[[Array], Array], doors: _Doors, favoured: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return how often each candidate was picked (C,) up to the best round."""
    counts, total = np.zeros(len(columns)), np.zeros_like(columns[0])
    best, lowest = counts, math.inf
    for number in range(1, ROUNDS + 1):
        losses = np.where(doors.open_to((counts > 0) | favoured), loss((total + columns) / number), np.inf)
        pick = int(losses.argmin())
        counts[pick] += 1
        total = total + columns[pick]
        if losses[pick] < lowest:
            best, lowest = counts.copy(), float(losses[pick])
    return best


def _objective(
    predictions: Sequence[Array], truth: Array, rows: NDArray[np.int64], metric: str
) -> tuple[Array, Callable[[Array], Array]]:
    """Return (C, n) numbers of n rows, and the loss (C,) of means of them: of a mix, only these need to be known.

    Args:
        predictions: C arrays of all rows.
        truth: (n,) of the rows that are looked at.
        rows: (n,) which they are.
        metric: what the user asked for.
    """
    if predictions[0].ndim == 1:
        errors = np.stack([prediction[rows].astype(np.float64) - truth for prediction in predictions])
        greatest = np.abs(errors[np.isfinite(errors)]).max(initial=0.0)  # scaled by it, no square overflows
        return errors / (greatest or 1.0), _absolute if metric == "mae" else _squared
    true_class = np.stack([prediction[rows, truth] for prediction in predictions]).astype(np.float32)
    return true_class, _brier_and_log if metric == "accuracy" else _log


def _log(probability: Array) -> Array:
    return np.asarray(-np.log(np.maximum(probability, LEAST_CHANCE)).mean(axis=-1))


def _brier_and_log(probability: Array) -> Array:
    return np.asarray(BRIER_SHARE * np.square(1 - probability).mean(axis=-1) + (1 - BRIER_SHARE) * _log(probability))


def _absolute(errors: Array) -> Array:
    return np.asarray(np.abs(errors).mean(axis=-1))


def _squared(errors: Array) -> Array:
    return np.asarray(np.square(errors).mean(axis=-1))
