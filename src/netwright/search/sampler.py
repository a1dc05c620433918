"""What a sampler is: four pure functions over a state of its own."""

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
class Handed:
    """A step of an earlier search: it was asked, and gave these."""

    proposals: tuple[Proposal, ...]


@dataclass(frozen=True)
class Heard:
    """A step of an earlier search: it was told that the point came to the loss."""

    point: Point
    loss: float


Step = Handed | Heard


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
        recall: (state, steps) → the state that asking and telling these in order leads to, in a time that is linear in
            their number: so a long run is gone on with at once, however long it took to propose what it tried.
        portfolio: whether a run begins with the task's portfolio. A control that is to show what a search is worth
            without such knowledge does not.
        needs: packages of the extra `train` that it imports when it is asked.
    """

    name: str
    init: Callable[[Space, Sequence[Point], int], Any]
    ask: Callable[[Any, Siblings], tuple[tuple[Proposal, ...], Any]]
    tell: Callable[[Any, Point, float], Any]
    recall: Callable[[Any, Sequence[Step]], Any]
    portfolio: bool = True
    needs: tuple[str, ...] = ()
