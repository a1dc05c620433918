"""From finished trials to a model: the mix, its calibration, the honest estimate, and what is told of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.bench import Bench, Trial
from netwright.budget import Budget
from netwright.bundle.short import rounded
from netwright.data.schema import Outcome
from netwright.distil import distil
from netwright.model import Model, Part
from netwright.result import Baseline, Result, Standing
from netwright.run import LARGEST_MIX, Pool, blend
from netwright.select.calibrate import fit_temperature, spread_rows
from netwright.select.estimate import (
    EXPLANATION,
    Estimate,
    confusion_counts,
    estimate,
    reliability_bins,
    with_gain,
)
from netwright.select.importance import permutation_importance

SINGLE_SHARE = 0.25  # of the time limit, kept back for the training of a single network
AFTER_SINGLE = 1.2  # seconds for importance, writing and leaving
SHORTEST_SINGLE = 1.0  # seconds of its training, also where someone asked for the end: untrained it is worth nothing
GAIN_ROWS = 1_000  # on which the networks of different folds are compared
IMPORTANCE_ROWS = 300
IMPORTANCE_SECONDS = 0.5  # it explains the model, but makes none better
IMPORTANCE_COLUMNS = 64  # looked at when there is no time limit, so that the result does not hang on the clock
MOST_CONFUSED = 30  # classes up to which a confusion matrix can be read
SHOWN_ROWS = 500


def assemble(bench: Bench, pool: Pool, budget: Budget, *, single: bool = False) -> Model:
    """Return the model that the pool's mix stands for, with its result.

    Args:
        bench: what the trials shared.
        pool: the finished trials and their mixing weights.
        budget: asked for the time, and for how much of it importance may take.
        single: whether to hand over one network that learnt from the mix.

    Raises:
        TrialError: if the training of the single network diverged.
    """
    model = _mixed(bench, pool, budget)
    if single:
        model = _single(bench, pool, model, budget)
    return replace(model, result=replace(model.result, importance=_importance(bench, model, budget)))


def _mixed(bench: Bench, pool: Pool, budget: Budget) -> Model:
    predictions = [trial.predictions for trial in pool.trials]
    temperature = _temperature(bench, blend(predictions, pool.weights))
    sizes = [4 * trial.parameters for trial in pool.trials]
    honest = _estimate(bench, predictions, sizes)
    parts = tuple(
        Part(trial.candidate, _arrays(trial), float(weight))
        for trial, weight in zip(pool.trials, pool.weights, strict=True)
        if weight > 0
    )
    model = Model(bench.task, bench.preparation, parts, temperature, _result(bench, pool, honest, budget))
    return replace(model, result=_result(bench, pool, _with_gain(bench, model, honest), budget))


def _single(bench: Bench, pool: Pool, mixed: Model, budget: Budget) -> Model:
    """Return one network that learnt from the mix; the mix's score stands beside its own."""
    best = min(pool.trials, key=lambda trial: (trial.loss, trial.ticket.number))
    began, allowed = budget.elapsed(), max(SHORTEST_SINGLE, budget.left() - AFTER_SINGLE)

    def time_used() -> float:
        limited = budget.seconds is not None or budget.ended_early
        return min(1.0, (budget.elapsed() - began) / allowed) if limited else 0.0

    student = distil(bench, mixed, best.candidate, time_used, bench.seed)
    temperature = _temperature(bench, student.predictions)
    result = _result(bench, pool, _estimate(bench, [student.predictions], None), budget)
    teacher = Baseline("the mix that it learnt from", mixed.result.score)
    result = replace(result, baselines=(*result.baselines, teacher))
    part = Part(student.candidate, rounded(student.weights), 1.0)
    return Model(bench.task, bench.preparation, (part,), temperature, result)


def _temperature(bench: Bench, predictions: NDArray[Any]) -> float:
    classes = bench.loaded.schema.target.outcome != Outcome.REGRESSION
    return fit_temperature(predictions, bench.loaded.truth) if classes else 1.0


def _estimate(bench: Bench, predictions: list[NDArray[Any]], sizes: list[int] | None) -> Estimate:
    return estimate(
        predictions,
        bench.loaded.truth,
        bench.folds,
        bench.metric,
        outcome=bench.loaded.schema.target.outcome,
        sizes=sizes,
        largest=LARGEST_MIX,
        seed=bench.seed,
    )


def _with_gain(bench: Bench, model: Model, honest: Estimate) -> Estimate:
    """Return the estimate with what averaging the folds' networks gains, looked at on some of the rows."""
    rows = spread_rows(len(bench.loaded.truth), GAIN_ROWS)
    members = model.answers_by_fold(bench.preparation.encode(bench.loaded.frame.take(rows)))
    classes = bench.loaded.schema.target.outcome != Outcome.REGRESSION
    residuals = None if classes else bench.loaded.truth - honest.predictions
    return with_gain(honest, bench.metric, members, residuals, bench.seed)


def _arrays(trial: Trial) -> dict[str, NDArray[np.float32]]:
    return rounded({name: tensor.detach().numpy() for name, tensor in trial.trained.weights.items()})


def _result(bench: Bench, pool: Pool, honest: Estimate, budget: Budget) -> Result:
    truth, target = bench.loaded.truth, bench.loaded.schema.target
    classes = target.outcome != Outcome.REGRESSION
    confusion = confusion_counts(truth, honest.predictions).tolist() if 0 < len(target.labels) <= MOST_CONFUSED else []
    reliability = reliability_bins(truth, honest.predictions) if classes else _pairs(truth, honest.predictions)
    return Result(
        task=f"{bench.task.name}_{target.outcome}",
        metric=bench.metric.name,
        greater_is_better=bench.metric.greater_is_better,
        score=honest.score,
        score_low=honest.low,
        score_high=honest.high,
        estimate=EXPLANATION,
        metrics=honest.metrics,
        test_metrics={},
        baselines=_baselines(bench, pool),
        leaderboard=_leaderboard(bench, pool),
        seconds=budget.elapsed(),
        trials=len(pool.trials) + len(pool.dropped),
        failed=len(pool.failures),
        labels=tuple(str(label) for label in target.labels),
        confusion=tuple(tuple(row) for row in confusion),
        reliability=reliability,
        importance=(),
        ended_early=budget.ended_early,
        curve=tuple(pool.curve),
    )


def _pairs(truth: NDArray[Any], predictions: NDArray[Any]) -> tuple[tuple[float, float, float], ...]:
    """Return (predicted, true, 1) of some rows, for a scatter plot."""
    rows = np.linspace(0, len(truth) - 1, min(len(truth), SHOWN_ROWS)).astype(int)
    return tuple((float(predictions[row]), float(truth[row]), 1.0) for row in rows)


def _baselines(bench: Bench, pool: Pool) -> tuple[Baseline, ...]:
    """Return the score of always giving the usual answer, and of the untuned default network."""
    trivial = Baseline("always the usual answer", bench.metric.function(bench.loaded.truth, _usual(bench)))
    default = bench.task.default_network(len(bench.loaded.truth))
    untuned = [trial for trial in (*pool.trials, *pool.dropped) if trial.ticket.proposal.point == default]
    return (trivial, *(Baseline("untuned default network", trial.score) for trial in untuned[:1]))


def _usual(bench: Bench) -> NDArray[np.float64]:
    """Return, for each row, the mean or the class shares of the other folds."""
    truth, folds = bench.loaded.truth, bench.folds
    classes = len(bench.loaded.schema.target.labels)
    usual = np.empty((len(truth), classes) if classes else len(truth))
    for fold in np.unique(folds):
        others = truth[folds != fold]
        usual[folds == fold] = np.bincount(others, minlength=classes) / len(others) if classes else others.mean()
    return usual


def _leaderboard(bench: Bench, pool: Pool) -> tuple[Standing, ...]:
    weights = (*pool.weights.tolist(), *([0.0] * len(pool.dropped)))
    standings = [
        Standing(
            trial=trial.ticket.number,
            name=bench.task.describe(trial.ticket.proposal.point),
            origin=trial.ticket.proposal.origin,
            score=trial.score,
            loss=trial.loss,
            weight=weight,
            parameters=trial.parameters,
            seconds=trial.seconds,
        )
        for trial, weight in zip((*pool.trials, *pool.dropped), weights, strict=True)
    ]
    return tuple(sorted(standings, key=lambda standing: (standing.loss, standing.trial)))


def _importance(bench: Bench, model: Model, budget: Budget) -> tuple[tuple[str, float], ...]:
    rows = np.linspace(0, len(bench.loaded.truth) - 1, min(len(bench.loaded.truth), IMPORTANCE_ROWS)).astype(np.int64)
    truth = bench.loaded.truth[rows]
    sign = 1 if bench.metric.greater_is_better else -1
    until = budget.elapsed() + IMPORTANCE_SECONDS
    asked = count()

    def more_time() -> bool:
        if budget.seconds is None:
            return next(asked) < IMPORTANCE_COLUMNS
        return budget.elapsed() < until

    return permutation_importance(
        model.answers_of,
        bench.loaded.frame.take(rows),
        lambda answers: sign * bench.metric.function(truth, answers),
        seed=bench.seed,
        more_time=more_time,
    )
