"""Training holds to one device, and does not wait for it at every step.

PyTorch's `meta` device computes shapes only: it refuses to mix with another device, and to tell what a number is. So a
step that runs on it would run on a graphics card, and would not wait for it.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright.data.features import Features, table_features
from netwright.errors import NoDevice
from netwright.spec.blocks import (
    Attention,
    BagInput,
    Block,
    ConvNext,
    Convolution,
    Dense,
    GlobalPool,
    Head,
    Identity,
    ImageInput,
    InvertedResidual,
    MaxPool,
    Members,
    Periodic,
    Piecewise,
    Recurrent,
    Residual,
    ResidualConvolution,
    SequenceConvolution,
    SequenceInput,
    SequencePool,
    TableInput,
)
from netwright.spec.network import Network, Recipe
from netwright.train.device import PROCESSOR, find_device
from netwright.train.lanes import cores_of, lanes_of
from netwright.train.losses import LOSSES
from netwright.train.population import Population
from netwright.train.rows import Split, as_rows

ROWS = 24
META = torch.device("meta")
TABLE = TableInput(3, 1, (4,), Identity())
EVERYTHING = Recipe(batch_size=8, dropout=0.2, mixup=0.3, label_smoothing=0.1, averaging=0.2, sparsity=0.01)

_generator = np.random.default_rng(0)
_table = table_features(
    _generator.normal(size=(ROWS, 3)).astype(np.float32),
    np.ones((ROWS, 1), np.float32),
    _generator.integers(0, 4, (ROWS, 1)),
)
_texts = {
    "grams": _generator.integers(0, 10, (ROWS, 6)),
    "gram_weights": np.ones((ROWS, 6), np.float32),
    "pieces": _generator.integers(0, 20, (ROWS, 12)),
}
_images = Features({"images": _generator.integers(0, 256, (ROWS, 16, 16, 1)).astype(np.uint8)})


def _of_table(*blocks: Block) -> Network:
    return Network((*blocks, Head(2)))


def _of_images(*blocks: Block) -> Network:
    return Network((ImageInput(16, 16, (0.5,), (0.25,)), *blocks, GlobalPool("both"), Head(2)))


def _of_texts(*blocks: Block) -> Network:
    return Network((SequenceInput(20, 8, 12, TABLE), *blocks, Head(2)))


TABLES = (
    _of_table(TableInput(3, 1, (4,), Periodic(4, 3)), Dense(8, "relu", "layer"), Residual(8)),
    _of_table(TableInput(3, 1, (4,), Piecewise(4, 3)), Members(2), Dense(8)),
)
TEXTS = (
    _of_table(BagInput(10, 4, TABLE), Dense(8)),
    _of_texts(SequenceConvolution(8, 3), Recurrent(8), SequencePool("both")),
    _of_texts(Attention(2, 8), SequencePool("attention")),
)
IMAGES = (
    _of_images(Convolution(4, 3, 2), ResidualConvolution(8, 3, 2), MaxPool(2)),
    _of_images(Convolution(4, 3, 1), InvertedResidual(8, 2, 3, 2), ConvNext(2, 3)),
)


def _step(network: Network, features: Features, recipes: list[Recipe]) -> Population:
    """Return a population after a step on the meta device."""
    rows = as_rows(features, np.arange(ROWS) % 2, np.sort(np.ones((3, 9), np.float32).cumsum(axis=1)), META)
    split = Split(np.arange(16), np.arange(16, ROWS))
    population = Population.start(network, recipes, rows, [split, split], list(range(len(recipes))))
    population.step(rows, population.shuffled(8), LOSSES["cross_entropy"], 0.4)
    return population


@pytest.mark.parametrize("network", TABLES)
def test_a_step_on_tables_stays_on_its_device(network: Network) -> None:
    """With one trial, and with two recipes in one stack."""
    for recipes in ([EVERYTHING], [EVERYTHING, Recipe(batch_size=8, learning_rate=0.1)]):
        assert _step(network, _table, recipes).stack.parameters.device == META


@pytest.mark.parametrize("network", TEXTS)
def test_a_step_on_texts_stays_on_its_device(network: Network) -> None:
    """Bags, sequences and the table beside them."""
    features = Features({**_texts, **_table.arrays})
    assert _step(network, features, [Recipe(batch_size=8, dropout=0.2)]).stack.parameters.device == META


@pytest.mark.parametrize("network", IMAGES)
@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(batch_size=8, distortion=0.5, flips="all", mixup=0.2, growth=0.5),
        Recipe(batch_size=8, warp=0.5, masking=0.5, optimiser="muon"),
    ],
)
def test_a_step_on_images_stays_on_its_device(network: Network, recipe: Recipe) -> None:
    """With all that changes images and spectrograms at random."""
    assert _step(network, _images, [recipe]).stack.parameters.device == META


def test_the_meta_device_would_tell() -> None:
    """What these tests rest on: it refuses tensors of another device, and to say what a number is."""
    with pytest.raises(RuntimeError):
        torch.ones(2, device=META) + torch.ones(2)
    with pytest.raises(RuntimeError):
        bool(torch.ones(2, device=META).any())


def test_a_device_that_is_not_there_is_refused() -> None:
    """By a sentence that names those that are."""
    with pytest.raises(NoDevice, match="Choose from: auto, cpu"):
        find_device("nonsense")
    if not torch.cuda.is_available():
        with pytest.raises(NoDevice, match="'cuda'"):
            find_device("cuda")
        assert find_device("auto") == PROCESSOR
    assert find_device("cpu") == PROCESSOR


def test_a_card_has_one_lane() -> None:
    """And the processor one a core."""
    assert lanes_of(torch.device("cuda")) == 1
    assert cores_of(torch.device("cuda")) > 1
    assert lanes_of(PROCESSOR) == cores_of(PROCESSOR)
