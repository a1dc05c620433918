"""Images grow while they are learnt from, and weights are averaged."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright.data.features import Features
from netwright.spec.blocks import Convolution, Dense, GlobalPool, Head, Identity, ImageInput, TableInput
from netwright.spec.network import Candidate, Network, Recipe
from netwright.train.averaging import Average
from netwright.train.control import Control
from netwright.train.framework import Split
from netwright.train.growth import at_share, mean_area, side_share
from netwright.train.losses import LOSSES
from netwright.train.pace import Pace
from netwright.train.population import Population
from netwright.train.rows import Rows, as_rows
from netwright.train.training import train_population

NETWORK = Network(
    (ImageInput(32, 24, (0.5,), (0.25,)), Convolution(4, 3, 1, "relu"), GlobalPool("mean"), Head(2)),
)
TABLE = Network((TableInput(2, 0, (), Identity()), Dense(4), Head(2)))


def _rows() -> Rows:
    images = np.random.default_rng(0).integers(0, 256, (40, 32, 24, 1)).astype(np.uint8)
    images[::2] //= 2  # every second one is darker
    return as_rows(Features({"images": images}), np.arange(40) % 2, np.zeros((0, 2), np.float32))


def _splits() -> tuple[Split, ...]:
    rows = np.arange(40)
    return tuple(Split(rows[rows % 4 != fold], rows[rows % 4 == fold]) for fold in (0, 1))


def test_images_grow_from_their_first_share_to_the_whole() -> None:
    """At no time do they shrink, and over the last third they are whole."""
    shares = [side_share(0.5, progress) for progress in np.linspace(0, 1, 50)]
    assert shares[0] == 0.5
    assert shares == sorted(shares)
    assert set(shares[34:]) == {1.0}
    assert all(side_share(1.0, progress) == 1.0 for progress in (0.0, 0.3, 1.0))


def test_the_mean_area_is_that_of_a_whole_training() -> None:
    """The formula agrees with the sizes that are used, but for their rounding."""
    used = np.mean([side_share(0.5, progress) ** 2 for progress in np.linspace(0, 1, 3000)])
    assert mean_area(0.5) == pytest.approx(used, rel=0.02)
    assert mean_area(1.0) == pytest.approx(1.0)


def test_a_network_sees_smaller_images_with_the_same_weights() -> None:
    """Only the first block changes; tables and whole images leave everything as it is."""
    smaller = at_share(NETWORK, 0.5)
    assert smaller.blocks[0] == ImageInput(16, 12, (0.5,), (0.25,))
    assert smaller.blocks[1:] == NETWORK.blocks[1:]
    assert at_share(NETWORK, 1.0) is NETWORK
    assert at_share(TABLE, 0.5) is TABLE


def test_small_images_do_not_vanish() -> None:
    """No side falls below eight pixels, nor is one made larger."""
    tiny = Network((ImageInput(10, 4, (0.5,), (0.25,)), *NETWORK.blocks[1:]))
    first = at_share(tiny, 0.25).blocks[0]
    assert isinstance(first, ImageInput)
    assert (first.height, first.width) == (8, 4)


def test_the_plan_knows_that_growing_images_cost_less() -> None:
    """By the share of the area, where arithmetic is all of the cost."""
    wide = Network((ImageInput(128, 128, (0.5,), (0.25,)), Convolution(64, 3, 1, "relu"), *NETWORK.blocks[2:]))
    whole, grown = (Pace().seconds(Candidate(wide, Recipe(growth=growth)), 1000, 4, 1) for growth in (1.0, 0.5))
    assert grown / whole == pytest.approx(mean_area(0.5), rel=0.05)


@pytest.mark.parametrize("recipe", [Recipe(growth=0.5), Recipe(averaging=0.2), Recipe(growth=0.5, averaging=0.1)])
def test_networks_learn_so(recipe: Recipe) -> None:
    """What is dark is told from what is bright, by images that grow and by averaged weights."""
    one = Recipe(
        epochs=30, batch_size=8, learning_rate=0.03, dropout=0.0, growth=recipe.growth, averaging=recipe.averaging
    )
    quiet = Control(lambda: 0.0, lambda: False, lambda progress: None)
    (trained,) = train_population(NETWORK, [one], _rows(), _splits(), LOSSES["cross_entropy"], quiet, [0])
    assert trained.loss < 0.3 < np.log(2)


def test_the_average_of_the_first_steps_is_their_mean() -> None:
    """Until its span is full all steps count alike; afterwards the latest count most."""
    average = Average(0.5, torch.zeros(1))
    for number in range(1, 5):
        average.add(torch.tensor([float(number)]), number / 10)
    assert average.parameters.item() == pytest.approx((1 + 2 + 3 + 4) / 4)
    for number in range(5, 11):
        average.add(torch.tensor([10.0]), number / 10)
    assert 5.5 < average.parameters.item() < 10.0
    average.add(torch.tensor([0.0]), 1.0)  # no time has gone, so it counts nothing
    assert average.parameters.item() > 5.5


def test_networks_predict_with_the_average_and_go_on_with_their_own() -> None:
    """What is judged and kept are averaged weights; the optimiser's stay untouched."""
    rows, splits, loss = _rows(), _splits(), LOSSES["cross_entropy"]
    population = Population.start(NETWORK, [Recipe(averaging=0.3, learning_rate=0.1)], rows, splits, [0])
    for step in range(8):
        population.step(rows, population.shuffled(8), loss, (step + 1) / 8)
    own, shown = population.stack.named(), population.named()
    assert any(not torch.equal(own[name], shown[name]) for name in own)
    assert population.average is not None
    averaged = population.stack.views_of(population.average.parameters)
    assert all(torch.equal(shown[name], averaged[name]) for name in averaged)
    assert {name: tensor.dtype for name, tensor in population.computed().items()} == {
        name: tensor.dtype for name, tensor in population.stack.computed().items()
    }
