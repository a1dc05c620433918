"""What a model gains by averaging the networks of all folds, which no out-of-fold row can show.

A row of the table is predicted out of fold by the networks of one fold; a new row by those of all folds together, which
is better by how much they disagree: for the squared error exactly by the variance of their predictions (Krogh and
Vedelsby 1995, Neural network ensembles, cross validation, and active learning, equation 6). To see a disagreement no
label is needed. So labels are taken from the average itself, as if it were calibrated, and the metric of the average is
compared with the mean metric of its parts.

The rows are those of the table, where each network but one has learnt from the row: these disagree less than on new
rows, and with that one more. With eight folds the gain came out as a quarter to all of the true one in accuracy and 0.5
to 1.4 times that in log-loss, on ten tables; with three, 0.7 to 1.6 times (docs/why/honest-estimate.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.metrics import Metric

Array = NDArray[Any]

DRAWS = 16  # of labels, for metrics that are not a mean over rows, and where classes are too many to try each
FEW_CLASSES = 30


def averaging_gain(metric: Metric, members: Array, residuals: Array | None, seed: int) -> float:
    """Return what the metric of the mean has over the mean metric of its members; 0 with one member.

    Args:
        metric: any metric.
        members: (S, N, K) probabilities, or (S, N) values, of the same rows.
        residuals: truth minus prediction out of fold, of a regression: what the truth is drawn with. None for classes.
        seed: of the draws.

    Returns:
        A difference in the unit of the metric, with the sign of an improvement: above zero for accuracy, below for
        log-loss and RMSE. Zero where it is not defined, would be a loss, or hangs on
        the order of the rows.
    """
    if len(members) < 2 or metric.ordered:  # the rows at hand need not stand beside each other
        return 0.0
    mean = members.mean(axis=0)
    if residuals is None and metric.per_row is not None and mean.shape[1] <= FEW_CLASSES:
        gain = _expected(metric, mean, mean) - float(np.mean([_expected(metric, mean, one) for one in members]))
    else:
        draws = _labels(mean, residuals, np.random.default_rng(seed))
        gains = [
            metric.function(truth, mean) - np.mean([metric.function(truth, one) for one in members]) for truth in draws
        ]
        gain = float(np.mean(gains))
    better = gain > 0 if metric.greater_is_better else gain < 0
    return gain if np.isfinite(gain) and better else 0.0


def _expected(metric: Metric, chances: Array, predicted: Array) -> float:
    """Return the metric of predictions (N, K), expected over classes that have these chances (N, K)."""
    assert metric.per_row is not None
    rows, classes = chances.shape
    each = [metric.per_row(np.full(rows, label), predicted) for label in range(classes)]  # K of (N,)
    return float(np.mean(np.sum(chances * np.stack(each, axis=1), axis=1)))


def _labels(mean: Array, residuals: Array | None, generator: np.random.Generator) -> list[Array]:
    """Return truths that could be: classes by their chances, or values with residuals and with their opposites."""
    if residuals is None:
        ends = mean.cumsum(axis=1)
        draws = (generator.random((len(mean), 1)) * ends[:, -1:] for _ in range(DRAWS))
        return [np.minimum((draw > ends).sum(axis=1), mean.shape[1] - 1) for draw in draws]
    drawn = [generator.choice(residuals, len(mean)) for _ in range(DRAWS // 2)]
    return [mean + sign * draw for draw in drawn for sign in (1, -1)]
