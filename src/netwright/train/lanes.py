"""Trains on every core at once: one lane a core, up to four, each a thread that computes with its share of the cores.

Two lanes of one core each did 1.5 times the training steps of one trainer that spread every operation over two cores:
operations are too short to be worth cutting up, and nothing waits at a barrier on a busy machine. PyTorch lets other
Python threads run while it computes. But all share Python's lock: with more than four, lanes wait for it more than they
compute (`benchmarks/lanes.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from netwright.resources.machine import usable_cores

MOST_LANES = 4

Result = TypeVar("Result")


def on_all_cores(work: Callable[[int], Result], starts: Sequence[int]) -> list[Result]:
    """Return what comes of each piece of work, in order: one core for each piece, and no pool for a single one.

    Threads that wait for each other cost more than they bring. The caller's setting of PyTorch's threads stays.
    """
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        if len(starts) == 1:
            return [work(starts[0])]
        with ThreadPoolExecutor(usable_cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(work, starts))
    finally:
        torch.set_num_threads(before)


def lanes_of(device: torch.device) -> int:
    """Return how many lanes there are: one a core, but for many cores; one for a graphics card."""
    return min(usable_cores(), MOST_LANES) if device.type == "cpu" else 1


def in_lane(work: Callable[[], None]) -> None:
    """Call `work` with one core; this thread computes with one from then on."""
    torch.set_num_threads(1)
    work()


def run_lanes(count: int, work: Callable[[], None], threads: int = 1) -> None:
    """Call `work` in `count` lanes and wait for all; the first error of any is raised here.

    Args:
        count: of lanes.
        work: what each does.
        threads: that PyTorch uses in each for one operation. The caller's own setting is left as it was.
    """
    before = torch.get_num_threads()
    errors: list[BaseException] = []

    def lane() -> None:
        torch.set_num_threads(threads)
        try:
            work()
        except BaseException as error:  # carried over to the caller's thread below
            errors.append(error)

    lanes = [threading.Thread(target=lane, name=f"lane-{number}", daemon=True) for number in range(count)]
    try:
        for each in lanes:
            each.start()
        for each in lanes:
            each.join()
    finally:
        torch.set_num_threads(before)
    if errors:
        raise errors[0]
