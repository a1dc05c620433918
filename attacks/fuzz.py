"""Tries hostile inputs for a given time, and says how many there were and what came of them.

    python attacks/fuzz.py --seconds 600 [--seed 0] [--out fuzz-faults]
    python attacks/fuzz.py --replay fuzz-faults/learn-1234

Cheap inputs go through readers, loaders and the server's application in processes of their own, which are ended when an
input takes longer than 30 s; in the last third of the time dear ones go to the command itself. An input is drawn from
its number, so a seed gives the same ones. Each that led to a fault is kept in a folder, from which it is tried again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuzz_commands import Outcome, processor_seconds, run_command

LONGEST = 30.0  # seconds of a processor that an input may take
LATEST = 120.0  # seconds by the clock: a busy machine is no hang
FOR_COMMANDS = 1 / 3  # of the time
READY = 120.0  # seconds for a worker to begin
SHARES = {
    "learn": 30,
    "answer": 10,
    "answer-known": 10,
    "bundle": 25,
    "shelf": 5,
    "run": 6,
    "attack": 1,
    "media": 20,
    "request": 25,
    "property": 2,
}
"""How many of all cheap inputs are for each target of `fuzz_targets.TARGETS`."""


@dataclass
class Tally:
    """What came of inputs so far."""

    tried: Counter[str] = field(default_factory=Counter)
    said: dict[str, Counter[str]] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[int, str] = (0, "")
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, target: str, number: int, outcome: Outcome) -> None:
        """Count an input."""
        with self.lock:
            # Each example of a property is an input of its own.
            words = outcome.said.split()
            self.tried[target] += int(words[-1]) if target == "property" and words[-1].isdigit() else 1
            said = outcome.said.rstrip("0123456789 ") if target == "property" else outcome.said
            self.said.setdefault(target, Counter())[said[:60]] += 1
            self.slowest = max(self.slowest, (outcome.seconds, f"{target} {number}"))
            self.largest = max(self.largest, (outcome.grown, f"{target} {number}"))
            if outcome.fault:
                self.faults.append((f"{target} {number}: {outcome.said}", outcome.kept))
                print(f"FAULT {self.faults[-1][0][:300]}\n      {outcome.kept}", flush=True)


class Worker:
    """A process that tries inputs, begun again when one of them ended it."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-")
        self._heard = Path(self._folder.name, "heard.txt")
        self._process: subprocess.Popen[str] | None = None

    def try_one(self, asked: dict[str, Any]) -> Outcome:
        """Return what came of an input; a crash or a hang is told as one. What led to a fault is kept."""
        process = self._begun()
        assert process.stdin is not None
        started = time.perf_counter()
        answer = None
        with contextlib.suppress(BrokenPipeError):  # it has ended since it was looked at
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            answer = self._in_time(process.pid)
        if answer is None:
            hung = process.poll() is None
            self._kill()
            why = (
                f"it took longer than {LONGEST:g} s" if hung else f"the process ended with status {process.returncode}"
            )
            heard = self._heard.read_text(errors="replace")[-5_000:]  # of a crash, where it was
            fault = f"{why}\n\n{heard}"
            answer = {"said": why, "fault": fault, "seconds": time.perf_counter() - started, "grown": 0}
        kept = self._kept(asked, answer["fault"]) if answer["fault"] else ""
        return Outcome(answer["said"], answer["fault"], answer["seconds"], answer["grown"], kept)

    def _kept(self, asked: dict[str, Any], fault: str) -> str:
        """Keep the input that was tried last, to be tried again, and return the folder in which it lies."""
        name = f"{asked['target']}-{asked['number']}"
        folder, tried = self._out / name, Path(self._folder.name, name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "case.json").write_text(json.dumps({key: asked[key] for key in ("target", "number")}))
        if tried.exists():
            shutil.copytree(tried, folder, dirs_exist_ok=True)
        (folder / "fault.txt").write_text(fault)
        return str(folder)

    def end(self) -> None:
        """End the process, and remove what it left."""
        self._kill()
        self._folder.cleanup()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()  # closes the pipes too
            self._process = None

    def _begun(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._kill()
        command = [sys.executable, str(Path(__file__).with_name("fuzz_worker.py")), self._folder.name]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        with self._heard.open("wb") as heard:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=heard, text=True, env=environment)
        if self._answer(READY) is None:
            raise SystemExit(f"A worker does not begin: {self._heard.read_text(errors='replace')[-2000:]}")
        return self._process

    def _in_time(self, pid: int) -> dict[str, Any] | None:
        """Return the answer to an input; None if it took too long, or there will be none."""
        begun, used = time.perf_counter(), processor_seconds(pid)
        while processor_seconds(pid) - used <= LONGEST and time.perf_counter() - begun <= LATEST:
            answer = self._answer(1.0)
            if answer is not None or (self._process is not None and self._process.poll() is not None):
                return answer
        return None

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        """Return the next line of the process; None where there is none in time."""
        assert self._process is not None and self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            return None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None


def schedule(seed: int) -> Iterator[tuple[str, int]]:
    """Yield targets by their shares, for ever, with the number of the next input of each."""
    names = [name for name, share in SHARES.items() for _ in range(share)]
    order = sorted(range(len(names)), key=lambda place: place * 7_919 % len(names))  # evenly mixed
    number = seed * 10**7
    while True:
        for place in order:
            number += 1
            yield names[place], number


def fuzz(out: Path, seed: int, workers: int, until: Callable[[Tally], bool]) -> Tally:
    """Try cheap inputs until it is said to be enough, and return what came of them."""
    tally, cases, drawing = Tally(), schedule(seed), threading.Lock()

    def work() -> None:
        worker = Worker(out)
        try:
            while not until(tally):
                with drawing:
                    target, number = next(cases)
                tally.count(target, number, worker.try_one({"target": target, "number": number}))
        finally:
            worker.end()

    _together(work, workers)
    return tally


def command(tally: Tally, out: Path, seed: int, workers: int, until: Callable[[], bool]) -> None:
    """Give hostile files to the command until it is said to be enough."""
    numbers = iter(range(seed * 10**7, (seed + 1) * 10**7))
    drawing = threading.Lock()

    def work() -> None:
        while not until():
            with drawing:
                number = next(numbers)
            tally.count("command", number, run_command(number, out))

    _together(work, workers)


def _together(work: Callable[[], None], workers: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def replay(folder: Path) -> Outcome:
    """Try an input once more that led to a fault."""
    case = json.loads((folder / "case.json").read_text())
    again = folder / "again"
    if case["target"] == "command":
        return run_command(case["number"], again)
    content = folder / "input"
    worker = Worker(again)
    try:
        return worker.try_one({**case, **({"content": str(content)} if content.exists() else {})})
    finally:
        worker.end()


def show(tally: Tally, seconds: float) -> None:
    """Print what came of all inputs."""
    for target, tried in tally.tried.items():
        common = ", ".join(f"{said} {count}" for said, count in tally.said[target].most_common(4))
        print(f"{target:<13} {tried:>7,}   {common}")
    cheap = tally.tried.total() - tally.tried["command"]
    (seconds_most, slowest), (bytes_most, largest) = tally.slowest, tally.largest
    print(f"slowest {seconds_most:.1f} s ({slowest}), largest {bytes_most / 2**20:,.0f} MiB ({largest})")
    commands, faults = tally.tried["command"], len(tally.faults)
    print(f"{cheap:,} cheap inputs and {commands:,} commands in {seconds:.0f} s, {faults} faults")


def main() -> None:
    """Parse the words of the command, and try inputs."""
    parser = argparse.ArgumentParser(description="Try hostile inputs.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=Path("fuzz-faults"))
    parser.add_argument("--replay", type=Path)
    words = parser.parse_args()
    if words.replay is not None:
        outcome = replay(words.replay)
        print(outcome.said, outcome.fault, sep="\n")
        sys.exit(1 if outcome.fault else 0)
    started = time.perf_counter()

    def passed(share: float) -> bool:
        return time.perf_counter() - started > share * words.seconds

    tally = fuzz(words.out, words.seed, words.workers, lambda _: passed(1 - FOR_COMMANDS))
    command(tally, words.out, words.seed, words.workers, lambda: passed(1.0))
    show(tally, time.perf_counter() - started)
    sys.exit(1 if tally.faults else 0)


if __name__ == "__main__":
    main()
