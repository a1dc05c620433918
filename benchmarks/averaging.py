"""How well the gain of averaging folds' networks is told from rows of the table alone, beside the true one.

    python benchmarks/averaging.py DATA_FOLDER --only vehicle letter spam --folds 3

For each table one candidate is trained on all folds. Printed are what the average of its networks gains on the test
rows, and what `netwright.select.bagging` says of it without them, in accuracy and log-loss, or in RMSE.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tabular import files, index

import netwright.engine.bench
from netwright.data.reading import read_table
from netwright.engine.bench import Bench, set_up
from netwright.engine.cut import Plan
from netwright.metrics import METRICS, find_metric
from netwright.select.bagging import averaging_gain
from netwright.select.calibrate import spread_rows
from netwright.tasks import TASKS
from netwright.tasks.task import Request
from netwright.train.control import Control
from netwright.train.predict import predict_stack
from netwright.train.torch import Torch

TASK = TASKS["tabular"]
ROWS = 1_000


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--folds", type=int, default=8)
    options = parser.parse_args()
    print("| set | metric | one fold | all folds | true gain | told gain |\n|---|---|---|---|---|---|")
    for entry in index(options.data, options.only):
        for line in compare(options.data, entry, options.folds):
            print("| " + " | ".join(line) + " |", flush=True)


def compare(folder: Path, entry: dict[str, Any], folds: int) -> list[list[str]]:
    """Return a line for each metric of a table."""
    train, test = files(folder, entry)
    loaded = TASK.load(Request(read_table(train), entry["target"], {}, entry["task"].removeprefix("tabular_")))
    outcome = loaded.schema.target.outcome
    setattr(netwright.engine.bench, "plan", lambda *given: Plan.on_all(folds))  # noqa: B010 - rows decide otherwise
    bench = set_up(TASK, loaded, find_metric("auto", outcome), Torch(), seed=0)
    judge = pd.read_parquet(test)
    truth = TASK.parse_target(judge, loaded.schema)
    learnt, fresh, residuals = members(bench, TASK.parse(judge, loaded.schema))
    lines = []
    for name in ("rmse",) if outcome == "regression" else ("accuracy", "log_loss"):
        metric = METRICS[name]
        one = float(np.mean([metric.function(truth, each) for each in fresh]))
        everyone = metric.function(truth, fresh.mean(axis=0))
        told = averaging_gain(metric, learnt, residuals, seed=0)
        lines.append([entry["name"], name, *(f"{value:.4g}" for value in (one, everyone, everyone - one, told))])
    return lines


def members(bench: Bench, frame: Any) -> tuple[Any, Any, Any]:
    """Return the answers of each fold's networks for rows of the table and for those of a frame, and the residuals."""
    rows, outcome = len(bench.loaded.truth), bench.loaded.schema.target.outcome
    candidate = TASK.candidate(TASK.portfolio(bench.preparation, rows)[0], bench.preparation)
    quiet = Control(lambda: 0.0, lambda: False, lambda progress: None)
    loss = bench.preparation.goal.loss
    (trained,) = bench.trainer.train(candidate.network, [candidate.recipe], bench.splits, loss, quiet, [0])

    def answers(cells: Any) -> Any:
        raw = predict_stack(candidate.network, trained.weights, bench.preparation.encode(cells), loss)
        return np.stack([bench.preparation.goal.decode(each) for each in raw])

    residuals = bench.truth - bench.answers(trained.predictions) if outcome == "regression" else None
    return answers(bench.loaded.frame.take(spread_rows(rows, ROWS))), answers(frame), residuals


if __name__ == "__main__":
    main()
