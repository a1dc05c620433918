"""Rows that memory does not hold are learnt from once a pass, evenly, and by whom it is allowed."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch

from netwright.data.features import Features, table_features
from netwright.data.more_rows import NO_FOLD, Writer
from netwright.spec.blocks import Dense, Head, Identity, TableInput
from netwright.spec.network import Network, Recipe
from netwright.train import passes, training
from netwright.train.control import Control, Progress, Snapshot
from netwright.train.framework import Split
from netwright.train.losses import LOSSES
from netwright.train.passes import in_turn, parts_of
from netwright.train.population import Population
from netwright.train.rows import Rows, as_rows
from netwright.train.training import train_population

NETWORK = Network((TableInput(4, 0, (), Identity()), Dense(16), Head(2)))
HELD = 90


@pytest.mark.parametrize("total", [1, 2, 3, 10, 97, 1_000, 4_096])
def test_each_pass_is_all_rows_once(total: int) -> None:
    """In an order of its own, however it is cut into parts."""
    turn = in_turn(total, 0, 3 * total, seed=1)
    for number in range(3):
        assert sorted(turn[number * total : (number + 1) * total]) == [*range(total)]
    cut = np.concatenate([in_turn(total, first, min(7, 3 * total - first), 1) for first in range(0, 3 * total, 7)])
    np.testing.assert_array_equal(cut, turn)
    if total > 100:
        assert (turn[:total] != turn[total : 2 * total]).any() and (turn[:50] != in_turn(total, 0, 50, 2)).any()


def test_rows_that_follow_each_other_lie_all_over() -> None:
    """A batch of any pass has its share of each tenth of the file, so that a sorted file does no harm."""
    turn = in_turn(10**7, 3 * 10**7, 10_000, seed=5)
    for batch in turn.reshape(-1, 100):
        assert np.bincount(batch // 10**6, minlength=10).min() >= 8


def test_a_pass_has_as_many_parts_as_are_short() -> None:
    """And one at least."""
    assert [parts_of(rows) for rows in (1, passes.MOST_A_PART, passes.MOST_A_PART + 1)] == [1, 1, 2]


def features(rows: int, seed: int) -> Features:
    """Return made rows."""
    numeric = np.random.default_rng(seed).normal(size=(rows, 4)).astype(np.float32)
    return table_features(numeric, np.zeros((rows, 0), np.float32), np.zeros((rows, 0), np.int64))


def truth(made: Features) -> np.ndarray:
    """Return the classes of made rows."""
    return (made["numeric"][:, 0] * made["numeric"][:, 1] > 0).astype(np.int64)


def rows_with(folder: Path, count: int, barred: np.ndarray | None = None) -> Rows:
    """Return few rows that are held, and more in a file."""
    held, far = features(HELD, 0), features(count, 1)
    writer = Writer(folder, held, truth(held), count)
    writer.write(far, truth(far), barred)
    return as_rows(held, truth(held), np.zeros((4, 49), np.float32), more=writer.finish())


def splits(folds: int = 3) -> list[Split]:
    """Return folds of the rows that are held."""
    fold = np.arange(HELD) % folds
    return [Split(np.flatnonzero(fold != each), np.flatnonzero(fold == each)) for each in range(folds)]


def test_a_batch_is_of_both_kinds_of_rows(tmp_path: Path) -> None:
    """Those below N are held, the others come from the file; in their places, with their targets."""
    rows = rows_with(tmp_path, 500)
    far = features(500, 1)
    index = torch.tensor([[0, HELD, 5], [HELD + 499, 89, HELD + 7]])
    batch, targets = rows.lesson(index)
    every = np.concatenate([features(HELD, 0)["numeric"], far["numeric"]])
    np.testing.assert_array_equal(batch["numeric"].numpy(), every[index.numpy()])
    assert batch["plain"].shape == (2, 3, 0)
    np.testing.assert_array_equal(
        targets.numpy(), np.concatenate([truth(features(HELD, 0)), truth(far)])[index.numpy()]
    )


def test_a_part_is_of_rows_that_a_network_may_learn_from(tmp_path: Path) -> None:
    """Of those that are held its own, of the others all but those that are barred from its fold."""
    barred = np.where(np.arange(3_000) < 1_500, np.arange(3_000) % 3, NO_FOLD).astype(np.int8)
    rows = rows_with(tmp_path, 3_000, barred)
    population = Population.start(NETWORK, [Recipe(), Recipe()], rows, splits(), [0, 1])
    order = population.part(rows, 0, 3_000)
    assert order.shape == (6, 3_000)
    for network, own in enumerate(order.numpy()):
        fold = network % 3
        assert not (barred[own[own >= HELD] - HELD] == fold).any()
        assert not {*splits()[fold].valid.tolist()} & {*own.tolist()}
        assert len({*own.tolist()}) > 1_500
    assert (order[0] != order[3]).any()


def test_a_network_that_may_learn_from_no_further_row_learns_from_those_that_are_held(tmp_path: Path) -> None:
    """As where all others are of groups that it is judged on."""
    rows = rows_with(tmp_path, 300, np.ones(300, np.int8))
    order = Population.start(NETWORK, [Recipe()], rows, splits(), [0]).part(rows, 0, 200).numpy()
    assert {*order[1].tolist()} == {*splits()[1].train.tolist()}
    assert all((order[fold] >= HELD).any() for fold in (0, 2))


def test_more_rows_make_a_better_network(tmp_path: Path) -> None:
    """Than the few that are held alone; it is judged on these, and on all of them."""
    quiet = Control(lambda: 0.0, lambda: False, lambda progress: None)
    losses = []
    for rows in (rows_with(tmp_path, 1), rows_with(tmp_path, 6_000)):
        (trained,) = train_population(
            NETWORK, [Recipe(epochs=12, batch_size=32)], rows, splits(), LOSSES["cross_entropy"], quiet, [0]
        )
        assert [len(fold) for fold in trained.predictions] == [30, 30, 30]
        losses.append(trained.loss)
    assert losses[1] < 0.3 < losses[0]


def test_a_long_pass_is_checked_on_the_way_and_goes_on_after_a_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In parts, each an epoch to those who watch; a training that was cut off ends as if it had not been."""
    monkeypatch.setattr(passes, "MOST_A_PART", 400)
    rows, recipe = rows_with(tmp_path, 2_000), Recipe(epochs=2, batch_size=32)
    heard: list[Progress] = []
    kept: list[Snapshot] = []

    def keep(snapshot: Snapshot) -> None:
        kept.append(deepcopy(snapshot))  # its arrays are those of the training

    def run(control: Control, snapshot: Snapshot | None = None) -> tuple[float, dict[str, np.ndarray]]:
        (trained,) = train_population(
            NETWORK, [recipe], rows, splits(), LOSSES["cross_entropy"], control, [0], snapshot=snapshot
        )
        return trained.loss, trained.weights

    due = iter([False] * 50 + [True] + [False] * 10_000)
    whole = run(Control(lambda: 0.0, lambda: False, heard.append, due=lambda: next(due), keep=keep))
    assert heard[0].epochs == 2 * parts_of(60 + 2_000) == 12
    assert [progress.epoch for progress in heard] == [*range(1, len(heard) + 1)]
    again = run(Control(lambda: 0.0, lambda: False, lambda progress: None), kept[0])
    assert again[0] == whole[0]
    assert all(np.array_equal(again[1][name], whole[1][name]) for name in whole[1])


def test_without_more_rows_nothing_has_changed() -> None:
    """An epoch is a pass, in the order that each network's generator draws."""
    held = features(HELD, 0)
    rows = as_rows(held, truth(held), np.zeros((4, 49), np.float32))
    assert rows.more is None
    population = Population.start(NETWORK, [Recipe()], rows, splits(), [0])
    batch, targets = rows.lesson(population.shuffled(8))
    assert batch["numeric"].shape == (3, 8, 4) and targets.shape == (3, 8)
    assert training.parts_of(HELD) == 1
