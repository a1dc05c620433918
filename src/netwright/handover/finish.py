"""From finished trials to a model: kept, mixed or distilled, measured, and told of in numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from netwright.bundle.short import rounded
from netwright.data.frame import Frame
from netwright.engine.bench import Bench
from netwright.engine.closing import judging, leaving
from netwright.engine.pool import Pool
from netwright.errors import TrialError
from netwright.handover.distil import distil
from netwright.mix.affordable import best_of, within
from netwright.mix.choosing import best_mix, chosen, measured, scored, with_shares
from netwright.mix.footprint import Footprint, footprint
from netwright.mix.front import front, smaller_mixes
from netwright.mix.shelf import Kept, Shelf
from netwright.model import Model, Part
from netwright.pretrained.extended import needed_by
from netwright.resources.budget import Budget
from netwright.resources.limits import NO_LIMITS, Limits
from netwright.result import Baseline, Result, Standing
from netwright.select.calibrate import fit_temperature
from netwright.select.estimate import DISTILLED, estimate
from netwright.select.importance import permutation_importance
from netwright.select.room import Room
from netwright.spec.network import Candidate
from netwright.tasks.task import Task

SINGLE_SHARE = 0.25  # of the time limit, kept back for the training of a single network
AFTER_SINGLE = 1.2  # seconds for importance, writing and leaving
ROOM_TO_GROW = 0.7  # of a limit: a mix that takes no more keeps it most likely also when it has grown
SHORTEST_SINGLE = 1.0  # seconds of its training, also where someone asked for the end: untrained it is worth nothing
AT_ONCE = 0.5  # seconds of mixes that are looked at in any case
FRONT_NEEDS = 1.0  # seconds that must be left after a point of the front: it makes no model better
CARD_BYTES, COLUMN_BYTES = 5_000, 40  # of a result, beyond what stands in it when models are compared
TEACHER = "the mix that it learnt from"
MOST_STANDINGS = 5_000  # lines of a leaderboard: a model file holds half a million values, and a long run more trials
SAMPLE_ROWS = 1_000  # on which the networks of different folds are compared
IMPORTANCE_ROWS = 300
IMPORTANCE_SECONDS = 0.5  # it explains the model, but makes none better
IMPORTANCE_COLUMNS = 64  # looked at without a time limit, so that the result does not hang on the clock


def assemble(
    bench: Bench, pool: Pool, budget: Budget, *, single: bool = False, limits: Limits = NO_LIMITS
) -> tuple[Model, Shelf]:
    """Return the model that is handed over, with its result, and the trials that another could be chosen from.

    Args:
        bench: what the trials shared.
        pool: the finished trials.
        budget: asked for the time, and for how much of it importance may take.
        single: whether to hand over one network that learnt from the mix.
        limits: what the model may cost. Where the whole mix passes them, one network that learnt from it and the best
            mixes that keep them are compared by their honest estimates.
    """
    shelf = _shelf(bench, pool)
    asked, limits = limits, _less_card(limits, len(bench.loaded.schema.columns))
    began, after = budget.elapsed(), leaving(bench, pool)
    whole = best_mix(shelf, limits, _result(bench, pool, budget), _time_for_another(budget, after))
    model = whole = measured(whole, footprint(whole), limits)
    needed = FRONT_NEEDS + after + budget.elapsed() - began
    failure = ""
    if single or whole.result.missed:
        checks = after + pool.tail + judging(pool)
        model, failure = _smaller(bench, shelf, whole, budget, checks, single=single, limits=limits)
    mixes = smaller_mixes(shelf, whole, limits, lambda: budget.left() > needed)
    if whole.result.missed and not single:
        model = best_of([model, *mixes.values()], limits)
    result = replace(model.result, front=front(mixes), importance=_importance(bench, _teacher(shelf, whole), budget))
    model = replace(model, result=result)
    model = measured(model, Footprint(1e-3 * (result.latency_ms or 0.0), model.file_size()), asked)
    missed = (*([failure] if failure else []), *model.result.missed)
    return replace(model, result=replace(model.result, missed=missed)), shelf


def _time_for_another(budget: Budget, after: float) -> Callable[[], bool]:
    """Return what says, asked after each mix, whether there is time for one that takes as long as the longest so far.

    Args:
        budget: asked for the time.
        after: seconds that what follows the mixes takes.
    """
    began = last = budget.elapsed()
    longest = 0.0

    def more_time() -> bool:
        nonlocal last, longest
        now = budget.elapsed()
        last, longest = now, max(longest, now - last)
        return now - began < AT_ONCE or budget.left() > longest + after

    return more_time


def _less_card(limits: Limits, columns: int) -> Limits:
    """Return the limits for a model whose front, importance and test results are still to be written into its file.

    A size that not even these have room in becomes a byte: how far a model passes it can still be told.
    """
    return replace(limits, size=max(1.0, limits.size - CARD_BYTES - COLUMN_BYTES * columns))


def keeps(bench: Bench, pool: Pool, budget: Budget, limits: Limits) -> bool:
    """Return whether the mix of the pool, as it is now, keeps the limits with room to grow when it is measured."""
    parts = tuple(
        Part(trial.candidate, rounded(trial.weights), float(weight))
        for trial, weight in zip(pool.trials, pool.weights, strict=True)
        if weight > 0
    )
    result = replace(_result(bench, pool, budget), score=0.0, score_low=0.0, score_high=0.0)  # no file holds a NaN
    preparation = needed_by((part.candidate.network for part in parts), bench.preparation)
    model = Model(bench.task, preparation, parts, 1.0, result)
    return footprint(model).keeps(Limits(ROOM_TO_GROW * limits.latency, ROOM_TO_GROW * limits.size))


def _shelf(bench: Bench, pool: Pool) -> Shelf:
    kept = tuple(
        Kept(trial.ticket.number, trial.candidate, rounded(trial.weights), trial.predictions) for trial in pool.trials
    )
    judged = bench.cut.judged
    some = min(len(judged), SAMPLE_ROWS)
    sample = bench.features.rows(judged[np.arange(some) * len(judged) // some])
    groups = bench.loaded.groups[judged] if bench.loaded.drawn_together else None
    return Shelf(
        task=bench.task,
        preparation=bench.preparation,
        metric=bench.metric,
        truth=bench.truth,
        folds=bench.cut.parts,
        groups=groups,
        sample=sample,
        seed=bench.seed,
        kept=kept,
        predict=bench.predict,
    )


# --- one network ---------------------------------------------------------------------------------------------------


def _teacher(shelf: Shelf, whole: Model) -> Model:
    """Return the mix without limits, of the networks of all folds: for each row there are some that never saw it."""
    return chosen(shelf, Room.without_limits(len(shelf.kept)), whole.result)


def of_mixes(result: Result) -> Result:
    """Return the result without what is true of a distilled network only: what mixes of the trials are told with."""
    others = tuple(baseline for baseline in result.baselines if baseline.name != TEACHER)
    return replace(result, baselines=others, distilled=False)


def _smaller(
    bench: Bench, shelf: Shelf, whole: Model, budget: Budget, after: float, *, single: bool, limits: Limits
) -> tuple[Model, str]:
    """Return one network that learnt from the mix, or where it is better and nobody insists, a smaller mix.

    Where its training fails, the run is not lost: a mix is handed over, and a sentence if one network was asked for.

    Args:
        bench: what the trials shared.
        shelf: the kept ones.
        whole: the mix without limits.
        budget: asked for the time.
        after: seconds that come after the student's training: it is judged as trials are, and all is written.
        single: whether one network was asked for.
        limits: what the model may cost.
    """

    def more_time() -> bool:
        return budget.left() > SHORTEST_SINGLE + AFTER_SINGLE + after

    mix = within(shelf, limits, whole, more_time)  # first, since the student's training takes what time is left
    try:
        student = _single(bench, shelf, whole, budget, after, limits)
    except (TrialError, MemoryError, RuntimeError) as error:
        reason = str(error) or "memory did not suffice"
        return mix, f"One network could not be trained in the place of the mix: {reason}." if single else ""
    return (student if single else best_of([mix, student], limits)), ""


def _single(bench: Bench, shelf: Shelf, whole: Model, budget: Budget, after: float, limits: Limits) -> Model:
    """Return one network that learnt from the mix; the mix's score stands beside its own."""
    began = budget.elapsed()
    until = began + max(SHORTEST_SINGLE, budget.left() - AFTER_SINGLE - after)  # infinite without a limit

    def time_used() -> float:
        nonlocal until
        now = budget.elapsed()
        if budget.ended_early:
            until = min(until, now + SHORTEST_SINGLE)
        return min(1.0, (now - began) / (until - began))

    def ready() -> None:
        nonlocal began, until
        began = budget.elapsed()
        until = max(until, began + SHORTEST_SINGLE)

    design = _design(bench.task, shelf, whole, limits)
    student = distil(bench, _teacher(shelf, whole), design, time_used, bench.seed, ready)
    classes = bool(shelf.preparation.schema.target.labels)
    temperature = fit_temperature(student.predictions, shelf.truth) if classes else 1.0
    made = estimate(
        [student.predictions],
        shelf.truth,
        shelf.folds,
        shelf.metric,
        outcome=shelf.outcome,
        groups=shelf.groups,
        seed=shelf.seed,
    )
    result = scored(with_shares(whole.result, shelf, np.zeros(len(shelf.kept))), shelf, made, DISTILLED)
    teacher = Baseline(TEACHER, whole.result.score)
    part = Part(student.candidate, rounded(student.weights), 1.0)
    preparation = needed_by([student.candidate.network], shelf.preparation)
    model = replace(whole, preparation=preparation, parts=(part,), temperature=temperature)
    model = replace(model, result=replace(result, baselines=(*result.baselines, teacher), distilled=True))
    return measured(model, footprint(model), limits)


def _design(task: Task, shelf: Shelf, whole: Model, limits: Limits) -> Candidate:
    """Return the best trial's design of which one network keeps the limits; the smallest one where none does."""
    for one in shelf.kept:
        alone = {name: tensor[:1] for name, tensor in one.weights.items()}
        preparation = needed_by([one.candidate.network], shelf.preparation)
        model = replace(whole, preparation=preparation, parts=(Part(one.candidate, alone, 1.0),))
        if not limits or footprint(model).keeps(limits):
            return one.candidate
    return task.candidate(task.first_glance(len(shelf.truth)), shelf.preparation)


# --- what is told of the run -----------------------------------------------------------------------------------------


def _result(bench: Bench, pool: Pool, budget: Budget) -> Result:
    """Return all that does not hang on which model is handed over; the estimate is filled in after it."""
    target = bench.loaded.schema.target
    return Result(
        task=f"{bench.task.name}_{target.outcome}",
        metric=bench.metric.name,
        greater_is_better=bench.metric.greater_is_better,
        score=float("nan"),
        score_low=float("nan"),
        score_high=float("nan"),
        estimate="",
        metrics={},
        test_metrics={},
        baselines=_baselines(bench, pool),
        leaderboard=_leaderboard(bench, pool),
        seconds=budget.elapsed(),
        trials=len(pool.trials) + len(pool.dropped),
        failed=len(pool.failures),
        labels=tuple(str(label) for label in target.labels),
        confusion=(),
        reliability=(),
        importance=(),
        ended_early=budget.ended_early,
        curve=tuple(pool.curve),
    )


def _baselines(bench: Bench, pool: Pool) -> tuple[Baseline, ...]:
    """Return the score of always giving the usual answer, and of the untuned default network."""
    trivial = Baseline("always the usual answer", bench.metric.function(bench.truth, _usual(bench)))
    default = bench.task.default_network(bench.rows)
    untuned = [trial for trial in (*pool.trials, *pool.dropped) if trial.ticket.proposal.point == default]
    return (trivial, *(Baseline("untuned default network", trial.score) for trial in untuned[:1]))


def _usual(bench: Bench) -> NDArray[np.float64]:
    """Return, for each row that is judged on, the mean or the class shares of those that its network learnt from."""
    classes, rows = len(bench.loaded.schema.target.labels), len(bench.truth)
    usual = np.empty((rows, classes) if classes else rows)
    for split, places in zip(bench.splits, bench.cut.places, strict=True):
        others = bench.loaded.truth[split.train]
        usual[places] = np.bincount(others, minlength=classes) / len(others) if classes else others.mean()
    return usual


def _leaderboard(bench: Bench, pool: Pool) -> tuple[Standing, ...]:
    """Return the best of the finished trials, and all of those that a mix can be chosen from."""
    others = sorted(pool.dropped, key=lambda trial: trial.loss)[: max(0, MOST_STANDINGS - len(pool.trials))]
    standings = [
        Standing(
            trial=trial.ticket.number,
            name=bench.task.describe(trial.ticket.proposal.point),
            origin=trial.ticket.proposal.origin,
            score=trial.score,
            loss=trial.loss,
            weight=0.0,
            parameters=trial.parameters,
            seconds=trial.seconds,
        )
        for trial in (*pool.trials, *others)
    ]
    return tuple(sorted(standings, key=lambda standing: (standing.loss, standing.trial)))


def _unseen_answers(bench: Bench, model: Model, rows: NDArray[np.int64]) -> Callable[[Frame], NDArray[np.float64]]:
    """Return what answers for cells of these rows: for each row the networks that have not learnt from it.

    Else a column that they know rows by heart by would seem to matter.
    """
    folds, places = bench.cut.folds[rows], np.arange(len(rows))
    return lambda frame: model.answers_by_fold(model.preparation.encode(frame), bench.predict)[folds, places]


def _importance(bench: Bench, model: Model, budget: Budget) -> tuple[tuple[str, float], ...]:
    if len(bench.loaded.schema.used) < 2:
        return ()  # a single column matters, who would doubt it
    judged = bench.cut.judged
    rows = judged[np.linspace(0, len(judged) - 1, min(len(judged), IMPORTANCE_ROWS)).astype(np.int64)]
    truth = bench.loaded.truth[rows]
    sign = 1 if bench.metric.greater_is_better else -1
    until = budget.elapsed() + IMPORTANCE_SECONDS
    asked = count()

    def more_time() -> bool:
        if budget.seconds is None and not budget.ended_early:
            return next(asked) < IMPORTANCE_COLUMNS
        return budget.elapsed() < until

    return permutation_importance(
        _unseen_answers(bench, model, rows),
        bench.loaded.frame.take(rows),
        lambda answers: sign * bench.metric.function(truth, answers),
        seed=bench.seed,
        more_time=more_time,
    )
