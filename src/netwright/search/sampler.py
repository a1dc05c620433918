"""What a sampler is: three pure functions over a state of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from netwright.spec.spaces import Point, Space

Siblings = Callable[[Point], int]
"""Point → how many trials of its shape to train as one stack."""


@dataclass(frozen=True)
class Proposal:
    """A point to try, and who proposed it: portfolio, mutation, random, model, neighbour or restart."""

    point: Point
    origin: str


@dataclass(frozen=True)
class Sampler:
    """A way to search. The state is immutable and holds all that the answer to the next question depends on.

    Attributes:
        name: what it is called on the command line.
        init: (space, points that come first, seed) → state.
        ask: (state, siblings) → points to train together, and the new state. All but the first differ from it only in
            dimensions that keep the shape of the network.
        tell: (state, point, loss) → the state that also knows what the point came to; lower is better. A point whose
            training failed is never told.
        portfolio: whether a run begins with the task's portfolio. A control that is to show what a search is worth
            without such knowledge does not.
        needs: packages of the extra `train` that it imports when it is asked.
    """

    name: str
    init: Callable[[Space, Sequence[Point], int], Any]
    ask: Callable[[Any, Siblings], tuple[tuple[Proposal, ...], Any]]
    tell: Callable[[Any, Point, float], Any]
    portfolio: bool = True
    needs: tuple[str, ...] = ()
