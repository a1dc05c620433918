"""Points of the space for images stand for networks, however small or long the images are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright.build.torch import forward, initial_weights
from netwright.spec import images
from netwright.spec.blocks import ImageInput
from netwright.spec.costs import block_costs, network_cost
from netwright.spec.drawing import draw
from netwright.spec.spaces import sample


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 40), (8, 8), (28, 28), (64, 96)])
def test_every_point_fits_images_of_any_size(height: int, width: int) -> None:
    """No map vanishes, and what leaves the network is one row of outputs an image."""
    generator = np.random.default_rng(0)
    whole = ImageInput(height, width, (0.5,), (0.3,))
    points = [*images.portfolio(100), *(sample(images.space(100, "binary"), generator) for _ in range(8))]
    for point in points:
        network = images.network(point, images.inputs(point, whole), 3)
        assert all(min(cost.pixels) >= 1 for cost in block_costs(network))
        pixels = torch.zeros(1, 2, height, width, 1, dtype=torch.uint8)
        weights = initial_weights(network, torch.zeros(0, 2), [0])
        assert forward(network, weights, {"images": pixels}).shape == (1, 1, 2, 3)
        assert max(map(len, draw(network).splitlines())) <= 80


def test_costs_grow_with_the_pixels() -> None:
    """Four times the pixels cost four times the operations, and no parameter."""
    point = images.usual(100)
    small, large = (network_cost(images.network(point, ImageInput(side, side, (0.5,), (0.3,)), 3)) for side in (32, 64))
    assert small.parameters == large.parameters
    assert 3.9 < large.flops / small.flops < 4.1


def test_smoothing_is_for_classes_only() -> None:
    """A number cannot be smoothed."""
    assert images.space(100, "regression")["label_smoothing"].values == (0.0,)  # type: ignore[union-attr]


def test_sgd_has_the_decay_of_adamw_at_a_learning_rate_of_its_own() -> None:
    """What a step takes off a weight is the product of the two; the rate is one that suits SGD."""
    point = images.usual(100)
    one, other = (images.recipe({**point, "optimiser": name}) for name in ("adamw", "sgd"))
    assert (one.optimiser, other.optimiser) == ("adamw", "sgd")
    assert 0.05 < other.learning_rate < 0.2
    assert other.learning_rate * other.weight_decay == pytest.approx(one.learning_rate * one.weight_decay)
    assert images.recipe({**point, "optimiser": "sgd", "learning_rate": 0.9}).learning_rate == 1.0
    assert "sgd" in images.describe({**point, "optimiser": "sgd"})
