"""How the step size goes from the start of training (0) to its end (1), as a share of the largest step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping


def cosine(progress: float) -> float:
    """Warm up over the first 5 %, then half a cosine down to 0 (Loshchilov and Hutter 2017, arXiv 1608.03983)."""
    warm = 0.05
    if progress < warm:
        return progress / warm
    return 0.5 * (1 + math.cos(math.pi * (progress - warm) / (1 - warm)))


def coslog4(progress: float) -> float:
    """Four cosine cycles, each twice as long as the one before: ½(1 − cos(2π log₂(1 + 15t))) (arXiv 2407.04491)."""
    return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * progress)))


def flat_cosine(progress: float) -> float:
    """Full until half of the time, then half a cosine down to 0 (arXiv 2407.04491, for dropout and decay)."""
    return 1.0 if progress < 0.5 else 0.5 * (1 + math.cos(math.pi * (2 * progress - 1)))


def one_cycle(progress: float) -> float:
    """Half a cosine up from 1/25 over the first 30 %, then another down to 0 (Smith and Topin 2018, arXiv 1708.07120).

    It is the rate of `torch.optim.lr_scheduler.OneCycleLR`; the momentum stays what it is.
    """
    first, rise = 0.04, 0.3
    if progress < rise:
        return first + (1 - first) * 0.5 * (1 - math.cos(math.pi * progress / rise))
    return 0.5 * (1 + math.cos(math.pi * (progress - rise) / (1 - rise)))


SCHEDULES: Mapping[str, Callable[[float], float]] = {
    "cosine": cosine,
    "coslog4": coslog4,
    "flat_cosine": flat_cosine,
    "one_cycle": one_cycle,
}
