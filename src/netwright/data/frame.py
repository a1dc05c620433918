"""A table whose cells were read by their column's kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """The used columns of a table, each as one array of N cells.

    By kind: numeric is float64 (NaN where missing, never infinite); boolean is float64 (0, 1, NaN); datetime is
    datetime64[s] (NaT where missing); categorical and text are object arrays of str (None where missing).
    """

    columns: Mapping[str, NDArray[Any]]
    rows: int

    def take(self, index: NDArray[np.int64]) -> Frame:
        """Return the rows named by `index` (B,)."""
        return Frame({name: cells[index] for name, cells in self.columns.items()}, len(index))
