"""What the samplers share: the state, the given points first, siblings, and the books of what is being trained."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from netwright.search.sampler import Handed, Proposal, Siblings, Step
from netwright.spec.spaces import Point, Space, Value, kind_of, mutate

GIVEN = "portfolio"  # where a proposal comes from that was given
AHEAD = 0.75  # times the loss of the second best kind of network: with less, a kind is far ahead


@dataclass(frozen=True)
class State:
    """All that a search knows.

    Attributes:
        space: the dimensions.
        portfolio: the points that come first and have not been handed out.
        seed: together with `asked` it decides every draw.
        asked: how many times.
        told: (point, loss), lower is better, in the order told.
        open: points handed out and not told: in training, or failed.
    """

    space: Space
    portfolio: tuple[Point, ...]
    seed: int
    asked: int = 0
    told: tuple[tuple[Point, float], ...] = ()
    open: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Source:
    """Where points come from after the portfolio.

    Attributes:
        propose: (state, generator) → the next point.
        vary: (state, point, generator) → a sibling: a point that differs only where the network keeps its shape.
    """

    propose: Callable[[State, np.random.Generator], Proposal]
    vary: Callable[[State, Point, np.random.Generator], Proposal]


def init(space: Space, portfolio: Sequence[Point], seed: int) -> State:
    """Return the state before the first question."""
    return State(space, tuple(portfolio), seed)


def ask(state: State, siblings: Siblings, source: Source) -> tuple[tuple[Proposal, ...], State]:
    """Return points to train together, and the new state: a point of the portfolio or of the source, and siblings.

    Args:
        state: what is known.
        siblings: point → how many.
        source: where points come from.
    """
    generator = np.random.default_rng((state.seed, state.asked))
    first = Proposal(_next_given(state), GIVEN) if state.portfolio else source.propose(state, generator)
    proposals = [first]
    rest = _without(state.portfolio, first)
    state = _handed_out(replace(state, asked=state.asked + 1, portfolio=rest), first)
    for _ in range(siblings(first.point) - 1):
        proposals.append(source.vary(state, first.point, generator))
        state = _handed_out(state, proposals[-1])
    return tuple(proposals), state


def tell(state: State, point: Point, loss: float) -> State:
    """Return the state that also knows that `point` came to `loss`."""
    waiting = list(state.open)
    if point in waiting:
        waiting.remove(point)
    return replace(state, told=(*state.told, (point, loss)), open=tuple(waiting))


def recall(state: State, steps: Sequence[Step]) -> State:
    """Return the state that asking and telling these in order leads to."""
    asked, told, waiting, portfolio = state.asked, [*state.told], dict[int, Point](), state.portfolio
    places: dict[frozenset[tuple[str, Value]], deque[int]] = defaultdict(deque)  # of equal points, the earliest first
    turns = count()

    def hand_out(point: Point) -> None:
        turn = next(turns)
        waiting[turn] = point
        places[key_of(point)].append(turn)

    for point in state.open:
        hand_out(point)
    for step in steps:
        if isinstance(step, Handed):
            asked += 1
            portfolio = _without(portfolio, step.proposals[0])
            for proposal in step.proposals:
                hand_out(proposal.point)
        else:
            told.append((step.point, step.loss))
            if equal := places[key_of(step.point)]:
                del waiting[equal.popleft()]
    return replace(state, portfolio=portfolio, asked=asked, told=tuple(told), open=tuple(waiting.values()))


def key_of(point: Point) -> frozenset[tuple[str, Value]]:
    """Return what is equal for equal points, and can be looked up."""
    return frozenset(point.items())


def mutated(state: State, point: Point, generator: np.random.Generator) -> Proposal:
    """Return a sibling that is a mutation: one or two of the dimensions that keep the shape are changed."""
    return Proposal(mutate(state.space, point, generator, stackable_only=True), "mutation")


def _next_given(state: State) -> Point:
    """Return the next point of the portfolio: the first, or the first of the kind that is far ahead.

    That kind has half of the trials: the portfolio is in an order in which its points help each other out, and what is
    left of the usual kind would come to much the same as what was tried of it.
    """
    kinds = [kind_of(state.space, point) for point, _ in state.told]
    best: dict[tuple[Value, ...], float] = {}
    for kind, (_, loss) in zip(kinds, state.told, strict=True):
        best[kind] = min(loss, best.get(kind, loss))
    if len(best) < 2:
        return state.portfolio[0]
    first, second = sorted(best, key=lambda kind: best[kind])[:2]
    if best[first] > AHEAD * best[second] or 2 * kinds.count(first) >= len(kinds):
        return state.portfolio[0]
    alike = (point for point in state.portfolio if kind_of(state.space, point) == first)
    return next(alike, state.portfolio[0])


def _without(portfolio: tuple[Point, ...], handed: Proposal) -> tuple[Point, ...]:
    """Return the points that are left of a portfolio when one was handed out, which may be of elsewhere."""
    if handed.origin != GIVEN or handed.point not in portfolio:
        return portfolio
    place = portfolio.index(handed.point)
    return portfolio[:place] + portfolio[place + 1 :]


def _handed_out(state: State, proposal: Proposal) -> State:
    return replace(state, open=(*state.open, proposal.point))
