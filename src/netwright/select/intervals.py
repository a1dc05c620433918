"""How sure a score is: a 95 % interval over rows drawn from the same source, by the method that fits the metric.

The predictions are taken as they are: what another training run would have given is not in the interval. Rows count as
independent where they are not said to be drawn in groups. None of the methods says "certainly 1.0" of a model that made
no mistake on few rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.metrics import METRICS, Metric, entities_of
from netwright.select.clusters import freedom, values_of_groups, worth
from netwright.select.student import NORMAL, student

Array = NDArray[Any]
Interval = tuple[float, float]

RESAMPLES = 1_000
MOST_RESAMPLED = 5_000  # rows in a resample of larger tables; the interval is scaled to the table's size


def interval(
    metric: Metric, truth: Array, prediction: Array, seed: int, groups: NDArray[np.int64] | None = None
) -> Interval:
    """Return (low, high), a 95 % interval of the metric; NaN where the metric is not defined or there is one value.

    Accuracy: Wilson's score interval (1927). Balanced accuracy: Wilson's for each class, combined (`_of_recalls`).
    Macro and entity F1: Wilson's with the rows that their variance is worth (`_of_macro_f1`). ROC AUC:
    Newcombe's (`_of_auc`).
    Log-loss, mae and rmse, whose rows are skewed: Student's, freed of skewness (`mean_interval`). R2: the same on
    the logarithm of its share of unexplained variance. Any other: the percentile bootstrap (Efron 1979).
    Where rows are drawn in groups, they count for as many as they are worth (`clusters.worth`), and the bootstrap draws
    groups (Field and Welsh 2007).
    In simulations (`benchmarks/selection.py coverage`) they held the true score in 93 to 98 % of repetitions from 200
    rows up, and on 30 rows in 89 % (r2), 93 % (rmse, macro F1) or more. Of 150 groups of 1 to 19 rows whose errors had
    a part in common they held it in 94 to 96 %, of 40 in 91 (rmse) to 97 %, of 8 in 90 (rmse) to 99.9 % (shares, too
    wide); intervals over these rows would have held it in 66 (rmse) to 94 %.

    Args:
        metric: whose interval.
        truth: (N,) class numbers or values.
        prediction: (N, K) probabilities or (N,) values.
        seed: of the bootstrap; the other methods draw no random numbers.
        groups: (N,) two numbers at least, which rows share that were drawn together; None where each was by itself.
    """
    if metric.ordered:
        return _of_entities(*entities_of(truth, prediction, metric.stretches), groups)
    if not math.isfinite(metric.function(truth, prediction)):
        return math.nan, math.nan
    if metric.name in _METHODS:
        return _METHODS[metric.name](truth, prediction, groups)
    if metric.per_row is not None:
        return mean_interval(metric.per_row(truth, prediction), groups)
    return _bootstrap(metric, truth, prediction, seed, groups)


def wilson(share: float, rows: float) -> Interval:
    """Return Wilson's score interval of a share seen in so many rows (Wilson 1927; Brown, Cai & DasGupta 2001)."""
    centre = (share + NORMAL**2 / (2 * rows)) / (1 + NORMAL**2 / rows)
    half = NORMAL / (1 + NORMAL**2 / rows) * math.sqrt(share * (1 - share) / rows + NORMAL**2 / (4 * rows**2))
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def mean_interval(values: Array, groups: Array | None = None) -> Interval:
    """Return an interval of the mean of values (N,) that holds its level where they are skewed, as losses are.

    Hall's monotone transformation of Student's t (1992, On the removal of skewness by transformation, equation 3):
    with g the sample skewness and a = g / sqrt(N), t becomes  t + a t^2/3 + a^2 t^3/27 + a/6,  whose inverse at the
    97.5 % points of Student's distribution gives the ends. In simulations it covered as often as the bootstrap-t.
    """
    least = 0.0 if values.min() >= 0 else -math.inf
    if groups is not None:
        values = values_of_groups(values, groups)
    rows = len(values)
    if rows < 2:
        return math.nan, math.nan
    mean, spread = float(values.mean()), float(values.std())
    if spread == 0.0:
        return mean, mean
    error = spread / math.sqrt(rows - 1)
    bend = float(np.mean(((values - mean) / spread) ** 3)) / math.sqrt(rows)
    point = student(rows - 1 if groups is None else freedom(groups))
    return max(least, mean - error * _unbent(point, bend)), mean - error * _unbent(-point, bend)


def _unbent(point: float, bend: float) -> float:
    """Return the t that Hall's transformation takes to `point`."""
    if abs(bend) < 1e-6:
        return point
    return 3 / bend * (float(np.cbrt(1 + bend * (point - bend / 6))) - 1)


def _of_accuracy(truth: Array, prediction: Array, groups: Array | None) -> Interval:
    hit = prediction.argmax(axis=1) == truth
    share = float(hit.mean())
    return wilson(share, len(truth) * worth((hit - share) / len(truth), groups))


def _of_recalls(truth: Array, prediction: Array, groups: Array | None) -> Interval:
    """Combine the classes' Wilson intervals: squared distances add up (Zou & Donner 2008, MOVER; Newcombe 1998)."""
    rows = np.bincount(truth)
    hit = prediction.argmax(axis=1) == truth
    recalls = np.bincount(truth[hit], minlength=len(rows)) / np.maximum(rows, 1)
    influence = (hit - recalls[truth]) / rows[truth] / np.count_nonzero(rows)
    each = worth(influence, groups)
    known = [(share, count * each) for share, count in zip(recalls.tolist(), rows.tolist(), strict=True) if count]
    recall, low, high = np.array([(share, *wilson(share, count)) for share, count in known]).T
    mean = float(recall.mean())
    below, above = (math.sqrt(float(np.sum((recall - end) ** 2))) / len(recall) for end in (low, high))
    return max(0.0, mean - below), min(1.0, mean + above)


def _of_macro_f1(truth: Array, prediction: Array, groups: Array | None) -> Interval:
    """Return Wilson's interval for as many rows as would give a share the variance that macro F1 has.

    The variance is that of the rows' influences (the delta method: Takahashi et al. 2022). Where there is no mistake it
    is zero; a mean over K classes of n_k rows is then worth at most  K^2 / sum 1/n_k  rows.
    """
    chosen, classes = prediction.argmax(axis=1), prediction.shape[1]
    hit = chosen == truth
    rows = np.bincount(truth, minlength=classes)
    named = rows + np.bincount(chosen, minlength=classes)
    f1 = 2 * np.bincount(truth[hit], minlength=classes) / np.maximum(named, 1)
    share, present = float(f1[named > 0].mean()), int((named > 0).sum())
    influence = (2 * hit / named[truth] - f1[truth] / named[truth] - f1[chosen] / named[chosen]) / present  # (N,)
    variance = float(np.sum(influence**2))
    most = np.count_nonzero(rows) ** 2 / float(np.sum(1 / rows[rows > 0]))
    alone = min(most, share * (1 - share) / variance) if variance > 0 and 0 < share < 1 else most
    return wilson(share, alone * worth(influence, groups))


def _of_entities(found: Array, said: Array, true: Array, groups: Array | None) -> Interval:
    """Return Wilson's interval for as many entities as would give a share the variance that F1 has, as of macro F1.

    NaN where there is no entity, true or predicted.
    """
    named = float(said.sum() + true.sum())
    if not named:
        return math.nan, math.nan
    share = 2 * float(found.sum()) / named
    influence = (2 * found - share * (said + true)) / named  # (N,)
    variance = float(np.sum(influence**2))
    alone = share * (1 - share) / variance if variance > 0 and 0 < share < 1 else named / 2
    return wilson(share, alone * worth(influence, groups))


def _of_auc(truth: Array, prediction: Array, groups: Array | None) -> Interval:
    """Return the areas that lie 1.96 of their own standard errors from the one seen (Newcombe 2006, method 5).

    The standard error is Hanley & McNeil's (1982) with both class sizes replaced by their mean in its numerator:
    A (1 - A) (1 + n (1 - A)/(2 - A) + n A/(1 + A)) / (positives * negatives),  n = N/2 - 1.
    Groups are reckoned with by the rows' placements (Obuchowski 1997).
    """
    positives = int((truth == 1).sum())
    pairs, mean = positives * (len(truth) - positives), len(truth) / 2 - 1
    seen = METRICS["roc_auc"].function(truth, prediction)
    alone = pairs * worth(_placements(truth == 1, prediction[:, 1], seen), groups)

    def too_far(area: float) -> bool:
        spread = 1 + mean * (1 - area) / (2 - area) + mean * area / (1 + area)
        return abs(area - seen) > NORMAL * math.sqrt(area * (1 - area) * spread / alone)

    return _edge(seen, 0.0, too_far), _edge(seen, 1.0, too_far)


def _placements(positive: Array, scores: Array, area: float) -> Array:
    """Return by how much each row (N,) moves the area: the share of the other class that it is on the right side of.

    DeLong, DeLong and Clarke-Pearson 1988; of equal scores half are.
    """
    influence = np.empty(len(scores))
    for own, sign in ((positive, 1), (~positive, -1)):
        others = np.sort(sign * scores[~own])
        ends = (np.searchsorted(others, sign * scores[own], side) for side in ("left", "right"))
        influence[own] = (sum(ends) / (2 * len(others)) - area) / own.sum()
    return influence


def _edge(inside: float, outside: float, too_far: Callable[[float], bool]) -> float:
    """Return the end of the stretch from `inside` towards `outside` that is not too far, by bisection."""
    if not too_far(outside):
        return outside
    for _ in range(40):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if too_far(middle) else (middle, outside)
    return inside


def _of_rmse(truth: Array, prediction: Array, groups: Array | None) -> Interval:
    low, high = mean_interval(np.square(truth - prediction), groups)
    return math.sqrt(low), math.sqrt(high)


def _of_r2(truth: Array, prediction: Array, groups: Array | None) -> Interval:
    """Take the interval of ln(missed / spread), whose rows' influences are e^2 / mean(e^2) - d^2 / mean(d^2)."""
    missed, spread = np.square(truth - prediction), np.square(truth - truth.mean())
    if missed.mean() == 0:
        return 1.0, 1.0
    ratio = float(missed.mean() / spread.mean())
    low, high = mean_interval(missed / missed.mean() - spread / spread.mean(), groups)
    return 1 - ratio * math.exp(high), 1 - ratio * math.exp(low)


_METHODS: dict[str, Callable[[Array, Array, Array | None], Interval]] = {
    "accuracy": _of_accuracy,
    "balanced_accuracy": _of_recalls,
    "macro_f1": _of_macro_f1,
    "roc_auc": _of_auc,
    "rmse": _of_rmse,
    "r2": _of_r2,
}


def _bootstrap(metric: Metric, truth: Array, prediction: Array, seed: int, groups: Array | None) -> Interval:
    generator, size = np.random.default_rng(seed), min(len(truth), MOST_RESAMPLED)
    if groups is None:
        share = size / len(truth)
        samples = (generator.integers(0, len(truth), size) for _ in range(RESAMPLES))
    else:
        order = np.argsort(groups, kind="stable")
        units = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
        count = max(2, round(len(units) * size / len(truth)))
        share = count / len(units)
        chosen = (generator.integers(0, len(units), count).tolist() for _ in range(RESAMPLES))
        samples = (np.concatenate([units[unit] for unit in some]) for some in chosen)
    draws = [metric.function(truth[rows], prediction[rows]) for rows in samples]
    middle, scale = metric.function(truth, prediction), math.sqrt(share)
    low, high = np.nanquantile(draws, [0.025, 0.975])  # draws are not all NaN: the whole table is not
    return middle - (middle - float(low)) * scale, middle + (float(high) - middle) * scale
