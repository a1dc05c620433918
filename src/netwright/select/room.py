"""What the candidates of a mix may take together: bytes, seconds, or anything else that adds up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)  # arrays have no equality of one bit
class Room:
    """Costs that add up, and their limits.

    Attributes:
        costs: (C, R) what each of C candidates takes of each of R resources, zero or more.
        caps: (R,) what all chosen ones may take together; infinite where there is no limit.
    """

    costs: NDArray[np.float64]
    caps: NDArray[np.float64]

    @staticmethod
    def without_limits(candidates: int) -> Room:
        """Return room for everyone."""
        return Room(np.zeros((candidates, 1)), np.full(1, np.inf))

    def open_to(self, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return (C,) who may be inside, given who is already (C,)."""
        taken = self.costs[inside].sum(axis=0)  # (R,)
        return np.asarray(inside | (taken + self.costs <= self.caps).all(axis=1))

    def greediness(self) -> NDArray[np.float64]:
        """Return (C,) the largest share that each takes of any cap: over 1 it does not fit even alone.

        Where a cap is zero, who takes least is least greedy.
        """
        caps = np.where(self.caps > 0, self.caps, 1e-9 * np.maximum(self.costs.max(axis=0, initial=0.0), 1e-9))
        return np.asarray((self.costs / caps).max(axis=1, initial=0.0))
