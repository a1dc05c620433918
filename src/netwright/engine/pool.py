"""The finished trials of a run, and the mix of them that would be handed over now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.schema import Outcome
from netwright.engine.bench import Bench, Trial
from netwright.events import BestImproved, Event, TrialFailed, TrialFinished
from netwright.metrics import measure
from netwright.resources.budget import Budget
from netwright.search.desk import Ticket
from netwright.select.calibrate import apply_temperature
from netwright.select.ensemble import blend, select_weights
from netwright.select.room import Room

KEPT = 24  # trials whose weights are kept: more never entered an ensemble, and memory stays bounded
KEPT_BYTES = 400e6  # of their predictions together: with many rows and classes fewer trials are kept
FEWEST_KEPT = 4
WEIGHT_BYTES = 2  # of a number in the model's file
SOME_TEMPERATURE = 1.1  # any but 1, with which there is nothing to do
NO_ROOM = "memory did not suffice to mix it with the others"


@dataclass
class Pool:
    """What a run has come to so far. Changed only under the run's lock; lists are replaced whole, never in place.

    Attributes:
        trials: kept trials, best first.
        weights: (C,) their shares of the mix.
        failures: the reasons of those that failed.
        failing: how many failed since one did not.
        given_up: why nothing would come of more trials; empty while something may.
        dropped: finished trials whose weights and predictions were let go.
        best: how bad the mix is, by the metric, lower is better.
        curve: (seconds, score) of the mix, when it got better.
        mixing: seconds that choosing the mix took the last time, and blending that mixing the answers for all rows did.
        measuring: seconds in which the mix was calibrated and measured by all metrics, once; 0 where nobody counts the
            time.
        answering: seconds in which the mix would answer the rows to test on.
        tail: the most seconds that a training took after its time was up: last checks and predictions, and its file.
        kept_back: share of the time limit that is not for the search.
        largest: bytes that the weights of the mix may take.
        kept_bytes: that the predictions of the kept trials may take.
    """

    trials: list[Trial] = field(default_factory=list)
    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    failures: list[str] = field(default_factory=list)
    failing: int = 0
    given_up: str = ""
    dropped: list[Trial] = field(default_factory=list)
    best: float = float("inf")
    curve: list[tuple[float, float]] = field(default_factory=list)
    mixing: float = 0.0
    blending: float = 0.0
    measuring: float = 0.0
    answering: float = 0.0
    tail: float = 0.0
    kept_back: float = 0.0
    largest: float = float("inf")
    kept_bytes: float = KEPT_BYTES


def take_in(
    pool: Pool, bench: Bench, tickets: Sequence[Ticket], finished: Sequence[Trial | str], budget: Budget
) -> list[Event]:
    """Take finished trials into the pool and choose the mix again; return what is to be told of each, and of it."""
    finished = _mixed_in(pool, bench, finished, budget)
    events: list[Event] = []
    for ticket, trial in zip(tickets, finished, strict=True):
        if isinstance(trial, str):
            pool.failures, pool.failing = [*pool.failures, trial], pool.failing + 1
            events.append(TrialFailed(budget.elapsed(), ticket.number, trial))
        else:
            pool.failing = 0
            events.append(TrialFinished(budget.elapsed(), ticket.number, trial.score, trial.loss, trial.seconds))
    if all(isinstance(trial, str) for trial in finished):
        return events
    return [*events, *_improvement(pool, bench, budget)]


def _mixed_in(pool: Pool, bench: Bench, finished: Sequence[Trial | str], budget: Budget) -> Sequence[Trial | str]:
    """Take trials into the pool and choose the mix again; return them, or why memory did not suffice for that."""
    fresh = [trial for trial in finished if not isinstance(trial, str)]
    if not fresh:
        return finished
    before = pool.trials, pool.weights, pool.dropped
    try:
        pool.trials = sorted([*pool.trials, *fresh], key=lambda trial: (trial.loss, trial.ticket.number))
        _choose(pool, bench, budget)
    except MemoryError:
        pool.trials, pool.weights, pool.dropped = before
        return [trial if isinstance(trial, str) else NO_ROOM for trial in finished]
    return finished


def take_over_trials(
    pool: Pool,
    bench: Bench,
    budget: Budget,
    trials: Sequence[Trial],
    dropped: Sequence[Trial],
    curve: Sequence[tuple[float, float]],
) -> None:
    """Fill an empty pool with what an earlier run came to."""
    pool.trials = sorted(trials, key=lambda trial: (trial.loss, trial.ticket.number))
    pool.dropped, pool.curve = [*dropped], [*curve]
    if curve:
        pool.best = -curve[-1][1] if bench.metric.greater_is_better else curve[-1][1]
    if pool.trials:
        _choose(pool, bench, budget)


def _choose(pool: Pool, bench: Bench, budget: Budget) -> None:
    """Choose the mix of the pool's trials, which are sorted, and let go of those that are too many."""
    if budget.trials is not None:
        _drop(pool, pool.trials)  # by loss alone: what is kept must not hang on who finished first
    _mix(pool, bench, budget)
    if budget.trials is None:
        share_of = {trial.ticket.number: share for trial, share in zip(pool.trials, pool.weights, strict=True)}
        _drop(pool, sorted(pool.trials, key=lambda trial: share_of[trial.ticket.number] == 0))
        pool.weights = np.array([share_of[trial.ticket.number] for trial in pool.trials])
        pool.weights /= pool.weights.sum()


def _drop(pool: Pool, ranking: Sequence[Trial]) -> None:
    """Let go of the trials at the end of a ranking that are too many; the others stay in their order."""
    most = max(FEWEST_KEPT, min(KEPT, int(pool.kept_bytes / ranking[0].predictions.nbytes)))
    ended = ranking[most:]
    pool.dropped = [*pool.dropped, *(replace(trial, weights={}, predictions=np.empty(0)) for trial in ended)]
    pool.trials = [trial for trial in pool.trials if all(trial is not one for one in ended)]


def _mix(pool: Pool, bench: Bench, budget: Budget) -> None:
    """Choose the mixing weights of the pool's trials."""
    began = budget.elapsed()
    sizes = np.array([[float(WEIGHT_BYTES * trial.parameters)] for trial in pool.trials])
    of_half = 2 if len(bench.splits) > 1 else 1  # of the networks of each: these may be what is handed over
    room = Room(sizes, np.array([of_half * pool.largest]))
    predictions = [trial.predictions for trial in pool.trials]
    pool.weights = select_weights(predictions, bench.truth, bench.metric.name, room=room)
    pool.mixing = budget.elapsed() - began


def _improvement(pool: Pool, bench: Bench, budget: Budget) -> list[Event]:
    """Return that the mix has become better, if it has."""
    began = budget.elapsed()
    mixed = blend([trial.predictions for trial in pool.trials], pool.weights)
    pool.blending = budget.elapsed() - began
    if budget.seconds is not None and not pool.measuring:
        began = budget.elapsed()
        _measure(bench, mixed)
        pool.measuring = budget.elapsed() - began
    return improvement(pool, bench, budget, mixed, pool.trials[0].loss, int((pool.weights > 0).sum()))


def _measure(bench: Bench, answers: NDArray[np.float64]) -> None:
    """Do what the estimate does with the answers of a mix, to see how long that takes."""
    outcome = bench.loaded.schema.target.outcome
    said = answers if outcome == Outcome.REGRESSION else apply_temperature(answers, SOME_TEMPERATURE)
    measure(outcome, bench.truth, said, bench.metric.stretches)


def improvement(
    pool: Pool, bench: Bench, budget: Budget, answers: NDArray[Any], loss: float, members: int
) -> list[Event]:
    """Return that what would be handed over now has become better, if it has.

    Args:
        pool: what the run has come to.
        bench: what the trials share.
        budget: tells the time.
        answers: out of fold, by the mix, or by a trial in training, which would end together with the run.
        loss: of the best trial.
        members: trials in the mix.
    """
    score = bench.metric.function(bench.truth, answers)
    worth = -score if bench.metric.greater_is_better else score
    if not worth < pool.best:
        return []
    pool.best = worth
    pool.curve = [*pool.curve, (budget.elapsed(), score)]
    return [BestImproved(pool.curve[-1][0], score, loss, members)]
