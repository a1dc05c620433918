"""How images are brought to another size."""

from __future__ import annotations

import numpy as np


def smoothing(old: int, new: int) -> np.ndarray:
    """Return the matrix (new, old) by which a side gets another length, as Pillow does by triangles.

    A new pixel is the mean of the old ones around its middle, weighed by their distance; where a side grows, that is
    linear interpolation.
    """
    step = old / new
    reach = max(step, 1.0)
    matrix = np.zeros((new, old), np.float32)
    for place in range(new):
        middle = step * (place + 0.5)
        start, end = max(0, int(middle - reach + 0.5)), min(old, int(middle + reach + 0.5))
        weights = np.maximum(0.0, 1 - np.abs(np.arange(start, end) + 0.5 - middle) / reach)
        matrix[place, start:end] = weights / weights.sum()
    return matrix
