"""Runs Netwright on a folder of tables, beside scikit-learn's gradient boosting, and writes one JSON line a table.

    python benchmarks/tabular.py DATA_FOLDER --time 60s --out results.jsonl
    python benchmarks/tabular.py --table results.jsonl        # prints the results as a table

DATA_FOLDER holds NAME_train.parquet, NAME_test.parquet and index.json (a list of objects with name, target and task:
tabular_binary, tabular_multiclass or tabular_regression). A test file is read once, after everything was chosen.
What is written there already is not run again, so that a long run can be carried on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TOGETHER = 1_024  # rows
LATENCY_ROWS = 50

Prepare = Callable[[pd.DataFrame], pd.DataFrame]


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, help="the folder of tables")
    parser.add_argument("--time", default="60s", help="the time limit of each run")
    parser.add_argument("--out", type=Path, default=Path("tabular.jsonl"), help="one JSON line a table")
    parser.add_argument("--only", nargs="*", default=[], help="names of tables")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", type=Path, help="print the results of this file as a table, and run nothing")
    options = parser.parse_args()
    if options.table:
        print(as_table(lines_of(options.table)))
        return
    if options.data is None:
        parser.error("say where the tables are")
    done = {(line["set"], line.get("time"), line.get("seed")) for line in lines_of(options.out)}
    for entry in index(options.data, options.only):
        if (entry["name"], options.time, options.seed) in done:
            continue
        line = {"set": entry["name"], "task": entry["task"], "time": options.time, "seed": options.seed}
        line |= measure(options.data, entry, options.time, options.seed)
        append(options.out, line)
        print(as_table([line]).splitlines()[-1], flush=True)


def measure(folder: Path, entry: dict[str, Any], limit: str, seed: int) -> dict[str, Any]:
    """Return what one table came to: Netwright's command, then gradient boosting, then latency in this process."""
    train, test = files(folder, entry)
    with tempfile.TemporaryDirectory() as out:
        run = fit(train, test, entry, ["--time", limit, "--seed", str(seed), "--out", out])
        if run.status:
            return {"failed": run.status, "seconds": run.seconds}
        result = run.printed
        return {
            "metrics": result["test"],
            "score": result["score"],
            "interval": [result["score_low"], result["score_high"]],
            "trials": result["trials"],
            "seconds": run.seconds,
            "peak_mb": run.peak_mb,
            "bundle_mb": Path(result["model"]).stat().st_size / 1e6,
            "row_ms": latency(Path(result["model"]), test),
            "boosting": boosting(train, test, entry["target"], entry["task"].removeprefix("tabular_"), seed),
        }


@dataclass(frozen=True)
class Fitted:
    """What one `netwright fit` came to: exit status, seconds from outside, memory, and the JSON it printed."""

    status: int
    seconds: float
    peak_mb: float
    printed: dict[str, Any]


def fit(train: Path, test: Path, entry: dict[str, Any], options: list[str]) -> Fitted:
    """Run the command on one table of the index, with its test file."""
    task = entry["task"].removeprefix("tabular_")
    command = [
        str(Path(sys.executable).with_name("netwright")),
        "fit",
        str(train),
        "--target",
        entry["target"],
        "--task",
        task,
    ]
    command += ["--test", str(test), "--json", *options]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    return Fitted(status, seconds, usage.ru_maxrss / 1024, {} if status else json.loads(printed.splitlines()[-1]))


def files(folder: Path, entry: dict[str, Any]) -> tuple[Path, Path]:
    """Return the files to learn from and to be judged on."""
    return folder / f"{entry['name']}_train.parquet", folder / f"{entry['name']}_test.parquet"


def index(folder: Path, only: list[str]) -> list[dict[str, Any]]:
    """Return the tables of a folder: all, or those named."""
    entries = json.loads((folder / "index.json").read_text())
    return [entry for entry in entries if not only or entry["name"] in only]


def lines_of(file: Path) -> list[dict[str, Any]]:
    """Return what was measured before, in the order it was; nothing if there is no such file yet."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def append(file: Path, line: dict[str, Any]) -> None:
    """Write one result down, so that a long run can be carried on."""
    with file.open("a") as stream:
        stream.write(json.dumps(line) + "\n")


def latency(model_file: Path, test: Path) -> float:
    """Return the median milliseconds of predicting one row with a model file, in this process."""
    import netwright

    return row_milliseconds(netwright.load(model_file).predict, pd.read_parquet(test))


def row_milliseconds(answer: Callable[[pd.DataFrame], Any], table: pd.DataFrame) -> float:
    """Return the median milliseconds of answering one row of a table, after three rows to warm up."""
    rows = table.head(LATENCY_ROWS + 3)
    times = []
    for place in range(len(rows)):
        row = rows.iloc[[place]]
        began = time.perf_counter()
        answer(row)
        times.append(time.perf_counter() - began)
    return 1e3 * float(np.median(times[3:]))


def rows_a_second(answer: Callable[[pd.DataFrame], Any], table: pd.DataFrame) -> float:
    """Return how many rows a second are answered, 1,024 together, as the median of three calls."""
    rows = pd.concat([table] * (1 + TOGETHER // len(table)), ignore_index=True).head(TOGETHER)
    times = []
    for _ in range(3):
        began = time.perf_counter()
        answer(rows)
        times.append(time.perf_counter() - began)
    return TOGETHER / float(np.median(times))


def boosting(train: Path, test: Path, target: str, task: str, seed: int) -> dict[str, float]:
    """Return accuracy and log-loss, or RMSE, of scikit-learn's untuned HistGradientBoosting."""
    from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error

    judge = pd.read_parquet(test)
    model, prepare = fit_boosting(pd.read_parquet(train), target, task, seed)
    if task == "regression":
        return {"rmse": float(root_mean_squared_error(judge[target], model.predict(prepare(judge))))}
    chances = model.predict_proba(prepare(judge))
    true = judge[target].astype(str)
    return {
        "accuracy": float(accuracy_score(true, model.classes_[chances.argmax(axis=1)])),
        "log_loss": float(log_loss(true, chances, labels=model.classes_)),
    }


def fit_boosting(learn: pd.DataFrame, target: str, task: str, seed: int) -> tuple[Any, Prepare]:
    """Return a fitted HistGradientBoosting, and what makes a table into one that it can be asked about.

    Words are categories to it; one that the training rows did not hold counts as missing.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    inputs, truth = learn.drop(columns=target), learn[target]
    words = [name for name in inputs if not pd.api.types.is_numeric_dtype(inputs[name])]
    inputs = inputs.astype(dict.fromkeys(words, str)).astype(dict.fromkeys(words, "category"))

    def prepare(table: pd.DataFrame) -> pd.DataFrame:
        asked = table[inputs.columns].astype(dict.fromkeys(words, str))
        known = {name: asked[name].where(asked[name].isin(inputs[name].cat.categories)) for name in words}
        return asked.assign(**{name: cells.astype(inputs[name].dtype) for name, cells in known.items()})

    if task == "regression":
        model = HistGradientBoostingRegressor(random_state=seed, categorical_features="from_dtype")
        return model.fit(inputs, truth), prepare
    model = HistGradientBoostingClassifier(random_state=seed, categorical_features="from_dtype")
    return model.fit(inputs, truth.astype(str)), prepare


def as_table(lines: list[dict[str, Any]]) -> str:
    """Return results as a Markdown table, best figures first."""
    titles = ("set", "metric", "Netwright", "boosting", "log-loss", "boosting", "estimate (95 %)")
    titles += ("s", "MB peak", "MB file", "ms a row")
    rows = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for line in lines:
        if "failed" in line:
            rows.append(f"| {line['set']} | failed with status {line['failed']} |" + " |" * 9)
            continue
        name = "rmse" if line["task"].endswith("regression") else "accuracy"
        ours, theirs = line["metrics"][name], line["boosting"][name]
        better = ours <= theirs if name == "rmse" else ours >= theirs
        logs = (line["metrics"].get("log_loss"), line["boosting"].get("log_loss"))
        low, high = line["interval"]
        cells = [line["set"], name, f"**{ours:.4g}**" if better else f"{ours:.4g}", f"{theirs:.4g}"]
        cells += [f"{log:.3f}" if log is not None else "" for log in logs]
        cells += [f"{line['score']:.4g} ({low:.4g} to {high:.4g})", f"{line['seconds']:.1f}", f"{line['peak_mb']:.0f}"]
        cells += [f"{line['bundle_mb']:.1f}", f"{line['row_ms']:.1f}"]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
