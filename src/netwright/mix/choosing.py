"""From kept trials to a model: the mix, its calibration, its honest estimate, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from netwright.data.schema import Outcome
from netwright.mix.footprint import Footprint
from netwright.mix.shelf import Kept, Shelf
from netwright.model import Model, Part
from netwright.pretrained.extended import needed_by
from netwright.report.numbers import megabytes, milliseconds
from netwright.resources.limits import NO_LIMITS, Limits
from netwright.result import Result
from netwright.select.ensemble import select_weights
from netwright.select.estimate import (
    ALONE,
    OF_FOLDS,
    OVER_GROUPS,
    OVER_ROWS,
    Estimate,
    confusion_counts,
    estimate,
    reliability_bins,
    temperature_of,
    with_gain,
)
from netwright.select.room import Room
from netwright.spec.network import seen_by_trunk
from netwright.tasks.task import Task

WORTH_SIZE = 0.95  # of the loss: what a larger file must bring to be handed over unasked
MOST_CONFUSED = 30  # classes up to which a confusion matrix can be read
SHOWN_ROWS = 500


def largest_mix(limits: Limits, task: Task) -> float:
    """Return the bytes that the weights of a mix may take: the task's own, or more where a larger file is allowed."""
    return max(float(task.largest), limits.size if math.isfinite(limits.size) else 0.0)


def usual_room(shelf: Shelf, limits: Limits = NO_LIMITS) -> Room:
    """Return the room of a mix before it is measured."""
    sizes = np.array([[float(one.size)] for one in shelf.kept])
    return Room(sizes, np.array([largest_mix(limits, shelf.task)]))


def chosen(shelf: Shelf, room: Room, result: Result) -> Model:
    """Return the best mix that the room lets in; the numbers of `result` stay as they are."""
    predictions = [one.predictions for one in shelf.kept]
    weights = select_weights(predictions, shelf.truth, shelf.metric.name, room=room)
    classes = shelf.outcome != Outcome.REGRESSION
    temperature = temperature_of(predictions, weights, shelf.truth) if classes else 1.0
    parts = tuple(
        Part(one.candidate, one.weights, float(weight))
        for one, weight in zip(shelf.kept, weights, strict=True)
        if weight > 0
    )
    preparation = needed_by((part.candidate.network for part in parts), shelf.preparation)
    return Model(shelf.task, preparation, parts, temperature, with_shares(result, shelf, weights))


def mixed(shelf: Shelf, room: Room, result: Result) -> Model:
    """Return the best mix that the room lets in, with its honest estimate in the place of that of `result`."""
    model = chosen(shelf, room, result)
    predictions = [one.predictions for one in shelf.kept]
    made = estimate(
        predictions,
        shelf.truth,
        shelf.folds,
        shelf.metric,
        outcome=shelf.outcome,
        groups=shelf.groups,
        room=room,
        seed=shelf.seed,
    )
    residuals = shelf.truth - made.predictions if shelf.outcome == Outcome.REGRESSION else None
    members = model.answers_by_fold(shelf.sample, shelf.predict)
    made = with_gain(made, shelf.metric, members, residuals, shelf.seed)
    words = OF_FOLDS if len(members) > 1 else ALONE
    return replace(model, result=scored(model.result, shelf, made, words))


def best_mix(shelf: Shelf, limits: Limits, result: Result, more_time: Callable[[], bool] = lambda: True) -> Model:
    """Return the best mix that has room before it is measured; a trained trunk takes part where that is worth it.

    Args:
        shelf: the kept trials.
        limits: what a model may cost; only a size beyond the usual is looked at.
        result: what a mix's numbers are filled into.
        more_time: whether there is time for one mix more; asked before each but the first.
    """
    apart = without_trunk(shelf)
    if apart is None or apart is shelf:
        return _best_of(shelf, limits, result, more_time)
    without = _best_of(apart, limits, result, more_time)
    if not more_time():
        return without
    best = _best_of(shelf, limits, result, more_time)
    return best if _loss(best) < WORTH_SIZE * _loss(without) else without


def without_trunk(shelf: Shelf) -> Shelf | None:
    """Return the shelf with the trials alone that do without a trained trunk; None if none does."""
    kept = tuple(one for one in shelf.kept if not seen_by_trunk(one.candidate.network))
    if len(kept) == len(shelf.kept):
        return shelf
    return replace(shelf, kept=kept) if kept else None


def _loss(model: Model) -> float:
    return model.result.metrics["rmse" if model.outcome == Outcome.REGRESSION else "log_loss"]


def _best_of(shelf: Shelf, limits: Limits, result: Result, more_time: Callable[[], bool]) -> Model:
    """Return the best mix of a shelf, of all networks of its trials or of half of them each.

    Half of the networks leave room for more designs. On five tables of 1,000 to 10,000 rows the honest estimates, which
    count what averaging gains, told rightly on four which of the two was better on other rows, and were even on one.
    Where the best trial is too large even so (of very wide tables) and is worth it, room is made for it.
    """
    half = halved(shelf)
    rooms = [usual_room(each, limits) for each in (shelf, half)]
    best = mixed(shelf, rooms[0], result)
    if shelf.kept[0].folds > 1 and more_time():
        best = min(best, mixed(half, rooms[1], result), key=_loss)
    if half.kept[0].size <= rooms[1].caps[0] or not more_time():
        return best
    larger = mixed(half, replace(rooms[1], caps=np.array([float(half.kept[0].size)])), result)
    return larger if _loss(larger) < WORTH_SIZE * _loss(best) else best


def with_shares(result: Result, shelf: Shelf, weights: NDArray[np.float64]) -> Result:
    """Return the result with these weights (C,) on its leaderboard."""
    share_of = {one.trial: float(weight) for one, weight in zip(shelf.kept, weights, strict=True)}
    board = (replace(standing, weight=share_of.get(standing.trial, 0.0)) for standing in result.leaderboard)
    return replace(result, leaderboard=tuple(board))


def scored(result: Result, shelf: Shelf, made: Estimate, words: str) -> Result:
    """Return the result with the numbers of an estimate, and how it was made."""
    over = (OVER_ROWS if shelf.groups is None else OVER_GROUPS).format(rows=len(shelf.truth))
    classes = len(shelf.preparation.schema.target.labels)
    confusion = confusion_counts(shelf.truth, made.predictions).tolist() if 0 < classes <= MOST_CONFUSED else []
    return replace(
        result,
        score=made.score,
        score_low=made.low,
        score_high=made.high,
        estimate=f"{words} {over}",
        metrics=made.metrics,
        confusion=tuple(tuple(row) for row in confusion),
        reliability=reliability_bins(shelf.truth, made.predictions) if classes else _pairs(shelf, made),
    )


def _pairs(shelf: Shelf, made: Estimate) -> tuple[tuple[float, float, float], ...]:
    """Return (predicted, true, 1) of some rows, for a scatter plot."""
    rows = np.linspace(0, len(shelf.truth) - 1, min(len(shelf.truth), SHOWN_ROWS)).astype(int)
    return tuple((float(made.predictions[row]), float(shelf.truth[row]), 1.0) for row in rows)


# --- what it costs ----------------------------------------------------------------------------------------------------


def thinned(shelf: Shelf, share: float) -> Shelf:
    """Return the shelf with a share of each trial's networks, one at least, evenly chosen among its folds.

    Out of fold every row was predicted by one network, so these predictions are as honest for fewer networks as they
    are for all folds together; only what their average gains is less, and is counted by the networks that are left.
    """
    kept = []
    for one in shelf.kept:
        few = max(1, round(share * one.folds))
        places = np.arange(few) * one.folds // few
        kept.append(replace(one, weights={name: tensor[places] for name, tensor in one.weights.items()}))
    return replace(shelf, kept=tuple(kept))


def halved(shelf: Shelf) -> Shelf:
    """Return the shelf with half of each trial's networks."""
    return thinned(shelf, 0.5)


def lone(shelf: Shelf) -> Shelf:
    """Return the shelf with one network of each trial, the first fold's, in the place of all."""
    return thinned(shelf, 0.0)


def measured(model: Model, cost: Footprint, limits: Limits) -> Model:
    """Return the model with what it costs in its result, and a sentence for each limit that it does not keep."""
    missed = []
    if cost.latency > limits.latency:
        taken, asked = milliseconds(1e3 * cost.latency), milliseconds(1e3 * limits.latency)
        missed.append(f"It takes {taken} a row, where {asked} were asked for.")
    if cost.size > limits.size:
        missed.append(f"Its file takes {megabytes(cost.size)}, where {megabytes(limits.size)} were asked for.")
    result = replace(model.result, latency_ms=1e3 * cost.latency, size_bytes=cost.size, missed=tuple(missed))
    return replace(model, result=result)


def holds(model: Model, one: Kept) -> bool:
    """Return whether a kept trial has a share in the model."""
    return any(standing.trial == one.trial and standing.weight for standing in model.result.leaderboard)
