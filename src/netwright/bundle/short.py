"""Weights in half the bytes: float16 holds what matters of a trained matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MATRICES = ("weight", "categories", "grams", "pieces", "bytes", "recurrent")
"""Parts of a network whose numbers are many; all others together are few."""
LARGEST = 65_504.0  # that a float16 holds

Weights = Mapping[str, NDArray[Any]]


def rounded(weights: Weights) -> dict[str, NDArray[Any]]:
    """Return the weights with their matrices rounded to what float16 holds: to one part in 2,048.

    That is an eighth of the rounding of bfloat16, in which they may have been trained. A matrix with a number that is
    too large stays as it is.
    """

    def short(name: str, tensor: NDArray[Any]) -> NDArray[Any]:
        if not name.endswith(MATRICES) or np.abs(tensor).max(initial=0.0) > LARGEST:
            return tensor
        return tensor.astype(np.float16).astype(np.float32)

    return {name: short(name, tensor) for name, tensor in weights.items()}


def half_where_equal(weights: Weights) -> dict[str, NDArray[Any]]:
    """Return the weights with the type float16 wherever not a bit is lost by it."""

    def half(tensor: NDArray[Any]) -> NDArray[Any]:
        if np.abs(tensor).max(initial=0.0) > LARGEST:
            return tensor
        short = tensor.astype(np.float16)
        return short if np.array_equal(short.astype(np.float32), tensor) else tensor

    return {name: half(tensor) for name, tensor in weights.items()}
