"""Keras on TensorFlow or JAX as a framework that trains networks: see `train.framework`. It imports no PyTorch.

Networks are built by `build.keras`, of layers that Keras brings. A trial is trained by itself, the networks of its
folds as one program where they can be: see `train.keras_groups`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.build.backend import keras
from netwright.build.keras_layers import Array
from netwright.build.keras_mix import TYPES
from netwright.build.starting import first_weights
from netwright.data.features import Features
from netwright.data.more_rows import MoreRows
from netwright.spec.network import Network, Recipe, taken_features
from netwright.spec.spaces import Value
from netwright.train.control import Control, Snapshot, Trained
from netwright.train.failures import short_of_memory
from netwright.train.framework import AT_RANDOM, Split, seeds_of_networks
from netwright.train.keras_groups import groups_of
from netwright.train.keras_learner import Learner
from netwright.train.keras_training import Lessons, Training
from netwright.train.pace import ONE_CORE

PINNED: Mapping[str, Value] = {
    "optimiser": "adamw",
    "averaging": 0.0,
    "mixup": 0.0,
    "growth": 1.0,
    "distortion": 0.0,
    "flips": "none",
    "warp": 0.0,
    "masking": 0.0,
}
"""What recipes ask for elsewhere, and what the loop here does not do."""

READY = 12  # programs that are kept: who trains the same network once more need not compile it
BACKENDS = ("tensorflow", "jax", "jaxlib")  # packages whose errors are those of a trial


class Keras:
    """See `train.framework.Framework`."""

    device = "auto"  # what the backend takes
    sight = "cpu"
    pace = ONE_CORE
    lanes = computing = sharing = 1  # a backend spreads each program over the cores
    stacked = 0
    streams = False  # its rows are arrays that the backend may copy
    predict = None

    def __init__(self, name: str) -> None:
        """Train on the backend of this name, on which Keras runs already."""
        self.name = name

    @property
    def pinned(self) -> Mapping[str, Value]:
        """Return what points of a search space are held at."""
        return PINNED

    def versions(self) -> dict[str, str]:
        """Return the versions of Keras and of its backend."""
        return {"keras": keras.__version__, self.name: sys.modules[self.name].__version__}

    def over(
        self,
        features: Features,
        targets: NDArray[np.float32] | NDArray[np.int64],
        quantiles: NDArray[np.float32],
        more: MoreRows | None = None,
    ) -> KerasTrainer:
        """Return what trains on these rows; there are no more than memory holds."""
        assert more is None
        return KerasTrainer(features, targets, quantiles)

    def computes(self) -> bool:
        """Return that it does: a backend does not tell."""
        return True

    def run_lanes(self, work: Callable[[], None], *, alike: bool) -> None:
        """Call `work`; the backend uses cores as it does, alike or not."""
        work()

    def in_lane(self, work: Callable[[], None]) -> None:
        """Call `work`."""
        work()


class KerasTrainer:
    """See `train.framework.Trainer`."""

    def __init__(
        self,
        features: Features,
        targets: NDArray[np.float32] | NDArray[np.int64],
        quantiles: NDArray[np.float32],
    ) -> None:
        """Train on these rows."""
        self._features = {name: array.astype(TYPES[name], copy=False) for name, array in features.arrays.items()}
        self._targets, self._quantiles = targets, quantiles
        self._ready: dict[tuple[Network, int, str, bool], Learner] = {}

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
        """Train one recipe on each fold; no snapshot is made: a training that was cut off begins again."""
        (recipe,), (seed,) = recipes, seeds
        try:
            return (self._train(network, recipe, splits, loss, control, seed, begun),)
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in BACKENDS:
                raise
            words = str(error).partition("\n")[0]
            if short_of_memory(error):
                raise MemoryError(words) from error
            raise RuntimeError(words) from error

    def compiles(self, network: Network) -> bool:
        """Return whether there is no program for this network that is kept from a training before."""
        return all(known != network for known, *_ in self._ready)

    def _train(
        self,
        network: Network,
        recipe: Recipe,
        splits: Sequence[Split],
        loss: str,
        control: Control,
        seed: int,
        begun: Mapping[str, Array],
    ) -> Trained:
        own = seeds_of_networks([seed], len(splits))
        weights = first_weights(network, self._quantiles, own)
        weights |= {name: np.broadcast_to(array, weights[name].shape) for name, array in begun.items()}
        features = {name: self._features[name] for name in taken_features(network)}
        groups = groups_of(network, splits)
        learner = self._learner(network, loss, groups[0].of_networks(weights), recipe.dropout > 0)
        lessons = Lessons(features, self._targets, loss, tuple(splits))
        return Training(learner, network, recipe, lessons, groups, weights, own[0]).run(control)

    def _learner(self, network: Network, loss: str, weights: Mapping[str, Array], noisy: bool) -> Learner:
        """Return the program for a stack of networks, which begins with other weights each time."""
        key = (network, len(next(iter(weights.values()))), loss, noisy)
        found = self._ready.pop(key, None)
        if found is None:
            shapes = {name: array.shape[1:] for name, array in self._features.items()}
            found = Learner(network, weights, shapes, classes=loss != "squared_error", noisy=noisy)
        while len(self._ready) >= READY:
            del self._ready[next(iter(self._ready))]  # the one that was asked for longest ago
        self._ready[key] = found
        return found
