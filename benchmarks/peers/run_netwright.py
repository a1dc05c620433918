"""Netwright by its command line: `netwright fit`, then `netwright predict --proba`; one row by `netwright.load`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import cache, partial
from pathlib import Path
from typing import Any

from contract import Entry, Job, bytes_of, take_part

COMMAND = str(Path(sys.executable).parent / "netwright")


def fit(job: Job) -> Entry:
    """Run the command; what it made is loaded when it is first asked, which is not part of the fit."""
    command = [COMMAND, "fit", job.train, "--target", job.target, "--task", job.task, "--time", f"{job.seconds:g}s"]
    command += ["--seed", str(job.seed), "--out", str(job.model), "--json"]
    began = time.monotonic()
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    file = Path(json.loads(printed.splitlines()[-1])["model"])

    @cache
    def model() -> Any:
        import netwright

        return netwright.load(file)

    def answer(table: Any) -> Any:
        return model().predict(table) if job.task == "regression" else model().predict_proba(table)

    of_file = partial(predict, job, file)
    return Entry(answer, lambda: bytes_of(file), labels=[], of_file=of_file, curve=curve(job.model, began))


def curve(folder: Path, began: float) -> list[tuple[float, float]]:
    """Return the learning curve that the journal keeps."""
    from netwright.journal import Journal

    with Journal.open(folder / "journal.sqlite") as journal:
        return [(began + best.seconds, best.score) for best in journal.curve()]


def predict(job: Job, file: Path, test: Path) -> Any:
    """Return what `netwright predict` says of each row: its columns of probabilities bear the target's name too."""
    import pandas as pd

    out = Path(job.folder) / "predicted.parquet"
    command = [COMMAND, "predict", str(file), str(test), "--output", str(out)]
    subprocess.run(command if job.task == "regression" else [*command, "--proba"], check=True)
    table = pd.read_parquet(out)
    if job.task == "regression":
        return table[[job.target]]
    return table.drop(columns=job.target).rename(columns=lambda name: name.removeprefix(f"{job.target}="))


if __name__ == "__main__":
    take_part(fit)
