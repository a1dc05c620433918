"""Answers of trained networks, from arrays to arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.build.torch import Batch, forward
from netwright.data.features import Features
from netwright.spec.network import Network
from netwright.train.losses import LOSSES

ROWS = 4096  # predicted at once: activations of a stack of ten networks, 256 wide, then take 40 MB


def predict_stack(
    network: Network, weights: Mapping[str, NDArray[Any]], features: Features, loss: str
) -> NDArray[np.float32]:
    """Return predictions (S, N, K) of every network of a stack for the same rows.

    Args:
        network: their shape.
        weights: tensors (S, ...) by name.
        features: N rows.
        loss: the name of the loss they were trained with, which says how outputs become predictions.
    """
    before = torch.get_num_threads()
    if len(features) <= ROWS:
        torch.set_num_threads(1)  # threads that wait for each other cost more than they bring on little work
    try:
        return _predict(network, weights, features, loss)
    finally:
        torch.set_num_threads(before)


def _predict(
    network: Network, weights: Mapping[str, NDArray[Any]], features: Features, loss: str
) -> NDArray[np.float32]:
    tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
    stack = next(iter(tensors.values())).shape[0]
    decode = LOSSES[loss].decode
    pieces: list[Tensor] = []
    with torch.no_grad():
        for start in range(0, max(len(features), 1), ROWS):
            part = slice(start, start + ROWS)
            arrays = (features.numeric[part], features.plain[part], features.categories[part])
            batch = Batch(*(torch.from_numpy(array).expand(stack, *array.shape) for array in arrays))
            pieces.append(decode(forward(network, tensors, batch)))
    return torch.cat(pieces, dim=1).numpy()
