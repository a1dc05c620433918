"""The rows that networks learn from, and how they are split for cross-validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.build.torch import Batch
from netwright.data.features import Features
from netwright.data.more_rows import MoreRows
from netwright.data.stretches import POSITIONS
from netwright.train.device import PROCESSOR, memory_of
from netwright.train.framework import Split

MOST_ON_DEVICE = 0.25  # of its memory, for rows: networks need the rest


@dataclass(frozen=True)
class Rows:
    """Encoded rows as tensors.

    Attributes:
        features: (N, ...) by name; on the device, or on the processor where they are too large for it. Positions are on
            the processor, where it is decided how chains go over rows: a device need not be waited for.
        targets: (N,), on the device.
        quantiles: (F, Q), on the processor, as networks begin there.
        device: where networks learn from them.
        more: E further rows to learn from, which are not held in memory; they are numbered from N on.
    """

    features: Mapping[str, Tensor]
    targets: Tensor
    quantiles: Tensor
    device: torch.device = PROCESSOR
    more: MoreRows | None = None

    def near(self, index: Tensor) -> Tensor:
        """Return an index where the features are, so that no step has to wait for it."""
        return index.to(next(iter(self.features.values())).device)

    def batch(self, index: Tensor) -> Batch:
        """Return the rows named by `index` (M, B), all below N, on the device."""
        return {name: tensor[index.to(tensor.device)].to(self.device) for name, tensor in self.features.items()}

    def lesson(self, index: Tensor) -> tuple[Batch, Tensor]:
        """Return the rows named by `index` (M, B), and their targets (M, B), on the device."""
        if self.more is None:
            return self.batch(index), self.targets[index.to(self.device)]
        held, flat = len(self.targets), index.reshape(-1).cpu()
        (far,) = torch.nonzero(flat >= held, as_tuple=True)
        taken = self.more.take((flat[far] - held).numpy())
        near = flat.clamp(max=held - 1)  # in the places of those that are far, some row; they are filled in

        def filled(tensor: Tensor, rows: NDArray[Any]) -> Tensor:
            found = tensor[near.to(tensor.device)]
            found[far.to(tensor.device)] = torch.from_numpy(rows).to(tensor.device)
            return found.view(*index.shape, *tensor.shape[1:]).to(self.device)

        batch = {name: filled(tensor, taken.features[name]) for name, tensor in self.features.items()}
        return batch, filled(self.targets, taken.targets)


def as_rows(
    features: Features,
    targets: NDArray[np.float32] | NDArray[np.int64],
    quantiles: NDArray[np.float32],
    device: torch.device = PROCESSOR,
    more: MoreRows | None = None,
) -> Rows:
    """Return features and targets as tensors, that share their memory where they stay on the processor."""
    room = memory_of(device)
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in features.arrays.items()}
    if room is None or sum(tensor.nbytes for tensor in tensors.values()) <= MOST_ON_DEVICE * room:
        tensors = {name: tensor if name == POSITIONS else tensor.to(device) for name, tensor in tensors.items()}
    learnt, knots = (torch.from_numpy(np.ascontiguousarray(array)) for array in (targets, quantiles))
    return Rows(tensors, learnt.to(device), knots, device, more)


@dataclass(frozen=True)
class Judged:
    """The rows that each of M networks is judged on.

    Attributes:
        index: (M, V) rows, padded with the last of each network.
        mask: (M, V) which of them count.
    """

    index: Tensor
    mask: Tensor

    @staticmethod
    def of(splits: list[Split]) -> Judged:
        """Return the validation rows of one split a network."""
        width = max(len(split.valid) for split in splits)
        index = [np.pad(split.valid, (0, width - len(split.valid)), mode="edge") for split in splits]
        mask = [np.arange(width) < len(split.valid) for split in splits]
        return Judged(torch.from_numpy(np.stack(index)), torch.from_numpy(np.stack(mask)))

    def of_networks(self, networks: slice) -> Judged:
        """Return the rows of some of the networks."""
        return Judged(self.index[networks], self.mask[networks])
