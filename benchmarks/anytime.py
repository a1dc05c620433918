"""How good a result was over the whole of a run, and not only at its end: the area under the learning curve.

As in the AutoDL challenge (Liu et al. 2021, IEEE TPAMI 43(9), arXiv 2201.03801): at any time there is a best result so
far, a number from 0 to 1, and the area under this step function is taken over a time that runs ever more slowly,

    t̃ = log(1 + t / t₀) / log(1 + T / t₀),    0 ≤ t̃ ≤ 1,

so that a good result early counts for more than a little more at the end. The challenge had T = 1200 s and t₀ = 60 s;
`EARLY` keeps their ratio, so that a run of a minute is judged as theirs were of twenty.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

EARLY = 60 / 1200  # t₀ as a share of the time limit T
SHARES = ("accuracy", "balanced_accuracy", "macro_f1", "r2")
ERRORS = ("rmse", "mae", "log_loss")


def area(curve: Iterable[tuple[float, float]], limit: float, early: float = EARLY) -> float:
    """Return the area under a learning curve, from 0 to 1.

    Args:
        curve: (seconds since the start, quality from that moment on), in the order of time. Before the first the
            quality is 0; a later one counts even if it is lower, since it is what would be handed over.
        limit: T in seconds; what comes later does not count.
        early: t₀ as a share of T.

    >>> area([(0.0, 0.8)], 60.0)
    0.8
    >>> round(area([(3.0, 1.0)], 60.0), 3)  # at t₀
    0.772
    """
    steps = [(when(seconds, limit, early), height) for seconds, height in curve if seconds < limit]
    return float(sum(height * (end - start) for (start, height), (end, _) in pairwise([*steps, (1.0, 0.0)])))


def when(seconds: float, limit: float, early: float = EARLY) -> float:
    """Return t̃ of a moment."""
    return math.log1p(seconds / (early * limit)) / math.log1p(1 / early)


def quality(metric: str, value: float, trivial: float) -> float:
    """Return a metric as a number from 0, no better than without inputs, to 1, without fault.

    Args:
        metric: its name.
        value: what was measured.
        trivial: what the usual answer reaches. Errors are set in relation to it; shares count as they are, and the area
            under the ROC curve as 2 AUC - 1, as in the challenge.

    >>> quality("rmse", 2.0, 8.0)
    0.75
    >>> quality("roc_auc", 0.9, 0.5)
    0.8
    """
    if metric in ERRORS:
        found = 1 - value / trivial if trivial > 0 else float(value <= 0)
    elif metric == "roc_auc":
        found = 2 * value - 1
    elif metric in SHARES:
        found = value
    else:
        raise ValueError(f"no quality is defined for the metric {metric!r}")
    return min(1.0, max(0.0, found))
