"""Runs a contestant in an environment of its own: a job goes in as a file, answers and figures come out as files.

Each run is a process of its own on the same cores, ended with all that it started when it takes ten times its limit and
five minutes. Its answers are judged here, by one code for all.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
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
from standings import OURS, Line
from supervision import HOW, watch
from tabular import files

RUNNERS = Path(__file__).resolve().parent / "peers"
ENVIRONMENTS = Path("~/.cache/netwright-peers")


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


def stand_ready(folder: Path, needs: Requirements) -> tuple[Path, dict[str, str]] | InstallFailed:
    """Return an environment, made before the first run so that none is made between two; or why there is none."""
    try:
        return prepare(folder, needs)
    except InstallFailed as error:
        return error


def patience(seconds: float) -> float:
    """Return after how many seconds a run with a time limit is ended.

    >>> patience(60.0)
    900.0
    """
    return 10 * seconds + 300


def run(contest: Contest, entry: dict[str, Any], name: str, peer: Peer) -> Line:
    """Return what one contestant came to on one table, be it a failure.

    Args:
        contest: what is the same for every run.
        entry: the table's name, its target and its task, as the folder's index has them.
        name: what the contestant is called.
        peer: the contestant.
    """
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
    limit, log = patience(contest.seconds), folder / "log.txt"
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
    if peer.needs.environment == OURS:
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
