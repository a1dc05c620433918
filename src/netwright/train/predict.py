"""Answers of trained networks, from arrays to arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.build.torch import forward
from netwright.data.features import Features
from netwright.spec.costs import rows_at_once
from netwright.spec.network import Network
from netwright.train.device import PROCESSOR, Device
from netwright.train.lanes import on_all_cores
from netwright.train.losses import LOSSES


def predict_stack(
    network: Network,
    weights: Mapping[str, NDArray[Any]],
    features: Features,
    loss: str,
    device: Device = PROCESSOR,
) -> NDArray[np.float32]:
    """Return predictions (S, N, K) of every network of a stack for the same rows.

    Pieces of many rows are spread over the cores, one core each; the caller's setting of PyTorch's threads stays. A
    graphics card takes one after the other.

    Args:
        network: their shape.
        weights: tensors (S, ...) by name.
        features: N rows.
        loss: the name of the loss they were trained with, which says how outputs become predictions.
        device: where to compute.
    """
    tensors = {name: torch.from_numpy(array).to(device) for name, array in weights.items()}
    stack = next(iter(tensors.values())).shape[0]
    size = rows_at_once(network, stack)
    starts = range(0, max(len(features), 1), size)

    def piece(start: int) -> Tensor:
        part = features.rows(slice(start, start + size)).arrays
        batch = {name: torch.from_numpy(array).to(device).expand(stack, *array.shape) for name, array in part.items()}
        with torch.no_grad():
            return LOSSES[loss].decode(forward(network, tensors, batch)).cpu()

    found = on_all_cores(piece, starts) if device.type == "cpu" else [piece(start) for start in starts]
    return (found[0] if len(found) == 1 else torch.cat(found, dim=1)).numpy()
