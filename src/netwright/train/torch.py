"""PyTorch as a framework that trains networks: see `train.framework`. All trials of a stack are one program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import metadata

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.data.features import Features
from netwright.data.more_rows import MoreRows
from netwright.resources.machine import usable_cores
from netwright.spec.costs import weight_shapes
from netwright.spec.network import Network, Recipe
from netwright.spec.spaces import Value
from netwright.train.control import Control, Snapshot, Trained
from netwright.train.device import PROCESSOR, Device, computes, find_device
from netwright.train.failures import short_of_memory
from netwright.train.framework import AT_RANDOM, Array, Predict, Split, seeds_of_networks
from netwright.train.lanes import in_lane, lanes_of, run_lanes
from netwright.train.losses import LOSSES
from netwright.train.pace import ONE_CARD, ONE_CORE, StepModel
from netwright.train.predict import predicting_on
from netwright.train.rows import Rows, as_rows
from netwright.train.training import rehearse, train_population
from netwright.train.transfer import begun_as

CARD = 8  # times as large stacks on a graphics card: up to 2e9 operations more of them cost nearly nothing


class Torch:
    """See `train.framework.Framework`."""

    name = "torch"
    streams = True

    def __init__(self, device: Device = PROCESSOR) -> None:
        """Train on this device."""
        self._device = device

    @staticmethod
    def on(device: str) -> Torch:
        """Return PyTorch on the device of a name such as `cpu` or `cuda:1`; `auto` is CUDA where there is a card.

        Raises:
            NoDevice: if there is none of that name, or it does not compute.
        """
        return Torch(find_device(device))

    @property
    def device(self) -> str:
        """Return where it trains."""
        return str(self._device)

    @property
    def sight(self) -> str:
        """Return the same: trained trunks look where networks learn."""
        return self.device

    @property
    def pace(self) -> StepModel:
        """Return how long a step takes, of one core or of the card."""
        return ONE_CORE if self._device.type == "cpu" else ONE_CARD

    @property
    def lanes(self) -> int:
        """Return how many trainings there are at one time."""
        return lanes_of(self._device)

    @property
    def computing(self) -> int:
        """Return how many of them compute at one time: all."""
        return self.lanes

    @property
    def sharing(self) -> int:
        """Return how many of them share the memory of this machine: all."""
        return self.lanes

    @property
    def stacked(self) -> int:
        """Return how many times as large stacks of several trials may be as on a processor."""
        return 1 if self._device.type == "cpu" else CARD

    @property
    def pinned(self) -> Mapping[str, Value]:
        """Return nothing: all that is searched can be trained."""
        return {}

    @property
    def predict(self) -> Predict:
        """Return what predicts with trained networks, where they learn; on the processor once that fails."""
        return predicting_on(self._device)

    def versions(self) -> dict[str, str]:
        """Return the version of PyTorch."""
        return {"torch": metadata.version("torch")}

    def over(
        self,
        features: Features,
        targets: NDArray[np.float32] | NDArray[np.int64],
        quantiles: NDArray[np.float32],
        more: MoreRows | None = None,
    ) -> TorchTrainer:
        """Return what trains on these rows."""
        return TorchTrainer(as_rows(features, targets, quantiles, self._device, more))

    def computes(self) -> bool:
        """Return whether the device still computes."""
        return computes(self._device)

    def run_lanes(self, work: Callable[[], None], *, alike: bool) -> None:
        """Call `work` in every lane and wait for all: with one core each where it must come out alike, else its share.

        How an operation is cut up changes the last digits of what it gives.
        """
        run_lanes(self.lanes, work, 1 if alike else usable_cores() // self.lanes)

    def in_lane(self, work: Callable[[], None]) -> None:
        """Call `work` in this thread, with one core."""
        in_lane(work)


class TorchTrainer:
    """See `train.framework.Trainer`."""

    def __init__(self, rows: Rows) -> None:
        """Train on these rows."""
        self._rows, self._rehearsed = rows, False

    def train(
        self,
        network: Network,
        recipes: Sequence[Recipe],
        splits: Sequence[Split],
        loss: str,
        control: Control,
        seeds: Sequence[int],
        begun: Mapping[str, Array] = AT_RANDOM,
        snapshot: Snapshot | None = None,
    ) -> tuple[Trained, ...]:
        """Train each recipe on each fold, all as one stack."""
        try:
            first = self._first(network, seeds_of_networks(seeds, len(splits)), begun) if begun else None
            if not self._rehearsed and snapshot is None:
                rehearse(network, recipes, self._rows, splits, LOSSES[loss], seeds)
                self._rehearsed = True
                self._give_back()
                control.ready()
            return train_population(network, recipes, self._rows, splits, LOSSES[loss], control, seeds, first, snapshot)
        except RuntimeError as error:
            if not short_of_memory(error):
                raise
            words = str(error).partition("\n")[0]
        # Here nothing holds the failed training any more, so that what it took can be given back before the next try.
        self._give_back()
        raise MemoryError(words)

    def _give_back(self) -> None:
        """Give memory of a card back that is kept for what comes: a recording takes none of it."""
        if self._rows.device.type == "cuda":
            torch.cuda.empty_cache()

    def compiles(self, network: Network) -> bool:
        """Return that nothing is compiled."""
        return False

    def _first(self, network: Network, seeds: Sequence[int], begun: Mapping[str, Array]) -> Mapping[str, Tensor]:
        """Return the tensors (M, ...) to go on from: as they are where all are given, else with what is random."""
        if set(begun) == set(weight_shapes(network)):
            return {name: torch.from_numpy(array) for name, array in begun.items()}
        return begun_as(network, begun, self._rows.quantiles, seeds)
