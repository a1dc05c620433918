"""Class labels as arrays of the type that the user gave them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.schema import Label


def label_array(labels: tuple[Label, ...]) -> NDArray[Any]:
    """Return labels (K,) as an array of bool, int, float, or else of objects, so that no label changes its type."""
    kinds = {type(label) for label in labels}
    if kinds == {bool} or kinds == {int} or kinds == {float}:
        return np.array(labels)
    array = np.empty(len(labels), dtype=object)
    array[:] = labels
    return array
