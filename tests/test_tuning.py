"""A trunk with ImageNet weights that is trained further: how a network begins, learns, is saved, and when."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.build.pretrained import installed_weights
from netwright.build.torch import forward
from netwright.data.features import Features
from netwright.data.frame import Frame
from netwright.pretrained import trunks
from netwright.pretrained.extended import Extended, beginning, extend
from netwright.pretrained.trunks import BACKBONE, ImageTrunk, image_trunk, tuned_blocks
from netwright.spec.blocks import Head, ImageInput
from netwright.spec.images import TUNED, portfolio
from netwright.spec.network import Network, Recipe
from netwright.spec.spaces import Point
from netwright.tasks.image import TASK, toy
from netwright.tasks.task import Request
from netwright.train.control import Control
from netwright.train.framework import Split
from netwright.train.losses import LOSSES
from netwright.train.rows import as_rows
from netwright.train.speed import training_seconds
from netwright.train.stack import stack_parameters
from netwright.train.training import train_population
from netwright.train.transfer import begun_as

TABLE, TARGET = toy(0)
LOADED = TASK.load(Request(TABLE, TARGET, {}, "auto"))
INNER = TASK.prepare(LOADED, 0)
IMAGES = LOADED.frame.columns["image"]
NONE = torch.zeros(0, 2)  # knots of no numeric feature


@pytest.fixture(scope="module")
def trunk() -> ImageTrunk:
    """Return the trunk of the package, for images of 12 pixels."""
    path = installed_weights(BACKBONE)
    assert path is not None
    made = image_trunk(path, IMAGES, None)
    assert made is not None
    return made


@pytest.fixture(scope="module")
def prepared(trunk: ImageTrunk) -> Extended:
    """Return the preparation with that trunk, which networks may train further."""
    made = extend(INNER, LOADED.frame, trunk, tuned_blocks(trunk, IMAGES, None))
    assert isinstance(made, Extended)
    return made


def _network(prepared: Extended) -> Network:
    (point,) = (point for point in TASK.portfolio(prepared, len(TABLE)) if point["body"] == TUNED)
    return TASK.candidate(point, prepared).network


def test_a_network_begins_as_the_trunk(prepared: Extended, trunk: ImageTrunk) -> None:
    """Before its first step it sees what the frozen trunk sees in images of that size, for every fold."""
    network = _network(prepared)
    first = network.blocks[0]
    assert isinstance(first, ImageInput)
    weights = begun_as(network, beginning(prepared), NONE, [1, 2])
    head = f"{len(network.blocks) - 1}"
    look = torch.zeros(2, 1, BACKBONE.features, network.outputs)
    look[:, :, :3] = torch.eye(3)  # the head shows the first three features
    shown = {**weights, f"{head}.weight": look, f"{head}.bias": torch.zeros(2, 1, network.outputs)}
    images = np.repeat(IMAGES[:6], 3, axis=1).repeat(3, axis=2)  # none is made larger or smaller on the way
    sized = Network((BACKBONE.inputs(*images.shape[1:3]), *network.blocks[1:]))
    batch = {"images": torch.from_numpy(images).expand(2, -1, -1, -1, -1)}
    with torch.no_grad():
        outputs = forward(sized, shown, batch)
    sight = ImageTrunk(BACKBONE, images.shape[1:3], trunk.weights)
    seen = sight.see(Frame({"image": images}, len(images)), INNER.schema)[:, :3]
    for network_of_fold in outputs[:, 0].numpy():
        np.testing.assert_allclose(network_of_fold, seen, atol=1e-4)
    assert not torch.equal(weights[f"{head}.weight"][0], weights[f"{head}.weight"][1])


def test_the_trunk_learns_slower_than_the_head(prepared: Extended) -> None:
    """By the factor that the recipe says; without one all learn alike."""
    network = _network(prepared)
    stack = stack_parameters(begun_as(network, beginning(prepared), NONE, [0]))
    head = f"{len(network.blocks) - 1}.weight"
    slow, even = Recipe(learning_rate=0.01, trunk_rate=0.25), Recipe(learning_rate=0.01)
    assert stack.rate_of(head, slow) == stack.rate_of(head, even) == stack.rate_of("1.weight", even)
    assert stack.rate_of("1.weight", slow) == pytest.approx(0.25 * stack.rate_of("1.weight", even))


def test_it_learns_in_a_few_steps(prepared: Extended) -> None:
    """Lying bars are told from standing ones."""
    network = _network(prepared)
    rows = as_rows(Features({"images": IMAGES}), INNER.goal.targets(LOADED.truth), INNER.quantiles)
    split = Split(np.arange(0, 160), np.arange(160, len(TABLE)))
    recipe = Recipe(learning_rate=3e-3, trunk_rate=0.3, epochs=3, batch_size=16)
    quiet = Control(lambda: 0.0, lambda: False, lambda progress: None)
    first = begun_as(network, beginning(prepared), NONE, [0])
    (trained,) = train_population(network, [recipe], rows, [split], LOSSES["cross_entropy"], quiet, [0], first)
    assert trained.loss < 0.6 < np.log(3)


def test_a_model_without_the_trunk_takes_the_network(prepared: Extended) -> None:
    """It carries the weights itself, and one for colours takes grey images; other networks are refused as before."""
    network = _network(prepared)
    assert prepared.accepts(network) and INNER.accepts(network)
    assert not INNER.accepts(Network((*network.blocks[:-1], Head(7))))
    huge = ImageInput(20_000, 20_000, (0.5,), (0.5,))
    assert not INNER.accepts(Network((huge, *network.blocks[1:])))


def test_it_is_tried_only_where_there_is_time(trunk: ImageTrunk) -> None:
    """With all the time there is images are large; with too little, none is trained."""
    many = np.zeros((3000, 32, 32, 3), np.uint8)
    sides = []
    for seconds in (5.0, 1e9):
        blocks = tuned_blocks(trunk, many, seconds)
        first = blocks[0] if blocks else None
        sides.append(first.height if isinstance(first, ImageInput) else 0)
    assert sides == [0, 64]
    assert tuned_blocks(trunk, many, None)
    assert not tuned_blocks(trunk, np.zeros((20_000, 8, 8, 1), np.uint8), None)
    made = extend(INNER, LOADED.frame.take(np.arange(40)), trunk)
    assert made.lent.features == BACKBONE.features and not made.lent.blocks
    assert not [point for point in TASK.portfolio(made, 100) if point["body"] == TUNED]


def test_sizes_are_those_that_a_machine_has_time_for(trunk: ImageTrunk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was timed on a few images: a faster one sees larger images, and one that is too slow sees none."""
    path, many = installed_weights(BACKBONE), np.zeros((3000, 64, 64, 3), np.uint8)
    assert path is not None
    timed, speeds = [], [1e8]

    def speed(seen: ImageTrunk, images: np.ndarray, side: int, device: str) -> float:
        timed.append((len(images), side))
        return speeds[-1]

    def seconds(seen: ImageTrunk, images: np.ndarray, side: int, device: str) -> float:
        timed.append((len(images), side))
        return 2e9 * side / 64 / speeds[-1]

    monkeypatch.setattr(trunks, "_speed", speed)
    monkeypatch.setattr(trunks, "_tuning_seconds", seconds)
    assert image_trunk(path, many, 100.0) is None
    sides = []
    for speeds[-1] in (2e10, 2e11):
        made = image_trunk(path, many, 100.0)
        assert made is not None
        first = tuned_blocks(made, many, 4e3)
        sides.append((made.size[0], first[0].height if first and isinstance(first[0], ImageInput) else 0))
    assert sides == [(64, 0), (224, 96)]
    assert timed == [(32, side) for side in (128, 128, 64, 128, 64, 96, 128)]


def test_training_is_timed_on_every_core(trunk: ImageTrunk) -> None:
    """By a number that a processor can have; PyTorch's setting stays."""
    before = torch.get_num_threads()
    network = Network((BACKBONE.inputs(32, 32), *BACKBONE.blocks, Head(2)))
    assert 1e-6 < training_seconds(network, trunk.beginning(), IMAGES[:8]) < 10
    assert torch.get_num_threads() == before


def test_a_run_that_trains_it_further_is_saved_and_answers_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From images to a file and back; what would be tried before it is left out."""

    def tuned(rows: int, **given: bool) -> tuple[Point, ...]:
        return tuple(point for point in portfolio(rows, **given) if point["body"] == TUNED)

    monkeypatch.setattr("netwright.spec.images.portfolio", tuned)
    few = TABLE.iloc[:36]
    run = nw.fit(few, TARGET, trials=3, pretrained="auto", out=tmp_path)
    assert any("trained further" in standing.name for standing in run.result.leaderboard)
    model = nw.load(run.bundle)
    assert np.array_equal(model.predict_proba(few), run.model.predict_proba(few))
