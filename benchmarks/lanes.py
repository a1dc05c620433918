"""How many training steps a second there are with so many lanes at one time, each with so many threads an operation.

    python benchmarks/lanes.py               # by network; takes two minutes on sixteen cores

One line a network: a narrow and a wide one for tables, one for images, four folds each. Lanes are threads of one
process, which share Python's lock. Steps of all lanes are counted. Other programs must be quiet.
"""

from __future__ import annotations

import argparse
import threading
import time

import torch
from card import Case, begin, pictures, tables

from netwright.resources.machine import usable_cores
from netwright.train.device import PROCESSOR

SECONDS = 1.5  # of counting
WARM = 3  # steps before


def main() -> None:
    """Print a line a network."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    cores = usable_cores()
    ways = [(lanes, 1) for lanes in _doublings(cores)] + [(lanes, cores // lanes) for lanes in _doublings(cores // 2)]
    print(f"{cores} cores; steps a second of all lanes, by lanes x threads")
    print(f"{'':32}", *(f"{f'{lanes}x{threads}':>7}" for lanes, threads in ways))
    for case in (next(pictures()), *tables()):
        if case.trials == 1:
            print(f"{case.name:32}", *(f"{steps_a_second(case, *way):7.0f}" for way in ways), flush=True)


def _doublings(most: int) -> list[int]:
    return [2**power for power in range(most.bit_length()) if 2**power <= most]


def steps_a_second(case: Case, lanes: int, threads: int) -> float:
    """Return the steps a second of all lanes."""
    counts, ready, stop = [0] * lanes, threading.Barrier(lanes + 1), threading.Event()

    def lane(number: int) -> None:
        torch.set_num_threads(threads)
        begun = begin(case, PROCESSOR, number)
        for step in range(WARM):
            begun.step(step, 0.1)
        ready.wait()
        while not stop.is_set():
            begun.step(counts[number], 0.1)
            counts[number] += 1

    workers = [threading.Thread(target=lane, args=(number,)) for number in range(lanes)]
    for worker in workers:
        worker.start()
    ready.wait()
    begun = time.perf_counter()
    time.sleep(SECONDS)
    stop.set()
    for worker in workers:
        worker.join()
    return sum(counts) / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
