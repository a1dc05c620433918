"""Model-based search: the tree-structured Parzen estimator (TPE), as Optuna has it.

The points told are split into the best tenth and the rest; a density l is estimated over the former and g over the
latter, and of some points drawn from l the one with the largest l / g is proposed (Bergstra et al. 2011, NeurIPS 24).
The densities are over all dimensions jointly (Falkner, Klein and Hutter 2018, arXiv 1807.01774; what each part of the
method does is measured by Watanabe 2023, arXiv 2304.11127).

A point that is still in training counts among the rest, so that not all lanes try the same (a constant liar, as in
Ginsbourger, Le Riche and Carraro 2010). So does a point that failed.
"""

from __future__ import annotations

import numpy as np

from netwright.search import state as shared
from netwright.search.random import drawn
from netwright.search.sampler import Proposal, Sampler, Siblings
from netwright.search.state import Source, State, init, mutated, recall, tell
from netwright.spec.spaces import Choice, Dimension, Point, Space, Value, at, place

NEEDS = ("optuna",)
STARTUP = 10  # points told before densities say anything (Optuna's default)
BEST, LATEST = 40, 160  # points told that the model sees: a question then takes no longer on the second day


def ask(state: State, siblings: Siblings) -> tuple[tuple[Proposal, ...], State]:
    """Return points to train together, and the new state."""
    return shared.ask(state, siblings, SOURCE)


def modelled(state: State, generator: np.random.Generator) -> Proposal:
    """Return the point that the model proposes; a random one while too little was told."""
    if len(state.told) < STARTUP:
        return drawn(state, generator)
    from netwright.search.densities import suggest

    known = [*_worth_seeing(state.told), *((point, None) for point in state.open)]
    seen = [
        ({name: _number(state.space[name], point[name], turn) for name in state.space}, loss)
        for turn, (point, loss) in enumerate(known)
        if _inside(state.space, point)
    ]
    sizes = {name: len(kind.values) if isinstance(kind, Choice) else 0 for name, kind in state.space.items()}
    numbers = suggest(sizes, seen, int(generator.integers(2**32)))
    return Proposal({name: _value(kind, numbers[name]) for name, kind in state.space.items()}, "model")


def _worth_seeing(told: tuple[tuple[Point, float], ...]) -> list[tuple[Point, float]]:
    """Return the best of the points told and the latest ones, in the order told."""
    earlier = range(len(told) - LATEST)
    best = sorted(sorted(earlier, key=lambda turn: told[turn][1])[:BEST])
    return [*(told[turn] for turn in best), *told[-LATEST:]]


def _inside(space: Space, point: Point) -> bool:
    """Return whether the space has the point's values; the conductor's first points need not come from it."""
    return all(point[name] in kind.values for name, kind in space.items() if isinstance(kind, Choice))


def _number(dimension: Dimension, value: Value, turn: int) -> int | float:
    """Return where a value stands: its place in a choice, or the share of a range.

    A value that a choice holds twice takes its places in turn, so that it keeps the double weight it was given.
    """
    if isinstance(dimension, Choice):
        places = [index for index, other in enumerate(dimension.values) if other == value]
        return places[turn % len(places)]
    return min(1.0, max(0.0, place(dimension, float(value))))


def _value(dimension: Dimension, number: int | float) -> Value:
    return dimension.values[int(number)] if isinstance(dimension, Choice) else at(dimension, float(number))


SOURCE = Source(modelled, mutated)
SAMPLER = Sampler("tpe", init, ask, tell, recall, needs=NEEDS)
