"""From kept trials to a model: the mix, its calibration, its honest estimate, within what it may cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial, reduce

import numpy as np
from numpy.typing import NDArray

from netwright.data.schema import Outcome
from netwright.extended import needed_by
from netwright.footprint import Footprint, footprint, seconds_of
from netwright.inference.graphs import graph_of_features, map_size, rows_together
from netwright.inference.session import start
from netwright.inference.share import Share
from netwright.limits import NO_LIMITS, Limits
from netwright.model import Model, Part
from netwright.report.numbers import megabytes, milliseconds
from netwright.result import FrontPoint, Result
from netwright.select.calibrate import fit_temperature
from netwright.select.ensemble import blend, select_weights
from netwright.select.estimate import (
    ALONE,
    OF_FOLDS,
    OVER_GROUPS,
    OVER_ROWS,
    Estimate,
    confusion_counts,
    estimate,
    reliability_bins,
    with_gain,
)
from netwright.select.room import Room
from netwright.shelf import Kept, Shelf, bytes_of
from netwright.spec.network import Network, seen_by_trunk
from netwright.tasks.task import Task

WORTH_SIZE = 0.95  # of the loss: what a larger file must bring to be handed over unasked
ATTEMPTS = 4  # to choose a mix that keeps limits when it is measured
SLACK = 0.93  # of a limit is aimed at after a miss: a measured time is never twice the same
LADDER = (1.0, 0.5, 0.25, 0.12, 0.06, 0.0)  # of the bytes of the whole mix: the steps of the front
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
    temperature = fit_temperature(blend(predictions, weights), shelf.truth) if classes else 1.0
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


def best_mix(shelf: Shelf, limits: Limits, result: Result) -> Model:
    """Return the best mix that has room before it is measured; a trained trunk takes part where that is worth it."""
    apart = without_trunk(shelf)
    if apart is None or apart is shelf:
        return _best_of(shelf, limits, result)
    without, best = _best_of(apart, limits, result), _best_of(shelf, limits, result)
    return best if _loss(best) < WORTH_SIZE * _loss(without) else without


def without_trunk(shelf: Shelf) -> Shelf | None:
    """Return the shelf with the trials alone that do without a trained trunk; None if none does."""
    kept = tuple(one for one in shelf.kept if not seen_by_trunk(one.candidate.network))
    if len(kept) == len(shelf.kept):
        return shelf
    return replace(shelf, kept=kept) if kept else None


def _loss(model: Model) -> float:
    return model.result.metrics["rmse" if model.outcome == Outcome.REGRESSION else "log_loss"]


def _best_of(shelf: Shelf, limits: Limits, result: Result) -> Model:
    """Return the best mix of a shelf, of all networks of its trials or of half of them each.

    Half of the networks leave room for more designs. On five tables of 1,000 to 10,000 rows the honest estimates, which
    count what averaging gains, told rightly on four which of the two was better on other rows, and were even on one.
    Where the best trial is too large even so (of very wide tables) and is worth it, room is made for it.
    """
    half = halved(shelf)
    rooms = [usual_room(each, limits) for each in (shelf, half)]
    best = min((mixed(each, room, result) for each, room in zip((shelf, half), rooms, strict=True)), key=_loss)
    if half.kept[0].size <= rooms[1].caps[0]:
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
    over = OVER_ROWS if shelf.groups is None else OVER_GROUPS
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


# --- what it may cost ------------------------------------------------------------------------------------------------


def thinned(shelf: Shelf, share: float) -> Shelf:
    """Return the shelf with a share of each trial's networks, one at least, evenly chosen among its folds.

    Out of fold every row was predicted by one network, so these predictions are as honest for fewer networks as they
    are for all folds together; only what their average gains is less, and is counted by the networks that are left.
    """
    kept = []
    for one in shelf.kept:
        folds = len(next(iter(one.weights.values())))
        few = max(1, round(share * folds))
        places = np.arange(few) * folds // few
        kept.append(replace(one, weights={name: tensor[places] for name, tensor in one.weights.items()}))
    return replace(shelf, kept=tuple(kept))


def halved(shelf: Shelf) -> Shelf:
    """Return the shelf with half of each trial's networks."""
    return thinned(shelf, 0.5)


def lone(shelf: Shelf) -> Shelf:
    """Return the shelf with one network of each trial, the first fold's, in the place of all."""
    return thinned(shelf, 0.0)


def within(shelf: Shelf, limits: Limits, whole: Model) -> Model:
    """Return the best mix that keeps the limits when it is measured; the nearest one where none does.

    Mixes of whole trials, of half of their networks and of one network of each are compared by their honest estimates.

    Args:
        shelf: the kept trials.
        limits: what it may cost.
        whole: the mix without limits.
    """
    cost = footprint(whole)
    if cost.keeps(limits):
        return measured(whole, cost, limits)
    found = []
    for each in {id(one): one for one in (shelf, without_trunk(shelf)) if one}.values():
        besides = _besides(each, whole.result)
        found += [_tightened(one, limits, besides, whole.result) for one in (each, halved(each), lone(each))]
    return reduce(partial(better, limits=limits), found)


def _besides(shelf: Shelf, result: Result) -> NDArray[np.float64]:
    """Return the bytes and seconds (2,) of a model beside those of its networks: of preparing a row, and of a trunk."""
    one = max(shelf.kept, key=lambda one: (seen_by_trunk(one.candidate.network), -one.size))
    model = chosen(replace(shelf, kept=(one,)), Room.without_limits(1), result)
    cost = footprint(model)
    return np.asarray(np.maximum(np.array([cost.size, cost.latency]) - _costs(shelf, model.parts).sum(axis=0), 0))


def _tightened(shelf: Shelf, limits: Limits, besides: NDArray[np.float64], result: Result) -> Model:
    """Return a mix chosen by costs foretold from its parts, and again with less room where the measured ones are more.

    Args:
        shelf: what there is to choose from.
        limits: what it may cost.
        besides: bytes and seconds of a model that are not its networks'.
        result: what the mix's numbers are filled into.
    """
    costs, wanted = _costs(shelf, shelf.kept), np.array([limits.size, limits.latency])
    caps = wanted - besides
    for _ in range(ATTEMPTS):
        model = mixed(shelf, Room(costs, np.maximum(caps, 0)), result)
        cost = footprint(model)
        if cost.keeps(limits) or (len(model.parts) == 1 and (caps <= costs.min(axis=0)).any()):
            break
        found = np.array([cost.size, cost.latency])
        caps = np.where(found > wanted, np.minimum(caps, wanted) - (found - SLACK * wanted), caps)
    return measured(model, cost, limits)


def better(first: Model, second: Model, limits: Limits) -> Model:
    """Return the one with the better estimate if both keep the limits, else the one that comes nearest to them."""

    def worth(model: Model) -> tuple[float, float]:
        result = model.result
        assert result.latency_ms is not None and result.size_bytes is not None
        over = max(1e-3 * result.latency_ms / limits.latency, result.size_bytes / limits.size)
        return (over if result.missed else 0.0, -result.score if result.greater_is_better else result.score)

    return min(first, second, key=worth)


def _costs(shelf: Shelf, trials: Sequence[Kept | Part]) -> NDArray[np.float64]:
    """Return the bytes and the seconds (C, 2) of each trial's networks; those of one shape are measured once."""
    found: dict[Network, float] = {}
    row, size = shelf.sample.rows(np.arange(1)).arrays, map_size(shelf.preparation.schema)
    for one in trials:
        if one.candidate.network not in found:
            alone = (Share(one.candidate.network, one.weights, 1.0),)
            session = start(graph_of_features(alone, shelf.preparation.goal, 1.0, size), rows_together(alone))
            found[one.candidate.network] = seconds_of(partial(session.run, row))
    return np.array([[float(bytes_of(one.weights)), found[one.candidate.network]] for one in trials])


def _holds(model: Model, one: Kept) -> bool:
    return any(standing.trial == one.trial and standing.weight for standing in model.result.leaderboard)


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


def front(shelf: Shelf, whole: Model, more_time: Callable[[], bool]) -> tuple[FrontPoint, ...]:
    """Return mixes of fewer and fewer bytes, measured, without those that another one beats; the fastest first.

    Args:
        shelf: the kept trials.
        whole: the mix without limits, measured.
        more_time: whether there is time for one more; asked before each.
    """
    points = {_name(shelf, whole): _point(shelf, whole)}
    for each in (lone(shelf), shelf, halved(shelf)):
        sizes = np.array([float(one.size) for one in each.kept])
        for step in LADDER:
            if not more_time():
                break
            cap = max(step * sizes[[_holds(whole, one) for one in shelf.kept]].sum(), sizes.min())
            model = mixed(each, Room(sizes[:, None], np.array([cap])), whole.result)
            if _name(each, model) not in points:
                points[_name(each, model)] = _point(each, measured(model, footprint(model), NO_LIMITS))
    return _unbeaten(list(points.values()), greater_is_better=shelf.metric.greater_is_better)


def _name(shelf: Shelf, model: Model) -> tuple[int, ...]:
    """Return the number of its networks and its trials, by which a mix is known."""
    return _networks(model), *_trials(shelf, model)


def _networks(model: Model) -> int:
    return sum(len(next(iter(part.weights.values()))) for part in model.parts)


def _trials(shelf: Shelf, model: Model) -> tuple[int, ...]:
    return tuple(one.trial for one in shelf.kept if _holds(model, one))


def _point(shelf: Shelf, model: Model) -> FrontPoint:
    result = model.result
    assert result.latency_ms is not None and result.size_bytes is not None
    return FrontPoint(result.score, result.latency_ms, result.size_bytes, _networks(model), _trials(shelf, model))


def _unbeaten(points: list[FrontPoint], *, greater_is_better: bool) -> tuple[FrontPoint, ...]:
    """Return the points that no other is at least as good as in everything (Pareto), the fastest first."""

    def values(point: FrontPoint) -> tuple[float, float, float]:
        worth = -point.score if greater_is_better else point.score
        return (worth if math.isfinite(worth) else math.inf, point.latency_ms, point.size_bytes)

    def beaten(point: FrontPoint) -> bool:
        own = values(point)
        others = (values(other) for other in points if other is not point)
        return any(other != own and all(one <= two for one, two in zip(other, own, strict=True)) for other in others)

    return tuple(sorted((point for point in points if not beaten(point)), key=lambda point: point.latency_ms))
