"""The desk that hands proposals out, and the points that they are made of."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from netwright.events import Proposed, Told
from netwright.search import SAMPLERS, Sampler, evolution
from netwright.search.desk import MOST_OPEN, Desk, Ticket, check_steps, tickets_of
from netwright.search.sampler import Proposal
from netwright.spec.spaces import Choice, Range, inside, mutate, neighbours, sample
from netwright.testing.samplers import SPACE, START


def test_mutations_stay_inside_the_space_and_change_something() -> None:
    """A mutation is another point of the same space; stackable ones keep the shape."""
    generator = np.random.default_rng(0)
    for _ in range(200):
        point = sample(SPACE, generator)
        moved = mutate(SPACE, point, generator, stackable_only=True)
        assert inside(SPACE, moved)
        assert moved["shape"] == point["shape"]
        assert inside(SPACE, mutate(SPACE, point, generator))


def test_a_choice_of_one_and_a_logarithmic_range_can_be_drawn() -> None:
    """The smallest spaces work too."""
    space = {"only": Choice(("one",)), "rate": Range(1e-3, 1e-1, log=True)}
    drawn = [float(sample(space, np.random.default_rng(seed))["rate"]) for seed in range(300)]
    assert 0.3 < np.mean(np.array(drawn) < 1e-2) < 0.7
    assert mutate(space, {"only": "one", "rate": 1e-2}, np.random.default_rng(0))["only"] == "one"


def test_only_what_means_something_at_a_point_is_changed() -> None:
    """Waves have a width, steps a number, and what has one value stays; else a trial would be made twice."""
    space = {
        "kind": Choice(("waves", "steps")),
        "width": Range(0.0, 1.0, given=("kind", "waves")),
        "number": Choice((1, 2, 3), given=("kind", "steps")),
        "only": Choice(("one", "one")),
    }
    generator = np.random.default_rng(0)
    waves = {"kind": "waves", "width": 0.5, "number": 2, "only": "one"}
    moved = [mutate(space, waves, generator) for _ in range(100)]
    assert all((point["number"] == 2 and point["width"] != 0.5) or point["kind"] == "steps" for point in moved)
    assert {point["kind"] for point in moved} == {"waves", "steps"}
    assert all(point["number"] == 2 for point in neighbours(space, waves))
    assert mutate(space, waves, generator, stackable_only=True) == waves


def _run(sampler: Sampler, lanes: int, trials: int) -> list[tuple[int, dict[str, object]]]:
    desk = Desk(sampler, sampler.init(SPACE, [START], 7), lambda point: 2, trials)
    seen: list[tuple[int, dict[str, object]]] = []
    lock = threading.Lock()

    def work() -> None:
        while tickets := desk.take():
            with lock:
                seen.extend((ticket.number, dict(ticket.proposal.point)) for ticket in tickets)
            for ticket in tickets:
                desk.give(ticket, float(ticket.proposal.point["drop"]))

    threads = [threading.Thread(target=work) for _ in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return sorted(seen, key=lambda entry: entry[0])


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_fixed_number_of_trials_is_the_same_on_one_lane_and_on_four(name: str) -> None:
    """Rounds make the proposals independent of who was first."""
    assert _run(SAMPLERS[name], 1, 43) == _run(SAMPLERS[name], 4, 43)
    assert [number for number, _ in _run(SAMPLERS[name], 3, 43)] == list(range(1, 44))


def test_without_a_number_of_trials_the_desk_goes_on_until_closed() -> None:
    """Losses are told at once, failures are simply forgotten."""
    desk = Desk(evolution.SAMPLER, evolution.init(SPACE, [START], 7), lambda point: 1)
    first: Ticket = desk.take()[0]
    desk.give(first, None)
    assert desk.state.told == ()
    second = desk.take()[0]
    desk.give(second, 0.5)
    assert [loss for _, loss in desk.state.told] == [0.5]
    desk.close()
    assert desk.take() == ()


@pytest.mark.parametrize("trials", [23, None])
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_desk_that_is_set_up_again_goes_the_same_way(name: str, trials: int | None) -> None:
    """Cut off after any step, it hands out what was out, and then what it would have handed out."""
    sampler = SAMPLERS[name]
    whole: list[Proposed | Told] = []
    _work(_desk(sampler, trials, whole.append), 40)
    for steps in range(0, len(whole), 3):
        noted = whole[:steps]
        desk = _desk(sampler, trials, noted.append)
        desk.replay(tuple(noted))
        assert desk.hand_out_again(tuple(noted)) == ()
        _work(desk, 40)
        assert tickets_of(noted) == tickets_of(whole)
        assert {step.trial: step.loss for step in noted if isinstance(step, Told)} == {
            step.trial: step.loss for step in whole if isinstance(step, Told)
        }


def _desk(sampler: Sampler, trials: int | None, note: Callable[[Proposed | Told], None]) -> Desk:
    return Desk(sampler, sampler.init(SPACE, [START], 7), lambda point: 2, trials, note)


def _work(desk: Desk, most: int) -> None:
    """Train what the desk hands out until so many trials are back, one after another."""
    while tickets := desk.take():
        for ticket in tickets:
            desk.give(ticket, float(ticket.proposal.point["drop"]) if ticket.number % 5 else None)
        if tickets[-1].number >= most:
            break


def test_heirs_are_told_again_or_given_up() -> None:
    """One that came back is known to the search; one that did not cannot be trained without its parents."""
    noted: list[Proposed | Told] = []
    desk = _desk(evolution.SAMPLER, None, noted.append)
    (first, _), point = desk.take(), dict(START)
    back, lost = desk.issue(Proposal(point, "heir")), desk.issue(Proposal(point, "heir"))
    desk.give(back, 0.25)
    steps = tuple(noted)
    again = _desk(evolution.SAMPLER, None, noted.append)
    again.replay(steps)
    assert again.hand_out_again(steps) == (lost,)
    assert noted[-1] == Told(lost.number, None)
    assert again.state.told == desk.state.told
    assert again.take()[0] == first
    assert again.issue(Proposal(point, "heir")).number == lost.number + 1


def test_trials_that_somebody_goes_on_with_are_not_handed_out_again() -> None:
    """They are still out, and come back as others do."""
    noted: list[Proposed | Told] = []
    out = _desk(evolution.SAMPLER, None, noted.append).take()
    again = _desk(evolution.SAMPLER, None, noted.append)
    steps = tuple(noted)
    again.replay(steps)
    again.hand_out_again(steps, {ticket.number for ticket in out})
    assert {ticket.number for ticket in again.take()}.isdisjoint({ticket.number for ticket in out})
    again.give(out[0], 0.5)
    assert [loss for _, loss in again.state.told] == [0.5]


def test_a_long_search_is_recalled_without_being_asked_again() -> None:
    """What took long to propose takes no time to go on with."""
    noted: list[Proposed | Told] = []
    _work(_desk(evolution.SAMPLER, None, noted.append), 3_000)

    def ask(state: object, siblings: object) -> tuple[tuple[Proposal, ...], object]:
        raise AssertionError("it was asked")

    desk = _desk(replace(evolution.SAMPLER, ask=ask), None, noted.append)
    check_steps(noted, SPACE, [START])
    desk.replay(tuple(noted))
    assert len(desk.state.told) == sum(isinstance(step, Told) and step.loss is not None for step in noted)


def test_fewer_trials_than_before_are_none_more() -> None:
    """Where a search of 23 trials is gone on with for 5, nothing is handed out, and nothing is noted."""
    noted: list[Proposed | Told] = []
    _work(_desk(evolution.SAMPLER, 23, noted.append), 8)
    before = tuple(noted)
    desk = _desk(evolution.SAMPLER, 5, noted.append)
    desk.replay(before)
    for ticket in desk.hand_out_again(before):
        desk.give(ticket, None)
    while tickets := desk.take():
        for ticket in tickets:
            desk.give(ticket, 0.5)
    assert not [step for step in noted[len(before) :] if isinstance(step, Proposed)]


# --- steps that are not trusted --------------------------------------------------------------------------------------

POINT = {"shape": "small", "rate": 0.5, "drop": 0.25}


def _proposed(number: int, point: object = POINT, origin: str = "heir") -> Proposed:
    return Proposed(((number, point, origin),), asked=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("trials", [23, None])
def test_what_a_desk_notes_is_let_pass(name: str, trials: int | None) -> None:
    """Of every search, mutations of a strange first point included."""
    noted: list[Proposed | Told] = []
    strange = {**START, "shape": "tiny"}
    sampler = SAMPLERS[name]
    desk = Desk(sampler, sampler.init(SPACE, [strange], 7), lambda point: 2, trials, noted.append)
    _work(desk, 40)
    check_steps(noted, SPACE, [strange])
    check_steps((), SPACE, [])


def test_many_workers_have_many_trials_in_training() -> None:
    """As many as there may be is said by who knows how many workers there were."""
    check_steps([_proposed(number) for number in range(1, MOST_OPEN + 2)], SPACE, [START], MOST_OPEN + 1)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([Told(1, 0.5)], "had not handed out"),
        ([_proposed(1), Told(0, 0.5)], "had not handed out"),
        ([_proposed(1), Told(2, None)], "had not handed out"),
        ([_proposed(1), Told(1, float("nan"))], "no number"),
        ([_proposed(1), Told(1, float("inf"))], "no number"),
        ([_proposed(2)], "one after another"),
        ([_proposed(1), _proposed(1)], "one after another"),
        ([_proposed(-1)], "one after another"),
        ([_proposed(2**70)], "one after another"),
        ([Proposed((), asked=True)], "one after another"),
        ([_proposed(1, {**POINT, "more": 1})], "does not search"),
        ([_proposed(1, {"shape": "small"})], "does not search"),
        ([_proposed(1, {**POINT, "shape": "vast"})], "does not search"),
        ([_proposed(1, {**POINT, "shape": ["small"]})], "does not search"),
        ([_proposed(1, {**POINT, "rate": 2.0})], "does not search"),
        ([_proposed(1, {**POINT, "rate": float("nan")})], "does not search"),
        ([_proposed(1, {**POINT, "rate": "0.5"})], "does not search"),
        ([_proposed(1, {**POINT, "drop": False})], "does not search"),
        ([_proposed(number) for number in range(1, MOST_OPEN + 2)], "than can be trained"),
    ],
)
def test_steps_that_no_desk_notes_are_refused(steps: list[Proposed | Told], words: str) -> None:
    """Whoever made them up: neither an error of Python comes of them, nor a search without end."""
    with pytest.raises(ValueError, match=words):
        check_steps(steps, SPACE, [START])
