"""Rows that the model got wrong, to look at: what was surest and yet mistaken teaches most."""

from __future__ import annotations

import numpy as np

from netwright.engine.bench import Bench
from netwright.engine.pool import Pool
from netwright.events import Example
from netwright.select.ensemble import blend

MOST = 12  # examples in a report


def surest_mistakes(bench: Bench, pool: Pool, most: int = MOST) -> tuple[Example, ...]:
    """Return rows of another class than the mix took them for, the surest first.

    The answers are those of networks that have not learnt from the row. Nothing is returned where the task cannot show
    a row by itself, or where a number is predicted.
    """
    show, labels = bench.task.show, bench.loaded.schema.target.labels
    if show is None or not labels:
        return ()
    chances, truth = blend([trial.predictions for trial in pool.trials], pool.weights), bench.truth
    taken = chances.argmax(axis=1)
    wrong = np.flatnonzero(taken != truth)
    surest = wrong[np.argsort(-chances[wrong].max(axis=1), kind="stable")][:most]
    return tuple(
        Example(
            *show(bench.loaded.frame, int(bench.cut.judged[row])),
            truth=str(labels[truth[row]]),
            answer=str(labels[taken[row]]),
            chance=float(chances[row, taken[row]]),
        )
        for row in surest
    )
