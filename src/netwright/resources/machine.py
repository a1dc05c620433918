"""What of this machine the process may use."""

from __future__ import annotations

import math
import os

from netwright.resources.containers import container_cores


def usable_cores() -> int:
    """Return how many cores this process may use: those that it may run on, or fewer where a container says so.

    More threads than a container lets compute wait for their turn, all of them at once.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed = container_cores()
    return cores if allowed >= cores else max(1, math.ceil(allowed))


def usable_threads() -> int:
    """Return how many threads one computation may use: as many as cores, or fewer where OMP_NUM_THREADS says so."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(usable_cores(), max(1, int(asked))) if asked.isdecimal() else usable_cores()
