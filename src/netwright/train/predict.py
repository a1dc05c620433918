"""Answers of trained networks, from arrays to arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.build.torch import Batch, chained, forward, layout_of
from netwright.data.features import Features
from netwright.data.stretches import POSITIONS
from netwright.spec.costs import rows_at_once
from netwright.spec.network import Network, without_chain
from netwright.train.device import PROCESSOR, Device
from netwright.train.failures import of_the_device, short_of_memory
from netwright.train.framework import Predict
from netwright.train.lanes import on_all_cores
from netwright.train.losses import LOSSES, Loss

Each = Callable[[Callable[[Batch], Tensor]], Iterable[Tensor]]
"""What calls a function with the rows, some at a time, and gives what it returns for them."""


def predicting_on(device: Device) -> Predict:
    """Return what predicts on a device, or on the processor where that fails.

    A run whose card has gone, or is full, still ends with a model.
    """
    if device.type == "cpu":
        return predict_stack

    def predict(
        network: Network, weights: Mapping[str, NDArray[Any]], features: Features, loss: str
    ) -> NDArray[np.float32]:
        try:
            return predict_stack(network, weights, features, loss, device)
        except RuntimeError as error:
            if not short_of_memory(error) and not of_the_device(error):
                raise
        return predict_stack(network, weights, features, loss)

    return predict


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

    def rows(start: int) -> Batch:
        part = features.rows(slice(start, start + size)).arrays
        return {name: torch.from_numpy(array).to(device).expand(stack, *array.shape) for name, array in part.items()}

    def each(answer: Callable[[Batch], Tensor]) -> Sequence[Tensor]:
        if device.type != "cpu":
            return [answer(rows(start)) for start in starts]
        return on_all_cores(lambda start: answer(rows(start)), starts)

    positions = torch.from_numpy(features[POSITIONS]).expand(stack, -1, 1) if network.chained else None
    return predicted(network, tensors, each, LOSSES[loss], positions).numpy()


def predicted(
    network: Network, weights: Mapping[str, Tensor], each: Each, loss: Loss, positions: Tensor | None
) -> Tensor:
    """Return predictions (M, N, K), on the processor.

    Rows go through the networks some at a time; chains go over all of them at once, so that none is cut.

    Args:
        network: the common shape.
        weights: tensors (M, ...) by name.
        each: calls what answers with the rows of each network.
        loss: says how outputs become predictions.
        positions: (M, N, 1) of the rows of each network, where there is a chain: see `data.stretches`.
    """

    @torch.no_grad()  # in each thread
    def predictions(batch: Batch) -> Tensor:
        return loss.decode(forward(network, weights, batch)).cpu()

    @torch.no_grad()
    def scores(batch: Batch) -> Tensor:
        return forward(without_chain(network), weights, batch)

    if positions is None:
        found = [*each(predictions)]
        return found[0] if len(found) == 1 else torch.cat(found, dim=1)
    transitions = weights[f"{network.last}.transitions"]
    with torch.no_grad():
        whole = torch.cat([*each(scores)], dim=2)
        return loss.decode(chained(whole, transitions, layout_of({POSITIONS: positions}))).cpu()
