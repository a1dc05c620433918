"""Faults other than kills, each at seeded random moments or sizes: signals, disks that get full, memory that is short.

    python tests/faults/others.py --each 10 --seed 0

Every run is a process of its own. It keeps its word where it ends with a model, a report and status 0, or with a
sentence and status 1 or 2, never with a traceback or by a crash; and where the same command, once the fault is gone,
ends with a model, and trains no trial again that had finished.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from kills import LONGEST, command, curves, finished, opens, records, write_table
from test_endings import SHORT

SECONDS = "20s"
TRIALS = "6"
READING = (130,)  # while data are read the first signal ends a run
TWICE = (*READING, -signal.SIGINT, -signal.SIGTERM)
ABORTED = (-signal.SIGABRT,)  # by a library that can have no memory (std::bad_alloc in a thread of its own)
SENTENCES = (1, 2)
HEAD = (
    *("fault", "tried", "model, status 0", "sentence, status 1 or 2", "at once", "broken promises"),
    "seconds from a signal to the end, at the most",
)


@dataclass
class Row:
    """What came of one fault.

    Attributes:
        tried: how often; models: of these, how many ended with a model, a report and status 0; sentences: with one, and
            status 1 or 2; at_once: at once, as such a signal asks for, or by a library without memory.
        broken: what was promised and not kept, a line each.
        seconds: from a signal to the end of the process.
    """

    tried: int = 0
    models: int = 0
    sentences: int = 0
    at_once: int = 0
    broken: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def line(self, name: str) -> str:
        """Return the row of a table in Markdown."""
        longest = f"{max(self.seconds):.1f}" if self.seconds else ""
        cells = (name, self.tried, self.models, self.sentences, self.at_once, len(self.broken), longest)
        return f"| {' | '.join(map(str, cells))} |"


def judge(row: Row, ended: subprocess.CompletedProcess[str], out: Path, at_once: tuple[int, ...] = ()) -> None:
    """Count how a run ended; at_once: the statuses of an end without a word that such a fault may have."""
    row.tried += 1
    status, words = ended.returncode, ended.stderr
    whole = opens(out) and (out / "model.nw").exists() and (out / "report.html").exists()
    if "Traceback" in words or status not in (0, *SENTENCES, *at_once):
        row.broken.append(f"status {status}: {words[-1000:]}")
    elif status == 0 and not whole:
        row.broken.append(f"status 0 without a whole model and a report: {words[-1000:]}")
    elif not opens(out):
        row.broken.append("a model file that does not open")
    row.models += status == 0
    row.sentences += status in SENTENCES
    row.at_once += status in at_once


def go_on(row: Row, words: list[str], out: Path) -> None:
    """Repeat a command once its fault is gone, and see that it ends well and trains nothing again."""
    before, earlier = finished(out), {record.trial: record for record in records(out)}
    ended = subprocess.run(words, capture_output=True, text=True, timeout=LONGEST)
    after = curves(out)
    if ended.returncode or not opens(out) or not (out / "model.nw").exists():
        row.broken.append(f"not gone on with: status {ended.returncode}: {ended.stderr[-1000:]}")
    if lost := before - finished(out):
        row.broken.append(f"trials lost: {sorted(lost)}")
    if again := [trial for trial in before if after[trial].started != earlier[trial].started]:
        row.broken.append(f"trials trained again: {sorted(again)}")


def signalled(folder: Path, table: Path, generator: np.random.Generator, row: Row, twice: bool) -> None:
    """Send a signal at a random moment, or two; a run that ended at once is gone on with."""
    out, number = folder / "run", signal.SIGINT if generator.random() < 0.5 else signal.SIGTERM
    words = command(table, out, ("--time", SECONDS))
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(generator.uniform(2.0, 14.0))
    process.send_signal(number)
    if twice:
        time.sleep(0.05)
        process.send_signal(number)
    began = time.monotonic()
    _, said = process.communicate(timeout=LONGEST)
    row.seconds.append(time.monotonic() - began)
    at_once = TWICE if twice else READING
    judge(row, subprocess.CompletedProcess(words, process.returncode, "", said), out, at_once)
    if process.returncode == 0 and "Ended early" not in said:
        row.broken.append("no note of the early end")
    if process.returncode in at_once:
        go_on(row, command(table, out, ("--time", SECONDS)), out)


def filled(folder: Path, table: Path, generator: np.random.Generator, row: Row) -> None:
    """Run on a disk of a random small size, then make it larger and go on."""
    disk, size = folder / "disk", int(np.exp(generator.uniform(np.log(20e3), np.log(60e6))))
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=True)
    try:
        words = command(table, disk / "run", ("--trials", TRIALS))
        judge(row, subprocess.run(words, capture_output=True, text=True, timeout=LONGEST), disk / "run")
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        go_on(row, words, disk / "run")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def short(folder: Path, table: Path, generator: np.random.Generator, row: Row) -> None:
    """Run with a random small room for memory, then without a limit."""
    words = command(table, folder / "run", ("--trials", TRIALS))
    room = str(int(np.exp(generator.uniform(np.log(10), np.log(1500)))))
    ended = subprocess.run(
        [sys.executable, "-c", SHORT, room, *words[3:]],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    )
    judge(row, ended, folder / "run", ABORTED)
    go_on(row, words, folder / "run")


FAULTS: dict[str, Callable[[Path, Path, np.random.Generator, Row], None]] = {
    "SIGINT or SIGTERM": lambda *given: signalled(*given, twice=False),
    "the same twice": lambda *given: signalled(*given, twice=True),
    "a disk that gets full": filled,
    "memory that is short": short,
}


def study(each: int, seed: int, folder: Path) -> dict[str, Row]:
    """Try every fault so many times; return what came of it."""
    table, rows = folder / "table.csv", {name: Row() for name in FAULTS}
    write_table(table)
    for place, (name, fault) in enumerate(FAULTS.items()):
        for turn in range(each):
            with tempfile.TemporaryDirectory(dir=folder) as own:
                fault(Path(own), table, np.random.default_rng((seed, place, turn)), rows[name])
        print(f"{name}: {each} tried, {len(rows[name].broken)} broken promises", file=sys.stderr, flush=True)
    return rows


def main() -> None:
    """Print the table; the exit status is 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if os.geteuid():
        FAULTS.pop("a disk that gets full")  # only root may mount one
    with tempfile.TemporaryDirectory() as folder:
        rows = study(options.each, options.seed, Path(folder))
    print(f"| {' | '.join(HEAD)} |\n{'|---' * len(HEAD)}|")
    for name, row in rows.items():
        print(row.line(name))
    broken = [words for row in rows.values() for words in row.broken]
    print(f"\n{sum(row.tried for row in rows.values())} faults, {len(broken)} broken promises", *broken, sep="\n")
    sys.exit(int(bool(broken)))


if __name__ == "__main__":
    main()
