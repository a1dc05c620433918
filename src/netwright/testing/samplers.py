"""What every sampler must do: stay inside the space, repeat itself for one seed, and learn from what it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netwright.search.evolution import Proposal
from netwright.spec.spaces import Choice, Point, Range, Space

Init = Callable[[Space, Sequence[Point], int], Any]
Ask = Callable[[Any, Callable[[Point], int]], tuple[tuple[Proposal, ...], Any]]
Tell = Callable[[Any, Point, float], Any]

SPACE: Space = {
    "shape": Choice(("small", "large")),
    "rate": Range(1e-4, 1.0, log=True, stackable=True),
    "drop": Range(0.0, 0.5, stackable=True),
}
START: Point = {"shape": "small", "rate": 1e-2, "drop": 0.1}


def inside(space: Space, point: Point) -> bool:
    """Return whether a point has every dimension of the space, with a value that it allows."""
    return set(point) == set(space) and all(_allows(dimension, point[name]) for name, dimension in space.items())


def _allows(dimension: Choice | Range, value: Any) -> bool:
    if isinstance(dimension, Choice):
        return value in dimension.values
    return bool(dimension.low * (1 - 1e-9) <= value <= dimension.high * (1 + 1e-9))


def check_sampler(init: Init, ask: Ask, tell: Tell) -> None:
    """Raise AssertionError unless the three functions make a sampler."""
    first, again = _run(init, ask, tell, seed=1), _run(init, ask, tell, seed=1)
    assert first == again, "one seed gave two searches"
    assert first != _run(init, ask, tell, seed=2), "the seed changes nothing"
    assert first[0] == START, "the portfolio does not come first"
    assert all(inside(SPACE, point) for point in first), "a point lies outside the space"
    _check_siblings(init, ask)
    told = sum(_loss(point) for seed in range(5) for point in _run(init, ask, tell, seed))
    blind = sum(_loss(point) for seed in range(5) for point in _run(init, ask, lambda state, point, loss: state, seed))
    assert told < 0.9 * blind, "told losses do not lead to better points"


def _loss(point: Point) -> float:
    return abs(float(point["drop"]) - 0.4) + (0.5 if point["shape"] == "large" else 0.0)


def _run(init: Init, ask: Ask, tell: Tell, seed: int) -> list[Point]:
    state = init(SPACE, [START], seed)
    points: list[Point] = []
    for _ in range(60):
        (proposal,), state = ask(state, lambda point: 1)
        points.append(dict(proposal.point))
        state = tell(state, proposal.point, _loss(proposal.point))
    return points


def _check_siblings(init: Init, ask: Ask) -> None:
    proposals, _ = ask(init(SPACE, [START], 3), lambda point: 4)
    assert len(proposals) == 4, "asked for four points, but got another number"
    assert {proposal.point["shape"] for proposal in proposals} == {"small"}, "siblings have networks of another shape"
