"""Numbers made small and even: robust scaling with smooth clipping, and ranks where tails are heavy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
KNOTS = 49  # quantiles kept of each column: 48 intervals, as many as TabM uses for its piecewise-linear embeddings
HEAVY = 0.03  # share of scaled values beyond ±3 from which a column also enters by its rank


def fit_scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return (centre, factor): the median, and 1 / (q75 - q25), or 2 / (max - min) when the quartiles are equal.

    RealMLP's robust scaling (arXiv 2407.04491, appendix A.1). The factor is 0 where nothing varies.
    """
    present = values[np.isfinite(values)]
    if not len(present):
        return 0.0, 0.0
    low, first, middle, third, high = np.quantile(present, [0, 0.25, 0.5, 0.75, 1])
    spread = third - first if third > first else (high - low) / 2
    factor = 1 / spread if spread > 0 else 0.0
    return float(middle), float(factor) if np.isfinite(factor) else 0.0


def scale(values: NDArray[np.float64], centre: float, factor: float) -> Floats:
    """Return z / √(1 + (z/3)²) with z = (x - centre) · factor: smooth, within ±3; 0 where missing."""
    with np.errstate(over="ignore", invalid="ignore"):
        z = np.clip((values - centre) * factor, -1e6, 1e6)
    return np.asarray(np.nan_to_num(z / np.sqrt(1 + np.square(z / 3)), nan=0.0), np.float32)


def is_heavy(values: NDArray[np.float64], centre: float, factor: float) -> bool:
    """Return whether so many values lie beyond ±3 quartile distances that clipping would hide much of the column."""
    present = values[np.isfinite(values)]
    return len(present) > 0 and float(np.mean(np.abs((present - centre) * factor) > 3)) > HEAVY


def fit_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distinct values (at most `KNOTS`) between which ranks are interpolated."""
    present = values[np.isfinite(values)]
    return np.unique(np.quantile(present, np.linspace(0, 1, KNOTS), method="inverted_cdf"))


def rank(values: NDArray[np.float64], knots: NDArray[np.float64]) -> Floats:
    """Return where values lie between knots, as a number from -1.7 to 1.7 (unit variance if even); 0 where missing."""
    if len(knots) < 2:
        return np.zeros(len(values), np.float32)
    share = np.interp(values, knots, np.linspace(-1.0, 1.0, len(knots)))
    return np.asarray(np.nan_to_num(share * np.sqrt(3), nan=0.0), np.float32)


def fit_quantiles(columns: Floats) -> Floats:
    """Return (F, `KNOTS`) strictly rising quantiles of each column (N, F), for piecewise-linear embeddings."""
    if not columns.shape[1]:
        return np.zeros((0, KNOTS), np.float32)
    knots = np.quantile(columns[:: max(1, len(columns) // 20_000)], np.linspace(0, 1, KNOTS), axis=0).T
    return np.ascontiguousarray([_distinct_first(row) for row in knots], dtype=np.float32)


def _distinct_first(knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return as many knots, spread evenly over the distinct ones, so that few-valued columns lose no interval."""
    distinct = np.unique(knots)
    if len(distinct) == len(knots):
        return knots
    places = np.linspace(0, len(distinct) - 1, len(knots))
    return np.interp(places, np.arange(len(distinct)), distinct)
