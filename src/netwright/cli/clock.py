"""When this process began, on the monotonic clock: a time limit counts from there, not from when imports are done."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil

LONGEST_START = 120.0  # seconds from a process's start to its first question: more means that a clock was set meanwhile


def process_start() -> float:
    """Return the moment at which the operating system started this process, as `time.monotonic` would have told it.

    Where Linux counts process starts from boot, the answer is right to a hundredth of a second. Elsewhere it comes from
    the wall clock.
    """
    age = _age_since_boot()
    if age is None:
        age = time.time() - psutil.Process().create_time()
    return time.monotonic() - (age if 0 <= age <= LONGEST_START else 0.0)


def _age_since_boot() -> float | None:
    """Return the age of this process in seconds by the clock that counts from boot, None where there is none.

    Field 22 of /proc/self/stat (`man 5 proc`) is the start in ticks since boot. It is preferred to the wall clock, by
    which the moment of boot is known to whole seconds only: that makes a process up to a second older than it is.
    """
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()  # the name before ")" may hold anything
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, IndexError, ValueError):
        return None  # not Linux, or a /proc that is closed: the caller has another way
