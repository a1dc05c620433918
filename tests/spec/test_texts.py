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
        for name in ("weight_decay", "dropout", "learning_rate", "gram_width", "gram_rate", "optimiser"):
            assert all(inside({name: space[name]}, {name: point[name]}) for point in points), name


def test_much_decay_comes_first_and_little_is_still_tried() -> None:
    """Of bags, linear or deeper, with a trunk beside them or not; what is read in sequence or of a table has less."""
    first, *others = texts.portfolio(2_000, "binary")
    assert first["input"] == texts.BAG and first["hidden"] == 0
    assert texts.recipe(first).weight_decay == 0.5 and first["gram_width"] == 32
    of_others = [point for point in others if point["input"] != texts.BAG]
    assert len(of_others) > 8 and all(texts.recipe(point).weight_decay < 0.5 for point in of_others)
    assert all(texts.recipe(point).weight_decay >= 0.5 for point in others if point["hidden"])
    linear = [point for point in others if point["input"] == texts.BAG and not point["hidden"]]
    assert any(texts.recipe(point).weight_decay < 0.5 and point["optimiser"] == "adamw" for point in linear)


def test_a_bag_alone_comes_behind_the_first_on_a_trunk() -> None:
    """A short run tries both, since either may be far better."""
    points = texts.portfolio(2_000, "binary", trunk=True)
    assert [point["trunk"] for point in points[:4]] == [True, False, True, True]
    assert points[1] == texts.usual(2_000) and points[0]["input"] == texts.BAG
    assert {point["input"] for point in points if point["trunk"]} == {texts.BAG, texts.TABLE}


def test_descent_is_among_the_first_but_not_for_numbers() -> None:
    """It moves n-grams of many texts further than those of few; a squared error may send such steps astray."""
    descents = [point for point in texts.portfolio(2_000, "multiclass")[:4] if point["optimiser"] == "sgd"]
    assert len(descents) == 1 and "sgd" in texts.describe(descents[0])
    assert all(point["optimiser"] == "adamw" for point in texts.portfolio(2_000, "regression"))


def test_descent_keeps_the_decay_of_each_step() -> None:
    """Of the vectors of n-grams, whose rate is the learning rate times a factor; and it is for bags alone."""
    point = {**texts.usual(2_000), "gram_rate": 2.0, "weight_decay": 0.2}
    one, other = (texts.recipe({**point, "optimiser": name}) for name in ("adamw", "sgd"))
    assert (one.optimiser, other.optimiser) == ("adamw", "sgd")
    drawn, wanted = (each.learning_rate * each.gram_rate * each.weight_decay for each in (other, one))
    assert drawn == pytest.approx(wanted)
    assert other.learning_rate == pytest.approx(texts.SGD_RATE * one.learning_rate)
    assert texts.recipe({**point, "input": texts.SEQUENCE, "optimiser": "sgd"}).optimiser == "adamw"
