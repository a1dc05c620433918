"""How long a model takes for one row, and for many together. It needs numpy alone: any framework can be timed."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

CALLS, WARM_UP, SECONDS = 300, 10, 5.0  # of one row: as many calls as there is time for
MANY, ROUNDS = 1_024, 5

Work = Callable[[], object]


def timed(one: Work, many: Work) -> dict[str, float]:
    """Return milliseconds of one row, its median and its slowest hundredth, and rows a second of `MANY` together."""
    for work in (one, many):  # what is compiled at first use is no part of it
        seconds(work)
    times: list[float] = []
    while len(times) < WARM_UP + CALLS and sum(times) < SECONDS:
        times.append(seconds(one))
    rounds = [seconds(many) for _ in range(ROUNDS)]
    kept = 1e3 * np.array(times[WARM_UP:] or times)
    return {
        "p50_ms": float(np.median(kept)),
        "p99_ms": float(np.quantile(kept, 0.99)),
        "rows_s": MANY / float(np.median(rounds)),
    }


def seconds(work: Work) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
