"""Portfolio first, then mutations of the best: pure functions `init`, `ask`, `tell` over an explicit state.

After the portfolio each proposal is a mutation of one of the `PARENTS` best points so far (a (μ + 1) evolution
strategy, Rechenberg 1973; mutation alone, as in Real et al. 2019, arXiv 1802.01548), or, one time in `RANDOM_EVERY`, a
random point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from netwright.spec.spaces import Point, Space, mutate, sample

PARENTS = 4  # few, since runs are short; more than one, so that the mix keeps different members
RANDOM_EVERY = 5


@dataclass(frozen=True)
class Proposal:
    """A point to try, and who proposed it: portfolio, mutation or random."""

    point: Point
    origin: str


@dataclass(frozen=True)
class State:
    """All that the search knows. `told`: (point, loss), lower is better, in the order told."""

    space: Space
    portfolio: tuple[Point, ...]
    seed: int
    asked: int = 0
    told: tuple[tuple[Point, float], ...] = ()


def init(space: Space, portfolio: Sequence[Point], seed: int) -> State:
    """Return the state before the first question."""
    return State(space, tuple(portfolio), seed)


def ask(state: State, siblings: Callable[[Point], int]) -> tuple[tuple[Proposal, ...], State]:
    """Return points to train together, and the new state.

    Args:
        state: what is known.
        siblings: point → how many; all but the first differ from it only where the network keeps its shape.
    """
    generator = np.random.default_rng((state.seed, state.asked))
    first = _propose(state, generator)
    others = tuple(
        Proposal(mutate(state.space, first.point, generator, stackable_only=True), "mutation")
        for _ in range(siblings(first.point) - 1)
    )
    return (first, *others), replace(state, asked=state.asked + 1)


def tell(state: State, point: Point, loss: float) -> State:
    """Return the state that also knows that `point` came to `loss`."""
    return replace(state, told=(*state.told, (point, loss)))


def _propose(state: State, generator: np.random.Generator) -> Proposal:
    if state.asked < len(state.portfolio):
        return Proposal(state.portfolio[state.asked], "portfolio")
    if not state.told or state.asked % RANDOM_EVERY == 0:
        return Proposal(sample(state.space, generator), "random")
    best = sorted(state.told, key=lambda entry: entry[1])[:PARENTS]
    parent, _ = best[int(generator.integers(len(best)))]
    return Proposal(mutate(state.space, parent, generator), "mutation")
