"""Local search: hill climbing by first improvement, with restarts at random.

The walk stands on its centre, at first the best point told. Each proposal is a neighbour of the centre that was not yet
tried: one small step in one dimension, all of them equally likely. As soon as a neighbour is told to be better, the
centre moves there (White, Nolen and Savani 2021, arXiv 2005.02960; Den Ottelander et al. 2021, arXiv 2004.08996,
who find it hard to beat as a search for networks). When every neighbour was tried and none was better,
the centre is a local minimum: proposals are then random points, and the walk goes on from the first of them to be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from netwright.search import state as shared
from netwright.search.random import drawn
from netwright.search.sampler import Handed, Proposal, Sampler, Siblings, Step
from netwright.search.state import Source, State, key_of, mutated
from netwright.spec.spaces import Choice, Point, Space, Value, neighbours, place


@dataclass(frozen=True)
class Walk:
    """Where local search stands.

    Attributes:
        state: what every search knows.
        centre: the point whose neighbours are tried, and its loss; None before anything was told.
        starts: random points proposed since all neighbours of the centre were tried.
    """

    state: State
    centre: tuple[Point, float] | None = None
    starts: tuple[Point, ...] = ()


def init(space: Space, portfolio: Sequence[Point], seed: int) -> Walk:
    """Return the walk before the first question."""
    return Walk(shared.init(space, portfolio, seed))


def ask(walk: Walk, siblings: Siblings) -> tuple[tuple[Proposal, ...], Walk]:
    """Return points to train together, and the new walk."""

    def propose(state: State, generator: np.random.Generator) -> Proposal:
        found = _untried(state, [] if walk.centre is None else neighbours(state.space, walk.centre[0]))
        return _one_of(found, generator) if found else replace(drawn(state, generator), origin="restart")

    def vary(state: State, point: Point, generator: np.random.Generator) -> Proposal:
        here = walk.centre[0] if walk.centre and _one_shape(state.space, walk.centre[0], point) else point
        found = _untried(state, neighbours(state.space, here, stackable_only=True))
        return _one_of(found, generator) if found else mutated(state, point, generator)

    proposals, state = shared.ask(walk.state, siblings, Source(propose, vary))
    return proposals, replace(walk, state=state, starts=(*walk.starts, *_restarts(proposals)))


def tell(walk: Walk, point: Point, loss: float) -> Walk:
    """Return the walk that also knows that `point` came to `loss`."""
    state = shared.tell(walk.state, point, loss)
    if walk.centre is None or loss < walk.centre[1] or point in walk.starts:
        return Walk(state, (point, loss))
    return replace(walk, state=state)


def recall(walk: Walk, steps: Sequence[Step]) -> Walk:
    """Return the walk that asking and telling these in order leads to."""
    centre, starts = walk.centre, [*walk.starts]
    known = {key_of(point) for point in starts}
    for step in steps:
        if isinstance(step, Handed):
            fresh = _restarts(step.proposals)
            starts += fresh
            known |= {key_of(point) for point in fresh}
        elif centre is None or step.loss < centre[1] or key_of(step.point) in known:
            centre, starts, known = (step.point, step.loss), [], set()
    return Walk(shared.recall(walk.state, steps), centre, tuple(starts))


def _restarts(proposals: Sequence[Proposal]) -> tuple[Point, ...]:
    return tuple(proposal.point for proposal in proposals if proposal.origin == "restart")


def _one_of(points: list[dict[str, Value]], generator: np.random.Generator) -> Proposal:
    return Proposal(points[int(generator.integers(len(points)))], "neighbour")


def _untried(state: State, points: Iterable[dict[str, Value]]) -> list[dict[str, Value]]:
    tried = {_key(state.space, point) for point in (*state.open, *(point for point, _ in state.told))}
    return [point for point in points if _key(state.space, point) not in tried]


def _key(space: Space, point: Point) -> tuple[Value, ...]:
    """Return what tells points apart; a step there and back meets its start, whatever the last digits say."""
    return tuple(
        point[name] if isinstance(dimension, Choice) else round(place(dimension, float(point[name])), 6)
        for name, dimension in space.items()
    )


def _one_shape(space: Space, one: Point, other: Point) -> bool:
    return all(one[name] == other[name] for name, dimension in space.items() if not dimension.stackable)


SAMPLER = Sampler("local", init, ask, tell, recall)
