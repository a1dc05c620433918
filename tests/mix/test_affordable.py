"""What is handed over under a limit, on a machine that seems slower now and then: the costs are given, not measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import netwright as nw
from netwright.errors import TrialError
from netwright.handover import finish
from netwright.mix import affordable, choosing, front
from netwright.mix.affordable import best_of, within
from netwright.mix.choosing import best_mix, lone, measured, mixed, usual_room
from netwright.mix.footprint import Footprint
from netwright.mix.front import mix_of, name_of, smaller_mixes
from netwright.mix.shelf import Kept, Shelf, read_shelf
from netwright.model import Model, Part
from netwright.resources.limits import NO_LIMITS, Limits
from netwright.result import FrontPoint, Result
from netwright.select.room import Room

BESIDE = 1e-3  # seconds that a row takes beside the networks


@pytest.fixture(scope="module")
def run(iris_run: nw.Run) -> nw.Run:
    """Return a short run on the irises."""
    return iris_run


@pytest.fixture(scope="module")
def shelf(run: nw.Run) -> Shelf:
    """Return the trials that the run kept, the best first."""
    return read_shelf(run.folder / "trials.nw")[0]


@dataclass
class Machine:
    """A machine on which each network takes its time, and sometimes all take longer.

    Attributes:
        price: trial → seconds that one of its networks takes.
        slower: by which times of whole models are multiplied, now.
        foretold: by which times of networks alone are multiplied.
        beside: what seems to stand beside them.
    """

    price: dict[int, float]
    slower: float = 1.0
    foretold: float = 1.0
    beside: float = BESIDE

    def seconds(self, model: Model) -> float:
        """Return what a row takes on a quiet machine."""
        trials = [standing.trial for standing in model.result.leaderboard if standing.weight]
        networks = [len(next(iter(part.weights.values()))) for part in model.parts]
        return BESIDE + sum(self.price[trial] * count for trial, count in zip(trials, networks, strict=True))

    def footprint(self, model: Model) -> Footprint:
        """Return what is measured of a model now."""
        return Footprint(self.slower * self.seconds(model), 1)

    def costs(self, shelf: Shelf, trials: Sequence[Kept | Part]) -> NDArray[np.float64]:
        """Return what is measured of networks alone."""
        kept = [one for one in trials if isinstance(one, Kept)]
        counts = [len(next(iter(one.weights.values()))) for one in kept]
        return np.array(
            [[1.0, self.foretold * self.price[one.trial] * count] for one, count in zip(kept, counts, strict=True)]
        )

    def besides(self, shelf: Shelf, result: object) -> NDArray[np.float64]:
        """Return what is measured of a model beside its networks."""
        return np.array([0.0, self.beside])

    def seconds_of_each(self, works: Sequence[Callable[[], object]]) -> list[float]:
        """Return what calls of models take once the machine is quiet again."""
        return [self.seconds(work.func.__self__) for work in works]  # type: ignore[attr-defined]


@pytest.fixture
def machine(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine on which the better trials take longer, and that everything is measured on."""
    made = Machine({one.trial: 2e-5 * (len(shelf.kept) - place) for place, one in enumerate(shelf.kept)})
    monkeypatch.setattr(affordable, "footprint", made.footprint)
    monkeypatch.setattr(front, "footprint", made.footprint)
    monkeypatch.setattr(affordable, "_costs", made.costs)
    monkeypatch.setattr(affordable, "_besides", made.besides)
    monkeypatch.setattr(affordable, "seconds_of_each", made.seconds_of_each)
    return made


@pytest.fixture
def whole(run: nw.Run, shelf: Shelf) -> Model:
    """Return the mix without limits, of a run whose front is not known."""
    result = replace(run.result, front=())
    return measured(mixed(shelf, Room.without_limits(len(shelf.kept)), result), Footprint(1.0, 1), NO_LIMITS)


def _limit(shelf: Shelf, machine: Machine) -> Limits:
    """Return a limit that one network of the second best trial keeps just so, and none of the best one."""
    return Limits(latency=BESIDE + 1.01 * machine.price[shelf.kept[1].trial])


def _trials(model: Model) -> list[int]:
    return [standing.trial for standing in model.result.leaderboard if standing.weight]


@pytest.mark.parametrize("seen", [0.9, 1.0, 1.02, 1.2])
def test_room_that_a_first_measurement_hid_is_found(shelf: Shelf, machine: Machine, whole: Model, seen: float) -> None:
    """What stands beside the networks seemed to take most of the limit, or all; a measured mix says otherwise."""
    limits = _limit(shelf, machine)
    machine.beside = seen * BESIDE
    assert machine.seconds(whole) > limits.latency
    kept = within(shelf, limits, whole)
    assert not kept.result.missed
    assert _trials(kept) == [shelf.kept[1].trial]


def test_a_mix_that_passes_a_limit_leaves_less_room(shelf: Shelf, machine: Machine, whole: Model) -> None:
    """Networks took less alone than they take in a model: the mixes that follow come down to what is kept."""
    machine.foretold = 0.2
    limits = _limit(shelf, machine)
    kept = within(shelf, limits, whole)
    assert machine.seconds(kept) <= limits.latency
    assert not kept.result.missed


def _with_front(shelf: Shelf, whole: Model) -> Model:
    """Return the whole mix with the front of its run, measured on the machine as it is now."""
    points = front.front(smaller_mixes(shelf, whole, NO_LIMITS, lambda: True))
    return replace(whole, result=replace(whole.result, front=points))


def test_no_mix_is_worse_than_one_of_the_front_that_keeps_the_limit(
    shelf: Shelf, machine: Machine, whole: Model
) -> None:
    """However wrong the costs of networks were foretold, for any limit that a point of the front keeps."""
    whole = _with_front(shelf, measured(whole, machine.footprint(whole), NO_LIMITS))
    points = whole.result.front
    assert len(points) >= 3
    machine.foretold = 1000.0  # so that there never seems to be room for more than the cheapest one
    for point in points[:-1]:
        limits = Limits(latency=1.0001e-3 * point.latency_ms)
        known = max(one.score for one in points if 1e-3 * one.latency_ms <= limits.latency)
        kept = within(shelf, limits, whole)
        assert not kept.result.missed
        assert kept.result.score >= known


@pytest.mark.parametrize(("slower", "counts"), [(1.05, True), (1.2, False)])
def test_what_the_run_measured_counts_where_it_is_alike(
    shelf: Shelf, machine: Machine, whole: Model, monkeypatch: pytest.MonkeyPatch, slower: float, counts: bool
) -> None:
    """A little slower now it is the same machine with other work to do; much slower it may be another one."""
    whole = _with_front(shelf, whole)
    monkeypatch.setattr(affordable, "seconds_of_each", lambda works: [1.0] * len(works))
    limits = _limit(shelf, machine)
    machine.slower = slower
    kept = within(shelf, limits, whole)
    assert (not kept.result.missed) is counts
    assert kept.result.latency_ms == pytest.approx(1e3 * machine.seconds(kept) * (1.0 if counts else slower))


def test_who_seems_just_too_slow_is_measured_again(shelf: Shelf, machine: Machine, whole: Model) -> None:
    """In a slow spell everything seems to pass the limit; once it is over, what keeps it does so."""
    limits = _limit(shelf, machine)
    machine.slower = 1.1
    kept = within(shelf, limits, whole)
    assert not kept.result.missed
    assert kept.result.latency_ms == pytest.approx(1e3 * machine.seconds(kept))


def test_who_is_far_too_slow_is_not_measured_again(
    shelf: Shelf, machine: Machine, whole: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow spell does not explain it, and each costs time."""
    asked: list[int] = []
    monkeypatch.setattr(affordable, "seconds_of_each", lambda works: [asked.append(1) or 1.0 for _ in works])
    kept = within(shelf, Limits(latency=0.5 * BESIDE), whole)
    assert kept.result.missed
    assert not asked


@pytest.mark.parametrize(("score", "times"), [(0.8, 0), (0.95, 1)])
def test_who_is_worse_than_what_keeps_the_limit_is_not_measured_again(
    shelf: Shelf, machine: Machine, whole: Model, monkeypatch: pytest.MonkeyPatch, score: float, times: int
) -> None:
    """It would not be taken if it kept the limit too; a better one would."""
    limits, asked = Limits(latency=BESIDE), []
    found = [_made(whole, 0.9, 0.9 * BESIDE, limits), _made(whole, score, 1.1 * BESIDE, limits)]
    machine.slower = 2.0  # the whole mix is out of the question
    monkeypatch.setattr(affordable, "_tried", lambda *_: [])
    monkeypatch.setattr(affordable, "_of_front", lambda *_: found)
    monkeypatch.setattr(affordable, "seconds_of_each", lambda works: [asked.append(1) or 1.0 for _ in works])
    assert within(shelf, limits, whole).result.score == 0.9
    assert len(asked) == times


def _made(model: Model, score: float, latency: float, limits: Limits, *, greater: bool = True) -> Model:
    result = replace(model.result, score=score, greater_is_better=greater)
    return measured(replace(model, result=result), Footprint(latency, 1), limits)


@pytest.mark.parametrize("greater", [True, False])
def test_the_best_of_those_that_keep_the_limits(whole: Model, greater: bool) -> None:
    """A better one that passes them is not taken, nor the fastest."""
    limits, sign = Limits(latency=1.0), 1 if greater else -1
    models = [_made(whole, sign * score, score, limits, greater=greater) for score in (0.7, 0.9, 1.01)]
    assert best_of(models, limits) is models[1]


def test_where_none_keeps_the_limits_the_best_of_the_nearest(whole: Model) -> None:
    """Times that differ by little are alike, so the better one is taken; what takes much longer is not."""
    limits = Limits(latency=1.0)
    models = [_made(whole, score, latency, limits) for score, latency in ((0.7, 1.1), (0.8, 1.15), (0.9, 1.3))]
    assert best_of(models, limits) is models[1]


def test_a_size_that_no_file_has_still_tells_who_comes_nearest(whole: Model) -> None:
    """What stands beside the networks takes more than was asked for: the smallest is handed over, not the best."""
    limits = finish._less_card(Limits(size=1_000.0), 3)
    models = [
        measured(replace(whole, result=replace(whole.result, score=score)), Footprint(1e-3, size), limits)
        for score, size in ((0.7, 20_000), (0.9, 3_000_000))
    ]
    assert best_of(models, limits) is models[0]


@pytest.mark.parametrize(("keeps", "more", "tries"), [(True, False, 1), (True, True, 3), (False, False, 3)])
def test_where_time_is_short_the_first_mixes_that_keep_the_limits_are_enough(
    shelf: Shelf, machine: Machine, whole: Model, monkeypatch: pytest.MonkeyPatch, keeps: bool, more: bool, tries: int
) -> None:
    """As long as none does, all kinds are looked at whatever the time."""
    limits, asked = Limits(latency=BESIDE), []
    machine.slower = 2.0  # the whole mix is out of the question

    def tried(*_: object) -> list[Model]:
        asked.append(1)
        return [_made(whole, 0.9, (0.9 if keeps else 2.0) * BESIDE, limits)]

    monkeypatch.setattr(affordable, "_tried", tried)
    within(shelf, limits, whole, lambda: more)
    assert len(asked) == tries


@pytest.mark.parametrize(("more", "mixes"), [(False, 1), (True, 2)])
def test_where_time_is_short_one_mix_is_estimated(
    run: nw.Run, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, more: bool, mixes: int
) -> None:
    """That of all networks; half of them are looked at where there is time for it."""
    made: list[Model] = []

    def noted(shelf: Shelf, room: Room, result: Result) -> Model:
        made.append(mixed(shelf, room, result))
        return made[-1]

    monkeypatch.setattr(choosing, "mixed", noted)
    best = best_mix(shelf, NO_LIMITS, run.result, lambda: more)
    assert len(made) == mixes and any(best is one for one in made)
    whole = mixed(shelf, usual_room(shelf), run.result)
    assert [part.share for part in made[0].parts] == [part.share for part in whole.parts]


def test_the_size_of_a_trial_is_told_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of large networks it takes a while, and every mix asks for it."""
    asked: list[object] = []

    def bytes_of(weights: object) -> int:
        asked.append(weights)
        return 7

    monkeypatch.setattr("netwright.mix.shelf.bytes_of", bytes_of)
    one = replace(shelf.kept[0])
    assert (one.size, one.size) == (7, 7) and len(asked) == 1


def test_a_point_of_the_front_is_made_again(run: nw.Run, shelf: Shelf) -> None:
    """From its trials and the number of its networks: the same mix, with the same shares."""
    whole = run.model
    mixes = smaller_mixes(shelf, whole, NO_LIMITS, lambda: True)
    assert len(mixes) >= 3
    for (networks, *trials), model in mixes.items():
        again = mix_of(shelf, FrontPoint(0.0, 1.0, 1, networks, tuple(trials)), run.result)
        assert again is not None
        assert [part.share for part in again.parts] == [part.share for part in model.parts]
        assert name_of(shelf, again) == (networks, *trials)


def test_a_point_that_the_trials_do_not_make_is_none(run: nw.Run, shelf: Shelf) -> None:
    """Such as one of other trials, or of more networks than they have."""
    assert mix_of(shelf, FrontPoint(0.0, 1.0, 1, 1, (99,)), run.result) is None
    assert mix_of(shelf, FrontPoint(0.0, 1.0, 1, 99, (shelf.kept[0].trial,)), run.result) is None


def test_a_fit_under_a_limit_hands_over_nothing_worse_than_its_front(
    irises: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The front is measured after the mix was chosen, and the report shows both."""

    def poorest(shelf: Shelf, limits: Limits, whole: Model, more_time: Callable[[], bool]) -> Model:
        last = replace(lone(shelf), kept=lone(shelf).kept[-1:])
        model = mixed(last, Room.without_limits(1), whole.result)
        return measured(model, Footprint(1e-3, 10_000), limits)

    def failing(*_: object) -> Model:
        raise TrialError("no network was trained")

    monkeypatch.setattr(finish, "within", poorest)
    monkeypatch.setattr(finish, "_single", failing)
    limit = 450_000
    run = nw.fit(irises, "target", trials=4, max_size=f"{limit}B", out=tmp_path_factory.mktemp("limited"))
    inside = [point.score for point in run.result.front if point.size_bytes < limit]
    assert len(inside) >= 2
    assert run.result.score >= max(inside)
    assert not run.result.missed
