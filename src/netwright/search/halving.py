"""Successive halving inside a stack, and giving up on what is far behind: pure functions.

At a rung of the schedule the worse half of a stack ends there (Jamieson and Talwalkar 2016, arXiv 1502.07943), and its
places go to mutations of the better half that inherit their weights, so that no arithmetic is idle (population-based
training with truncation selection: Jaderberg et al. 2017, arXiv 1711.09846). A stack compares like with like: its
trials have one network, one schedule and one data order.

A network that is trained alone has no such company. It is compared with what the finished trials had come to at the
same rung, and given up when it is far behind (asynchronous halving: Li et al. 2020, arXiv 1810.05934).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netwright.spec.spaces import Point, Space, mutate

# Times the loss of the middle one of those that have passed a rung before, by their number: designs differ in how their
# losses fall, and of one or two others nobody knows whether they are usual.
FAR = (8.0, 3.0, 1.3)


@dataclass(frozen=True)
class Succession:
    """The trial at `place` ends; `point`, a mutation of the one at `parent`, goes on from the parent's weights."""

    place: int
    parent: int
    point: Point


def successions(
    losses: Sequence[float], points: Sequence[Point], space: Space, generator: np.random.Generator
) -> tuple[Succession, ...]:
    """Return who ends and who follows: the worst half is followed by mutations of the best half, best parent first.

    Args:
        losses: (T,) the lowest that each trial has come to; not finite where it diverged.
        points: (T,) what is being trained at each place.
        space: the heirs differ from their parents only in dimensions that keep the shape of the network.
        generator: the source of randomness.

    >>> from netwright.spec.spaces import Choice
    >>> space = {"rate": Choice((1, 2), stackable=True)}
    >>> found = successions([0.3, 0.1], [{"rate": 1}, {"rate": 2}], space, np.random.default_rng(0))
    >>> [(one.place, one.parent, one.point) for one in found]
    [(0, 1, {'rate': 1})]
    """
    order = sorted(range(len(losses)), key=lambda place: (not np.isfinite(losses[place]), losses[place], place))
    parents, ended = order[: (len(order) + 1) // 2], order[(len(order) + 1) // 2 :]
    return tuple(
        Succession(place, parent, mutate(space, points[parent], generator, stackable_only=True))
        for place, parent in zip(ended, parents, strict=False)
        if np.isfinite(losses[parent])
    )


def far_behind(loss: float, others: Sequence[float]) -> bool:
    """Return whether a trial is to be given up, from its loss at a rung and those of the others there.

    >>> [far_behind(0.4, others) for others in ([], [0.1], [0.1, 0.1], [0.1, 0.1, 0.1])]
    [False, False, True, True]
    """
    return len(others) > 0 and not loss <= FAR[min(len(others), len(FAR)) - 1] * float(np.median(others))
