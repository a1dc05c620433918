"""On a real graphics card: skipped where there is none. What can be seen without one is in `test_device.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.data.features import table_features
from netwright.spec.blocks import Dense, Head, Periodic, TableInput
from netwright.spec.network import Network, Recipe
from netwright.tasks.image import toy
from netwright.train.control import Control
from netwright.train.device import PROCESSOR, Device
from netwright.train.framework import Split
from netwright.train.losses import LOSSES
from netwright.train.rows import as_rows
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


def test_a_run_on_a_card_ends_with_a_model_for_the_processor(tmp_path: Path) -> None:
    """Tables and images, from data to a file and back."""
    images, target = toy(0)
    run = nw.fit(images, target, trials=4, pretrained="none", device="cuda", out=tmp_path)
    assert run.result.score > 0.8
    assert np.array_equal(nw.load(run.bundle).predict_proba(images), run.model.predict_proba(images))
