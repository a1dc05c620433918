"""What a graph is made of: the networks of a mix, each with its share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from netwright.spec.network import Network


@dataclass(frozen=True)
class Share:
    """One network of a mix.

    Attributes:
        network: its shape.
        weights: tensors (S, ...) by name, one network a fold.
        share: its mixing weight.
    """

    network: Network
    weights: Mapping[str, NDArray[Any]]
    share: float

    @property
    def folds(self) -> int:
        """The number of networks S."""
        return len(next(iter(self.weights.values())))
