"""Runs a program under a time limit, measures the memory of all its processes, and leaves none of them behind.

What other programs use meanwhile is measured too: threads that wait for each other by spinning, as those of gradient
boosting do, become tens of times slower when they do not have their cores to themselves.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

TICK = 0.2  # seconds between looks: a peak that lasts less may be missed
GRACE = 5.0  # seconds that a process has to end when it is asked to
HOW = f"sum of PSS over the process tree, looked at every {TICK} s"


@dataclass(frozen=True)
class Watched:
    """What a program came to.

    Attributes:
        status: its exit status, None if its time ran out.
        seconds: how long it ran.
        mark_seconds: when the file that marks a stage was written, None if it never was.
        peak_mb: the most memory that it and all below it held.
        mark_peak_mb: the same until the mark.
        others_cores: how many cores other programs kept busy meanwhile, on average.
    """

    status: int | None
    seconds: float
    mark_seconds: float | None
    peak_mb: float
    mark_peak_mb: float
    others_cores: float


@dataclass
class Tree:
    """A process and all that it started, as far as they were seen."""

    root: psutil.Process
    seen: set[psutil.Process] = field(default_factory=set)
    spent: dict[psutil.Process, float] = field(default_factory=dict)
    peak: float = 0.0

    def look(self) -> None:
        """Note who is there, how much memory they hold and how many seconds of the processor they have spent.

        Shared pages count once (PSS). Asking for that is slow, so it is asked for only when the plain sum (RSS), which
        is never less, exceeds the peak.
        """
        with contextlib.suppress(psutil.NoSuchProcess):
            self.seen.update([self.root, *self.root.children(recursive=True)])
        self.seen = {process for process in self.seen if process.is_running()}
        for process in self.seen:
            with contextlib.suppress(psutil.Error):
                self.spent[process] = sum(process.cpu_times()[:2])
        if sum(map(resident, self.seen)) > self.peak:
            self.peak = max(self.peak, sum(map(proportional, self.seen)))

    def end(self) -> None:
        """End all that is left of them, gently at first."""
        left = [process for process in self.seen if process.is_running()]
        for stop in (psutil.Process.terminate, psutil.Process.kill):
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    stop(process)
            _, left = psutil.wait_procs(left, timeout=GRACE)


def busy() -> float:
    """Return the seconds that all cores together have been at work since the machine was started."""
    times = psutil.cpu_times()
    return float(sum(times[:8]) - times.idle - getattr(times, "iowait", 0.0))  # later fields are parts of the first


def resident(process: psutil.Process) -> float:
    """Return the resident memory of a process in bytes, none if it has gone."""
    with contextlib.suppress(psutil.Error):
        return float(process.memory_info().rss)
    return 0.0


def proportional(process: psutil.Process) -> float:
    """Return the memory of a process in bytes, where a page shared by n processes counts an n-th to each."""
    with contextlib.suppress(psutil.Error):
        memory = process.memory_full_info()
        return float(getattr(memory, "pss", memory.rss))
    return 0.0


def watch(
    command: Sequence[str], folder: Path, environment: dict[str, str], limit: float, cores: int, log: Path, mark: Path
) -> Watched:
    """Run a program until it ends or its time does.

    Args:
        command: the program with its arguments.
        folder: where it runs.
        environment: its environment variables.
        limit: seconds after which all of it is killed.
        cores: how many of this process's cores it may use; the same ones each time.
        log: a file for all that it prints.
        mark: a file that it writes when a stage is done.
    """
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    began, began_wall, busy_before = time.monotonic(), time.time(), busy()
    mark_peak: float | None = None
    with log.open("wb") as printed:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, allowed),
        )
        tree = Tree(psutil.Process(process.pid))
        try:
            while process.poll() is None and time.monotonic() - began < limit:
                tree.look()
                if mark_peak is None and mark.exists():
                    mark_peak = tree.peak
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(TICK)
            seconds = time.monotonic() - began
            others = max(0.0, busy() - busy_before - sum(tree.spent.values())) / seconds
            status = process.poll()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            tree.end()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    mark_seconds = mark.stat().st_mtime - began_wall if mark.exists() else None
    return Watched(status, seconds, mark_seconds, tree.peak / 1e6, (mark_peak or tree.peak) / 1e6, others)
