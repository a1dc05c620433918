"""On a real graphics card: skipped where there is none. What can be seen without one is in `test_device.py`."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.build.noise import dropout_on
from netwright.build.pretrained import installed_encoder, installed_weights
from netwright.data.features import Features, table_features
from netwright.data.frame import Frame
from netwright.data.schema import Column, Kind, Outcome, Schema, Target
from netwright.pretrained.trunks import BACKBONE, ENCODER, image_trunk, text_trunk, tuned_blocks
from netwright.spec.blocks import Convolution, Dense, GlobalPool, Head, ImageInput, Periodic, TableInput
from netwright.spec.network import Network, Recipe
from netwright.tasks import audio, tabular, tagging, text
from netwright.tasks.image import toy
from netwright.testing.blocks import example_batch, example_networks
from netwright.train import rows as rows_module
from netwright.train.control import Control, Heir, Snapshot
from netwright.train.device import PROCESSOR, Device
from netwright.train.framework import Split
from netwright.train.losses import LOSSES
from netwright.train.population import Population
from netwright.train.recording import Inputs, Recorder
from netwright.train.rows import Rows, as_rows
from netwright.train.torch import Torch
from netwright.train.training import train_population

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA graphics card")

CARD = Device("cuda")
NETWORK = Network((TableInput(4, 0, (), Periodic(frequencies=4, width=3)), Dense(16), Head(2)))


def _loss(device: Device, recipe: Recipe) -> float:
    """Return the loss out of fold of a small network that was trained there, on made rows."""
    numeric = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    empty = np.zeros((400, 0))
    features = table_features(numeric, empty.astype(np.float32), empty.astype(np.int64))
    knots = np.quantile(numeric, np.linspace(0, 1, 49), axis=0).T.astype(np.float32)
    rows = as_rows(features, (numeric[:, 0] * numeric[:, 1] > 0).astype(np.int64), knots, device)
    fold = np.arange(400) % 4
    splits = [Split(np.flatnonzero(fold != each), np.flatnonzero(fold == each)) for each in range(4)]
    quiet = Control(lambda: 0.0, lambda: False, lambda progress: None)
    (trained,) = train_population(NETWORK, [recipe], rows, splits, LOSSES["cross_entropy"], quiet, [0])
    return trained.loss


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(epochs=20, batch_size=32, learning_rate=0.01),
        Recipe(epochs=20, batch_size=32, learning_rate=0.01, optimiser="muon", averaging=0.1),
        Recipe(epochs=20, batch_size=32, learning_rate=0.1, optimiser="sgd", weight_decay=1e-3, schedule="one_cycle"),
    ],
)
def test_a_card_learns_what_the_processor_learns(recipe: Recipe) -> None:
    """The same recipe from the same seed, but for rounding."""
    assert _loss(CARD, recipe) == pytest.approx(_loss(PROCESSOR, recipe), abs=0.02)
    assert _loss(CARD, recipe) < 0.5 < np.log(2)


def _after_steps(network: Network, recipes: list[Recipe], *, recorded: bool) -> tuple[Population, np.ndarray]:
    """Return a population after eight steps on the card, and its parameters; the second four under other recipes."""
    batch = example_batch(network.blocks[0], torch.Generator().manual_seed(0))
    features = {name: tensor[0].to(CARD) for name, tensor in batch.items()}  # seven rows
    knots = torch.arange(49.0).expand(batch["numeric"].shape[2] if "numeric" in batch else 0, -1)
    rows = Rows(features, torch.arange(7, device=CARD) % 2, knots, CARD)
    split = Split(np.arange(5), np.arange(5, 7))
    population = Population.start(network, recipes, rows, [split, split], list(range(len(recipes))))
    if not recorded:
        population.recorder = None
    for step in range(16):
        if step == 8 and len(recipes) > 1:
            population.inherit([Heir(1, 0, replace(recipes[0], learning_rate=0.002, label_smoothing=0.3))])
        population.step(rows, rows.near(population.shuffled(4)), LOSSES["cross_entropy"], step / 16)
    return population, population.stack.parameters.cpu().numpy()


@pytest.mark.parametrize("network", [*example_networks()])
@pytest.mark.parametrize("mixup", [0.0, 0.3])
def test_a_recorded_step_is_the_step(network: Network, mixup: float) -> None:
    """Of every block: parameters come to the same place, with one trial and with an heir among two."""
    one = Recipe(batch_size=4, learning_rate=0.01, averaging=0.2, label_smoothing=0.1, mixup=mixup)
    for recipes in ([one], [one, replace(one, learning_rate=0.003)]):
        population, found = _after_steps(network, recipes, recorded=True)
        recorded = None if population.recorder is None else population.recorder.recorded
        assert recorded == (None if network.chained else 1)
        np.testing.assert_allclose(found, _after_steps(network, recipes, recorded=False)[1], atol=2e-3)


def test_recorded_steps_draw_other_numbers_each_time() -> None:
    """As many activations are dropped as asked for, others at each step, and fewer as soon as fewer are asked for."""
    noise = dropout_on(CARD, torch.tensor([0.0, 0.5]), 0)
    recorder, ones = Recorder(CARD, (noise.generator,)), torch.ones(2, 1, 8, 500, device=CARD)
    held = torch.empty_like(ones)

    def drop(given: Inputs) -> None:
        held.copy_(noise.apply(given["hidden"]))

    drawn = []
    for _ in range(8):
        recorder.step("dropout", {"hidden": ones}, drop)
        drawn.append(held.cpu().flatten(1))
    assert recorder.recorded == 1 and len({each[1].numpy().tobytes() for each in drawn}) == 8
    for each in drawn:
        assert bool((each[0] == 1).all()) and set(each[1].tolist()) == {0.0, 2.0}
        assert abs(float(each[1].mean()) - 1) < 0.1
    noise.scaled(0.5)
    recorder.step("dropout", {"hidden": ones}, drop)
    assert abs(float((held[1] == 0).float().mean()) - 0.25) < 0.05


def test_what_cannot_be_recorded_is_done_all_the_same() -> None:
    """A step that looks at a number on the card cannot be played again without it; the card goes on."""
    generator = torch.Generator(CARD).manual_seed(0)
    recorder, seen = Recorder(CARD, (generator,)), []

    def look(given: Inputs) -> None:
        seen.append(float((given["a"] * torch.rand(3, generator=generator, device=CARD)).sum()))

    for _ in range(6):
        recorder.step("look", {"a": torch.ones(3, device=CARD)}, look)
    assert len(set(seen)) == 6 and all(0 < each < 3 for each in seen) and recorder.recorded == 0
    assert float(torch.rand(4, generator=generator, device=CARD).sum()) > 0


def test_too_little_memory_for_a_recording_is_told() -> None:
    """By an error that has the word, so that the batch is halved; numbers can be drawn after it."""
    generator = torch.Generator(CARD).manual_seed(0)
    recorder = Recorder(CARD, (generator,))

    def fill(given: Inputs) -> None:
        torch.rand(3, generator=generator, device=CARD)
        if torch.cuda.is_current_stream_capturing():
            torch.empty(2**44, device=CARD)

    with pytest.raises(RuntimeError, match="memory"):
        for _ in range(6):
            recorder.step("fill", {"a": torch.ones(3, device=CARD)}, fill)
    assert float(torch.rand(4, generator=generator, device=CARD).sum()) > 0


def test_rows_that_are_too_many_for_the_card_stay_with_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """And are learnt from as the others."""
    recipe = Recipe(epochs=20, batch_size=32, learning_rate=0.01)
    before = _loss(CARD, recipe)
    monkeypatch.setattr(rows_module, "MOST_ON_DEVICE", 0.0)
    assert _loss(CARD, recipe) == pytest.approx(before, abs=0.01)


def test_a_training_that_was_cut_off_goes_on() -> None:
    """To where it would have come, but for rounding: dropout and the order of rows go on too."""
    images, classes = np.random.default_rng(0).integers(0, 256, (96, 8, 8, 1)).astype(np.uint8), np.arange(96) % 2
    images[classes == 1, :4] = 255
    rows = as_rows(Features({"images": images}), classes, np.zeros((0, 2), np.float32), CARD)
    network = Network((ImageInput(8, 8, (0.5,), (0.3,)), Convolution(8), GlobalPool(), Head(2)))
    recipe = Recipe(epochs=6, batch_size=8, dropout=0.3, distortion=0.3, averaging=0.2)
    fold = np.arange(96) % 3
    splits = [Split(np.flatnonzero(fold != each), np.flatnonzero(fold == each)) for each in range(3)]
    kept: list[Snapshot] = []

    def keep(snapshot: Snapshot) -> None:
        kept.append(replace(snapshot, arrays={name: array.copy() for name, array in snapshot.arrays.items()}))

    whole = Control(lambda: 0.0, lambda: False, lambda progress: None, due=lambda: len(kept) < 20, keep=keep)
    (trained,) = train_population(network, [recipe], rows, splits, LOSSES["cross_entropy"], whole, [0])
    rest = Control(lambda: 0.0, lambda: False, lambda progress: None)
    begun = (network, [recipe], rows, splits, LOSSES["cross_entropy"], rest, [0], None)
    (again,) = train_population(*begun, kept[-1])
    assert again.steps == trained.steps
    assert again.loss == pytest.approx(trained.loss, abs=0.02)


def test_trained_trunks_see_on_a_card_what_they_see_on_the_processor() -> None:
    """In images and in texts, but for rounding."""
    images = np.random.default_rng(0).integers(0, 256, (6, 40, 40, 3)).astype(np.uint8)
    weights, folder = installed_weights(BACKBONE), installed_encoder(ENCODER)
    if weights is None or folder is None:
        pytest.skip("the packages of trained weights are not installed")
    frame = Frame({"image": images}, len(images))
    schema = Schema((Column("image", Kind.IMAGE, False, 0.0, 6),), Target("y", Outcome.BINARY, (0, 1)))
    trunk = image_trunk(weights, images, None)
    assert trunk is not None
    np.testing.assert_allclose(trunk.look(frame, schema, "cuda"), trunk.see(frame, schema), rtol=0.05, atol=0.05)
    blocks = tuned_blocks(trunk, images, 1e6, "cuda")
    assert isinstance(blocks[0], ImageInput) and blocks[0].height == 80
    reader = text_trunk(folder, 2, None)
    assert reader is not None
    texts = Frame({"text": np.array(["A cat sat on a mat.", "Networks learn."], object)}, 2)
    words = Schema((Column("text", Kind.TEXT, False, 0.0, 2),), schema.target)
    np.testing.assert_allclose(reader.look(texts, words, "cuda"), reader.see(texts, words), atol=1e-2)


@pytest.mark.parametrize("task", [audio, text, tabular, tagging])
@pytest.mark.parametrize("single", [False, True])
def test_other_tasks_on_a_card(task: Any, single: bool, tmp_path: Path) -> None:
    """From data to a file and back, and distilled."""
    table, target = task.toy(0)
    run = nw.fit(table, target, trials=4, pretrained="none", device="cuda", single=single, out=tmp_path)
    assert run.result.score > 0.6
    assert list(nw.load(run.bundle).predict(table)) == list(run.model.predict(table))


def test_a_run_on_a_card_ends_with_a_model_for_the_processor(tmp_path: Path) -> None:
    """Tables and images, from data to a file and back."""
    images, target = toy(0)
    run = nw.fit(images, target, trials=4, pretrained="none", device="cuda", out=tmp_path)
    assert run.result.score > 0.8
    assert np.array_equal(nw.load(run.bundle).predict_proba(images), run.model.predict_proba(images))


def test_a_full_card_is_told_of_and_emptied(tmp_path: Path) -> None:
    """What a step took that did not fit is given back, so that half of the batch fits; and a whole run goes on so."""
    numeric = np.random.default_rng(0).normal(size=(40_000, 4)).astype(np.float32)
    empty = np.zeros((40_000, 0))
    features = table_features(numeric, empty.astype(np.float32), empty.astype(np.int64))
    targets, knots = (numeric[:, 0] > 0).astype(np.int64), np.zeros((4, 49), np.float32)
    splits = [Split(np.arange(2, 40_000, dtype=np.int64), np.arange(2, dtype=np.int64))] * 2
    wide = Network((TableInput(4, 0, (), Periodic(frequencies=64, width=64)), Dense(2_048), Dense(2_048), Head(2)))
    quiet = Control(lambda: 0.0, lambda: False, lambda progress: None)
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(CARD).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**30) / whole)
    try:
        trainer = Torch(CARD).over(features, targets, knots)
        before, sizes = torch.cuda.memory_allocated(), []
        for batch in (32_768, 1_024):
            try:
                recipe = Recipe(epochs=1, batch_size=batch)
                trainer.train(wide, [recipe], splits, "cross_entropy", quiet, [0])
                sizes.append(batch)
            except MemoryError as error:
                assert "out of memory" in str(error)
                assert torch.cuda.memory_allocated() - before < 2**20
        assert sizes == [1_024]
        table, target = tabular.toy(0)
        assert nw.fit(table, target, trials=2, device="cuda", out=tmp_path).result.trials == 2
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


GONE = """
import sys
import torch
import netwright as nw
from netwright.events import GaveUp
from netwright.tasks.tabular import toy
from netwright.train import torch as engine

real, calls, said = engine.train_population, [], []

def train(*given):
    calls.append(1)
    if len(calls) == 3:  # from here on the card refuses everything, for the rest of the process
        torch.zeros(2, device="cuda")[torch.tensor([9], device="cuda")].cpu()
    return real(*given)

engine.train_population = train
table, target = toy(0)

def listen(event):
    if isinstance(event, GaveUp):
        said.append(event.reason)

run = nw.fit(table, target, trials=9, device="cuda", out=sys.argv[1], listener=listen)
assert len(said) == 1 and "The device cuda does not compute any more" in said[0], said
assert run.result.trials == 2 and run.result.failed == 1, run.result
assert len(nw.load(run.bundle).predict(table)) == len(table)
print("ended with a model")
"""


def test_a_card_that_had_a_fault_ends_the_run_with_a_model(tmp_path: Path) -> None:
    """A real one, in a process of its own: nothing can be computed on the card in it afterwards."""
    ended = subprocess.run([sys.executable, "-c", GONE, str(tmp_path)], capture_output=True, text=True, timeout=300)
    assert ended.stdout.strip() == "ended with a model", ended.stderr[-3000:]
