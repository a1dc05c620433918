"""Training holds to one device, and does not wait for it at every step.

PyTorch's `meta` device computes shapes only: it refuses to mix with another device, and to tell what a number is. So a
step that runs on it would run on a graphics card, and would not wait for it.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright.data.stretches import POSITIONS
from netwright.errors import NoDevice
from netwright.resources.machine import usable_cores
from netwright.spec.blocks import ImageInput
from netwright.spec.network import Network, Recipe
from netwright.testing.blocks import example_batch, example_networks
from netwright.train.device import PROCESSOR, find_device
from netwright.train.framework import Split
from netwright.train.lanes import lanes_of
from netwright.train.losses import LOSSES
from netwright.train.population import Population
from netwright.train.rows import Rows

META = torch.device("meta")
RECIPE = Recipe(batch_size=4, dropout=0.2, mixup=0.3, label_smoothing=0.1, averaging=0.2)
NETWORKS = [*example_networks()]
IMAGES = [network for network in NETWORKS if isinstance(network.blocks[0], ImageInput)]


def _step(network: Network, recipes: list[Recipe]) -> torch.device:
    """Return where the parameters of a population lie after a step on the meta device."""
    batch = example_batch(network.blocks[0], torch.Generator().manual_seed(0))
    # Seven rows; where sentences end is known on the processor, as `train.rows.as_rows` has it.
    features = {name: tensor[0] if name == POSITIONS else tensor[0].to(META) for name, tensor in batch.items()}
    knots = torch.arange(49.0).expand(batch["numeric"].shape[2] if "numeric" in batch else 0, -1)
    rows = Rows(features, torch.zeros(7, dtype=torch.int64, device=META), knots, META)
    split = Split(np.arange(5), np.arange(5, 7))
    population = Population.start(network, recipes, rows, [split, split], list(range(len(recipes))))
    population.step(rows, population.shuffled(4), LOSSES["cross_entropy"], 0.4)
    return population.stack.parameters.device


@pytest.mark.parametrize("network", NETWORKS)
def test_a_step_stays_on_its_device(network: Network) -> None:
    """Of every block, with one trial, and with two recipes in one stack."""
    for recipes in ([RECIPE], [RECIPE, Recipe(batch_size=4, learning_rate=0.1)]):
        assert _step(network, recipes) == META


@pytest.mark.parametrize("network", IMAGES)
@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(batch_size=4, distortion=0.5, flips="all", mixup=0.2, growth=0.5),
        Recipe(batch_size=4, warp=0.5, masking=0.5, optimiser="muon"),
        Recipe(batch_size=4, optimiser="sgd", schedule="one_cycle"),
    ],
)
def test_a_step_on_images_stays_on_its_device(network: Network, recipe: Recipe) -> None:
    """With all that changes images and spectrograms at random."""
    assert _step(network, [recipe]) == META


def test_a_step_with_a_lasso_stays_on_its_device() -> None:
    """On the scales of the features of a table."""
    assert _step(NETWORKS[0], [Recipe(batch_size=4, sparsity=0.01)]) == META


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
    """And the processor one a core, up to four."""
    assert lanes_of(torch.device("cuda")) == 1
    assert lanes_of(PROCESSOR) == min(usable_cores(), 4)
