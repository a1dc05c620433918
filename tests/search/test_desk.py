"""The desk that hands proposals out, and the points that they are made of."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from netwright.search import SAMPLERS, Sampler, evolution
from netwright.search.desk import ROUND, Desk, Ticket
from netwright.spec.spaces import Choice, Range, mutate, neighbours, sample
from netwright.testing.samplers import SPACE, START, inside


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
    assert ROUND > 1
