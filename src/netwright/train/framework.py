"""What the engine asks of a framework that trains networks. Only specs, recipes and arrays pass between the two.

So the engine imports no framework, and a run loads the one that it trains with and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netwright.data.features import Features
from netwright.data.more_rows import MoreRows
from netwright.spec.network import Network, Recipe
from netwright.spec.spaces import Value
from netwright.train.control import Control, Snapshot, Trained
from netwright.train.pace import StepModel

Array = NDArray[Any]

Predict = Callable[[Network, Mapping[str, Array], Features, str], NDArray[np.float32]]
"""(network, weights (S, ...) by name, N rows, name of the loss learnt by) → predictions (S, N, K) of each network."""

AT_RANDOM: Mapping[str, Array] = {}
"""What networks begin with that begin with random weights."""


@dataclass(frozen=True, eq=False)  # arrays have no equality of one bit
class Split:
    """The rows that one fold's network learns from, and those it is judged on."""

    train: NDArray[np.int64]
    valid: NDArray[np.int64]


def seeds_of_networks(seeds: Sequence[int], folds: int) -> list[int]:
    """Return the seeds (M,) of the networks of trials with these (T,)."""
    return [seed * 1009 + fold for seed in seeds for fold in range(folds)]


class Trainer(Protocol):
    """Trains networks on rows that it holds."""

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
        """Train each recipe on each fold.

        A fold's network is kept as it was at the check where the *other* folds of its trial were best on average (at
        the end, with one fold). So its validation rows never chose their own network.

        Args:
            network: the common shape.
            recipes: T of them; epochs, batch size, schedule and second moment are those of the first.
            splits: S folds.
            loss: the name of what is minimised: `cross_entropy`, `soft_cross_entropy` or `squared_error`.
            control: time, stop, report, and heirs.
            seeds: one a trial.
            begun: tensors that networks begin with, by name: (T · S, ...), or (...) where all begin alike; what is not
                named begins at random.
            snapshot: of this training, cut off, to go on from; recipes are those of who had the places then. Who never
                makes one is never given one.

        Returns:
            The trials as given, then the heirs in the order in which they came.

        Raises:
            TrialError: when every network diverged.
            MemoryError: when memory did not suffice; also any error of which `train.failures` says so.
        """

    def compiles(self, network: Network) -> bool:
        """Return whether a training of this network first makes a program, which takes a while."""


class Framework(Protocol):
    """What trains networks, on a device."""

    @property
    def name(self) -> str:
        """What the user calls it by."""

    @property
    def device(self) -> str:
        """Where it trains."""

    @property
    def sight(self) -> str:
        """The device on which PyTorch looks at rows with trained trunks."""

    @property
    def pace(self) -> StepModel:
        """How long a step takes on one of its lanes, before any has been timed."""

    @property
    def lanes(self) -> int:
        """How many trainings there are at one time."""

    @property
    def computing(self) -> int:
        """How many of them compute at one time, each as `pace` has it: fewer than lanes where these share cores."""

    @property
    def sharing(self) -> int:
        """How many of them share the memory of one machine."""

    @property
    def stacked(self) -> int:
        """How many times as large as on a processor stacks of several trials may be; 0 where each is trained alone."""

    @property
    def streams(self) -> bool:
        """Whether it trains on rows too that are not held in memory."""

    @property
    def pinned(self) -> Mapping[str, Value]:
        """What points of a search space are held at, by the name of the dimension, where there is but one way."""

    @property
    def predict(self) -> Predict | None:
        """What predicts with trained networks, where that is sooner done than in ONNX Runtime."""

    def versions(self) -> dict[str, str]:
        """Return the versions of its packages by name, for the record."""

    def over(
        self,
        features: Features,
        targets: NDArray[np.float32] | NDArray[np.int64],
        quantiles: NDArray[np.float32],
        more: MoreRows | None = None,
    ) -> Trainer:
        """Return what trains on these rows.

        Args:
            features: N encoded rows.
            targets: (N,) classes or scaled values; (N, K) chances for a soft loss.
            quantiles: (F, Q) knots of the numeric features.
            more: further rows for networks to learn from, if `streams`; they are judged on none of them.
        """

    def computes(self) -> bool:
        """Return whether the device still computes; asked when a training has failed, so it may take a moment."""

    def run_lanes(self, work: Callable[[], None], *, alike: bool) -> None:
        """Call `work` once in each lane and wait for all; the first error of any is raised here.

        Args:
            work: what each does.
            alike: whether trainings must give the same on a machine of any number of cores.
        """

    def in_lane(self, work: Callable[[], None]) -> None:
        """Call `work` in this thread as it would be called in a lane whose trainings come out alike."""
