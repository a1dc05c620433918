"""What every sampler must do: stay inside the space, repeat itself for one seed, and learn from what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from netwright.search import Sampler
from netwright.search.sampler import Handed, Heard, Step
from netwright.spec.spaces import Choice, Point, Range, Space, inside

SPACE: Space = {
    "shape": Choice(("small", "large")),
    "rate": Range(1e-4, 1.0, log=True, stackable=True),
    "drop": Range(0.0, 0.5, stackable=True),
}
START: Point = {"shape": "small", "rate": 1e-2, "drop": 0.1}

ODD: Space = {
    "only": Choice(("one",), stackable=True),
    "several": Choice(("none", "none", 1, 0.5)),
    "numbers": Choice((0.0, 0.0, 0.05, 0.1)),
}
"""One value, equal values, values of several types, and nothing else to tell siblings apart by."""
ODD_START: Point = {"only": "one", "several": "none", "numbers": 0.0}

Loss = Callable[[Point], float]


def check_sampler(sampler: Sampler, *, learns: bool = True) -> None:
    """Raise AssertionError unless the functions make a sampler.

    Args:
        sampler: to be checked.
        learns: whether told losses must lead to better points. Only a control, which ignores them, may say no.
    """
    first, again = _run(sampler, seed=1), _run(sampler, seed=1)
    assert first == again, "one seed gave two searches"
    assert first != _run(sampler, seed=2), "the seed changes nothing"
    assert first[0] == START, "the portfolio does not come first"
    assert all(inside(SPACE, point) for point in first), "a point lies outside the space"
    _check_siblings(sampler)
    _check_states(sampler)
    _check_failures(sampler)
    _check_lanes(sampler)
    _check_long_searches(sampler)
    _check_odd_spaces(sampler)
    _check_strange_points(sampler)
    _check_memory(sampler)
    if learns:
        _check_learning(sampler)


def _loss(point: Point) -> float:
    return abs(float(point["drop"]) - 0.4) + (0.5 if point["shape"] == "large" else 0.0)


def _one(point: Point) -> int:
    return 1


def _run(sampler: Sampler, seed: int, loss: Loss = _loss) -> list[Point]:
    state = sampler.init(SPACE, [START], seed)
    points: list[Point] = []
    for _ in range(60):
        (proposal,), state = sampler.ask(state, _one)
        points.append(dict(proposal.point))
        state = sampler.tell(state, proposal.point, loss(proposal.point))
    return points


def _check_learning(sampler: Sampler) -> None:
    blind = replace(sampler, tell=lambda state, point, loss: state)
    told = sum(_loss(point) for seed in range(5) for point in _run(sampler, seed))
    untold = sum(_loss(point) for seed in range(5) for point in _run(blind, seed))
    assert told < 0.9 * untold, "told losses do not lead to better points"


def _check_siblings(sampler: Sampler) -> None:
    state = sampler.init(SPACE, [START], 3)
    for turn in range(15):
        proposals, state = sampler.ask(state, lambda point: 4)
        assert len(proposals) == 4, "asked for four points, but got another number"
        assert len({proposal.point["shape"] for proposal in proposals}) == 1, "siblings have networks of another shape"
        assert all(inside(SPACE, proposal.point) for proposal in proposals), "a sibling lies outside the space"
        assert turn or proposals[0].point == START, "siblings of the portfolio's first point come before it"
        for proposal in proposals:
            state = sampler.tell(state, proposal.point, _loss(proposal.point))


def _check_states(sampler: Sampler) -> None:
    """A state is a value: what is done with it later does not change what it answers."""
    state = sampler.init(SPACE, [START], 3)
    for _ in range(15):
        before = sampler.ask(state, _one)
        (proposal,), later = before
        state = sampler.tell(later, proposal.point, _loss(proposal.point))
        sampler.tell(sampler.ask(state, _one)[1], START, 9.0)
        assert sampler.ask(state, _one)[0] == sampler.ask(state, _one)[0], "one state gave two answers"
    assert sampler.ask(later, _one)[0] == sampler.ask(later, _one)[0], "a state was changed after it was used"


def _check_failures(sampler: Sampler) -> None:
    """Trials that fail are never told."""
    state = sampler.init(SPACE, [START], 4)
    for turn in range(45):
        (proposal,), state = sampler.ask(state, _one)
        assert inside(SPACE, proposal.point), "after failures a point lies outside the space"
        if turn % 3 == 0:
            state = sampler.tell(state, proposal.point, _loss(proposal.point))


def _check_lanes(sampler: Sampler) -> None:
    """Several lanes ask before any of them tells, and tell in another order."""
    state = sampler.init(SPACE, [START], 5)
    for _ in range(6):
        points: list[Point] = []
        for _ in range(6):
            (proposal,), state = sampler.ask(state, _one)
            points.append(proposal.point)
        assert len({tuple(point.values()) for point in points}) > 1, "all lanes got one point"
        for point in reversed(points):
            state = sampler.tell(state, point, _loss(point))


def _check_long_searches(sampler: Sampler) -> None:
    state = sampler.init(SPACE, [START], 6)
    for turn in range(400):
        point = {"shape": ("small", "large")[turn % 2], "rate": 10.0 ** -(turn % 4), "drop": 0.5 * (turn % 50) / 49}
        state = sampler.tell(state, point, 0.5)
    for _ in range(5):
        (proposal,), state = sampler.ask(state, _one)
        assert inside(SPACE, proposal.point), "after hundreds of trials a point lies outside the space"


def _check_odd_spaces(sampler: Sampler) -> None:
    """More trials than the space has points."""
    state = sampler.init(ODD, [ODD_START], 7)
    for _ in range(40):
        proposals, state = sampler.ask(state, lambda point: 2)
        assert all(inside(ODD, proposal.point) for proposal in proposals), "a point lies outside a small space"
        for proposal in proposals:
            state = sampler.tell(state, proposal.point, float(proposal.point["numbers"]))


def _check_strange_points(sampler: Sampler) -> None:
    """The first points may have values that the space has not, and points may be told that nobody asked for."""
    strange = {**START, "shape": "tiny"}
    state = sampler.init(SPACE, [strange], 8)
    (proposal,), state = sampler.ask(state, _one)
    assert proposal.point == strange, "the portfolio does not come first"
    state = sampler.tell(sampler.tell(state, strange, 1.0), START, 0.0)
    for _ in range(30):
        (proposal,), state = sampler.ask(state, _one)
        assert set(proposal.point) == set(SPACE), "after a strange point a dimension is missing"
        state = sampler.tell(state, proposal.point, _loss(proposal.point))


def _check_memory(sampler: Sampler) -> None:
    """What an earlier search was asked and told leads to where it stood, however it is cut in two."""
    states, steps = [sampler.init(SPACE, [START], 9)], list[Step]()
    for turn in range(30):
        proposals, state = sampler.ask(states[-1], lambda point: 2)
        states.append(state)
        steps.append(Handed(proposals))
        for place, proposal in enumerate(proposals):
            if (turn + place) % 5:  # else it failed
                states.append(sampler.tell(states[-1], proposal.point, _loss(proposal.point)))
                steps.append(Heard(proposal.point, _loss(proposal.point)))
        if turn % 7 == 0:  # the heir of another, which nobody asked for
            states.append(sampler.tell(states[-1], START, 0.01 * turn))
            steps.append(Heard(START, 0.01 * turn))
    for cut in range(0, len(steps) + 1, 9):
        first = sampler.recall(states[0], steps[:cut])
        assert first == states[cut], "what was recalled is not where asking and telling had led"
        assert sampler.recall(first, steps[cut:]) == states[-1], "recalling in two parts leads elsewhere than in one"
