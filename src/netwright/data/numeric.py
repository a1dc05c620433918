"""Numbers made small and even: robust scaling with smooth clipping, and normal scores where tails are heavy.

What each column gives is a formula of a few arrays, so that a model can be written as a graph of array operations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from netwright.data.piece import STRICT, Array, Floats, Piece, missing_flag

KNOTS = 49  # quantiles kept of each feature: 48 intervals, as many as TabM uses for its piecewise-linear embeddings
SCORES = 63  # knots of the normal scores, a tenth of a standard deviation apart
# Share of scaled values beyond ±3 from which a column has normal scores too. Of a normal column 0.00005 lie there, of a
# logistic 0.003, an exponential 0.019, a log-normal 0.048: from the exponential on, networks learn more with them.
HEAVY = 0.01
# Share of the cells from which one value of many is told apart by a feature of its own: 0 sold, no children, no debt.
# On 29 tables (`benchmarks/learning_sets.py`) it lowered losses by up to 5 %, and raised none by more than seeds do.
COMMON = 0.25
FEW_VALUES = 9  # distinct values up to which no value is told apart: embeddings have a knot for each of them
LARGEST = 1e150  # of any number: differences and squares of such are still finite
FURTHEST = 1e6  # of a scaled number: beyond it, its float32 is the limit of 3 anyway
_FITTED_ROWS = 20_000  # rows that the quantiles of a feature are taken from
_FINEST = 4  # decimals of those quantiles: intervals stay wide enough for float32, and for division by their width

Values = NDArray[np.float64]


def in_order(cells: Values) -> Values:
    """Return the cells that are not missing, sorted, none beyond ±`LARGEST`."""
    return np.sort(np.clip(cells[~np.isnan(cells)], -LARGEST, LARGEST))


def quantiles_of(ordered: Values, shares: Values) -> Values:
    """Return the quantiles of sorted values (N,), at least one, with linear interpolation between them.

    `numpy.quantile` gives the same, a hundred times slower for short columns.
    """
    places = shares * (len(ordered) - 1)
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    return np.asarray(ordered[below] + (ordered[above] - ordered[below]) * (places - below))


def fit_scale(ordered: Values) -> tuple[float, float]:
    """Return (centre, factor): the median, and 1 / (q75 - q25), or 2 / (max - min) when the quartiles are equal.

    RealMLP's robust scaling (arXiv 2407.04491, appendix A.1). The factor is 0 where nothing varies.

    Args:
        ordered: values (N,) as `in_order` gives them.
    """
    if not len(ordered):
        return 0.0, 0.0
    first, middle, third = quantiles_of(ordered, np.array([0.25, 0.5, 0.75])).tolist()
    spread = third - first if third > first else (ordered[-1] - ordered[0]) / 2
    factor = 1 / float(spread) if spread > 1 / LARGEST**2 else 0.0
    return middle, factor


def scale(values: Values, centre: float, factor: float) -> Floats:
    """Return z / √(1 + (z/3)²) with z = (x - centre) · factor: smooth, within ±3; 0 where missing."""
    return _scaled(values, centre, factor, _furthest(factor))


def _furthest(factor: float) -> float:
    """Return how far from the centre a value can lie until its scaled number is `FURTHEST`."""
    return FURTHEST / factor if factor else LARGEST


def _scaled(values: Values, centre: float | Values, factor: float | Values, furthest: float | Values) -> Floats:
    # Clipped before the product, so that nothing overflows: to silence numpy would take longer than to scale one row.
    return squash((values.clip(-LARGEST, LARGEST) - centre).clip(-furthest, furthest) * factor)


def squash(scaled: Array) -> Floats:
    """Return z / √(1 + (z/3)²): nearly z around 0, within ±3 everywhere; 0 where z is not a number."""
    z = scaled.clip(-FURTHEST, FURTHEST)
    return _zero_where_missing(z / np.sqrt(1 + np.square(z / 3)))


def _zero_where_missing(values: Values) -> Floats:
    """Return values (N,) with 0 for NaN; for one row `numpy.nan_to_num` takes five times as long."""
    out = values.astype(np.float32)
    out[np.isnan(out)] = 0.0
    return out


def is_heavy(ordered: Values, centre: float, factor: float) -> bool:
    """Return whether scaling hides much of a column, so that it enters by its normal scores too.

    That is so if more than `HEAVY` of the values lie beyond ±3 after scaling, where the smooth clip flattens them; or
    if the quartiles are equal, since the range then sets the scale and one far value pushes all others together.
    """
    if not len(ordered) or not factor:
        return False
    first, third = quantiles_of(ordered, np.array([0.25, 0.75]))
    with np.errstate(over="ignore"):
        beyond = np.mean(np.abs((ordered - centre) * factor) > 3)
    return bool(beyond > HEAVY or first == third)


_STEPS = np.linspace(-3.0, 3.0, SCORES)
_SHARES = np.array([0.0, *((1 + math.erf(step / math.sqrt(2))) / 2 for step in _STEPS[1:-1]), 1.0])


def fit_scores(ordered: Values) -> Values:
    """Return the quantiles (`SCORES`,) that have the scores -3 to 3, evenly spaced; the ends are least and greatest."""
    return quantiles_of(ordered, _SHARES)


def merge_ties(knots: Values) -> tuple[Values, Values]:
    """Return the distinct knots, and the score of each: the mean of the scores where knots are equal."""
    distinct, places, counts = np.unique(knots, return_inverse=True, return_counts=True)
    return distinct, np.bincount(places, weights=_STEPS) / counts


def score(values: Values, knots: Values, scores: Values) -> Floats:
    """Return the normal scores of values, interpolated between knots: within ±3; 0 where missing.

    The scores of van der Waerden (1952), Φ⁻¹ of the share of smaller values: of unit variance whatever the tails.
    """
    return _zero_where_missing(np.interp(values.clip(-LARGEST, LARGEST), knots, scores))


def fit_quantiles(feature: Floats) -> Floats:
    """Return (`KNOTS`,) strictly rising quantiles of a feature (N,), for piecewise-linear embeddings.

    Where few values are distinct, knots are spread evenly over the distinct quantiles, so that no interval is lost.
    """
    if not len(feature):
        return np.linspace(-1, 1, KNOTS, dtype=np.float32)
    sample = np.sort(feature[:: max(1, len(feature) // _FITTED_ROWS)].astype(np.float64))
    distinct = np.unique(np.round(quantiles_of(sample, np.linspace(0, 1, KNOTS)), _FINEST))
    if len(distinct) == 1:
        distinct = distinct + np.array([-1.0, 1.0])
    places = np.linspace(0, len(distinct) - 1, KNOTS)
    return np.interp(places, np.arange(len(distinct)), distinct).astype(np.float32)


def common_value(ordered: Values) -> float | None:
    """Return the value that at least `COMMON` of sorted values are, if more than `FEW_VALUES` are distinct."""
    distinct, counts = np.unique(ordered, return_counts=True)
    if len(distinct) <= FEW_VALUES or counts.max() < COMMON * len(ordered):
        return None
    return float(distinct[counts.argmax()])


@dataclass(frozen=True)
class NumberEncoding:
    """Scaled, with normal scores beside it where `is_heavy`, and flags for a common value and for missing cells.

    Attributes:
        centre, factor: of the scaling.
        flagged: whether cells were missing when it was fitted.
        heavy: whether there are normal scores.
        common: the value of `common_value`, which has a flag of its own.
        knots: (`SCORES`,) of the normal scores, None without them. Kept as a tensor, not in the document.
    """

    __pydantic_config__ = STRICT
    centre: float
    factor: Annotated[float, Field(ge=0)]
    flagged: bool
    heavy: bool
    common: float | None
    kind: Literal["number"] = "number"
    knots: Annotated[Any, Field(exclude=True)] = field(default=None, compare=False)

    @staticmethod
    def fit(cells: Values) -> NumberEncoding:
        """Fit on (N,) cells."""
        ordered = in_order(cells)
        centre, factor = fit_scale(ordered)
        heavy = is_heavy(ordered, centre, factor)
        knots = fit_scores(ordered) if heavy else None
        return NumberEncoding(centre, factor, len(ordered) < len(cells), heavy, common_value(ordered), knots=knots)

    @cached_property
    def _ties(self) -> tuple[Values, Values]:
        return merge_ties(self.knots)

    def numeric_views(self, cells: Values) -> list[Floats]:
        """Return the numeric features of (N,) cells."""
        return self._views(cells, scale(cells, self.centre, self.factor))

    def _views(self, cells: Values, scaled: Floats) -> list[Floats]:
        return [scaled, score(cells, *self._ties)] if self.heavy else [scaled]

    def encode(self, cells: Values, scaled: Floats | None = None) -> Piece:
        """Return the features of (N,) cells; scaled: these as `scale` has them, where `Scaling` has done it already."""
        views = self.numeric_views(cells) if scaled is None else self._views(cells, scaled)
        usual = [] if self.common is None else [(cells == self.common).astype(np.float32)]
        return Piece(numeric=views, plain=[*usual, *missing_flag(cells, self.flagged)])


@dataclass(frozen=True, eq=False)  # arrays have no equality of one bit
class Scaling:
    """The scaling of several columns of numbers, for few rows: one by one, columns take longer to call than to scale.

    Attributes:
        names: of the F columns.
        centres, factors, furthest: (F, 1) of each.
    """

    names: tuple[str, ...]
    centres: Values
    factors: Values
    furthest: Values

    @staticmethod
    def of(columns: Mapping[str, NumberEncoding]) -> Scaling:
        """Return the scaling of columns, by name."""
        parts = [(each.centre, each.factor, _furthest(each.factor)) for each in columns.values()]
        centres, factors, furthest = np.array(parts, np.float64).reshape(-1, 3).T[:, :, None]
        return Scaling(tuple(columns), centres, factors, furthest)

    def apply(self, columns: Mapping[str, Values]) -> dict[str, Floats]:
        """Return by name the cells (N,) of the columns as `scale` has them, to the last bit."""
        if not self.names:
            return {}
        cells = np.array([columns[name] for name in self.names])  # (F, N)
        return dict(zip(self.names, _scaled(cells, self.centres, self.factors, self.furthest), strict=True))


@dataclass(frozen=True)
class PairEncoding:
    """Two values, as -1 and 1: booleans, and numbers of which there are only two; 0 where missing."""

    __pydantic_config__ = STRICT
    low: float
    high: float
    flagged: bool
    kind: Literal["pair"] = "pair"

    @staticmethod
    def fit(cells: Values) -> PairEncoding:
        """Fit on (N,) cells with at most two distinct values."""
        ordered = in_order(cells)
        flagged = len(ordered) < len(cells)
        low, high = (float(ordered[0]), float(ordered[-1])) if len(ordered) else (0.0, 1.0)
        return PairEncoding(low, high if high > low else low + max(1.0, abs(low)), flagged)

    @staticmethod
    def fit_truths(cells: Values) -> PairEncoding:
        """Fit on (N,) cells that are 0 or 1, of which only one may occur."""
        return PairEncoding(0.0, 1.0, bool(np.isnan(cells).any()))

    def numeric_views(self, cells: Values) -> list[Floats]:
        """Return no features: two values need no embedding."""
        return []

    def encode(self, cells: Values) -> Piece:
        """Return the features of (N,) cells; values that are neither of the two lie on the line through them."""
        near = np.clip(cells, 1.5 * self.low - 0.5 * self.high, 1.5 * self.high - 0.5 * self.low)  # nothing overflows
        place = (near - self.low) / (self.high - self.low) * 2 - 1
        return Piece(plain=[_zero_where_missing(np.clip(place, -2, 2)), *missing_flag(cells, self.flagged)])


def has_two_values(cells: Values) -> bool:
    """Return whether at most two distinct values are in (N,) cells."""
    present = cells[~np.isnan(cells)]
    return not len(present) or bool(((present == present.min()) | (present == present.max())).all())
