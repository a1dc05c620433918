"""Networks begin alike whoever builds them: with the same tensors, of the same distributions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright.build.starting import first_weights
from netwright.build.torch import initial_weights
from netwright.spec.blocks import (
    Attention,
    Dense,
    Head,
    Identity,
    Periodic,
    Piecewise,
    Recurrent,
    SequenceConvolution,
    SequenceInput,
    SequencePool,
    TableInput,
)
from netwright.spec.costs import weight_shapes
from netwright.spec.network import Network
from netwright.testing.blocks import example_networks

KNOTS = np.sort(np.random.default_rng(0).normal(size=(3, 49)).astype(np.float32), axis=1)
WIDE = (
    Network((TableInput(3, 2, (40, 12), Periodic(frequencies=60, width=60, sigma=0.3)), Dense(90), Head(20))),
    Network((TableInput(3, 2, (40, 12), Piecewise(bins=40, width=60)), Dense(90), Head(20))),
    Network(
        (
            SequenceInput(90, 24, 30, TableInput(0, 0, (), Identity())),
            SequenceConvolution(48),
            Attention(2, 40),
            Recurrent(40),
            SequencePool("mean"),
            Head(20),
        )
    ),
)
MANY = 300  # numbers of which a deviation says something


@pytest.mark.parametrize("network", [*example_networks(), *WIDE], ids=lambda network: str(network.blocks)[:100])
def test_the_first_weights_are_those_of_pytorch_but_for_chance(network: Network) -> None:
    """Names, shapes, all that is constant, and the spread of what is random; every network of a stack its own."""
    first = network.blocks[0]
    columns = getattr(first, "table", first).numeric if not hasattr(first, "means") else 0
    knots = KNOTS[:columns]
    ours = first_weights(network, knots, [1, 2])
    theirs = initial_weights(network, torch.from_numpy(knots), [3, 4])
    assert {name: array.shape for name, array in ours.items()} == {
        name: (2, *shape) for name, shape in weight_shapes(network).items()
    }
    for name, array in ours.items():
        other = theirs[name].numpy()
        assert array.dtype == np.float32
        if np.array_equal(other[0], other[1]):
            np.testing.assert_allclose(array, other, rtol=1e-6)
        else:
            assert not np.array_equal(array[0], array[1])
            assert ((array == 0) == (other == 0)).all(), name
            if array.size > MANY:
                assert array.std() == pytest.approx(other.std(), rel=0.2), name
                assert np.abs(array).max() == pytest.approx(np.abs(other).max(), rel=0.6), name


def test_a_seed_gives_the_same_weights_whatever_stands_beside_it() -> None:
    """Nothing else decides."""
    alone, among = first_weights(WIDE[0], KNOTS, [7]), first_weights(WIDE[0], KNOTS, [1, 7])
    assert all(np.array_equal(array[0], among[name][1]) for name, array in alone.items())
