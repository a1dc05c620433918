"""The same search trained by PyTorch, JAX and TensorFlow: in equal time, for equal trials, and recipe by recipe.

    python benchmarks/frameworks.py runs --time 60s --seeds 2 --out frameworks.jsonl
    python benchmarks/frameworks.py runs --trials 6 --out frameworks.jsonl
    python benchmarks/frameworks.py recipes --framework jax --seeds 6 --out recipes.jsonl

`runs` fits 70 % of a table and measures the rest; each run has a process of its own, since Keras has one backend in a
process. `recipes` trains the first designs of the portfolio on a made table of 240 rows and eight folds, without a
search, in PyTorch and in Keras, and tells the mean and the deviation of their losses out of fold over seeds.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes

import netwright as nw
from netwright.tasks import TASKS
from netwright.tasks.task import Request
from netwright.train.control import Control
from netwright.train.framework import Split
from netwright.train.frameworks import FRAMEWORKS, find_framework

PENGUINS = Path(__file__).parent.parent / "examples" / "data" / "penguins.csv"
SETS = ("penguins", "diabetes")
LEARNT = 0.7  # of the rows
FOLDS, DESIGNS = 8, 5


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("runs", "recipes", "one"))
    parser.add_argument("--framework", choices=FRAMEWORKS, default="jax")
    parser.add_argument("--set", choices=SETS, default=SETS[0])
    parser.add_argument("--time", default="60s")
    parser.add_argument("--trials", type=int)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.what == "one":
        print(json.dumps(one_run(asked)))
        return
    with asked.out.open("a") as file:
        for line in runs(asked) if asked.what == "runs" else recipes(asked.framework, asked.seeds):
            print(json.dumps(line), file=file, flush=True)


def runs(asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield what came of each framework on each set, with each seed."""
    limit = ["--time", asked.time] if asked.trials is None else ["--trials", str(asked.trials)]
    for seed in range(asked.seeds):
        for name in SETS:
            for framework in FRAMEWORKS:
                words = ["one", "--framework", framework, "--set", name, "--seed", str(seed), *limit]
                done = subprocess.run([sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True, check=True)
                yield json.loads(done.stdout.splitlines()[-1])


def one_run(asked: argparse.Namespace) -> dict[str, Any]:
    """Return what came of one run: trials, scores, seconds by the clock and of the processor."""
    warnings.simplefilter("ignore")
    penguins = asked.set == "penguins"
    table = pd.read_csv(PENGUINS) if penguins else load_diabetes(as_frame=True).frame
    order = np.random.default_rng(asked.seed).permutation(len(table))
    learnt, judged = np.split(order, [int(LEARNT * len(table))])
    with tempfile.TemporaryDirectory() as folder:
        run = nw.fit(
            table.iloc[learnt],
            "species" if penguins else "target",
            time=asked.time,
            trials=asked.trials,
            task="tabular",
            framework=asked.framework,
            seed=asked.seed,
            test=table.iloc[judged],
            out=folder,
        )
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "framework": asked.framework,
        "set": asked.set,
        "limit": asked.time if asked.trials is None else asked.trials,
        "seed": asked.seed,
        "trials": run.result.trials,
        "score": run.result.score,
        "test": run.result.test_metrics["log_loss" if penguins else "rmse"],
        "seconds": run.result.seconds,
        "processor_seconds": used.ru_utime + used.ru_stime,
    }


def recipes(framework: str, seeds: int) -> Iterator[dict[str, Any]]:
    """Yield the losses of each of the first designs, in PyTorch and in Keras on a backend."""
    task = TASKS["tabular"]
    table, target = task.toy(0)
    loaded = task.load(Request(table, target, {}, "auto"))
    preparation = task.prepare(loaded, 0)
    rows = len(loaded.truth)
    fold = np.random.default_rng(0).permutation(rows) % FOLDS
    splits = [Split(np.flatnonzero(fold != each), np.flatnonzero(fold == each)) for each in range(FOLDS)]
    given = preparation.encode(loaded.frame), preparation.goal.targets(loaded.truth), preparation.quantiles
    trainers = {name: find_framework(name).over(*given) for name in ("torch", framework)}
    quiet = Control(lambda: 0.0, lambda: False, lambda progress: None)
    for point in (task.first_glance(rows), *task.portfolio(preparation, rows))[:DESIGNS]:
        one, line = task.candidate(point, preparation), {"design": task.describe(point), "seeds": seeds}
        for name, trainer in trainers.items():
            losses = [
                trainer.train(one.network, [one.recipe], splits, preparation.goal.loss, quiet, [seed])[0].loss
                for seed in range(seeds)
            ]
            line[name] = [float(np.mean(losses)), float(np.std(losses))]
        yield line


if __name__ == "__main__":
    main()
