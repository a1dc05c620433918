"""What networks eat: named arrays with one entry for every row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)  # arrays have no equality of one bit
class Features:
    """Encoded rows.

    Attributes:
        arrays: (N, ...) by name, one at least. Of tables: `numeric` (N, F) float32, scaled and clipped smoothly,
            missing cells 0, which get numerical embeddings; `plain` (N, P) float32, fed to the network as they are:
            booleans, missing flags, one-hot categories; `categories` (N, C) int64, category numbers for embeddings, of
            which 0 stands for unseen, rare or missing. Of pictures: `images` (N, H, W, C) uint8. Of texts: `grams`
            (N, G) int32 with `gram_weights` (N, G) float32, `pieces` (N, L) int32, `bytes` (N, L) uint8, numbered
            from 1, 0 behind the end. Of tokens: `positions` (N, 1) int32, see `data.stretches`.
    """

    arrays: Mapping[str, Array]

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def rows(self, index: NDArray[np.int64] | slice) -> Features:
        """Return the rows named by `index` (B,)."""
        return Features({name: array[index] for name, array in self.arrays.items()})


def table_features(numeric: Array, plain: Array, categories: Array) -> Features:
    """Return the features of a table."""
    return Features({"numeric": numeric, "plain": plain, "categories": categories})


def joined(first: Features, second: Features) -> Features:
    """Return the rows of both, one after the other."""
    return Features({name: np.concatenate([array, second[name]]) for name, array in first.arrays.items()})
