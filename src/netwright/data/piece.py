"""The features of one column, before those of all columns are put side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

Array = NDArray[Any]
Floats = NDArray[np.float32]

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)


@dataclass(frozen=True)
class Piece:
    """Features (N,) of one column: numeric ones are embedded, plain ones taken as they are, categories are numbers."""

    numeric: Sequence[Floats] = ()
    plain: Sequence[Floats] = ()
    categories: Sequence[NDArray[np.int64]] = ()


def missing_cells(cells: Array) -> NDArray[np.bool_]:
    """Return which cells (N,) of a `Frame` hold nothing."""
    if cells.dtype == object:
        return np.fromiter((cell is None for cell in cells), np.bool_, len(cells))
    return np.isnat(cells) if cells.dtype.kind == "M" else np.isnan(cells)


def missing_flag(cells: Array, flagged: bool) -> list[Floats]:
    """Return 1 where a cell is missing and 0 elsewhere, if that is a feature of the column."""
    return [missing_cells(cells).astype(np.float32)] if flagged else []
