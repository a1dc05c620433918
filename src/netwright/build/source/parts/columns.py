"""Columns of a table as features, each by its kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netwright.build.source.parts.cells import read_code, read_moment, read_number, read_truth, read_word
from netwright.build.source.parts.scaling import LARGEST, Piece, flags, known, scaled


@dataclass(frozen=True)
class Number:
    """A number, scaled by its median and quartiles.

    Attributes:
        centre: the median of the rows that were learnt from.
        factor: 1 / (third quartile - first quartile) of the same.
        flagged: whether a feature tells that a cell is missing.
        # if common:
        common: a value that many rows have, told by a feature of its own.
        # end
        # if normal_scores:
        knots: quantiles of a column with far values, for scores of a normal distribution from -3 to 3.
        # end
        # if marks:
        mark: the decimal mark of numbers that are text.
        # end
    """

    centre: float
    factor: float
    flagged: bool = False
    # if common:
    common: float | None = None
    # end
    # if normal_scores:
    knots: Sequence[float] = ()
    # end
    # if marks:
    mark: str = "."
    # end

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        # if marks:
        values = np.array([read_number(cell, self.mark) for cell in cells], np.float64)
        # end
        # if not marks:
        values = np.array([read_number(cell) for cell in cells], np.float64)
        # end
        numeric = [scaled(values, self.centre, self.factor)]
        plain_features = []
        # if normal_scores:
        if self.knots:
            numeric.append(normal_scores(values, np.array(self.knots)))
        # end
        # if common:
        if self.common is not None:
            plain_features.append(flags(values == self.common))
        # end
        if self.flagged:
            plain_features.append(flags(np.isnan(values)))
        return Piece(numeric, plain_features)


def normal_scores(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return the scores of a normal distribution from -3 to 3, interpolated between quantiles; 0 where missing."""
    distinct, places, counts = np.unique(knots, return_inverse=True, return_counts=True)
    scores = np.bincount(places, weights=np.linspace(-3, 3, len(knots))) / counts
    return known(np.interp(np.clip(values, -LARGEST, LARGEST), distinct, scores))


@dataclass(frozen=True)
class TwoNumbers:
    """A number of which there were two values, as -1 and 1; 0 where it is missing."""

    low: float
    high: float
    flagged: bool = False
    # if marks:
    mark: str = "."  # of decimals
    # end

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        # if marks:
        values = np.array([read_number(cell, self.mark) for cell in cells], np.float64)
        # end
        # if not marks:
        values = np.array([read_number(cell) for cell in cells], np.float64)
        # end
        return two_values(values, self)


@dataclass(frozen=True)
class TrueOrFalse:
    """A truth value, as -1 and 1; 0 where it is missing."""

    flagged: bool = False
    low: float = 0.0
    high: float = 1.0

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        return two_values(np.array([read_truth(cell) for cell in cells], np.float64), self)


def two_values(values: np.ndarray, column: Any) -> Piece:
    """Return values as -1 for the low and 1 for the high one of a column; others lie on the line through them."""
    low, high = column.low, column.high
    near = np.clip(values, 1.5 * low - 0.5 * high, 1.5 * high - 0.5 * low)  # nothing overflows
    place = known(np.clip((near - low) / (high - low) * 2 - 1, -2, 2))
    return Piece(plain=[place, flags(np.isnan(values))] if column.flagged else [place])


@dataclass(frozen=True)
class FewCategories:
    """A category of few: a feature for each, 1 where the cell is that one; of two categories one feature, -1 and 1.

    Attributes:
        levels: the categories.
        flagged: whether a feature tells that a cell is missing.
        # if codes:
        digits: of a code, which may have lost zeros in front; 0 for words.
        # end
    """

    levels: Sequence[str]
    flagged: bool = False
    # if codes:
    digits: int = 0
    # end

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        # if codes:
        words = read_codes(cells, self.digits)
        # end
        # if not codes:
        words = [read_word(cell) for cell in cells]
        # end
        features = [flags(word == level for word in words) for level in self.levels]
        if len(features) == 2:
            features = [features[1] - features[0]]
        return Piece(plain=[*features, flags(word is None for word in words)] if self.flagged else features)


@dataclass(frozen=True)
class ManyCategories:
    """A category of many: its number, of which 0 is for all that is not known, and how frequent it is.

    Attributes:
        levels: the categories, the first of which is number 1.
        shares: the logarithm of the rows of number 0 and of each level, scaled.
        flagged: whether a feature tells that a cell is missing.
        # if codes:
        digits: of a code, which may have lost zeros in front; 0 for words.
        # end
    """

    levels: Sequence[str]
    shares: Sequence[float]
    flagged: bool = False
    # if codes:
    digits: int = 0
    # end

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        # if codes:
        words = read_codes(cells, self.digits)
        # end
        # if not codes:
        words = [read_word(cell) for cell in cells]
        # end
        numbers = {level: number for number, level in enumerate(self.levels, start=1)}
        codes = np.array([numbers.get(word, 0) if word is not None else 0 for word in words], np.int64)
        missing = [flags(word is None for word in words)] if self.flagged else []
        return Piece([np.array(self.shares, np.float32)[codes]], missing, [codes])


def read_codes(cells: Sequence[Any], digits: int) -> list[str | None]:
    """Return cells as words, or as codes of so many digits; None where they are missing."""
    return [read_code(cell, digits) if digits else read_word(cell) for cell in cells]


DAY = 86_400  # seconds
LONGEST = {"year": 366, "month": 31, "week": 7, "day": DAY}


@dataclass(frozen=True)
class Moment:
    """A date or time: days since 1970, scaled, and what comes round again as points on circles.

    Attributes:
        order: how dates that are text are written, see `cells`.
        centre, factor: of the scaling.
        cycles: what comes round: year, month, week, day.
        flagged: whether a feature tells that a cell is missing.
    """

    order: str
    centre: float
    factor: float
    cycles: Sequence[str] = ()
    flagged: bool = False

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        moments = np.array([read_moment(cell, self.order) for cell in cells], "datetime64[s]")
        missing = np.isnat(moments)
        features = []
        for cycle in self.cycles:
            place = place_in(cycle, moments)
            angle = 2 * np.pi * (place / LONGEST[cycle])
            features += [np.sin(angle), np.cos(angle)]
            if cycle == "week":
                features.append(np.isin(place, (0, 6)))  # the weekend
        seen = [np.where(missing, 0, feature).astype(np.float32) for feature in features]
        days = np.where(missing, np.nan, moments.astype(np.int64) / DAY)
        return Piece([scaled(days, self.centre, self.factor)], [*seen, flags(missing)] if self.flagged else seen)


def place_in(cycle: str, moments: np.ndarray) -> np.ndarray:
    """Return how far a cycle has gone, from 0: days, or seconds for the day."""
    days = moments.astype("datetime64[D]")
    if cycle == "week":
        return (days.astype(np.int64) + 4) % 7  # 1970 began on a Thursday
    if cycle == "day":
        return (moments - days.astype("datetime64[s]")).astype(np.int64)
    unit = {"year": "datetime64[Y]", "month": "datetime64[M]"}[cycle]
    return (days - moments.astype(unit).astype("datetime64[D]")).astype(np.int64)
