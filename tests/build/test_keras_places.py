"""What a network in Keras is trained with: its numbers come and go as they are, and its noise keeps the mean."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch

if find_spec("keras") is None:  # it must not be imported yet: `build.backend` says on what it runs
    pytest.skip("Keras is not installed", allow_module_level=True)

from netwright.build.backend import keras, single_precision
from netwright.build.keras import forward
from netwright.build.keras_mix import TYPES
from netwright.build.keras_noise import Noise
from netwright.build.keras_places import Places, is_moved, numbered
from netwright.build.starting import first_weights
from netwright.spec.network import Network, taken_features
from netwright.testing.blocks import example_batch, example_networks

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras


@pytest.mark.parametrize("network", [*example_networks()], ids=lambda network: str(network.blocks)[:120])
def test_weights_go_to_keras_and_come_back(network: Network) -> None:
    """Of every block: the layers then give what those give that were built with these weights, and nothing is lost."""
    rows = example_batch(network.blocks[0], torch.Generator().manual_seed(0))
    fed = {name: rows[name][0].numpy().astype(TYPES[name]) for name in taken_features(network)}
    columns = rows["numeric"].shape[2] if "numeric" in rows else 0
    knots = np.sort(np.random.default_rng(1).normal(size=(columns, 49)).astype(np.float32), axis=1)
    generator = np.random.default_rng(2)
    weights = {
        name: array + generator.uniform(0.1, 0.3, array.shape).astype(np.float32) if is_moved(name) else array
        for name, array in first_weights(network, knots, [1, 2]).items()
    }
    shapes = {name: array.shape for name, array in weights.items() if is_moved(name)}
    measured = {name: array for name, array in weights.items() if not is_moved(name)}
    with single_precision():
        inputs = {name: keras.Input(array.shape[1:], dtype=TYPES[name], name=name) for name, array in fed.items()}
        built = keras.Model(inputs, forward(network, {**numbered(shapes), **measured}, inputs, "a"))
        right = keras.Model(inputs, forward(network, weights, inputs, "b")).predict(fed, verbose=0)
    places = Places.of(built, shapes)
    places.put(weights)
    np.testing.assert_allclose(built.predict(fed, verbose=0), right, atol=1e-5)
    back = places.taken({name: np.zeros_like(array) for name, array in weights.items()})
    for name in shapes:
        same = back[name] == weights[name]
        known = name.endswith("places") & (back[name] == 0)  # behind the longest text there is none
        assert (same | known).all(), name


def test_noise_keeps_the_mean_and_is_silent_where_nothing_is_learnt() -> None:
    """Of a share of 0.4, as near as chance allows."""
    noise = Noise()
    noise.share.assign(0.4)
    noise.begin(1)
    ones = np.ones((50, 2, 100), np.float32)
    heard = keras.ops.convert_to_numpy(noise(ones, training=True))
    assert np.array_equal(keras.ops.convert_to_numpy(noise(ones)), ones)
    assert (heard == 0).mean() == pytest.approx(0.4, abs=0.03)
    assert heard.mean() == pytest.approx(1.0, abs=0.05)
