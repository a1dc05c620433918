"""A training that is cut off and gone on with ends as if it had not been: bit for bit, whatever it trains and how."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from netwright.data.features import Features, table_features
from netwright.engine.checkpoints import Checkpoints, SavedStack
from netwright.errors import TrialError
from netwright.spec.blocks import Convolution, Dense, GlobalPool, Head, ImageInput, Periodic, TableInput
from netwright.spec.network import Candidate, Network, Recipe
from netwright.train.control import Control, Heir, Progress, Snapshot, Trained
from netwright.train.losses import LOSSES
from netwright.train.rows import Rows, Split, as_rows
from netwright.train.training import train_population

ROWS, FOLDS = 120, 3
TABLE = Network((TableInput(4, 0, (), Periodic(frequencies=4, width=3)), Dense(16), Dense(16), Head(3)))
PLAIN = Recipe(epochs=8, batch_size=16)
RECIPES = {
    "alone": [PLAIN],
    "together": [PLAIN, replace(PLAIN, learning_rate=1e-4, dropout=0.3)],
    "muon": [replace(PLAIN, optimiser="muon")],
    "descent": [replace(PLAIN, optimiser="sgd"), replace(PLAIN, optimiser="sgd", learning_rate=1e-2)],
    "averaged": [replace(PLAIN, averaging=0.2)],
    "mixed": [replace(PLAIN, mixup=0.4, dropout=0.2), replace(PLAIN, sparsity=1e-3)],
}


class Cut(BaseException):
    """Stands for the end of a process."""


def rows() -> Rows:
    """Return rows of a table with three classes."""
    numeric = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)
    features = table_features(numeric, np.zeros((ROWS, 0), np.float32), np.zeros((ROWS, 0), np.int64))
    classes = (numeric[:, 0] > 0.3).astype(np.int64) + (numeric[:, 1] > 0.5)
    return as_rows(features, classes, np.quantile(numeric, np.linspace(0, 1, 49), axis=0).T.astype(np.float32))


def splits() -> list[Split]:
    """Return three folds."""
    fold = np.arange(ROWS) % FOLDS
    return [Split(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(FOLDS)]


def train(
    network: Network,
    recipes: Sequence[Recipe],
    learnt: Rows,
    snapshot: Snapshot | None = None,
    cut: int | None = None,
    heirs: bool = False,
) -> tuple[tuple[Trained, ...], list[Snapshot]]:
    """Train to the end, or until that step, making a snapshot after each; return both."""
    made: list[Snapshot] = []
    taken = 0

    def due() -> bool:
        nonlocal taken
        taken += 1
        return True

    def keep(one: Snapshot) -> None:
        arrays = {name: array.copy() for name, array in one.arrays.items()}
        made.append(replace(one, arrays=arrays, numbers=json.loads(json.dumps(dict(one.numbers)))))
        if cut is not None and taken >= cut:
            raise Cut

    def follow(progress: Progress) -> tuple[Heir, ...]:
        worst, best = int(np.argmax(progress.best)), int(np.argmin(progress.best))
        return (Heir(worst, best, replace(recipes[best], weight_decay=0.5)),) if heirs and worst != best else ()

    control = Control(lambda: 0.0, lambda: False, lambda progress: None, follow, due=due, keep=keep)
    try:
        ended = train_population(
            network,
            recipes,
            learnt,
            splits(),
            LOSSES["cross_entropy"],
            control,
            list(range(len(recipes))),
            None,
            snapshot,
        )
    except Cut:
        return (), made
    return ended, made


def check_equal(first: Sequence[Trained], second: Sequence[Trained]) -> None:
    """Check that two trainings came to the same."""
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert (one.loss, one.steps) == (other.loss, other.steps)
        for name, tensor in one.weights.items():
            np.testing.assert_array_equal(np.asarray(tensor), np.asarray(other.weights[name]))
        for fold, same in zip(one.predictions, other.predictions, strict=True):
            np.testing.assert_array_equal(fold, same)


@pytest.mark.parametrize("name", RECIPES)
def test_a_training_goes_on_from_any_step(name: str) -> None:
    """In the middle of a pass, at its end, in the first and in the last."""
    recipes = RECIPES[name]
    whole, made = train(TABLE, recipes, rows())
    assert len(made) > 20
    for step in (1, 5, len(made) // 2, len(made)):
        _, before = train(TABLE, recipes, rows(), cut=step)
        again, _ = train(TABLE, recipes, rows(), before[-1])
        check_equal(again, whole)


def test_a_training_in_the_shorter_type_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its master weights have full precision, and so have they in the snapshot."""
    monkeypatch.setattr("netwright.train.population.working_type", lambda network, device: torch.bfloat16)
    recipes = RECIPES["together"]
    whole, made = train(TABLE, recipes, rows())
    again, _ = train(TABLE, recipes, rows(), made[len(made) // 3])
    check_equal(again, whole)


def test_images_with_all_that_changes_them_go_on() -> None:
    """Distortions are drawn anew, from where the drawing stood; so do the statistics of batches."""
    network = Network((ImageInput(8, 8, (0.5,), (0.25,)), Convolution(4, 3, 1, "relu"), GlobalPool("mean"), Head(3)))
    pixels = np.random.default_rng(1).integers(0, 256, size=(ROWS, 8, 8, 1), dtype=np.uint8)
    features = Features({"images": pixels})
    learnt = as_rows(features, (pixels.mean(axis=(1, 2, 3)) > 127).astype(np.int64), np.zeros((0, 2), np.float32))
    recipes = [replace(PLAIN, epochs=4, distortion=0.5, flips="all", mixup=0.2)]
    whole, made = train(network, recipes, learnt)
    again, _ = train(network, recipes, learnt, made[len(made) // 2])
    check_equal(again, whole)


def test_heirs_and_those_whose_places_they_took_are_not_lost() -> None:
    """A snapshot is made right after they came; going on from it gives all of them."""
    recipes = [PLAIN, replace(PLAIN, learning_rate=1e-5)]
    whole, made = train(TABLE, recipes, rows(), heirs=True)
    assert len(whole) == 4
    late = next(one for one in made if len(one.ended) == 1)
    now = [recipes[0], replace(recipes[0], weight_decay=0.5)]
    again, _ = train(TABLE, now, rows(), late, heirs=True)
    assert len(again) == 4
    check_equal(again, whole)


def test_a_snapshot_on_disk_is_the_same(tmp_path: Path) -> None:
    """What is written and read back goes on as what was in memory; a damaged file counts as none."""
    recipes = RECIPES["together"]
    whole, made = train(TABLE, recipes, rows())
    stack = SavedStack(
        tickets=(3, 4),
        places=(3, 4),
        candidates=tuple(Candidate(TABLE, recipe) for recipe in recipes),
        batch_size=16,
        shown=(0.5, float("inf")),
        began=1.5,
        stepping=1.75,
        seconds=float("inf"),
        rungs=(0.5,),
        inherits=False,
        snapshot=made[7],
    )
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.keep_stack(stack) == ""
    (found,) = checkpoints.read_stacks({3})
    assert (found.tickets, found.candidates, found.shown) == (stack.tickets, stack.candidates, stack.shown)
    assert (found.began, found.stepping, found.seconds) == (stack.began, stack.stepping, stack.seconds)
    again, _ = train(TABLE, recipes, rows(), found.snapshot)
    check_equal(again, whole)
    (file,) = (tmp_path / "checkpoints").glob("stack-*.nw")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert checkpoints.read_stacks({3}) == ()
    checkpoints.drop_stack(3)
    assert checkpoints.size == 0


# --- snapshots that are not trusted ----------------------------------------------------------------------------------


def changed(one: Snapshot, name: str, value: object) -> Snapshot:
    """Return a snapshot with another number or array."""
    if name in one.numbers:
        return replace(one, numbers={**one.numbers, name: value})
    return replace(one, arrays={**one.arrays, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("results", value) for value in (10**12, -1, 3, "2", None, True)),
        *(("holders", value) for value in ([0], [0, 0], [0, 2], ["0", 1], None, [0, 10**12], 3)),
        *(("epoch", value) for value in (-1, 10**9, "1", 1.5)),
        *(("number", value) for value in (-1, 10**9)),
        *(("steps", value) for value in (-1, 10**9)),
        *(("rungs", value) for value in (-1, 3)),
        *(("share", value) for value in (-0.1, float("nan"), float("inf"), "0")),
        ("criterion", np.zeros(5, np.float32)),
        ("since", np.zeros(6, np.float64)),
        ("kept", np.zeros((6, 40, 7), np.float32)),
        ("order", np.full((6, 80), ROWS, np.int64)),
        ("order", np.full((6, 80), -1, np.int64)),
        ("order", np.zeros((6, 10**5), np.int64)),
        ("population.parameters", np.zeros(3, np.float32)),
        ("population.random", np.frombuffer(bytearray(b"no state of a generator"), np.uint8)),
        ("population.random", np.zeros(3, np.float32)),
        ("population.orders", np.zeros((6, 5056), np.uint8)),
        ("population.noise.row.float32", np.zeros((1, 100), np.float32)),
        ("another", np.zeros(3, np.float32)),
    ],
)
def test_a_snapshot_that_no_training_makes_ends_it(name: str, value: object) -> None:
    """In a sentence or an error of PyTorch, before anything is made as large as the snapshot says."""
    recipes = RECIPES["together"]
    _, made = train(TABLE, recipes, rows())
    middle = made[len(made) // 2]
    assert name in {*middle.numbers, *middle.arrays, "another", "population.noise.row.float32"}
    with pytest.raises((TrialError, RuntimeError, ValueError)):
        train(TABLE, recipes, rows(), changed(middle, name, value))


def test_trials_that_ended_before_are_of_the_training_too() -> None:
    """Their networks and predictions have its shapes."""
    recipes = [PLAIN, replace(PLAIN, learning_rate=1e-5)]
    _, made = train(TABLE, recipes, rows(), heirs=True)
    late = next(one for one in made if len(one.ended) == 1)
    now = [recipes[0], replace(recipes[0], weight_decay=0.5)]
    ((turn, whole),) = late.ended.items()
    name = next(iter(whole.weights))
    for broken in (
        replace(whole, predictions=whole.predictions[:1]),
        replace(whole, predictions=tuple(fold[:, :1] for fold in whole.predictions)),
        replace(whole, weights={**whole.weights, name: whole.weights[name][:1]}),
        replace(whole, weights={}),
    ):
        with pytest.raises(TrialError, match="cannot be gone on with"):
            train(TABLE, now, rows(), replace(late, ended={turn: broken}), heirs=True)
