"""Which columns a model leans on: permutation importance (Breiman 2001, Random Forests, section 10).

The cells of one column are put in another order, which breaks its tie to the target and leaves its distribution; what
the score loses is the column's importance. Of two columns that say the same, each can look unimportant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.frame import Frame

REPEATS = 3  # shuffles of each column, if the time suffices: their mean is steadier on few rows


def permutation_importance(
    predict: Callable[[Frame], NDArray[Any]],
    frame: Frame,
    score: Callable[[NDArray[Any]], float],
    *,
    seed: int,
    more_time: Callable[[], bool],
    repeats: int = REPEATS,
) -> tuple[tuple[str, float], ...]:
    """Return (column, what the score loses when it is shuffled), the largest loss first.

    Every column is shuffled once before any is shuffled again. Columns that were not reached when the time was over are
    left out, so that every number given was measured. Numbers are rough where rows are few or time is short.

    Args:
        predict: (table of N rows) → answers (N, K) or (N,).
        frame: the table; the truth of its rows is known to `score`.
        score: answers → a number; greater is better.
        seed: of the shuffles.
        more_time: whether there is time for another prediction; asked before each.
        repeats: shuffles of each column, averaged.
    """
    if not more_time():
        return ()
    generator, losses = np.random.default_rng(seed), dict.fromkeys(frame.columns, 0.0)
    times = dict.fromkeys(frame.columns, 0)
    whole = score(predict(frame))
    for name in [*frame.columns] * repeats:
        if not more_time():
            break
        losses[name] += whole - score(predict(_shuffled(frame, name, generator)))
        times[name] += 1
    measured = [(name, losses[name] / times[name]) for name in losses if times[name]]
    return tuple(sorted(measured, key=lambda pair: -pair[1]))


def _shuffled(frame: Frame, name: str, generator: np.random.Generator) -> Frame:
    cells = frame.columns[name][generator.permutation(frame.rows)]
    return Frame({**frame.columns, name: cells}, frame.rows)
