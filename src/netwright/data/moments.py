"""Dates and times as features: a line through the years, and circles for what comes round again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from netwright.data.numeric import fit_scale, in_order, scale
from netwright.data.piece import STRICT, Array, Floats, Piece, missing_flag

_DAY = 86_400
THURSDAY = 4  # the weekday of day 0, 1970-01-01, counted from Sunday

Cycle = Literal["year", "month", "week", "day"]
CYCLES: tuple[Cycle, ...] = ("year", "month", "week", "day")
"""What comes round: the day of the year, of the month and of the week, and the second of the day."""
LONGEST: Mapping[Cycle, int] = {"year": 366, "month": 31, "week": 7, "day": _DAY}


def days_of(cells: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Return days since 1970 (N,), with their fraction; NaN where missing."""
    seconds = cells.astype("datetime64[s]")
    return np.where(np.isnat(seconds), np.nan, seconds.astype(np.int64) / _DAY)


def place_in(cycle: Cycle, cells: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Return how far a cycle has gone (N,), from 0: days, or seconds for the day; anything where missing."""
    seconds = cells.astype("datetime64[s]")
    days = seconds.astype("datetime64[D]")
    match cycle:
        case "year":
            return np.asarray((days - seconds.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64))
        case "month":
            return np.asarray((days - seconds.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64))
        case "week":
            return np.asarray((days.astype(np.int64) + THURSDAY) % 7)
        case "day":
            return np.asarray((seconds - days.astype("datetime64[s]")).astype(np.int64))


@dataclass(frozen=True)
class MomentEncoding:
    """Days since 1970, scaled; each cycle that was seen to vary as a point on a circle; whether it is a weekend.

    Attributes:
        centre, factor: of the scaling.
        cycles: those that varied when it was fitted; dates without times have no "day".
        flagged: whether cells were missing when it was fitted.
    """

    __pydantic_config__ = STRICT
    centre: float
    factor: Annotated[float, Field(ge=0)]
    cycles: Annotated[tuple[Cycle, ...], Field(max_length=len(CYCLES))]
    flagged: bool
    kind: Literal["moment"] = "moment"

    @staticmethod
    def fit(cells: NDArray[np.datetime64]) -> MomentEncoding:
        """Fit on (N,) cells."""
        present = cells[~np.isnat(cells)]
        cycles = tuple(cycle for cycle in CYCLES if len(np.unique(place_in(cycle, present))) > 1)
        return MomentEncoding(*fit_scale(in_order(days_of(cells))), cycles, len(present) < len(cells))

    def numeric_views(self, cells: NDArray[np.datetime64]) -> list[Floats]:
        """Return the numeric features of (N,) cells."""
        return [scale(days_of(cells), self.centre, self.factor)]

    def encode(self, cells: NDArray[np.datetime64]) -> Piece:
        """Return the features of (N,) cells."""
        missing = np.isnat(cells)
        plain: list[Floats] = []
        for cycle in self.cycles:
            place = place_in(cycle, cells)
            plain += [_known(view, missing) for view in _circle(place, LONGEST[cycle])]
            if cycle == "week":
                plain.append(_known(np.isin(place, (0, 6)), missing))
        return Piece(numeric=self.numeric_views(cells), plain=[*plain, *missing_flag(cells, self.flagged)])


def _circle(place: NDArray[np.int64], around: int) -> tuple[Array, Array]:
    angle = 2 * np.pi * (place / around)
    return np.sin(angle), np.cos(angle)


def _known(view: NDArray[Any], missing: NDArray[np.bool_]) -> Floats:
    return np.where(missing, 0, view).astype(np.float32)
