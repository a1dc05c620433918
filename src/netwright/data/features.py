"""What a network for tables eats: three arrays with one row for every row of the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Features:
    """Encoded rows.

    Attributes:
        numeric: (N, F) float32, scaled and clipped smoothly, missing cells 0; these get numerical embeddings.
        plain: (N, P) float32, fed to the network as they are: booleans, missing flags, one-hot categories.
        categories: (N, C) int64, category numbers for embeddings; 0 stands for unseen, rare or missing.
    """

    numeric: NDArray[np.float32]
    plain: NDArray[np.float32]
    categories: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numeric)

    def rows(self, index: NDArray[np.int64]) -> Features:
        """Return the rows named by `index` (B,)."""
        return Features(self.numeric[index], self.plain[index], self.categories[index])
