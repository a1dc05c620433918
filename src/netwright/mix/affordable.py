"""The best mix within what a model may cost, measured and not guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from netwright.inference.graphs import graph_of_features, map_size, rows_together
from netwright.inference.session import start
from netwright.inference.share import Share
from netwright.mix.choosing import chosen, halved, holds, lone, measured, mixed, without_trunk
from netwright.mix.footprint import Footprint, footprint, seconds_of, seconds_of_each, typical_row
from netwright.mix.front import mix_of, name_of
from netwright.mix.shelf import Kept, Shelf, bytes_of
from netwright.model import Model, Part
from netwright.resources.limits import Limits
from netwright.result import Result
from netwright.select.room import Room
from netwright.spec.network import Network, seen_by_trunk

ATTEMPTS = 4  # to choose a mix that keeps limits when it is measured
SLACK = 0.93  # of the room that a mix that passed a limit shows there to be: a measured time is never twice the same
NEAR = 1.25  # times the limit: who takes more is not measured again
ALIKE = 1.1  # times that differ by less are one time, measured on a machine that is never twice the same


def within(shelf: Shelf, limits: Limits, whole: Model, more_time: Callable[[], bool] = lambda: True) -> Model:
    """Return the best mix that keeps the limits when it is measured; of the nearest ones the best where none does.

    Mixes of whole trials, of half of their networks and of one network of each are compared by their honest estimates,
    with those of the run's front, where it is known already. Who seems to take a little too long is measured again.

    Args:
        shelf: the kept trials.
        limits: what it may cost.
        whole: the mix without limits; the front of the run stands in its result.
        more_time: whether there is time to look further once a mix keeps the limits; asked before each kind of mixes.
    """
    found = [measured(whole, footprint(whole), limits)]
    if not found[0].result.missed:
        return found[0]

    def go_on() -> bool:
        return all(model.result.missed for model in found) or more_time()

    for each in {id(one): one for one in (shelf, without_trunk(shelf)) if one}.values():
        if go_on():
            besides = _besides(each, whole.result)
            for one in (each, halved(each), lone(each)):
                found += _tried(one, limits, besides, whole.result) if go_on() else []
    found += _of_front(shelf, limits, best_of(found, limits))
    return best_of(_measured_again(found, limits), limits)


def best_of(models: Sequence[Model], limits: Limits) -> Model:
    """Return the one with the best estimate of those that keep the limits; where none does, of those that come nearest.

    Args:
        models: measured.
        limits: what they may cost.
    """
    fit = [model for model in models if not model.result.missed]
    if not fit:
        least = min(_over(model, limits) for model in models)
        fit = [model for model in models if _over(model, limits) <= ALIKE * least]
    return max(fit, key=_worth)


def _over(model: Model, limits: Limits) -> float:
    """Return how many times one of the limits it takes, the one that it passes furthest."""
    latency, size = _cost(model)
    return max(latency / limits.latency, size / limits.size)


def _cost(model: Model) -> tuple[float, int]:
    """Return the seconds and the bytes that were measured."""
    assert model.result.latency_ms is not None and model.result.size_bytes is not None
    return 1e-3 * model.result.latency_ms, model.result.size_bytes


def _worth(model: Model) -> float:
    return model.result.score if model.result.greater_is_better else -model.result.score


# --- what there is to choose from ------------------------------------------------------------------------------------


def _besides(shelf: Shelf, result: Result) -> NDArray[np.float64]:
    """Return the bytes and seconds (2,) of a model beside those of its networks: of preparing a row, and of a trunk."""
    one = max(shelf.kept, key=lambda one: (seen_by_trunk(one.candidate.network), -one.size))
    model = chosen(replace(shelf, kept=(one,)), Room.without_limits(1), result)
    cost = footprint(model)
    return np.asarray(np.maximum(np.array([cost.size, cost.latency]) - _costs(shelf, model.parts).sum(axis=0), 0))


def _tried(shelf: Shelf, limits: Limits, besides: NDArray[np.float64], result: Result) -> list[Model]:
    """Return mixes chosen by costs foretold from their parts, each with the room that the one before it showed.

    What a mix takes beyond the foretold costs of its networks stands beside them, whatever was thought before. After
    one that passes a limit there is less room than it took, and after one that keeps them there may be room for more.

    Args:
        shelf: what there is to choose from.
        limits: what it may cost.
        besides: bytes and seconds of a model that are not its networks', as a first guess.
        result: what a mix's numbers are filled into.
    """
    costs, wanted = _costs(shelf, shelf.kept), np.array([limits.size, limits.latency])
    found: dict[tuple[int, ...], Model] = {}
    caps = wanted - besides
    for _ in range(ATTEMPTS):
        model = mixed(shelf, Room(costs, np.maximum(caps, 0)), result)
        if name_of(shelf, model) in found:
            break
        cost = footprint(model)
        found[name_of(shelf, model)] = measured(model, cost, limits)
        taken = np.array([cost.size, cost.latency])
        foretold = costs[[holds(model, one) for one in shelf.kept]].sum(axis=0)
        caps = np.where(taken > wanted, SLACK, 1.0) * (wanted - (taken - foretold))
    return list(found.values())


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


def _of_front(shelf: Shelf, limits: Limits, best: Model) -> list[Model]:
    """Return the mixes of the run's front that are better than the best one so far, or all if that keeps no limits.

    What the run measured of one counts too, if it is alike: the less of the two is nearer to what it takes.
    """
    found = []
    for point in best.result.front:
        score = point.score if best.result.greater_is_better else -point.score
        model = mix_of(shelf, point, best.result) if best.result.missed or score > _worth(best) else None
        if model is not None:
            cost, known = footprint(model), 1e-3 * point.latency_ms
            latency = min(known, cost.latency) if cost.latency <= ALIKE * known else cost.latency
            found.append(measured(model, Footprint(latency, cost.size), limits))
    return found


def _measured_again(found: Sequence[Model], limits: Limits) -> list[Model]:
    """Return the models; those that are better than the best one and just too slow are timed once more, in turns."""
    best = best_of(found, limits)

    def doubtful(model: Model) -> bool:
        latency, size = _cost(model)
        near = limits.latency < latency < NEAR * limits.latency and size <= limits.size
        return near and (bool(best.result.missed) or _worth(model) > _worth(best))

    row = typical_row(best.preparation.schema)
    again = [model for model in found if doubtful(model)]
    times = dict(zip(map(id, again), seconds_of_each([partial(model.answers, row) for model in again]), strict=True))
    return [_at_most(model, times[id(model)], limits) if id(model) in times else model for model in found]


def _at_most(model: Model, seconds: float, limits: Limits) -> Model:
    latency, size = _cost(model)
    return measured(model, Footprint(min(latency, seconds), size), limits)
