"""Runs every sampler on the same tables with the same seeds, and writes one JSON line a run.

    python benchmarks/search.py DATA_FOLDER --time 60s --seeds 3 --only vehicle concrete --out search.jsonl
    python benchmarks/search.py DATA_FOLDER --trials 40 --seeds 3 --out search.jsonl
    python benchmarks/search.py --table search.jsonl        # prints what came of it

DATA_FOLDER is as in `tabular.py`. All samplers run on all tables with one seed before the next seed begins, so that
what changes on the machine meets them all alike. What is written there already is not run again. The first dozen
points or so are the same for all but the control, so a time limit within which few more are tried compares nothing.

With equal time, `area` is the area under the learning curve (`anytime.py`): of the score of the mix that would have
been handed over at any moment, on rows that its networks did not learn from. With an equal number of trials there is no
such area, since samplers that propose large networks take longer.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from anytime import area, quality
from tabular import append, files, fit, index, lines_of

from netwright.journal import Journal
from netwright.search import SAMPLERS

Line = dict[str, Any]


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, help="the folder of tables")
    parser.add_argument("--time", default="60s", help="the time limit of each run")
    parser.add_argument("--trials", type=int, help="a number of trials instead of a time")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0")
    parser.add_argument("--samplers", nargs="*", default=list(SAMPLERS), choices=list(SAMPLERS))
    parser.add_argument("--only", nargs="*", default=[], help="names of tables")
    parser.add_argument("--out", type=Path, default=Path("search.jsonl"), help="one JSON line a run")
    parser.add_argument("--table", type=Path, help="print the results of this file as a table, and run nothing")
    options = parser.parse_args()
    if options.table:
        print(as_table(lines_of(options.table)))
        return
    if options.data is None:
        parser.error("DATA_FOLDER is missing")
    budget = ["--trials", str(options.trials)] if options.trials else ["--time", options.time]
    done = {_run_of(line) for line in lines_of(options.out)}
    for seed in range(options.seeds):
        for entry in index(options.data, options.only):
            for sampler in options.samplers:
                line = {"set": entry["name"], "search": sampler, "seed": seed, "budget": " ".join(budget)}
                if _run_of(line) not in done:
                    line |= measure(options.data, entry, [*budget, "--seed", str(seed), "--search", sampler])
                    append(options.out, line)
                    print(line["set"], sampler, seed, line.get("score", "failed"), flush=True)


def measure(folder: Path, entry: Line, options: list[str]) -> Line:
    """Return what one run came to; its curve is (seconds, score) whenever the mix got better."""
    with tempfile.TemporaryDirectory() as out:
        run = fit(*files(folder, entry), entry, [*options, "--out", out])
        if run.status:
            return {"failed": run.status, "seconds": run.seconds}
        with Journal.open(Path(out) / "journal.sqlite") as journal:
            result, limit = journal.result(), journal.settings()["time"]
            assert result is not None, "a run that ended well has a result"
            curve = [(best.seconds, best.score) for best in journal.curve()]
    return {
        "metric": result.metric,
        "score": result.score,
        "test": result.test_metrics,
        "trivial": result.baselines[0].score,
        "limit": limit,
        "trials": result.trials,
        "failed_trials": result.failed,
        "seconds": run.seconds,
        "curve": curve,
    }


def area_of(line: Line) -> float:
    """Return the area under the curve of a run; NaN where it had no time limit."""
    if line["limit"] is None:
        return float("nan")
    curve = [(seconds, quality(line["metric"], score, line["trivial"])) for seconds, score in line["curve"]]
    return area(curve, line["limit"])


def as_table(lines: list[Line]) -> str:
    """Return, for each budget, table and sampler, means over the seeds ± their standard deviation, as Markdown.

    The rows named “all” are means over tables: of the quality on test rows (0 to 1) and of the area, with the standard
    deviation over the seeds of that mean, so that differences between easy and hard tables do not count as spread.
    """
    titles = ("budget", "set", "search", "runs", "metric", "honest score", "on test rows", "area", "trials")
    rows = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    whole = [line for line in lines if "failed" not in line]
    for budget, of_budget in _groups(whole, "budget"):
        for name, of_set in _groups(of_budget, "set"):
            for search, runs in sorted(_groups(of_set, "search")):
                metric = runs[0]["metric"]
                cells = [budget, name, search, str(len(runs)), metric, _spread(run["score"] for run in runs)]
                cells += [_spread(run["test"].get(metric, np.nan) for run in runs), _spread(map(area_of, runs))]
                rows.append("| " + " | ".join([*cells, f"{np.mean([run['trials'] for run in runs]):.0f}"]) + " |")
        for search, runs in sorted(_groups(_complete(of_budget), "search")):
            tests = _over_tables(runs, lambda run: quality(run["metric"], run["test"][run["metric"]], run["trivial"]))
            cells = [budget, "all", search, str(len(runs)), "quality", "", _spread(tests)]
            cells += [_spread(_over_tables(runs, area_of)), f"{np.mean([run['trials'] for run in runs]):.0f}"]
            rows.append("| " + " | ".join(cells) + " |")
    rows += [f"\n{_run_of(line)} failed with status {line['failed']}." for line in lines if "failed" in line]
    return "\n".join(rows)


def _complete(lines: list[Line]) -> list[Line]:
    """Return the runs of those tables and seeds that every sampler has finished: only they can be averaged."""
    samplers = {line["search"] for line in lines}
    finished = {(line["set"], line["seed"], line["search"]) for line in lines}
    return [line for line in lines if all((line["set"], line["seed"], name) in finished for name in samplers)]


def _over_tables(runs: list[Line], value: Callable[[Line], float]) -> list[float]:
    """Return the mean over tables for each seed."""
    return [float(np.mean([value(run) for run in of_seed])) for _, of_seed in _groups(runs, "seed")]


def _groups(lines: list[Line], key: str) -> list[tuple[Any, list[Line]]]:
    """Return lines by a key, in the order in which its values first appear."""
    values = dict.fromkeys(line[key] for line in lines)
    return [(value, [line for line in lines if line[key] == value]) for value in values]


def _spread(values: Iterable[float]) -> str:
    """Return a mean and, of several values, their standard deviation."""
    found = np.array(list(values), float)
    if not np.isfinite(found).all():
        return ""
    return f"{found.mean():.4g}" + (f" ± {found.std(ddof=1):.2g}" if len(found) > 1 else "")


def _run_of(line: Line) -> tuple[str, str, int, str]:
    return line["set"], line["search"], line["seed"], line["budget"]


if __name__ == "__main__":
    sys.exit(main())
