"""Specs are values: equal, counted, drawn, and read back from JSON only when they are sound."""

from __future__ import annotations

import json

import pytest

from netwright.errors import SpecError
from netwright.spec import tables
from netwright.spec.blocks import Dense, Head, Identity, Members, Periodic, Residual, TableInput
from netwright.spec.costs import network_cost, weight_shapes
from netwright.spec.drawing import draw
from netwright.spec.network import Candidate, Network, Recipe, candidate_from_json

NETWORK = Network((TableInput(3, 2, (12,), Periodic()), Members(4), Dense(16), Residual(32), Head(2)))


def test_equal_specs_are_equal_values() -> None:
    """A spec can stand in a set, and a copy of it is the same."""
    again = Network((TableInput(3, 2, (12,), Periodic()), Members(4), Dense(16), Residual(32), Head(2)))
    assert {NETWORK, again} == {NETWORK}


def test_a_candidate_comes_back_from_json_as_it_was() -> None:
    """JSON loses nothing."""
    candidate = Candidate(NETWORK, Recipe(dropout=0.25))
    assert candidate_from_json(json.dumps(candidate.to_json())) == candidate


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: spec["network"]["blocks"][1].update(block="os.system"),
        lambda spec: spec["network"]["blocks"][2].update(width=10**9),
        lambda spec: spec["network"]["blocks"][2].update(width="16"),
        lambda spec: spec["network"]["blocks"][2].update(extra=1),
        lambda spec: spec["network"]["blocks"].reverse(),
        lambda spec: spec["network"]["blocks"].append({"block": "head", "outputs": 2}),
        lambda spec: spec["network"].update(blocks=[]),
        lambda spec: spec["recipe"].update(learning_rate=-1.0),
        lambda spec: spec["recipe"].update(schedule="__import__"),
        lambda spec: spec.pop("recipe"),
    ],
)
def test_a_spec_that_is_not_of_the_registry_is_refused(change) -> None:  # type: ignore[no-untyped-def]
    """Unknown ids, wild sizes, wrong types and unsound orders are all one error."""
    spec = json.loads(json.dumps(Candidate(NETWORK, Recipe()).to_json()))
    change(spec)
    with pytest.raises(SpecError):
        candidate_from_json(json.dumps(spec))


def test_a_plain_network_costs_what_a_person_would_count() -> None:
    """Two layers by hand: (3 + 1) × 5 + 3 scales, and (5 + 1) × 2."""
    cost = network_cost(Network((TableInput(3, 0, (), Identity()), Dense(5), Head(2))))
    assert cost.parameters == 3 + (3 * 5 + 5) + (5 * 2 + 2)
    assert cost.flops == 3 + 2 * 3 * 5 + 2 * 5 * 2


def test_shapes_say_what_members_share_and_what_they_own() -> None:
    """The weight of a dense layer is one for all members; scalings and biases are four."""
    shapes = weight_shapes(NETWORK)
    assert shapes["2.weight"][1:] == (16,)
    assert shapes["2.bias"] == (4, 16)
    assert shapes["4.weight"] == (4, 16, 2)


def test_a_drawing_fits_a_terminal() -> None:
    """One line a block and sort of input, at most 80 columns."""
    lines = draw(NETWORK).splitlines()
    assert len(lines) == 1 + len(NETWORK.blocks) + 2  # three sorts of inputs, a line each
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("rows", [60, 1_000, 5_000, 5_001, 60_000, 10**6])
def test_the_portfolio_that_ships_can_be_built(rows: int) -> None:
    """Every point has the dimensions of the space, with values that it allows, and no point stands twice."""
    points = tables.portfolio(rows, "multiclass")
    space = tables.space(rows, "multiclass")
    assert len(points) >= 8
    assert all(set(point) == set(space) for point in points)
    assert len({repr(sorted(point.items())) for point in points}) == len(points)
    for point in points:
        network = tables.network(point, tables.inputs(point, 5, 3, (4,)), 3)
        assert network.outputs == 3
        assert tables.recipe(point).batch_size in tables.batch_sizes(rows)
