"""Who ends at a rung, and who follows."""

from __future__ import annotations

import math

import numpy as np

from netwright.search.halving import far_behind, successions
from netwright.spec.spaces import Choice, Range

SPACE = {"shape": Choice(("small", "large")), "rate": Range(0.0, 1.0, stackable=True)}


def test_the_worse_half_is_followed_by_mutations_of_the_better() -> None:
    """Every parent is of the better half, every heir keeps the shape, and no place is taken twice."""
    losses = [0.5, 0.1, math.inf, 0.3, 0.2, math.nan]
    points = [{"shape": "small", "rate": place / 10} for place in range(6)]
    found = successions(losses, points, SPACE, np.random.default_rng(0))
    assert sorted(one.place for one in found) == [0, 2, 5]
    assert [one.parent for one in found] == [1, 4, 3]
    assert all(one.point["shape"] == "small" and one.point != points[one.parent] for one in found)


def test_nobody_inherits_from_what_diverged() -> None:
    """A stack of which all has diverged has no heirs."""
    points = [{"shape": "small", "rate": 0.5}] * 2
    assert successions([math.inf, math.nan], points, SPACE, np.random.default_rng(0)) == ()


def test_a_trial_is_given_up_when_it_is_far_behind_the_others() -> None:
    """The fewer have passed, the farther; what is not a number is behind any."""
    assert not far_behind(9.0, [])
    assert not far_behind(0.7, [0.1])
    assert far_behind(0.9, [0.1])
    assert not far_behind(0.2, [0.1, 0.1])
    assert far_behind(0.4, [0.1, 0.1])
    assert not far_behind(0.12, [0.1, 0.1, 0.1])
    assert far_behind(0.14, [0.1, 0.1, 0.1])
    assert far_behind(math.nan, [0.1])
