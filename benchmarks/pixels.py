"""Images as cells of a table, for contestants that are given files: each cell is the bytes of an `.npy` file."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

IMAGE = "image"
"""The column's name."""

Array = NDArray[Any]


def to_cells(images: Array) -> list[bytes]:
    """Return images (N, H, W) or (N, H, W, C) as N cells."""
    cells = []
    for image in images:
        file = BytesIO()
        np.save(file, image, allow_pickle=False)
        cells.append(file.getvalue())
    return cells


def of_cells(cells: Iterable[bytes]) -> Array:
    """Return the images (N, H, W) or (N, H, W, C) of N cells, which must have one shape.

    >>> of_cells(to_cells(np.zeros((3, 2, 5), np.uint8))).shape
    (3, 2, 5)
    """
    return np.stack([np.load(BytesIO(cell), allow_pickle=False) for cell in cells])
