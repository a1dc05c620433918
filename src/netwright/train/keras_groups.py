"""Which networks of a trial are trained together in Keras, and on what.

All networks of a program see the same rows. Those of the folds of a cross-validation learn from nearly the same ones,
so a row that one of them is judged on simply does not count for it. Where they share few rows, or where statistics of
a batch are learnt, which such a row would enter, each network is trained by itself, in turns.

Letters in shapes: R row of a group, M network of a group, K output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from netwright.build.keras_layers import Array
from netwright.build.keras_places import MOST
from netwright.spec.blocks import Spatial
from netwright.spec.network import Network
from netwright.train.framework import Split
from netwright.train.keras_learner import numbers_of

SHARED = 0.5  # of the rows of a group that each of its networks learns from, at least


@dataclass(eq=False)
class Group:
    """Networks that are trained together.

    Attributes:
        folds: of the trial, those whose networks they are (M).
        rows: (R,) to learn from.
        counted: (R, M) 1 where a row counts for a network, else 0.
        judged: the rows that one of them is judged on.
        state: of its training, while another group has its turn.
    """

    folds: tuple[int, ...]
    rows: NDArray[np.int64]
    counted: NDArray[np.float32]
    judged: NDArray[np.int64]
    state: list[Array] = field(default_factory=list)

    @staticmethod
    def of(folds: Sequence[int], splits: Sequence[Split]) -> Group:
        """Return the group of some folds."""
        rows = reduce(np.union1d, [splits[fold].train for fold in folds])
        judged = reduce(np.union1d, [splits[fold].valid for fold in folds])
        counted = np.stack([np.isin(rows, splits[fold].train) for fold in folds], axis=1)
        return Group(tuple(folds), rows, counted.astype(np.float32), judged)

    def rows_a_step(self, batch_size: int) -> int:
        """Return how many rows are seen so that as many count for each network, on average."""
        return int(batch_size * len(self.rows) / self.counted.sum(axis=0).mean())

    def of_networks(self, tensors: Mapping[str, Array]) -> dict[str, Array]:
        """Return those of tensors (S, ...) of all folds that belong to the group (M, ...)."""
        return {name: tensor[[*self.folds]] for name, tensor in tensors.items()}


def groups_of(network: Network, splits: Sequence[Split]) -> tuple[Group, ...]:
    """Return one group of all folds, or one for each, all of equal numbers of networks."""
    everyone = Group.of(range(len(splits)), splits)
    together = (
        len(splits) > 1
        and not any(isinstance(block, Spatial) for block in network.blocks)
        and everyone.counted.mean(axis=0).min() >= SHARED
        and numbers_of(network) * len(splits) < MOST
    )
    return (everyone,) if together else tuple(Group.of([fold], splits) for fold in range(len(splits)))
