"""Kills `netwright fit` at random moments, goes on with it each time, and counts what that cost.

    python tests/faults/kills.py --kills 50 --seed 0

A run is killed by SIGKILL five times at the most, each time at a moment drawn evenly from the seconds that an unharmed
one takes, and its command is repeated until it comes to its end. Half of the runs end after a time and half after a
number of trials; of the latter the model must be, bit for bit, that of a run which nobody killed. After every kill the
record must open, the model file must be whole or not there, and no trial that had finished may be lost or trained
again.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

import netwright as nw
from netwright.errors import BundleError
from netwright.journal import Journal, TrialRecord

ROWS = 6_000
EACH = 5  # kills of one run
SECONDS, TRIALS = 24, 10
LONGEST = 600.0  # seconds after which a run counts as hanging
MODES = (("--time", f"{SECONDS}s"), ("--trials", str(TRIALS)))


@dataclass
class Counts:
    """What the kills so far came to.

    Attributes:
        kills: how many hit a running process.
        survived: of these, after how many the run went on to its end.
        lost: finished trials that the record no longer had; repeated: those that were trained again.
        corrupted: model files that did not open after a kill; differing: models other than that of an unharmed run.
        seconds: of training that each kill undid, of the stack that lost the most.
    """

    kills: int = 0
    survived: int = 0
    lost: int = 0
    repeated: int = 0
    corrupted: int = 0
    differing: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def failures(self) -> int:
        """All that must not be."""
        return self.kills - self.survived + self.lost + self.repeated + self.corrupted + self.differing

    def table(self) -> str:
        """Return the counts as a table in Markdown."""
        most, middle = (max(self.seconds), float(np.median(self.seconds))) if self.seconds else (0.0, 0.0)
        rows = [
            ("kills", f"{self.kills}"),
            ("survived", f"{self.survived}"),
            ("finished trials lost", f"{self.lost}"),
            ("finished trials trained again", f"{self.repeated}"),
            ("model files corrupted", f"{self.corrupted}"),
            ("models that differ from an unharmed run's", f"{self.differing}"),
            ("seconds of training lost to a kill, at the most", f"{most:.1f}"),
            ("seconds of training lost to a kill, median", f"{middle:.1f}"),
        ]
        return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def write_table(path: Path) -> None:
    """Write a table that takes networks some seconds each."""
    generator = np.random.default_rng(0)
    columns = generator.normal(size=(ROWS, 12))
    angle = columns[:, 0] * columns[:, 1] + np.sin(3 * columns[:, 2]) + 0.3 * generator.normal(size=ROWS)
    frame = pd.DataFrame(columns, columns=[f"x{number}" for number in range(12)])
    frame.assign(y=np.digitize(angle, [-0.7, 0.2, 1.0])).to_csv(path, index=False)


def command(table: Path, out: Path, mode: tuple[str, str]) -> list[str]:
    """Return the command of a run."""
    start = [sys.executable, "-c", "from netwright.cli import main; main()"]
    return [*start, "fit", str(table), "--target", "y", *mode, "--out", str(out)]


def run_killed(words: list[str], out: Path, generator: np.random.Generator, length: float, counts: Counts) -> None:
    """Run a command to its end, and kill it `EACH` times on the way."""
    pending, running = 0, {}
    for kill in range(EACH + 1):
        before = finished(out)
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        killed = False
        try:
            process.wait(timeout=LONGEST if kill == EACH else generator.uniform(0.0, length))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed = True
        after = curves(out)
        counts.seconds += undone(running, after)
        counts.lost += len(before - finished(out))
        counts.repeated += len(before & {trial for trial, curve in after.items() if began_anew(running, trial, curve)})
        counts.corrupted += not opens(out)
        if not killed:
            counts.survived += pending if process.returncode == 0 else 0
            return
        counts.kills += kill < EACH
        pending += kill < EACH
        running = after


def records(out: Path) -> tuple[TrialRecord, ...]:
    """Return the trials of the record in a folder; none where there is no record yet."""
    if not (out / "journal.sqlite").exists():
        return ()
    with Journal.open(out / "journal.sqlite") as journal:
        return journal.trials()


def finished(out: Path) -> set[int]:
    """Return the numbers of the trials that have finished."""
    return {record.trial for record in records(out) if record.status == "finished"}


def curves(out: Path) -> dict[int, TrialRecord]:
    """Return all trials by number."""
    return {record.trial: record for record in records(out)}


def began_anew(before: dict[int, TrialRecord], trial: int, now: TrialRecord) -> bool:
    """Return whether a trial was begun again since."""
    return trial in before and now.started != before[trial].started


def undone(before: dict[int, TrialRecord], after: dict[int, TrialRecord]) -> list[float]:
    """Return the seconds of training that a kill undid, for each trial that was in training and has since gone on.

    They are those between the moment from which it went on, by the passes that it made again, and its last sign of
    life.
    """
    found = []
    for trial, record in before.items():
        now = after.get(trial)
        if record.status != "running" or now is None or not record.curve:
            continue
        last = record.curve[-1][0]
        again = [epoch for seconds, epoch, _ in now.curve if seconds > last]
        if began_anew(before, trial, now):
            found.append(last - record.started)
        elif again:
            earlier = [seconds for seconds, epoch, _ in record.curve if epoch < min(again)]
            found.append(last - max(earlier, default=record.started))
    return [max(found)] if found else []


def opens(out: Path) -> bool:
    """Return whether the model file of a run is whole, or not there."""
    try:
        return not (out / "model.nw").exists() or bool(nw.load(out / "model.nw").parts)
    except BundleError:
        return False


def differs(out: Path, unharmed: Path) -> bool:
    """Return whether two runs made different models of their trials."""
    one, other = (nw.load(folder / "model.nw") for folder in (out, unharmed))
    if len(one.parts) != len(other.parts) or one.temperature != other.temperature:
        return True
    return any(
        part.share != same.share
        or any(not np.array_equal(tensor, same.weights[name]) for name, tensor in part.weights.items())
        for part, same in zip(one.parts, other.parts, strict=True)
    )


def study(kills: int, seed: int, folder: Path) -> Counts:
    """Kill runs until so many kills have hit one; return what came of it."""
    table, counts = folder / "table.csv", Counts()
    write_table(table)
    unharmed = folder / "unharmed"
    began = time.monotonic()
    subprocess.run(command(table, unharmed, MODES[1]), check=True, capture_output=True, timeout=LONGEST)
    length = time.monotonic() - began
    number = 0
    while counts.kills < kills:
        mode, out = MODES[number % 2], folder / f"run-{number}"
        generator = np.random.default_rng((seed, number))
        run_killed(command(table, out, mode), out, generator, length if number % 2 else SECONDS, counts)
        if mode == MODES[1]:
            counts.differing += differs(out, unharmed)
        number += 1
        print(f"{counts.kills} kills of {number} runs, {counts.failures} failures", file=sys.stderr, flush=True)
    return counts


def main() -> None:
    """Print the table; the exit status is 1 where something is in it that must not be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = study(options.kills, options.seed, Path(folder))
    print(counts.table())
    sys.exit(int(counts.failures > 0))


if __name__ == "__main__":
    main()
