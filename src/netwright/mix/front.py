"""The front of a run: mixes of fewer and fewer bytes, measured, of which none beats another in everything."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from netwright.mix.choosing import halved, holds, lone, measured, mixed
from netwright.mix.footprint import footprint
from netwright.mix.shelf import Shelf
from netwright.model import Model
from netwright.resources.limits import Limits
from netwright.result import FrontPoint, Result
from netwright.select.room import Room

LADDER = (1.0, 0.5, 0.25, 0.12, 0.06, 0.0)  # of the bytes of the whole mix: the steps of the front


def smaller_mixes(
    shelf: Shelf, whole: Model, limits: Limits, more_time: Callable[[], bool]
) -> dict[tuple[int, ...], Model]:
    """Return mixes of fewer and fewer bytes by name, the whole one first, each measured beside the limits.

    Args:
        shelf: the kept trials.
        whole: the mix without limits, measured.
        limits: what a model may cost.
        more_time: whether there is time for one more; asked before each.
    """
    found = {name_of(shelf, whole): whole}
    for each in (lone(shelf), shelf, halved(shelf)):
        sizes = np.array([float(one.size) for one in each.kept])
        for step in LADDER:
            if not more_time():
                return found
            cap = max(step * sizes[[holds(whole, one) for one in shelf.kept]].sum(), sizes.min())
            model = mixed(each, Room(sizes[:, None], np.array([cap])), whole.result)
            if name_of(each, model) not in found:
                found[name_of(each, model)] = measured(model, footprint(model), limits)
    return found


def name_of(shelf: Shelf, model: Model) -> tuple[int, ...]:
    """Return the number of its networks and its trials, by which a mix is known."""
    networks = sum(len(next(iter(part.weights.values()))) for part in model.parts)
    return networks, *(one.trial for one in shelf.kept if holds(model, one))


def front(mixes: dict[tuple[int, ...], Model]) -> tuple[FrontPoint, ...]:
    """Return measured mixes, given by name, as points, without those that another one beats; the fastest first."""
    points = []
    for (networks, *trials), model in mixes.items():
        result = model.result
        assert result.latency_ms is not None and result.size_bytes is not None
        points.append(FrontPoint(result.score, result.latency_ms, result.size_bytes, networks, tuple(trials)))
    greater = all(model.result.greater_is_better for model in mixes.values())
    return _unbeaten(points, greater_is_better=greater)


def _unbeaten(points: Sequence[FrontPoint], *, greater_is_better: bool) -> tuple[FrontPoint, ...]:
    """Return the points that no other is at least as good as in everything (Pareto), the fastest first."""

    def values(point: FrontPoint) -> tuple[float, float, float]:
        worth = -point.score if greater_is_better else point.score
        return (worth if math.isfinite(worth) else math.inf, point.latency_ms, point.size_bytes)

    def beaten(point: FrontPoint) -> bool:
        own = values(point)
        others = (values(other) for other in points if other is not point)
        return any(other != own and all(one <= two for one, two in zip(other, own, strict=True)) for other in others)

    return tuple(sorted((point for point in points if not beaten(point)), key=lambda point: point.latency_ms))


def mix_of(shelf: Shelf, point: FrontPoint, result: Result) -> Model | None:
    """Return the mix that a point of a front stands for, not measured; None where these trials do not make it.

    It is chosen among all trials within the bytes of its own: so its estimate is as honest as that of any mix.

    Args:
        shelf: the kept trials.
        point: of the front of their run.
        result: what the mix's numbers are filled into.
    """
    for each in (lone(shelf), halved(shelf), shelf):
        inside = np.array([one.trial in point.trials for one in each.kept])
        networks = sum(len(next(iter(one.weights.values()))) for one in each.kept if one.trial in point.trials)
        if networks == point.networks:
            sizes = np.array([float(one.size) for one in each.kept])
            model = mixed(each, Room(sizes[:, None], sizes[inside].sum(keepdims=True)), result)
            return model if name_of(each, model) == (point.networks, *point.trials) else None
    return None
