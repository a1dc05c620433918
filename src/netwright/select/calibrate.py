"""Temperature scaling: one number that makes the probabilities of a mix neither too sure nor too shy.

Guo et al. 2017, On Calibration of Modern Neural Networks (arXiv 1706.04599), section 4.2: the logits are divided by a
temperature T fitted on rows that training did not use. It leaves the most probable class as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.spec.numbers import LEAST_CHANCE

RANGE = (0.1, 10.0)  # temperatures outside it mean that something else is wrong
DOUBT = 0.3  # standard deviation of ln T before the data is seen, see `fit_temperature`
MOST_ROWS = 20_000  # they fix the temperature to about half a percent
MOST_NUMBERS = 1_000_000  # rows times classes: with many classes fewer rows must do
_GOLDEN = (math.sqrt(5) - 1) / 2


def apply_temperature(probabilities: NDArray[Any], temperature: float) -> NDArray[np.float64]:
    """Return probabilities (N, K) whose logits are divided by `temperature`; over 1 they become less sure.

    A probability of 0 becomes a very small one. With a temperature of exactly 1 the input comes back unchanged.
    """
    if temperature == 1.0:
        return np.asarray(probabilities, np.float64)
    logits = _logits(probabilities) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(probabilities: NDArray[Any], truth: NDArray[np.int64]) -> float:
    """Return the temperature that makes the true classes most likely.

    It minimises  sum_i -ln softmax(z_i / T)[y_i]  +  (ln T / 0.3)^2 / 2  by golden-section search over ln T. The second
    term says that T lies within a factor of about 1.8 of 1 before the data is seen (two standard deviations). It weighs
    as much as some tens of rows, so a small table cannot push T far and a large one is not hindered: in simulations
    (`benchmarks/selection.py temperature`) 0.3 was best on 20 rows, and as good as no such term from 300 up.

    Args:
        probabilities: (N, K), of rows that the networks did not learn from; zeros are allowed.
        truth: (N,) class numbers. Those of `fitted_rows` are used.

    Returns:
        A temperature from 0.1 to 10.
    """
    rows = fitted_rows(*probabilities.shape)
    logits = _logits(probabilities[rows])
    logits -= logits.max(axis=1, keepdims=True)
    of_truth = float(logits[np.arange(len(rows)), truth[rows]].sum())

    def cost(log_temperature: float) -> float:
        sharpness = math.exp(-log_temperature)
        total = float(np.log(np.exp(logits * sharpness).sum(axis=1)).sum())
        return total - of_truth * sharpness + (log_temperature / DOUBT) ** 2 / 2

    lowest = _golden_section(cost, math.log(RANGE[0]), math.log(RANGE[1]))
    return math.exp(lowest)


def fitted_rows(rows: int, classes: int) -> NDArray[np.int64]:
    """Return the numbers of the rows that a temperature is fitted on: of more than 20,000 as many evenly spread ones.

    Of many classes there are fewer.
    """
    return spread_rows(rows, min(MOST_ROWS, MOST_NUMBERS // classes))


def spread_rows(rows: int, most: int) -> NDArray[np.int64]:
    """Return all row numbers, or `most` of them evenly spread where there are more: one of each of as many stretches.

    Which one is drawn, always alike. At equal steps all of 40,000 rows that alternate between two classes would be of
    one of them, and of readings that take turns all of one thing.
    """
    if rows <= most:
        return np.arange(rows)
    edges = np.arange(most + 1) * rows // most
    drawn = np.random.default_rng(0).random(most)
    return np.asarray(edges[:-1] + (drawn * np.diff(edges)).astype(np.int64))


def _logits(probabilities: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.log(np.maximum(probabilities, LEAST_CHANCE, dtype=np.float64)))


def _golden_section(cost: Callable[[float], float], low: float, high: float, close: float = 1e-4) -> float:
    """Return where `cost`, which falls and then rises from `low` to `high`, is lowest (Kiefer 1953)."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    cost_left, cost_right = cost(left), cost(right)
    while high - low > close:
        if cost_left < cost_right:
            high, right, cost_right = right, left, cost_left
            left = high - _GOLDEN * (high - low)
            cost_left = cost(left)
        else:
            low, left, cost_left = left, right, cost_right
            right = low + _GOLDEN * (high - low)
            cost_right = cost(right)
    return (low + high) / 2
