"""Answers of trained networks, from arrays to arrays."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.build.torch import forward
from netwright.data.features import Features
from netwright.machine import usable_cores
from netwright.spec.costs import widest
from netwright.spec.network import Network
from netwright.train.losses import LOSSES

ACTIVATION = 2**22  # numbers between two layers, of all networks of a stack and all rows predicted at once: 16 MB


def rows_at_once(network: Network, stack: int) -> int:
    """Return how many rows a stack of networks predicts at once: few enough for the caches and the memory."""
    return max(16, ACTIVATION // (stack * widest(network)))


def predict_stack(
    network: Network, weights: Mapping[str, NDArray[Any]], features: Features, loss: str
) -> NDArray[np.float32]:
    """Return predictions (S, N, K) of every network of a stack for the same rows.

    Pieces of many rows are spread over the cores, one core each; the caller's setting of PyTorch's threads stays.

    Args:
        network: their shape.
        weights: tensors (S, ...) by name.
        features: N rows.
        loss: the name of the loss they were trained with, which says how outputs become predictions.
    """
    tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
    stack = next(iter(tensors.values())).shape[0]
    size = rows_at_once(network, stack)
    starts = range(0, max(len(features), 1), size)

    def piece(start: int) -> Tensor:
        part = features.rows(slice(start, start + size)).arrays
        batch = {name: torch.from_numpy(array).expand(stack, *array.shape) for name, array in part.items()}
        with torch.no_grad():
            return LOSSES[loss].decode(forward(network, tensors, batch))

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)  # threads that wait for each other cost more than they bring
        if len(starts) == 1:
            return piece(0).numpy()
        with ThreadPoolExecutor(usable_cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return torch.cat(list(pool.map(piece, starts)), dim=1).numpy()
    finally:
        torch.set_num_threads(before)
