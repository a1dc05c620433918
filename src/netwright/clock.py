"""When this process began, on the monotonic clock: a time limit counts from there, not from when imports are done."""

from __future__ import annotations

import time

import psutil


def process_start() -> float:
    """Return the moment at which the operating system started this process, as `time.monotonic` would have told it."""
    age = time.time() - psutil.Process().create_time()
    return time.monotonic() - min(max(age, 0.0), 3600.0)  # a clock that was set meanwhile must not eat the budget
