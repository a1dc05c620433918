"""The dear inputs: hostile files given to the `netwright` command itself, in a process with little memory and time."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import fuzz_bundles
import fuzz_cells
import fuzz_media
import fuzz_runs
import fuzz_tables
import psutil

LONGEST = 30.0  # seconds of a processor that a command may take
LATEST = 120.0  # seconds by the clock: a busy machine is no hang
MOST = 3 * 2**30  # bytes of memory that it may have at the most; PyTorch alone takes half a GiB
ROOM = 48 * 2**30  # bytes of addresses, most of which are of libraries and never touched
FOLDERS = ("b", "b", "NA", "a\nb", "\U0001f600", os.fsdecode(b"caf\xe9"), "x" * 200, "1", "=1+1")
NETWRIGHT = (sys.executable, "-c", "from netwright.cli import main; main()")
OPTIONS = (
    *(
        (),
        (),
        (),
        ("--task", "tabular"),
        ("--task", "regression"),
        ("--group", "a 0"),
        ("--single",),
        ("--max-size", "1kB"),
    ),
    *(("--metric", "log_loss"), ("--kind", "a=numeric"), ("--text", "label"), ("--json",)),
)
NOTHING = "No network could be trained"
FIT = ("--trials", "1", "--seed", "1")


@dataclass(frozen=True)
class Outcome:
    """What came of a command.

    Attributes:
        said: its words, and how it ended.
        fault: what is wrong with that; empty where nothing is.
        seconds: it took; grown: bytes that it had at the most.
        kept: the folder in which it lies to be tried again, where there is a fault.
    """

    said: str
    fault: str
    seconds: float
    grown: int
    kept: str = ""


def run_command(number: int, out: Path) -> Outcome:
    """Give one hostile file to a command, and see how it ends."""
    draw = Random(f"command {number}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        words = _words(draw, folder)
        outcome = _run(words, folder)
        if outcome.fault:
            kept = out / f"command-{number}"
            kept.mkdir(parents=True, exist_ok=True)
            (kept / "case.json").write_text(json.dumps({"target": "command", "number": number, "words": words}))
            (kept / "fault.txt").write_text(outcome.fault)
            for file in folder.glob("input*"):
                (kept / file.name).write_bytes(file.read_bytes())
            return Outcome(outcome.said, outcome.fault, outcome.seconds, outcome.grown, str(kept))
    return outcome


def _words(draw: Random, folder: Path) -> list[str]:
    """Return the words of a command, the files of which are put into a folder."""
    model = fuzz_bundles.RELEASED / f"{draw.choice(fuzz_bundles.MODELS)}.nw"
    kind = draw.choice(
        ("fit", "fit", "fit", "folder", "predict", "predict", "evaluate", "show", "export", "run", "run")
    )
    if kind == "run":
        return _on_a_run(draw, folder)
    if kind in ("show", "export"):
        name, content = fuzz_bundles.make(draw)
        bundle = _put(folder, f"input-{name}", content)
        form = ["--to", draw.choice(("onnx", "source")), "-o", str(folder / "exported")] if kind == "export" else []
        return [kind, bundle, *form]
    if kind == "folder":
        return ["fit", str(_folder(draw, folder / "files")), *FIT, "--out", str(folder / "out")]
    name, content = fuzz_tables.make(draw) if kind != "fit" or draw.random() < 0.5 else _learnable(draw)
    data = _put(folder, f"input-{name}", content)
    if kind == "fit":
        target = "label" if name == "learnable.csv" else draw.choice(("target", "a", "class", "column 1"))
        out = folder / "out"
        return ["fit", data, "--target", target, *FIT, "--out", str(out), *draw.choice(OPTIONS), *_tested(draw, data)]
    return [kind, str(model), data, *(["-o", str(folder / "answers.csv")] if kind == "predict" else [])]


def _on_a_run(draw: Random, folder: Path) -> list[str]:
    """Return the words of a command on a hostile run folder."""
    case = json.loads(fuzz_runs.make(draw)[1])
    (folder / "input.json").write_text(json.dumps(case))
    run = fuzz_runs.lay_out(case, folder)
    match case["use"]:
        case "pick":
            return ["pick", str(run)]
        case "show" | "read":
            return ["show", str(draw.choice((run, run / "model.nw", run / "trials.nw", run / "journal.sqlite")))]
        case use:
            ends = [*fuzz_runs.BASES[case["base"]], *(["--fresh"] if use == "fresh" else []), "--device", "cpu"]
            return ["fit", str(fuzz_runs.data()), "--target", "y", *ends, "--out", str(run)]


def _tested(draw: Random, data: str) -> list[str]:
    return ["--test", data] if draw.random() < 0.2 else []


def _learnable(draw: Random) -> tuple[str, bytes]:
    """Return a table from which something may be learnt, though many of its cells and names are odd."""
    rows, out = draw.randrange(12, 60), io.StringIO()
    columns = {f"{fuzz_cells.odd_name(draw)} {place}": fuzz_cells.column(draw, rows) for place in range(4)}
    columns["label"] = [
        draw.choice(("yes", "no")) if draw.random() < 0.95 else fuzz_cells.odd_cell(draw) for _ in range(rows)
    ]
    writer = csv.writer(out)
    writer.writerows([[*columns], *zip(*columns.values(), strict=True)])
    return "learnable.csv", out.getvalue().encode()


def _put(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


def _folder(draw: Random, folder: Path) -> Path:
    """Make a folder of images or sounds, some of which are damaged."""
    sound, names = draw.random() < 0.5, ("a", draw.choice(FOLDERS))
    for place in range(draw.choice((3, 14, 24))):
        good = fuzz_media.good_sound("WAV", place % 3) if sound else fuzz_media.good_image("PNG", "RGB", place)
        name, content = (f"{place}.{'wav' if sound else 'png'}", good) if draw.random() < 0.9 else fuzz_media.make(draw)
        own = folder / (draw.choice(names)) / f"{place}-{name}"
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_bytes(content)
    return folder


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _run(words: list[str], folder: Path) -> Outcome:
    """Run a command and judge its end: status 0 or 2, a sentence, no traceback, in time, in little memory."""
    heard = folder / "heard.txt"
    started = time.perf_counter()
    with heard.open("wb") as file:
        child = subprocess.Popen(
            [*NETWRIGHT, *words], stdout=file, stderr=file, stdin=subprocess.DEVNULL, preexec_fn=_limits
        )
    status, peak, late = _wait(child, started)
    seconds, text = time.perf_counter() - started, heard.read_text(errors="replace")
    faults = {
        f"it was still running after {seconds:.0f} s": late,
        # Where a record says that all trials failed, nothing worked.
        f"its status is {status}": not late and status not in (0, 2) and not (status == 1 and NOTHING in text),
        "it shows a traceback": "Traceback (most recent call last)" in text,
        f"it took {peak / 2**20:,.0f} MiB": peak > MOST,
        "it says nothing": status == 2 and not text.strip(),
    }
    fault = "; ".join(what for what, true in faults.items() if true)
    said = f"{words[0]}: status {status}"
    return Outcome(said, f"{fault}\n\n{' '.join(words)}\n\n{text[-5_000:]}" if fault else "", seconds, peak)


def processor_seconds(pid: int) -> float:
    """Return the seconds of a processor that a process has used so far; none of one that has gone."""
    try:
        return sum(psutil.Process(pid).cpu_times()[:2])
    except psutil.Error:
        return 0.0


def _wait(child: subprocess.Popen[bytes], started: float) -> tuple[int, int, bool]:
    """Return the status of a process, its memory at the most in bytes, and whether it had to be ended."""
    late = False
    while True:
        gone, status, usage = os.wait4(child.pid, 0 if late else os.WNOHANG)
        if gone:
            child.returncode = os.waitstatus_to_exitcode(status)
            return child.returncode, usage.ru_maxrss * 1024, late
        if processor_seconds(child.pid) > LONGEST or time.perf_counter() - started > LATEST:
            child.kill()
            late = True
        else:
            time.sleep(0.05)
