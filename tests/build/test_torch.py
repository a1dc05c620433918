"""Networks in PyTorch are what their specs say."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from netwright.build.noise import Noise
from netwright.build.torch import forward, initial_weights
from netwright.spec.blocks import Block, Dense, Head, Identity, TableInput
from netwright.spec.network import Network
from netwright.testing.blocks import check_network, example_networks


@pytest.mark.parametrize("network", list(example_networks()), ids=str)
def test_a_network_keeps_the_contract_of_blocks(network: Network) -> None:
    """Shapes, counts, independence in a stack and gradients hold for every example."""
    check_network(network)


def test_every_block_occurs_in_an_example() -> None:
    """A block that is registered but never checked would be a hole in the contract."""
    union, *_ = get_args(Block)
    seen = {type(block) for network in example_networks() for block in network.blocks}
    assert seen == set(get_args(union))


def test_dropout_keeps_the_mean_and_honours_the_rate_of_each_network() -> None:
    """A network with rate 0 is untouched beside one with rate 0.5, whose activations keep their mean."""
    network = Network((TableInput(4, 0, (), Identity()), Dense(512, "relu"), Head(1)))
    weights = initial_weights(network, torch.zeros(4, 49), [1, 1])
    weights["2.weight"] = torch.ones_like(weights["2.weight"])
    batch = {"numeric": torch.randn(2, 200, 4)}
    batch["numeric"][1] = batch["numeric"][0]
    noise = Noise(torch.tensor([0.0, 0.5]), torch.Generator().manual_seed(0))
    calm = forward(network, weights, batch)
    noisy = forward(network, weights, batch, noise)
    torch.testing.assert_close(noisy[0], calm[0])
    assert not torch.allclose(noisy[1], calm[1])
    assert abs(float(noisy[1].mean() / calm[1].mean()) - 1) < 0.03
