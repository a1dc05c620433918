"""Points for texts: the first is a linear bag whose weights decay much, and none lies outside what is searched."""

from __future__ import annotations

import pytest

from netwright.spec import texts
from netwright.testing.samplers import inside


@pytest.mark.parametrize("rows", [300, 2_000, 60_000])
@pytest.mark.parametrize("outcome", ["binary", "multiclass", "regression"])
def test_the_decay_of_each_point_lies_in_the_space(rows: int, outcome: str) -> None:
    """And its dropout, rate and width, so that the search can go on from it; with a trunk and without."""
    for trunk in (False, True):
        space = texts.space(rows, outcome, trunk=trunk)
        points = (*texts.portfolio(rows, outcome, trunk=trunk), texts.default_network(rows), texts.first_glance(rows))
        for name in ("weight_decay", "dropout", "learning_rate", "gram_width"):
            assert all(inside({name: space[name]}, {name: point[name]}) for point in points), name


def test_much_decay_comes_first_and_little_is_still_tried() -> None:
    """Of a bag alone; what is deeper, read in sequence or beside a trunk keeps what it had."""
    first, *others = texts.portfolio(2_000, "binary")
    assert first["input"] == texts.BAG and first["hidden"] == 0
    assert texts.recipe(first).weight_decay == 0.5 and first["gram_width"] == 32
    assert all(texts.recipe(point).weight_decay < 0.5 for point in others)
    assert any(point["input"] == texts.BAG and point["hidden"] == 0 for point in others)
    seen = [point for point in texts.portfolio(2_000, "binary", trunk=True) if point["trunk"]]
    assert seen and all(texts.recipe(point).weight_decay < 0.5 for point in seen)
