"""What optimisers and schedules come to on small images: out of fold, for the same networks in as many passes.

    python benchmarks/optimisers.py --seeds 2 --out optimisers.jsonl

The sets are those of nobody else's table: scikit-learn's digits, letters drawn and turned at random, and coloured
gratings in noise, both generated here. Printed is one JSON line a training; the learning rate of sgd is given as that
of the point, which `spec.images.recipe` multiplies.

Log-loss out of fold of two networks of eight, 12 passes over 800 images, one seed, AdamW and Muon at 0.003; branches of
residual blocks began with a gain of 0 then:

| set, network | AdamW cosine | one cycle | Muon cosine | SGD .03 cosine | one cycle | SGD .09 cosine | one cycle |
|---|---|---|---|---|---|---|---|
| digits, residual | .086 | **.083** | .089 | .586 | .538 | .153 | .125 |
| digits, plain | .065 | **.046** | .049 | .054 | .048 | .114 | .054 |
| letters, residual | 1.21 | **1.16** | 1.86 | 2.19 | 2.19 | 1.54 | 1.51 |
| letters, plain | .099 | .101 | .092 | .115 | **.064** | 1.32 | .073 |
| gratings, residual | 1.29 | **1.17** | 1.71 | 2.39 | 2.39 | 1.49 | 1.53 |
| gratings, plain | .929 | .932 | .994 | 2.32 | **.878** | 2.43 | 1.06 |

So SGD is searched for, and is not among the first points: in so few passes it is far behind on residual networks, and
only with one cycle a little ahead on plain ones. One cycle is a schedule of the search for all of them.

How branches of residual blocks begin (`--designs residual inverted convnext --rates 0.003 0.006 --gain 0`, and without
the last), AdamW with cosine, in as many passes:

| set, network | 0.003, gain 0 | gain 1 | 0.006, gain 0 | gain 1 |
|---|---|---|---|---|
| letters, residual | .506 | .254 | .302 | **.200** |
| letters, inverted | 2.30 | 1.20 | 2.30 | **.520** |
| letters, convnext | 2.30 | .451 | 2.30 | **.294** |
| gratings, residual | .854 | .888 | **.781** | .844 |
| gratings, inverted | 2.48 | **1.58** | 2.48 | |

With 0 an inverted block without a shortcut gives nothing at all at first, and had learnt nothing after twelve passes.
So all begin with 1 (docs/why/training.md).
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from netwright.build import torch as build
from netwright.engine.bench import Bench, set_up
from netwright.metrics import METRICS, find_metric
from netwright.spec.spaces import Point
from netwright.tasks import TASKS
from netwright.tasks.task import Request
from netwright.train.control import Control
from netwright.train.torch import Torch

TASK = TASKS["image"]
FOLDS = 2  # of eight
ROWS = 800  # of each set
LETTERS = "ABDEGKMRSX"
WAYS = (("adamw", "cosine"), ("muon", "cosine"), ("sgd", "cosine"), ("sgd", "one_cycle"), ("adamw", "one_cycle"))
Set = tuple[NDArray[np.uint8], NDArray[np.int64]]


def digits(generator: np.random.Generator) -> Set:
    """Return some of scikit-learn's digits (N, 8, 8)."""
    from sklearn.datasets import load_digits

    found = load_digits()
    some = generator.permutation(len(found.target))[:ROWS]
    return (found.images[some] * 15.9).astype(np.uint8), found.target[some]


def letters(generator: np.random.Generator) -> Set:
    """Return letters in grey (N, 24, 24), turned by up to 40 degrees, shifted, and in noise."""
    from PIL import Image, ImageDraw, ImageFont

    font, images, truth = ImageFont.load_default(size=20), [], generator.integers(0, len(LETTERS), ROWS)
    for kind in truth:
        image = Image.new("L", (40, 40))
        shift = generator.integers(-4, 5, 2)
        ImageDraw.Draw(image).text((20 + shift[0], 20 + shift[1]), LETTERS[kind], fill=160, font=font, anchor="mm")
        pixels = np.asarray(image.rotate(generator.uniform(-40, 40), Image.Resampling.BILINEAR))[8:32, 8:32]
        images.append(np.clip(pixels + 40 + 40 * generator.normal(size=(24, 24)), 0, 255).astype(np.uint8))
    return np.stack(images), truth


def gratings(generator: np.random.Generator) -> Set:
    """Return coloured gratings in noise (N, 32, 32, 3): twelve classes by direction and width, in any colour."""
    down, across = np.mgrid[:32, :32]
    truth, images = generator.integers(0, 12, ROWS), []
    for kind in truth:
        angle = np.pi * (kind % 6) / 6 + generator.normal() * 0.12
        wave = (0.55, 0.9)[kind // 6] + generator.normal() * 0.05
        phase, colour = generator.uniform(0, 2 * np.pi), generator.uniform(-60, 60, 3)
        grating = np.sin(wave * (down * np.sin(angle) + across * np.cos(angle)) + phase)
        noise = 45 * generator.normal(size=(32, 32, 3))
        images.append(np.clip(128 + grating[:, :, None] * colour + noise, 0, 255).astype(np.uint8))
    return np.stack(images), truth


SETS: dict[str, Callable[[np.random.Generator], Set]] = {"digits": digits, "letters": letters, "gratings": gratings}
DESIGNS: dict[str, Point] = {
    "residual": {"body": "residual", "stem_stride": 2},
    "plain": {"body": "plain", "stem_stride": 2, "activation": "gelu", "pool": "both"},
    "inverted": {"body": "inverted", "stem_stride": 2, "activation": "silu"},
    "convnext": {"body": "convnext", "stem_stride": 2, "activation": "gelu"},
}
BRANCHES = ("second_gain", "project_gain", "gain")  # that end a branch of a residual block


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[*SETS], choices=[*SETS])
    parser.add_argument("--designs", nargs="*", default=["residual", "plain"], choices=[*DESIGNS])
    parser.add_argument("--rates", nargs="*", type=float, default=[3e-3])
    parser.add_argument("--optimisers", nargs="*", default=["adamw", "muon", "sgd"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--gain", type=float, default=1.0, help="that branches of residual blocks begin with")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    begin_branches(asked.gain)
    torch.set_num_threads(1)
    ways = [way for way in WAYS if way[0] in asked.optimisers]
    for name, seed in itertools.product(asked.only, range(asked.seeds)):
        bench = bench_of(SETS[name], seed)
        for design, (optimiser, schedule), rate in itertools.product(asked.designs, ways, asked.rates):
            point = {**DESIGNS[design], "optimiser": optimiser, "schedule": schedule, "learning_rate": rate}
            found = {"set": name, "seed": seed, "design": design, **point, **trained(bench, point, asked.epochs, seed)}
            print(json.dumps(found), flush=True)
            if asked.out:
                with asked.out.open("a") as file:
                    file.write(json.dumps(found) + "\n")


def bench_of(draw: Callable[[np.random.Generator], Set], seed: int) -> Bench:
    """Return a set of images, made ready to be learnt from."""
    images, truth = draw(np.random.default_rng(seed))
    table = pd.DataFrame({"image": [*images], "kind": [f"c{kind}" for kind in truth]})
    loaded = TASK.load(Request(table, "kind", {}, "classification"))
    bench = set_up(TASK, loaded, find_metric("log_loss", loaded.schema.target.outcome), Torch(), seed)
    return replace(bench, cut=replace(bench.cut, splits=bench.splits[:FOLDS]))


def begin_branches(gain: float) -> None:
    """Let the residual blocks of all networks that follow begin so; there is no option for it."""
    before = build.spatial_weights

    def weights(*given: Any) -> dict[str, torch.Tensor]:
        return {name: gain * each if name in BRANCHES else each for name, each in before(*given).items()}

    setattr(build, "spatial_weights", weights)  # noqa: B010


def trained(bench: Bench, point: Point, epochs: int, seed: int) -> dict[str, Any]:
    """Return what some folds' networks of a point come to."""
    rows = len(bench.loaded.truth)
    usual = TASK.portfolio(bench.preparation, rows)[0]
    candidate = TASK.candidate({**usual, **point, "epochs": epochs}, bench.preparation)
    quiet, loss = Control(lambda: 0.0, lambda: False, lambda progress: None), bench.preparation.goal.loss
    begun = time.perf_counter()
    (found,) = bench.trainer.train(candidate.network, [candidate.recipe], bench.splits, loss, quiet, [seed])
    seconds = time.perf_counter() - begun
    truth = np.concatenate([bench.loaded.truth[split.valid] for split in bench.splits])
    answers = np.concatenate(found.predictions)
    scores = {name: round(METRICS[name].function(truth, answers), 4) for name in ("log_loss", "accuracy")}
    return {**scores, "seconds": round(seconds, 1)}


if __name__ == "__main__":
    main()
