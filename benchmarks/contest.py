"""The command line and the loop that benchmarks of several contestants on several sets share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tabular import append, lines_of

from netwright.budget import parse_duration

Line = dict[str, Any]
KEY = ("set", "contestant", "time", "seed")


def parser_of(description: str | None, contestants: Iterable[str], limit: str, out: str) -> argparse.ArgumentParser:
    """Return the options that all of them have; `limit` and `out` are the usual time and file."""
    names = list(contestants)
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, help="the folder of sets")
    parser.add_argument("--time", default=limit, help="the time limit of each run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="names of sets")
    parser.add_argument("--contestants", nargs="*", default=names, choices=names)
    parser.add_argument("--out", type=Path, default=Path(out), help="one JSON line a run")
    parser.add_argument("--table", type=Path, help="print the results of this file as a table, and run nothing")
    return parser


def run_all(options: argparse.Namespace, ending: str, run: Callable[[Path, str, float, int], Line]) -> None:
    """Run each contestant on each set that is asked for and not written yet: (file, name, seconds, seed) → line."""
    seconds = parse_duration(options.time)
    done = {tuple(line[name] for name in KEY) for line in lines_of(options.out)}
    for path in sorted(options.data.glob(f"*{ending}")):
        for name in options.contestants:
            key = (path.stem, name, seconds, options.seed)
            if key not in done and (not options.only or path.stem in options.only):
                append(options.out, dict(zip(KEY, key, strict=True)) | run(path, name, seconds, options.seed))
                print(lines_of(options.out)[-1], flush=True)


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
