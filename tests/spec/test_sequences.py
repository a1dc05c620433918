"""Networks for sequences as values: what they cost, and which of them are sound."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from netwright.errors import SpecError
from netwright.spec import texts
from netwright.spec.blocks import (
    BYTE_VALUES,
    Head,
    Identity,
    SequenceConvolution,
    SequenceInput,
    SequencePool,
    TableInput,
)
from netwright.spec.costs import block_costs, network_cost, weight_shapes, widest
from netwright.spec.drawing import draw
from netwright.spec.network import Candidate, Network, Recipe, candidate_from_json

NOTHING = TableInput(0, 0, (), Identity())
BYTES = SequenceInput(BYTE_VALUES, 8, 30, NOTHING, "bytes")
NETWORK = Network((BYTES, SequenceConvolution(6, 7, stride=4), SequenceConvolution(6), SequencePool("both"), Head(2)))


def test_a_stride_leaves_fewer_places_and_costs_less() -> None:
    """By hand: 30 bytes are 8 places, each of 7 · 8 numbers to 6, then of 3 · 6 to 6."""
    inputs, first, second, *_ = block_costs(NETWORK)
    assert (inputs.pixels, first.pixels, second.pixels) == ((30, 1), (8, 1), (8, 1))
    assert inputs.parameters == 256 * 8 + 30 * 8
    assert (first.parameters, first.flops) == (7 * 8 * 6 + 3 * 6, 2 * 8 * 7 * 8 * 6)
    assert (second.parameters, second.flops) == (3 * 6 * 6 + 3 * 6, 2 * 8 * 3 * 6 * 6)
    assert widest(NETWORK) == 8 * 7 * 8  # the neighbours of all places that are left, side by side


def test_vectors_of_bytes_have_a_name_of_their_own() -> None:
    """One for each value, and one for no byte."""
    assert weight_shapes(NETWORK)["0.bytes"] == (256, 8)
    assert "0.pieces" not in weight_shapes(NETWORK)


def test_a_network_of_bytes_comes_back_from_json() -> None:
    """Its encoding and its stride too; a file without them means pieces, one after the other."""
    candidate = Candidate(NETWORK, Recipe())
    assert candidate_from_json(json.dumps(candidate.to_json())) == candidate
    document = candidate.to_json()
    for block, name in zip(document["network"]["blocks"], ("encoding", "stride", "stride"), strict=False):
        del block[name]
    inputs, first, *_ = candidate_from_json(json.dumps(document)).network.blocks
    assert inputs == replace(BYTES, encoding="pieces") and first == SequenceConvolution(6, 7)


@pytest.mark.parametrize(
    ("place", "change"),
    [(0, {"vocabulary": 300}), (0, {"encoding": "letters"}), (1, {"stride": 0}), (1, {"stride": 8})],
)
def test_what_is_no_network_of_bytes_is_refused(place: int, change: dict[str, object]) -> None:
    """A byte has 255 values, and a stride is small."""
    document = Candidate(NETWORK, Recipe()).to_json()
    document["network"]["blocks"][place].update(change)
    with pytest.raises(SpecError):
        candidate_from_json(json.dumps(document))


def test_a_stride_is_no_larger_than_the_kernel() -> None:
    """Else some places would never be read."""
    with pytest.raises(SpecError, match="leave places out"):
        SequenceConvolution(6, 3, stride=4)


def test_a_drawing_says_what_is_read_and_what_is_left() -> None:
    """In the words of the text task."""
    drawn = draw(NETWORK)
    assert "255 bytes by 8, 30 of a text" in drawn
    assert "convolution 6 of 7 places by 4" in drawn and "6×8×1" in drawn


@pytest.mark.parametrize("rows", [60, 1_000, 60_000])
def test_a_network_of_bytes_costs_a_few_times_one_of_pieces(rows: int) -> None:
    """Of any point of the portfolio that reads sequences, the other encoding costs at most three times as much."""
    points = [point for point in texts.portfolio(rows, "binary") if point["input"] == "sequence"]
    assert {point["encoding"] for point in points} == {"pieces", "bytes"}
    assert points[-1]["encoding"] == "bytes"
    for point in points:
        pieces = texts.reader({**point, "encoding": "pieces"}, NOTHING, 8_192, 512, 2)
        spelled = texts.reader({**point, "encoding": "bytes"}, NOTHING, BYTE_VALUES, 1_024, 2)
        assert network_cost(pieces).flops < network_cost(spelled).flops <= 3 * network_cost(pieces).flops


def test_every_point_has_the_dimensions_of_the_space() -> None:
    """With values that it allows."""
    space = texts.space(1_000, "multiclass")
    for point in texts.portfolio(1_000, "multiclass"):
        assert set(point) == set(space)
        assert point["encoding"] in space["encoding"].values
