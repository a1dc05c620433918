"""Networks that begin as a trained trunk, and not with random weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.build.torch import initial_weights
from netwright.spec.network import Network


def begun_as(
    network: Network, trunk: Mapping[str, NDArray[Any]], quantiles: Tensor, seeds: Sequence[int]
) -> dict[str, Tensor]:
    """Return the first weights (M, ...) by name of a stack of networks that train a trunk further.

    Args:
        network: their shape.
        trunk: its tensors, named as in the network; what it lacks, such as the head, begins at random.
        quantiles: (F, Q) knots of the numeric features.
        seeds: (M,) one a network.
    """
    weights = initial_weights(network, quantiles, seeds)
    lent = {name: torch.from_numpy(array) for name, array in trunk.items()}
    return {
        name: lent[name].expand(tensor.shape).clone() if name in lent else tensor for name, tensor in weights.items()
    }
