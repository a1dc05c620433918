"""What the search minimises, for tests of loops that are to learn as it does."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from netwright.build.noise import Noise
from netwright.build.torch import Batch, forward, layout_of
from netwright.build.torch_chain import chain_loss
from netwright.spec.network import Network, without_chain
from netwright.train.losses import LOSSES


def minimised(
    network: Network, weights: Mapping[str, Tensor], batch: Batch, targets: Tensor, smoothing: float
) -> Tensor:
    """Return the loss of one network on a batch, without dropout.

    Args:
        network: that tells classes.
        weights: tensors (1, ...) by name.
        batch: features (1, B, ...) by name.
        targets: (B,) classes.
        smoothing: the share of labels that is spread over all classes; a chain learns them as they are.
    """
    noise = Noise(torch.zeros(1), torch.Generator())
    if not network.chained:
        outputs = forward(network, weights, batch, noise)
        return LOSSES["cross_entropy"].training(outputs, targets[None], torch.tensor([smoothing])).sum()
    scores = forward(without_chain(network), weights, batch, noise).flatten(0, 1)  # (E, B, K)
    wanted = torch.eye(network.outputs)[targets].expand(len(scores), -1, -1)
    layout = layout_of(batch).of_members(len(scores), torch.device("cpu"))
    return chain_loss(scores, weights[f"{network.last}.transitions"].flatten(0, 1), layout, wanted).mean()
