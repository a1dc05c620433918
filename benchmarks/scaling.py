"""Trials a second against workers, and what each part of the driver takes: the measured side of docs/scaling.md.

    python benchmarks/scaling.py --workers 0 1 2 --trials 24             processes of this machine; 0 is none at all
    python benchmarks/scaling.py --workers 1 2 4 --cluster auto          actors of a Ray cluster
    python benchmarks/scaling.py --costs                                 the driver alone: record, mix, frames

Each run tries the same number of candidates on the same made table, so all come to the same answers; that is checked.
Counted is the time from the first trial to the end of the last, without the start of workers and without the end of the
run, in which nobody trains. Prints one JSON line a measurement, and a table at the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import netwright as nw
from netwright.events import Event, RunStarted, TeamStarted, Told, TrialFinished, TrialStarted
from netwright.journal import Journal
from netwright.resources.machine import usable_cores
from netwright.select.ensemble import select_weights
from netwright.team.frames import pack, unpack

COLUMNS, CLASSES = 12, 4
REPEATS = 5  # of each cost; the median counts


@dataclass(frozen=True)
class Throughput:
    """What workers came to.

    Attributes:
        workers: how many; 0 is the run's own process on all cores.
        cores: that this machine has.
        trials: that were tried; seconds: from the first begun to the last ended; rate: trials a second.
        start: seconds from the start of the run until the first worker was there.
        answers: of the model, as a digest: the same for all.
    """

    workers: int
    cores: int
    trials: int
    seconds: float
    rate: float
    start: float
    answers: str


@dataclass(frozen=True)
class Cost:
    """What the driver takes for one thing; `seconds`: the median of some repetitions."""

    what: str
    seconds: float


def table(rows: int) -> pd.DataFrame:
    """Return a table whose classes hang on a few of its columns in a way that is no line."""
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(rows, COLUMNS))
    score = numbers[:, 0] * numbers[:, 1] + np.sin(2 * numbers[:, 2]) + 0.5 * generator.normal(size=rows)
    made = pd.DataFrame(numbers, columns=[f"x{place}" for place in range(COLUMNS)])
    return made.assign(kind=[f"class {bin_}" for bin_ in np.digitize(score, [-1.0, 0.0, 1.0])])


def measure(workers: int, cluster: str | None, trials: int, frame: pd.DataFrame) -> Throughput:
    """Return what so many workers come to."""
    told: list[tuple[float, Event]] = []
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = nw.fit(
            frame,
            "kind",
            trials=trials,
            workers=workers or None,
            cluster=cluster if workers else None,
            out=folder,
            listener=lambda event: told.append((time.perf_counter() - began, event)),
        )
        answers = np.ascontiguousarray(run.model.predict_proba(frame)).tobytes()
    first = min(when for when, event in told if isinstance(event, TrialStarted))
    last = max(when for when, event in told if isinstance(event, TrialFinished))
    there = next((when for when, event in told if isinstance(event, TeamStarted)), 0.0)
    digest = hashlib.sha256(answers).hexdigest()[:16]
    return Throughput(workers, usable_cores(), trials, last - first, trials / (last - first), there, digest)


def costs() -> list[Cost]:
    """Return what the driver takes for a recorded event, for a mix, and for a frame."""
    found = []
    with tempfile.TemporaryDirectory() as folder, Journal.create(Path(folder) / "journal.sqlite") as journal:
        journal.record(RunStarted({}))
        found.append(Cost("an event recorded and synced", _each(lambda: journal.record(Told(1, 0.5)), 100)))
    generator = np.random.default_rng(0)
    for rows, classes in ((2_000, 2), (20_000, 10)):
        truth = generator.integers(classes, size=rows)
        answers = [generator.dirichlet(np.ones(classes), rows) for _ in range(24)]
        took = _each(lambda truth=truth, answers=answers: select_weights(answers, truth, "log_loss"), 1)
        found.append(Cost(f"a mix of 24 trials chosen, {rows:,} rows of {classes} classes", took))
    weights = {"w": generator.normal(size=(8, 100_000)).astype(np.float32)}
    frame = pack({}, {"weights": weights})
    found.append(
        Cost(f"a frame of {len(frame) / 1e6:.1f} MB packed", _each(lambda: pack({}, {"weights": weights}), 10))
    )
    found.append(Cost("the same unpacked", _each(lambda: unpack(bytearray(frame)), 10)))
    small = {"ask": "on", "steering": {"used": 0.5, "rate": 0.01, "stop": False}}
    found.append(Cost("a small frame packed and unpacked", _each(lambda: unpack(pack(small)), 1_000)))
    return found


def _each(work: Callable[[], object], times: int) -> float:
    """Return the seconds that something takes once: the median over some repetitions of so many times."""
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        for _ in range(times):
            work()
        taken.append((time.perf_counter() - began) / times)
    return float(np.median(taken))


def throughput_table(found: Sequence[Throughput]) -> str:
    """Return throughputs as a table in Markdown, beside the first of one worker."""
    one = next((each.rate for each in found if each.workers == 1), found[0].rate)
    lines = [
        f"| {each.workers or 'none'} | {each.rate:.2f} | {each.rate / one:.2f} | {each.seconds:.1f} "
        f"| {each.start:.1f} |"
        for each in found
    ]
    head = "| workers | trials a second | beside one worker | seconds | first worker there after |"
    return "\n".join([head, "|---|---|---|---|---|", *lines])


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="numbers of workers; 0 is none")
    parser.add_argument("--cluster", help="auto or HOST:PORT of a Ray cluster")
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--costs", action="store_true", help="measure the driver alone")
    asked = parser.parse_args()
    if asked.costs:
        for cost in costs():
            print(json.dumps(asdict(cost)), flush=True)
        return
    frame, found = table(asked.rows), []
    for workers in asked.workers:
        found.append(measure(workers, asked.cluster, asked.trials, frame))
        print(json.dumps(asdict(found[-1])), flush=True)
    print(throughput_table(found))
    if len({each.answers for each in found}) > 1:
        raise SystemExit("The answers hang on the number of workers, which must not be.")


if __name__ == "__main__":
    main()
