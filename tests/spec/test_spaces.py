"""What a search space allows."""

from __future__ import annotations

from netwright.spec.spaces import Choice, Range, Space, inside


def test_a_point_with_a_truth_value_lies_inside() -> None:
    """A dimension may be one; a number that is equal to it is none, nor the other way round."""
    space: Space = {"trunk": Choice((False, True)), "depth": Choice((0, 1)), "rate": Range(0.0, 1.0)}
    assert inside(space, {"trunk": False, "depth": 0, "rate": 1})
    assert not inside(space, {"trunk": 0, "depth": 0, "rate": 1})
    assert not inside(space, {"trunk": False, "depth": False, "rate": 1})
    assert not inside(space, {"trunk": False, "depth": 0, "rate": True})
    assert not inside(space, {"trunk": False, "depth": [0], "rate": 1})
    assert not inside(space, {"trunk": False, "depth": 0, "rate": "1"})
