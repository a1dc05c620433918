"""The honest estimate: what the chosen mix would score on rows that its choosing did not see, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.metrics import METRICS, Metric, measure
from netwright.select.bagging import averaging_gain
from netwright.select.calibrate import apply_temperature, fit_temperature, fitted_rows
from netwright.select.ensemble import blend, select_weights
from netwright.select.intervals import interval
from netwright.select.room import Room

Array = NDArray[Any]

_MIXED = (
    "Each row was predicted by networks that were not trained on it, mixed and calibrated by choices made on other "
    "such rows alone (cross-fitted selection). "
)
OF_FOLDS = (
    f"{_MIXED}New rows are predicted by the networks of several folds together; what their average gains is added, "
    "measured by how much they disagree."
)
ALONE = f"{_MIXED}New rows are predicted by one network of each design, so nothing is added."
DISTILLED = (
    "Each row was predicted by a network that had learnt, in the same way as the one at hand, what networks answer "
    "that were not trained on the row either."
)
OVER_ROWS = "The interval is a 95 % interval over these {rows:,} rows."
OVER_GROUPS = (
    "The interval is a 95 % interval over the groups of these {rows:,} rows, since rows of one group are alike."
)


@dataclass(frozen=True)
class Estimate:
    """A score with its 95 % interval, the predictions it was made from, and all other metrics made the same way."""

    score: float
    low: float
    high: float
    predictions: Array
    metrics: dict[str, float]


def estimate(
    predictions: Sequence[Array],
    truth: Array,
    folds: NDArray[np.int64],
    metric: Metric,
    *,
    outcome: str,
    groups: NDArray[np.int64] | None = None,
    room: Room | None = None,
    seed: int = 0,
) -> Estimate:
    """Return the estimate by cross-fitted selection.

    For each part of the rows the mixing weights and the temperature are chosen on the other parts, then applied to this
    one. So no row takes part in the choice that predicts it, as in nested cross-validation (Varma and Simon 2006).

    Args:
        predictions: C candidates' predictions of rows that their networks have not learnt from, (N, K) or (N,).
        truth: (N,).
        folds: (N,) the part of each row: its fold, or where one is held out alone, a part of that.
        metric: what is estimated.
        outcome: binary, multiclass or regression.
        groups: (N,) which rows were drawn together, as for `interval`.
        room: what the chosen may take together, as for `select_weights`.
        seed: of the interval's resampling, where its method draws random numbers.

    Raises:
        ValueError: if there are fewer than two folds.
    """
    numbers = np.unique(folds)
    if len(numbers) < 2:
        raise ValueError(f"Cross-fitting needs two folds or more, but there is {len(numbers)}.")
    honest = np.empty(predictions[0].shape, np.float64)
    for fold in numbers:
        # By their numbers: of millions of rows a few thousand are chosen by, and none is copied for it.
        inside, outside = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        weights = select_weights(predictions, truth, metric.name, room=room, among=outside)
        mixed = blend(predictions, weights, inside)
        if outcome != "regression":
            mixed = apply_temperature(mixed, temperature_of(predictions, weights, truth, outside))
        honest[inside] = mixed
    low, high = interval(metric, truth, honest, seed, groups)
    metrics = measure(outcome, truth, honest, metric.stretches)
    score = metrics[metric.name] if metric.name in metrics else metric.function(truth, honest)
    return Estimate(score, low, high, honest, metrics)


def temperature_of(
    predictions: Sequence[Array],
    weights: NDArray[np.float64],
    truth: NDArray[np.int64],
    among: NDArray[np.int64] | None = None,
) -> float:
    """Return the temperature of a mix: see `fit_temperature`. Only the rows that it is fitted on are mixed.

    Args:
        predictions: C candidates' out-of-fold probabilities (N, K).
        weights: (C,) of the mix.
        truth: (N,).
        among: (n,) the rows to fit it by, as if there were no others; None for all.
    """
    rows = np.arange(len(truth)) if among is None else among
    rows = rows[fitted_rows(len(rows), predictions[0].shape[1])]
    return fit_temperature(blend(predictions, weights, rows), truth[rows])


def with_gain(made: Estimate, metric: Metric, members: Array, residuals: Array | None, seed: int) -> Estimate:
    """Return the estimate for networks that are averaged: scores and interval are moved by what that gains.

    Args:
        made: of rows that were predicted by the networks of one fold each.
        metric: whose score it is.
        members: (S, N, ...) answers of the networks of each fold, for some rows of the table.
        residuals: see `averaging_gain`.
        seed: of its draws.
    """

    def moved(name: str, value: float) -> float:
        best = min(value + gains[name], 1.0) if METRICS[name].greater_is_better else max(value + gains[name], 0.0)
        return best if np.isfinite(value) else value

    names = {metric.name, *made.metrics}
    gains = {name: averaging_gain(METRICS[name], members, residuals, seed) for name in names}
    score, low, high = (moved(metric.name, value) for value in (made.score, made.low, made.high))
    return replace(made, score=score, low=low, high=high, metrics={n: moved(n, v) for n, v in made.metrics.items()})


def confusion_counts(truth: NDArray[np.int64], probabilities: Array) -> NDArray[np.int64]:
    """Return (K, K) counts, the true class by row, the predicted one by column."""
    classes = probabilities.shape[1]
    return np.bincount(truth * classes + probabilities.argmax(axis=1), minlength=classes**2).reshape(classes, classes)


def reliability_bins(
    truth: NDArray[np.int64], probabilities: Array, bins: int = 10
) -> tuple[tuple[float, float, float], ...]:
    """Return (mean probability, share that was right, rows) of the predicted class, by equal steps of probability.

    Steps that hold no row are left out (Guo et al. 2017, arXiv 1706.04599, section 2).
    """
    sure = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == truth
    step = np.minimum((sure * bins).astype(np.int64), bins - 1)
    rows = np.bincount(step, minlength=bins)
    said, came = (np.bincount(step, weights=values, minlength=bins) for values in (sure, right))
    return tuple((float(said[i] / rows[i]), float(came[i] / rows[i]), float(rows[i])) for i in np.flatnonzero(rows))
