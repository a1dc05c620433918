"""What benchmarks of several contestants on several sets share: the command line, the loop, the lines and their table.

Each run is a process of its own, as `runs` has it; what is written already is not run again, so that a long run can be
carried on. A run that fails is a line with its reason: delete it to repeat it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from runs import ENVIRONMENTS, Contest, Peer, patience, reason, run, stand_ready
from scores import of_chances
from supervision import watch
from tabular import Fitted, append, lines_of

from netwright.resources.budget import parse_duration

Line = dict[str, Any]
Array = NDArray[Any]
Contestant = Callable[[Path, float, int], Line]
"""(set, seconds, seed) → accuracy, its error and log_loss of the rows to test on, and other numbers."""

KEY = ("set", "contestant", "time", "seed")
LABEL = "label"


@dataclass(frozen=True)
class Benchmark:
    """Sets of one kind of data, and who learns from them.

    Attributes:
        script: the file that hands this to `main`; its documentation is the help.
        limit: the usual time limit.
        ending: what the names of its sets end with.
        contestants: by name, those that need no more than the environment of this script.
        peers: by name, those that have an environment of their own.
        tables: for peers: a set's rows to learn from and to test on, with the column `LABEL`.
    """

    script: Path
    description: str | None
    limit: str
    ending: str
    contestants: Mapping[str, Contestant]
    peers: Mapping[str, Peer] = field(default_factory=dict)
    tables: Callable[[Path], tuple[pd.DataFrame, pd.DataFrame]] | None = None

    @property
    def names(self) -> list[str]:
        """All contestants."""
        return [*self.contestants, *self.peers]


def main(benchmark: Benchmark) -> None:
    """Run what the command line asks for."""
    options = arguments(benchmark)
    if options.table:
        print(as_table(lines_of(options.table)))
    elif options.run:
        name, answer = options.run
        line = benchmark.contestants[name](options.data, parse_duration(options.time), options.seed)
        Path(answer).write_text(json.dumps(line))
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a run under way is ended too
        run_all(benchmark, options)


def arguments(benchmark: Benchmark) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        description=benchmark.description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    out = Path(benchmark.script.stem).with_suffix(".jsonl")
    parser.add_argument("data", nargs="?", type=Path, metavar="DATA_FOLDER", help="the folder of sets")
    parser.add_argument("--time", default=benchmark.limit, help="the time limit of each run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="names of sets")
    parser.add_argument("--contestants", nargs="*", default=benchmark.names, choices=benchmark.names)
    parser.add_argument("--out", type=Path, default=out, help="one JSON line a run")
    if benchmark.peers:
        parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, help="where those of others live")
    parser.add_argument("--table", type=Path, help="print the results of this file as a table, and run nothing")
    parser.add_argument("--run", nargs=2, metavar=("CONTESTANT", "ANSWER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.data is None and options.table is None:
        parser.error("DATA_FOLDER is missing")
    return options


def run_all(benchmark: Benchmark, options: argparse.Namespace) -> None:
    """Run each contestant on each set that is asked for and not written yet."""
    seconds, cores = parse_duration(options.time), len(os.sched_getaffinity(0))
    sets = {path.stem: path.resolve() for path in sorted(options.data.glob(f"*{benchmark.ending}"))}
    if unknown := [name for name in options.only if name not in sets]:
        sys.exit(f"no such sets in {options.data}: {', '.join(unknown)}")
    done = {tuple(line[name] for name in KEY) for line in lines_of(options.out)}
    keys = [(name, who, seconds, options.seed) for name in options.only or sets for who in options.contestants]
    keys = [key for key in keys if key not in done]
    needed = dict.fromkeys(benchmark.peers[who].needs for _, who, *_ in keys if who in benchmark.peers)
    environments = {needs.environment: stand_ready(options.environments, needs) for needs in needed}
    contest = Contest(options.data, environments, seconds, options.seed, cores)
    for key in keys:
        name, who, *_ = key
        line = (beside if who in benchmark.peers else apart)(benchmark, sets[name], who, contest)
        append(options.out, dict(zip(KEY, key, strict=True)) | line)
        print(lines_of(options.out)[-1], flush=True)


def apart(benchmark: Benchmark, path: Path, name: str, contest: Contest) -> Line:
    """Return what one of the script's own contestants came to on a set, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="contest", ignore_cleanup_errors=True) as folder:
        answer, log = Path(folder) / "answer.json", Path(folder) / "log.txt"
        command = [sys.executable, str(benchmark.script), str(path), "--time", f"{contest.seconds}s"]
        command += ["--seed", str(contest.seed), "--run", name, str(answer)]
        limit = patience(contest.seconds)
        seen = watch(command, Path.cwd(), dict(os.environ), limit, contest.cores, log=log, mark=answer)
        if seen.status is None:
            return {"failed": f"not done after {limit:g} s"}
        if seen.status:
            return {"failed": reason(log, seen.status)}
        line: Line = {"seconds": round(seen.seconds, 1), **json.loads(answer.read_text())}
    return line | {"peak_mb": round(seen.peak_mb), "others_cores": round(seen.others_cores, 2)}


def beside(benchmark: Benchmark, path: Path, name: str, contest: Contest) -> Line:
    """Return what a contestant with an environment of its own came to on a set, which it is given as a table."""
    assert benchmark.tables is not None
    train, test = benchmark.tables(path)
    entry = {"name": path.stem, "target": LABEL, "task": "binary" if train[LABEL].nunique() == 2 else "multiclass"}
    with tempfile.TemporaryDirectory(prefix="contest") as folder:
        train.to_parquet(Path(folder) / f"{path.stem}_train.parquet")
        test.to_parquet(Path(folder) / f"{path.stem}_test.parquet")
        seen = run(dataclasses.replace(contest, data=Path(folder)), entry, name, benchmark.peers[name])
    told: Line = {"limit": seen.limit, "versions": seen.versions}
    if seen.failed is not None:
        return {"failed": seen.failed, **told}
    assert seen.wall_s is not None and seen.fit_peak_mb is not None and seen.others_cores is not None
    figures = {"accuracy": seen.metrics["accuracy"], "error": seen.errors["accuracy"]}
    figures |= {"log_loss": seen.metrics["log_loss"], "seconds": round(seen.wall_s, 1), "bytes": seen.model_bytes}
    costs = {"row_ms": seen.row_ms, "peak_mb": round(seen.fit_peak_mb), "others_cores": round(seen.others_cores, 2)}
    return figures | costs | told | {"curve": seen.curve}


def judged(chances: Array, learnt: Array, truth: Array) -> Line:
    """Return accuracy, its standard error and log-loss of probabilities.

    Args:
        chances: (N, K), the classes being those that were learnt, in their order.
        learnt: the classes of the rows to learn from (M,).
        truth: those of the rows to test on (N,).
    """
    labels = [str(label) for label in np.unique(learnt)]
    metrics, errors = of_chances(np.asarray(chances, np.float64), labels, np.asarray(truth).astype(str))
    return {"accuracy": metrics["accuracy"], "error": errors["accuracy"], "log_loss": metrics["log_loss"]}


def by_command(fitted: Fitted, rows: int) -> Line:
    """Return what `netwright fit` with a file of so many rows to test on came to.

    Raises:
        RuntimeError: if it failed.
    """
    if fitted.status:
        raise RuntimeError(f"netwright fit ended with status {fitted.status}")
    printed = fitted.printed
    accuracy = printed["test"]["accuracy"]
    error = float(np.sqrt(accuracy * (1 - accuracy) / rows))
    numbers = {"accuracy": accuracy, "error": error, "log_loss": printed["test"]["log_loss"]}
    numbers |= {"honest": printed["score"], "low": printed["score_low"], "high": printed["score_high"]}
    return {**numbers, "seconds": round(fitted.seconds, 1), "bytes": printed["size_bytes"]}


def as_table(lines: list[Line]) -> str:
    """Return the results as Markdown, one line a run."""
    rows = ["| set | time | contestant | accuracy | log-loss | honest estimate | s | kB |", "|---" * 8 + "|"]
    for line in sorted(lines, key=lambda line: (line["set"], line["time"])):
        head = f"| {line['set']} | {line['time']:g} s | {line['contestant']} | "
        if "failed" in line:
            rows.append(head + f"{line['failed']} | | | | |")
            continue
        honest = f"{line['honest']:.4f} ({line['low']:.4f} to {line['high']:.4f})" if "honest" in line else ""
        size = f"{line['bytes'] / 1e3:.0f}" if "bytes" in line else ""
        accuracy = f"{line['accuracy']:.4f} ± {line['error']:.4f}"
        rows.append(head + f"{accuracy} | {line['log_loss']:.4f} | {honest} | {line['seconds']} | {size} |")
    return "\n".join(rows)
