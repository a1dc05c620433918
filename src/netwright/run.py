"""The conductor: asks, trains together, tells, stops on budget, selects. It alone knows both search and trainer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from netwright.attempt import Attempt, Course, heir_of, siblings
from netwright.bench import Bench, Trial
from netwright.budget import Budget
from netwright.choosing import LARGEST_MIX
from netwright.errors import NoTrialFinished
from netwright.events import BestImproved, Event, Listener, TrialFailed, TrialFinished
from netwright.search.desk import Desk, Ticket
from netwright.search.sampler import Proposal, Sampler
from netwright.select.ensemble import blend, select_weights
from netwright.select.room import Room
from netwright.spec.spaces import Point
from netwright.train.lanes import run_lanes, usable_cores

RESERVE = 2.6  # seconds for the estimate, importance, writing and leaving, beside what the size of the data adds
SHORTEST = 0.03  # of the time limit: with less left no trial is begun
KEPT = 24  # trials whose weights are kept: more never entered an ensemble, and memory stays bounded


@dataclass
class Pool:
    """The finished trials and the mix of them that would be handed over now. Changed only under the run's lock."""

    trials: list[Trial] = field(default_factory=list)
    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    failures: list[str] = field(default_factory=list)
    dropped: list[Trial] = field(default_factory=list)  # finished, but too far behind to keep their weights
    best: float = float("inf")
    curve: list[tuple[float, float]] = field(default_factory=list)  # (seconds, score) of the mix, when it got better
    mixing: float = 0.0  # seconds that choosing the mix took the last time
    kept_back: float = 0.0  # share of the time limit that is not for the search


def search(
    bench: Bench,
    budget: Budget,
    sampler: Sampler,
    listener: Listener,
    *,
    kept_back: float = 0.0,
    needless: Callable[[Pool], bool] = lambda pool: False,
) -> Pool:
    """Try candidates until the budget ends, less the time that finishing takes.

    Args:
        bench: what trials share.
        budget: time or number of trials.
        sampler: the way to search.
        listener: told what happens, from any thread, one event at a time.
        kept_back: share of the time limit that is not for the search.
        needless: asked when only that share is left: whether the search may have it after all.

    Raises:
        NoTrialFinished: if every trial failed; it names the first cause.
    """
    rows = len(bench.loaded.truth)
    outcome = bench.loaded.schema.target.outcome
    points = (*bench.quick_points, *(bench.task.portfolio(rows, outcome) if sampler.portfolio else ()))
    state = sampler.init(bench.space, points, bench.seed)

    def company(point: Point) -> int:
        # Designs that were chosen for being different come first, before variations of any of them.
        return 1 if point in points else siblings(bench, point)

    desk = Desk(sampler, state, company, budget.trials)
    pool, course, lock = Pool(kept_back=kept_back), Course(), threading.RLock()

    def tell(event: Event) -> None:
        with lock:
            listener(event)

    def work() -> None:
        try:
            while (tickets := desk.take()) and not _over(bench, budget, pool):
                attempt = begin(tickets)
                finished = attempt.run()
                with lock:
                    _account(bench, pool, attempt.tickets, finished, budget, listener)
                for ticket, trial in zip(attempt.tickets, finished, strict=True):
                    desk.give(ticket, trial.loss if isinstance(trial, Trial) else None)
        finally:
            desk.close()  # also when this lane breaks: the others must not wait for it

    def begin(tickets: tuple[Ticket, ...]) -> Attempt:
        left = _left(bench, budget, pool)
        with lock:
            heir = None if budget.seconds is None else heir_of(bench, tickets, pool.trials, left, course)
        if heir is None:
            return Attempt(bench, tickets, budget, left, course, desk.issue, tell)
        for ticket in tickets:
            desk.give(ticket, None)
        parent, point = heir
        return Attempt(bench, [desk.issue(Proposal(point, "heir"))], budget, left, course, desk.issue, tell, parent)

    run_lanes(usable_cores(), work)
    if pool.kept_back and pool.trials and budget.seconds and not budget.ended_early and needless(pool):
        pool.kept_back = 0.0
        desk.reopen()
        run_lanes(usable_cores(), work)
    if not pool.trials:
        raise NoTrialFinished(pool.failures[0] if pool.failures else "the time was over before the first began")
    return pool


def _over(bench: Bench, budget: Budget, pool: Pool) -> bool:
    """Return whether it is too late to begin another trial: one that is cut off at once only costs its set-up."""
    if budget.seconds is None:
        return budget.ended_early and bool(pool.trials)
    return bool(pool.trials) and _left(bench, budget, pool) < max(0.3, SHORTEST * budget.seconds)


def _left(bench: Bench, budget: Budget, pool: Pool) -> float:
    """Return the seconds left for training: without those for choosing anew for each fold, and for writing."""
    if budget.seconds is None:
        return budget.left()
    finishing = RESERVE + (len(bench.splits) + 2) * pool.mixing
    return max(0.0, budget.left() - min(finishing, 0.3 * budget.seconds) - pool.kept_back * budget.seconds)


def _account(
    bench: Bench,
    pool: Pool,
    tickets: Sequence[Ticket],
    finished: tuple[Trial | str, ...],
    budget: Budget,
    listener: Listener,
) -> None:
    """Take finished trials into the pool, choose the mix again, and tell."""
    for ticket, trial in zip(tickets, finished, strict=True):
        if isinstance(trial, str):
            pool.failures.append(trial)
            listener(TrialFailed(budget.elapsed(), ticket.number, trial))
            continue
        pool.trials.append(trial)
        listener(TrialFinished(budget.elapsed(), ticket.number, trial.score, trial.loss, trial.seconds))
    if not pool.trials:
        return
    pool.trials.sort(key=lambda trial: (trial.loss, trial.ticket.number))
    pool.dropped += [replace(trial, trained=replace(trial.trained, weights={})) for trial in pool.trials[KEPT:]]
    del pool.trials[KEPT:]
    mix(bench, pool, budget)
    blended = blend([trial.predictions for trial in pool.trials], pool.weights)
    score = bench.metric.function(bench.loaded.truth, blended)
    worth = -score if bench.metric.greater_is_better else score
    if worth < pool.best:
        pool.best = worth
        pool.curve.append((budget.elapsed(), score))
        members = int((pool.weights > 0).sum())
        listener(BestImproved(pool.curve[-1][0], score, pool.trials[0].loss, members))


def mix(bench: Bench, pool: Pool, budget: Budget) -> None:
    """Choose the mixing weights of the pool's trials."""
    began = budget.elapsed()
    pool.weights = select_weights(
        [trial.predictions for trial in pool.trials],
        bench.loaded.truth,
        bench.metric.name,
        room=Room(np.array([[2.0 * trial.parameters] for trial in pool.trials]), np.array([float(LARGEST_MIX)])),
    )
    pool.mixing = budget.elapsed() - began
