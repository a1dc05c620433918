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
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from environments import ROOT, InstallFailed, Requirements, prepare
from scores import UnfitAnswers, score
from standings import OURS, Line, report
from supervision import HOW, watch
from tabular import files, index

RUNNERS = Path(__file__).resolve().parent / "peers"
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


@dataclass(frozen=True)
class Peer:
    """A contestant.

    Attributes:
        needs: its environment.
        runner: the file in `RUNNERS` that runs it.
        limit: how it is told of the time limit.
        variant: what the runner is told besides.
        threads: whether its documentation sets its threads by OMP_NUM_THREADS; others have an option of their own.
    """

    needs: Requirements
    runner: str
    limit: str
    variant: str = ""
    threads: bool = False


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


class RunFailed(Exception):
    """A contestant brought no answers; the text is the reason."""


@dataclass(frozen=True)
class Contest:
    """What is the same for every run.

    Attributes:
        data: the folder of tables.
        environments: what stands ready for each environment's name: its Python and versions, or why there is none.
        seconds: the time limit.
        seed: given to each contestant in its own way.
        cores: how many each may use.
    """

    data: Path
    environments: dict[str, tuple[Path, dict[str, str]] | InstallFailed]
    seconds: float
    seed: int
    cores: int


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
                line = run(contest, tables[name], peer)
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
    parser.add_argument("--environments", type=Path, default=Path("~/.cache/netwright-peers"), help="where they live")
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


def stand_ready(folder: Path, needs: Requirements) -> tuple[Path, dict[str, str]] | InstallFailed:
    """Return an environment, made before the first run so that none is made between two; or why there is none."""
    try:
        return prepare(folder, needs)
    except InstallFailed as error:
        return error


def read_lines(file: Path) -> list[Line]:
    """Return the runs of a file of JSON lines, none if there is no such file."""
    return [Line(**json.loads(text)) for text in file.read_text().splitlines()] if file.exists() else []


def append(file: Path, line: Line) -> None:
    """Add a run to a file, and see that it reaches the disk."""
    with file.open("a") as out:
        out.write(json.dumps(dataclasses.asdict(line)) + "\n")
        out.flush()
        os.fsync(out.fileno())


def run(contest: Contest, entry: dict[str, Any], name: str) -> Line:
    """Return what one contestant came to on one table, be it a failure."""
    peer = PEERS[name]
    line = Line(
        set=entry["name"],
        task=entry["task"],
        peer=name,
        seconds=contest.seconds,
        seed=contest.seed,
        cores=contest.cores,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        limit=peer.limit,
        versions={},
        commit=commit() if name == OURS else None,
    )
    try:
        home = contest.environments[peer.needs.environment]
        if isinstance(home, InstallFailed):
            raise home
        python, versions = home
        line = dataclasses.replace(line, versions=versions)
        with tempfile.TemporaryDirectory(prefix="peer", ignore_cleanup_errors=True) as folder:
            return compete(contest, entry, peer, python, Path(folder), line)
    except (RunFailed, InstallFailed, UnfitAnswers) as error:
        return dataclasses.replace(line, failed=str(error))


def compete(contest: Contest, entry: dict[str, Any], peer: Peer, python: Path, folder: Path, line: Line) -> Line:
    """Let a contestant fit and answer in a folder of its own; return its line with all figures.

    Raises:
        RunFailed: if it fails or its time runs out.
        UnfitAnswers: if its answers cannot be judged.
    """
    train, test = files(contest.data, entry)
    task = entry["task"].removeprefix("tabular_")
    work = folder / "work"
    work.mkdir()
    job = {"train": str(train), "test": str(test), "target": entry["target"], "task": task, "folder": str(work)}
    job |= {"seconds": contest.seconds, "seed": contest.seed, "cores": contest.cores, "variant": peer.variant}
    (folder / "job.json").write_text(json.dumps(job))
    limit, log = 10 * contest.seconds + 300, folder / "log.txt"
    command = [str(python), str(RUNNERS / peer.runner), str(folder / "job.json")]
    variables = environment(folder, peer, contest.cores)
    seen = watch(command, work, variables, limit, contest.cores, log=log, mark=work / "fitted.json")
    if seen.status is None:
        raise RunFailed(f"not done after {limit:g} s" + (" (fitted)" if seen.mark_seconds else ""))
    if seen.status:
        raise RunFailed(reason(log, seen.status))
    metrics, errors = score(pd.read_parquet(work / "answers.parquet"), pd.read_parquet(test)[entry["target"]], task)
    return dataclasses.replace(
        line,
        metrics=metrics,
        errors=errors,
        wall_s=seen.mark_seconds,
        total_s=seen.seconds,
        fit_peak_mb=seen.mark_peak_mb,
        peak_mb=seen.peak_mb,
        others_cores=seen.others_cores,
        memory=HOW,
        trivial=trivial(train, entry["target"]) if task == "regression" else 0.0,
        **json.loads((work / "fitted.json").read_text()),
        **json.loads((work / "done.json").read_text()),
    )


def trivial(train: Path, target: str) -> float:
    """Return the RMSE of always answering the mean."""
    return float(pd.read_parquet(train, columns=[target])[target].std(ddof=0))


def environment(folder: Path, peer: Peer, cores: int) -> dict[str, str]:
    """Return the environment variables of a run: nothing of it is shared with other runs, or asks the network."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RAY_", "OMP_", "MKL_"))
    }
    temporary = folder / "tmp"
    temporary.mkdir()
    own = {
        "PATH": os.pathsep.join(["/usr/local/bin", "/usr/bin", "/bin"]),
        "TMPDIR": str(temporary),
        "PYTHONUNBUFFERED": "1",
        "RAY_ADDRESS": "local",
        "RAY_TMPDIR": str(temporary),  # short: the paths of sockets may have a hundred letters
        "RAY_USAGE_STATS_ENABLED": "0",
        "HF_HUB_OFFLINE": "1",
    }
    if peer.needs is NETWRIGHT:
        own["PYTHONPATH"] = str(ROOT / "src")  # this checkout, even if another one made the environment
    if peer.threads:
        own["OMP_NUM_THREADS"] = str(cores)
    return kept | own


def reason(log: Path, status: int) -> str:
    """Return the last line that a failed run printed, and pass on the end of its log."""
    said = [text.strip() for text in log.read_text(errors="replace").splitlines() if text.strip()]
    print("\n".join(said[-20:]), file=sys.stderr, flush=True)
    return said[-1][:500] if said else f"status {status}, without a word"


def commit() -> str | None:
    """Return the commit of this checkout, marked if files differ from it; none outside git."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    said = subprocess.run(command, capture_output=True, text=True)
    return said.stdout.strip() or None


def told(line: Line) -> str:
    """Return a run as a line for the screen."""
    if line.failed is not None:
        return f"{line.set}, {line.peer}: failed: {line.failed}"
    figures = ", ".join(f"{name} {value:.4g} ± {line.errors[name]:.2g}" for name, value in line.metrics.items())
    costs = f"{line.wall_s:.1f} s, {line.fit_peak_mb:.0f} MB, model {(line.model_bytes or 0) / 1e6:.1f} MB"
    return f"{line.set}, {line.peer}: {figures} ({costs}, {line.row_ms:.1f} ms a row)"


if __name__ == "__main__":
    sys.exit(main())
