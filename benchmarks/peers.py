"""Runs Netwright beside its peers on the same tables, with the same time and cores, and writes one JSON line a run.

    python benchmarks/peers.py DATA_FOLDER --out peers.jsonl                 # the panel, 60 s each
    python benchmarks/peers.py DATA_FOLDER --out peers.jsonl --time 240s     # the shorter panel of long runs
    python benchmarks/peers.py DATA_FOLDER --out peers.jsonl --only vehicle --peers netwright flaml --time 20s
    python benchmarks/peers.py --table peers.jsonl                           # prints the standings

DATA_FOLDER is as for tabular.py. Each contestant has a virtual environment of its own under --environments, made on
first use from exact versions; making all of them takes some GB and some minutes. Nothing else may run meanwhile (on a
busy machine gradient boosting takes tens of times as long; each line says how busy others were): one contestant runs
at a time, on the same --cores. Each is asked for the metric that Netwright takes by default
(accuracy or RMSE) and told the time limit by its own option; what has none is measured as it is. It is a process of
its own, ended with all that it started after ten times its limit and five minutes. The test file is answered after all
was chosen; the answers are judged here, by one code for all, the class being the likeliest. A run that fails is a line
with its reason. What is in --out is not run again: delete a line to repeat it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import sys
from pathlib import Path

from environments import ROOT, Requirements
from runs import ENVIRONMENTS, Contest, Peer, run, stand_ready
from standings import OURS, Line, report
from tabular import index

PANEL = ("letter", "diamonds", "spam", "magic", "mlc_churn", "concrete", "vehicle", "pima2", "income_marketing", "dna")
LONG = 240.0  # seconds from which on the panel is a shorter one
LONG_PANEL = ("letter", "diamonds", "spam", "concrete")
PANEL_PEERS = (OURS, "autogluon-medium", "autogluon-best", "flaml", "realmlp", "tabm", "boosting", "optuna-mlp")
LONG_PEERS = (OURS, "autogluon-best", "flaml")

NETWRIGHT = Requirements(
    OURS,
    ("-e", ".[train]"),
    ("netwright", "numpy", "pandas"),
    options=("-c", "constraints.txt"),
    depends=(ROOT / "pyproject.toml", ROOT / "constraints.txt"),
)
AUTOGLUON = Requirements(
    "autogluon",
    ("autogluon.tabular[all,realmlp]==1.6.3",),
    ("autogluon.tabular", "lightgbm", "catboost", "xgboost-cpu", "fastai", "pytabkit", "ray", "scikit-learn"),
    removed=("torchvision",),  # fastai brings it, tables need none, and beside a CPU torch it breaks what imports it
)
FLAML = Requirements(
    "flaml",
    ("flaml[automl]==2.7.0", "catboost==1.2.10", "lightgbm==4.7.0", "scikit-learn==1.9.1", "pyarrow==26.0.1"),
    ("flaml", "lightgbm", "xgboost", "catboost", "scikit-learn"),
    torch=False,
)
PYTABKIT = Requirements(
    "pytabkit",
    ("pytabkit[models]==1.7.3", "scikit-learn==1.9.1", "pyarrow==26.0.1"),
    ("pytabkit", "scikit-learn", "pytorch-lightning"),
)
BOOSTING = Requirements(
    "boosting",
    ("scikit-learn==1.9.1", "pandas==3.1.1", "pyarrow==26.0.1"),
    ("scikit-learn", "numpy", "pandas"),
    torch=False,
)
OPTUNA = Requirements(
    "optuna",
    ("optuna==5.0.0", "scikit-learn==1.9.1", "pandas==3.1.1", "pyarrow==26.0.1"),
    ("optuna", "scikit-learn", "numpy", "pandas"),
)

UNTIMED = "none: one fit with its defaults, however long it takes"
PEERS = {
    OURS: Peer(NETWRIGHT, "run_netwright.py", "--time"),
    "autogluon-medium": Peer(AUTOGLUON, "run_autogluon.py", "time_limit", "medium_quality"),
    "autogluon-best": Peer(AUTOGLUON, "run_autogluon.py", "time_limit", "best_quality"),
    "flaml": Peer(FLAML, "run_flaml.py", "time_budget"),
    "realmlp": Peer(PYTABKIT, "run_pytabkit.py", UNTIMED, "RealMLP_TD"),
    "tabm": Peer(PYTABKIT, "run_pytabkit.py", UNTIMED, "TabM_D"),
    "boosting": Peer(BOOSTING, "run_boosting.py", UNTIMED, threads=True),
    "optuna-mlp": Peer(OPTUNA, "run_optuna_mlp.py", "timeout of study.optimize, kept within a trial too"),
    "realmlp-limited": Peer(PYTABKIT, "run_pytabkit.py", "time_to_fit_in_seconds", "RealMLP_TD:limited"),
}


def main() -> None:
    """Run what the command line asks for."""
    options = arguments()
    if options.table:
        print(report(read_lines(options.table)))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a run under way is ended too
    long = options.time >= LONG
    names = options.only or ([] if options.all else list(LONG_PANEL if long else PANEL))
    tables = {entry["name"]: entry for entry in index(options.data, names)}
    if unknown := [name for name in names if name not in tables]:
        sys.exit(f"no such tables in {options.data / 'index.json'}: {', '.join(unknown)}")
    peers = options.peers or (LONG_PEERS if long else PANEL_PEERS)
    needed = dict.fromkeys(PEERS[peer].needs for peer in peers)
    environments = {needs.environment: stand_ready(options.environments, needs) for needs in needed}
    contest = Contest(options.data.resolve(), environments, options.time, options.seed, options.cores)
    done = {line.key for line in read_lines(options.out)}
    for name in names or tables:
        for peer in peers:
            if (name, peer, contest.seconds, contest.seed) not in done:
                line = run(contest, tables[name], peer, PEERS[peer])
                append(options.out, line)
                print(told(line), flush=True)


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, help="the folder of tables")
    parser.add_argument("--time", default=60.0, type=seconds_of, help="the time limit of each run: 60s or 4m")
    parser.add_argument("--out", type=Path, default=Path("peers.jsonl"), help="one JSON line a run")
    parser.add_argument("--only", nargs="*", default=[], help="names of tables instead of the panel")
    parser.add_argument("--all", action="store_true", help="every table of the index instead of the panel")
    parser.add_argument(
        "--peers", nargs="*", default=[], choices=list(PEERS), help="contestants instead of the panel's"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cores", type=int, default=2, help="how many cores each may use")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, help="where they live")
    parser.add_argument("--table", type=Path, help="print the standings of this file, and run nothing")
    options = parser.parse_args()
    if not options.data and not options.table:
        parser.error("say where the tables are")
    return options


def seconds_of(text: str) -> float:
    """Return the seconds of a time limit such as 60s, 4m or 1h.

    >>> seconds_of("4m")
    240.0
    """
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    return float(text[:-1]) * units[text[-1]] if text[-1:] in units else float(text)


def read_lines(file: Path) -> list[Line]:
    """Return the runs of a file of JSON lines, none if there is no such file."""
    return [Line(**json.loads(text)) for text in file.read_text().splitlines()] if file.exists() else []


def append(file: Path, line: Line) -> None:
    """Add a run to a file, and see that it reaches the disk."""
    with file.open("a") as out:
        out.write(json.dumps(dataclasses.asdict(line)) + "\n")
        out.flush()
        os.fsync(out.fileno())


def told(line: Line) -> str:
    """Return a run as a line for the screen."""
    if line.failed is not None:
        return f"{line.set}, {line.peer}: failed: {line.failed}"
    figures = ", ".join(f"{name} {value:.4g} ± {line.errors[name]:.2g}" for name, value in line.metrics.items())
    costs = f"{line.wall_s:.1f} s, {line.fit_peak_mb:.0f} MB, model {(line.model_bytes or 0) / 1e6:.1f} MB"
    return f"{line.set}, {line.peer}: {figures} ({costs}, {line.row_ms:.1f} ms a row)"


if __name__ == "__main__":
    sys.exit(main())
