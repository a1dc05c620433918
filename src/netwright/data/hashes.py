"""Rows known again by numbers: equal rows have equal ones, and others nearly never."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.frame import Frame

_STEP = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ over the golden ratio, made odd: each column counts by its place


def row_hashes(frame: Frame, truth: NDArray[Any]) -> NDArray[np.uint64]:
    """Return a number of 64 bits for each row (N,), made of all its cells and its truth.

    Of ten million different rows, two have one number with a chance of three in a million. Missing cells are equal to
    each other, and 0.0 is -0.0.

    Args:
        frame: cells read by kind.
        truth: (N,) class numbers or values.
    """
    whole = np.zeros(frame.rows, np.uint64)
    for cells in (*frame.columns.values(), truth):
        whole = whole * _STEP + _hashed(cells)  # modulo 2⁶⁴
    return whole


def _hashed(cells: NDArray[Any]) -> NDArray[np.uint64]:
    if cells.dtype.kind == "f":
        cells = np.where(np.isnan(cells), np.nan, cells + 0.0)  # NaN has many patterns of bits
    return np.asarray(pd.util.hash_array(cells), np.uint64)
