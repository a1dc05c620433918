"""The networks of each fold predict alone in ONNX Runtime what they do in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright.build.torch import initial_weights
from netwright.data.features import Features
from netwright.inference import folds
from netwright.inference.folds import Sessions
from netwright.spec.network import Network, taken_features
from netwright.testing.blocks import example_batch, example_networks
from netwright.testing.models import shaken
from netwright.train.predict import predict_stack


@pytest.mark.parametrize("network", [*example_networks()][::3], ids=lambda network: str(network.blocks)[:100])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_each_network_predicts_what_it_does_in_pytorch(network: Network, loss: str) -> None:
    """Chances or values, of tables, texts and images; of no row nothing."""
    generator = torch.Generator().manual_seed(0)
    batch = example_batch(network.blocks[0], generator)
    columns = batch["numeric"].shape[2] if "numeric" in batch else 0
    knots = torch.randn(columns, 49, generator=generator).sort(dim=1)[0]
    weights = {name: one.numpy() for name, one in shaken(initial_weights(network, knots, [1, 2]), generator).items()}
    features = Features({name: batch[name][0].numpy() for name in taken_features(network)})
    sessions = Sessions()
    found = sessions.predict(network, weights, features, loss)
    np.testing.assert_allclose(found, predict_stack(network, weights, features, loss), atol=1e-4)
    nothing = features.rows(np.zeros(0, np.int64))
    assert sessions.predict(network, weights, nothing, loss).shape == (2, 0, network.outputs)


def test_a_stack_is_made_ready_once_and_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal weights that are other arrays are another stack."""
    made: list[int] = []
    ready = folds._ready
    monkeypatch.setattr(folds, "_ready", lambda *given: made.append(1) or ready(*given))
    monkeypatch.setattr(folds, "MOST", 2)
    network = next(iter(example_networks()))
    batch = example_batch(network.blocks[0], torch.Generator().manual_seed(0))
    features = Features({name: batch[name][0].numpy() for name in taken_features(network)})
    stacks = [
        {name: one.numpy() for name, one in initial_weights(network, torch.zeros(3, 49), [seed]).items()}
        for seed in range(3)
    ]
    sessions = Sessions()
    for stack in (stacks[0], stacks[0], stacks[1], stacks[2], stacks[2]):
        sessions.predict(network, stack, features, "cross_entropy")
    assert len(made) == 3
    sessions.predict(network, stacks[0], features, "cross_entropy")
    assert len(made) == 4
