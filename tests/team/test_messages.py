"""What the driver and a worker say comes to the other side as it was said."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from workers_inside import NETWORK, PLAIN, check_equal, rows, splits

from netwright.team import messages
from netwright.team.frames import BadFrame, pack, unpack
from netwright.team.messages import (
    Broken,
    Busy,
    Checked,
    Done,
    Facts,
    HeirsWanted,
    Job,
    Kept,
    Readied,
    Said,
    Steering,
    hear,
    say,
)
from netwright.train.control import Heir, Progress, Snapshot, Trained
from netwright.train.pace import ONE_CORE

FOLDS = tuple(np.full((2, 3), fold, np.float32) for fold in range(2))
TRAINED = Trained({"1.weight": np.ones((2, 4), np.float32)}, FOLDS, 0.1 + 0.2, 77)
SNAPSHOT = Snapshot(
    {"population.parameters": np.arange(5.0, dtype=np.float32), "order": np.arange(4).reshape(2, 2)},
    {"epoch": 3, "share": 1 / 3, "holders": [0, 2]},
    {0: TRAINED, 1: replace(TRAINED, loss=math.inf)},
)


@pytest.mark.parametrize(
    "said", [Facts("cpu", 1, ONE_CORE, {"torch": "2"}), Busy(3), Readied(), Broken("trial", "no number")]
)
def test_plain_words_come_back(said: Said) -> None:
    """Equal values."""
    assert hear(say(said)) == said


def test_a_report_comes_back_with_the_predictions_that_it_has() -> None:
    """Those of one of two trials; losses to the last bit."""
    progress = Progress(4, 9, 1 / 3, (0.1 + 0.2, math.nan), (0.3, math.inf), ((), FOLDS))
    for kind in (Checked, HeirsWanted):
        heard = hear(say(kind(progress)))
        assert isinstance(heard, kind)
        found = heard.progress
        assert (found.epoch, found.epochs, found.share, found.best) == (4, 9, 1 / 3, (0.3, math.inf))
        assert found.losses[0] == 0.1 + 0.2 and math.isnan(found.losses[1])
        assert found.predictions[0] == ()
        for fold, same in zip(found.predictions[1], FOLDS, strict=True):
            np.testing.assert_array_equal(fold, same)


def test_a_snapshot_and_an_end_come_back() -> None:
    """Arrays, numbers, and trials that have ended; what is gone on from may be written to."""
    kept = hear(say(Kept(SNAPSHOT)))
    assert isinstance(kept, Kept)
    check_equal(kept.snapshot.arrays, SNAPSHOT.arrays)
    assert kept.snapshot.numbers == SNAPSHOT.numbers
    assert [one.loss for one in kept.snapshot.ended.values()] == [0.1 + 0.2, math.inf]
    check_equal(kept.snapshot.ended[1].weights, TRAINED.weights)
    assert all(array.flags.writeable for array in kept.snapshot.arrays.values())
    done = hear(bytearray(say(Done((TRAINED, replace(TRAINED, steps=1))))))
    assert isinstance(done, Done)
    assert [one.steps for one in done.trained] == [77, 1]
    assert all(array.flags.writeable for array in done.trained[0].weights.values())
    for fold, same in zip(done.trained[1].predictions, FOLDS, strict=True):
        np.testing.assert_array_equal(fold, same)


@pytest.mark.parametrize("snapshot", [None, SNAPSHOT])
def test_an_order_comes_back(snapshot: Snapshot | None) -> None:
    """The network and its recipes are equal values."""
    steering = Steering(0.25, 0.01, False, True, 0.5)
    recipes = (PLAIN, replace(PLAIN, learning_rate=1 / 3000))
    job = Job(NETWORK, recipes, "cross_entropy", (100_003, 7), snapshot, 1, 2, None, (1, 2), steering)
    found = messages.read_job(unpack(messages.ask_train(job)))
    assert (found.network, found.recipes, found.seeds, found.steering) == (NETWORK, recipes, (100_003, 7), steering)
    assert (found.rows, found.splits, found.begun, found.needed) == (1, 2, None, (1, 2))
    assert (found.snapshot is None) == (snapshot is None)


def test_an_answer_with_heirs_comes_back() -> None:
    """None, none at all, and some are three things."""
    for heirs in (None, (), (Heir(1, 0, replace(PLAIN, dropout=0.3)),)):
        steering = Steering(used=0.5, heirs=heirs, go=heirs is None)
        assert messages.read_steering(unpack(messages.ask_on(steering)).document["steering"]) == steering


def test_rows_and_folds_come_back() -> None:
    """As blocks; more than nine folds stay in their order."""
    features, targets, quantiles = rows()
    found = messages.rows_of(unpack(pack({}, messages.rows_groups(features, targets, quantiles))))
    check_equal(found[0].arrays, features.arrays)
    np.testing.assert_array_equal(found[1], targets)
    np.testing.assert_array_equal(found[2], quantiles)
    many = splits() * 4
    again = messages.splits_of(unpack(pack({}, messages.splits_groups(many))))
    assert len(again) == 12
    for one, other in zip(again, many, strict=True):
        np.testing.assert_array_equal(one.train, other.train)
        np.testing.assert_array_equal(one.valid, other.valid)


@pytest.mark.parametrize(
    "document", [{}, {"say": "Facts"}, {"say": "Checked"}, {"say": "Kept"}, {"say": "Done"}, {"say": ["x"]}]
)
def test_what_nobody_says_is_refused(document: dict[str, object]) -> None:
    """By one error, whatever is missing."""
    with pytest.raises(BadFrame):
        hear(pack(document))


def test_an_order_that_is_none_is_refused() -> None:
    """A network of blocks that there are not, no network at all, nothing."""
    for document in ({}, {"candidates": []}, {"candidates": [{"network": {"blocks": ["x", "y"]}, "recipe": {}}]}):
        with pytest.raises(BadFrame):
            messages.read_job(unpack(pack({**document, "ask": "train"})))
