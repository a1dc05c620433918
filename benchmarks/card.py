"""What recording steps brings on a graphics card, beside steps as they are and beside one core of the processor.

    python benchmarks/card.py               # seconds of a step, by network; needs a CUDA graphics card
    python benchmarks/card.py --cores       # one core of the processor too, which takes longer

One line a network: those that are tried first on grey images of 28 pixels and on coloured ones of 64, four folds each,
and networks for tables of 16 columns, four folds of 1, 4 and 32 trials in one stack. A step is one on a batch for every
network of the stack, with all that a run does at it. Other programs must be quiet. `recorded` is what runs do.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from netwright.data.features import Features, table_features
from netwright.spec import images
from netwright.spec.blocks import Dense, Head, ImageInput, Periodic, TableInput
from netwright.spec.costs import network_cost
from netwright.spec.network import Network, Recipe
from netwright.train.device import PROCESSOR, Device
from netwright.train.framework import Split
from netwright.train.losses import LOSSES
from netwright.train.population import Population
from netwright.train.recording import WARM
from netwright.train.rows import Rows, as_rows

ROWS, FOLDS, CLASSES, COLUMNS = 4_096, 4, 10, 16
SIZES = ((28, 1), (64, 3))  # pixels of a side, and channels
WIDTHS, TRIALS = (64, 256, 1024), (1, 4, 32)
STEPS, CORE_STEPS = 30, 3


@dataclass(frozen=True)
class Case:
    """A network, how it learns, what of, and as how many trials."""

    name: str
    network: Network
    recipe: Recipe
    features: Features
    trials: int


def main() -> None:
    """Print a line a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", action="store_true", help="time one core of the processor too")
    cores = parser.parse_args().cores
    print(torch.cuda.get_device_name())
    titles = ("GFLOP", "as it is, ms", "recorded, ms", "ratio", *(("one core, ms", "ratio") if cores else ()))
    print(f"{'':32}", *(f"{title:>13}" for title in titles))
    for case in (*pictures(), *tables()):
        plain, recorded = (seconds(case, Device("cuda"), recorded=each) for each in (False, True))
        step = 3 * network_cost(case.network).flops * case.recipe.batch_size * FOLDS * case.trials
        numbers = [step / 1e9, 1e3 * plain, 1e3 * recorded, plain / recorded]
        if cores:
            torch.set_num_threads(1)
            core = seconds(case, PROCESSOR, recorded=False)
            numbers += [1e3 * core, core / recorded]
        print(f"{case.name:32}", *(f"{number:13.2f}" for number in numbers), flush=True)


def pictures() -> Iterator[Case]:
    """Yield the networks that are tried first on images."""
    generator = np.random.default_rng(0)
    for side, channels in SIZES:
        pixels = generator.integers(0, 256, (ROWS, side, side, channels)).astype(np.uint8)
        whole = ImageInput(side, side, (0.5,) * channels, (0.25,) * channels)
        points = (images.first_glance(ROWS), *images.portfolio(ROWS, coloured=channels > 1))
        for point in points:
            network = images.network(point, images.inputs(point, whole), CLASSES)
            name = f"{side} pixels, {images.describe(point)}"
            yield Case(name[:32], network, images.recipe(point), Features({"images": pixels}), 1)


def tables() -> Iterator[Case]:
    """Yield networks for tables, as stacks of one trial and of several."""
    numeric = np.random.default_rng(0).normal(size=(ROWS, COLUMNS)).astype(np.float32)
    nothing = np.zeros((ROWS, 0), np.float32)
    features = table_features(numeric, nothing, nothing.astype(np.int64))
    for width in WIDTHS:
        network = Network((TableInput(COLUMNS, 0, (), Periodic()), *(Dense(width) for _ in range(3)), Head(CLASSES)))
        for trials in TRIALS:
            yield Case(f"table, width {width}, {trials} trials", network, Recipe(batch_size=128), features, trials)


@dataclass(frozen=True)
class Begun:
    """A training of a case before its first step, and the batches of an epoch (M, B)."""

    population: Population
    rows: Rows
    batches: Sequence[Tensor]

    def step(self, number: int, progress: float) -> None:
        """Take a step."""
        self.population.step(self.rows, self.batches[number % len(self.batches)], LOSSES["cross_entropy"], progress)


def begin(case: Case, device: Device, seed: int = 0) -> Begun:
    """Return a training of a case on a device."""
    numeric = case.features.arrays.get("numeric", np.zeros((ROWS, 0), np.float32))
    quantiles = np.quantile(numeric, np.linspace(0, 1, 49), axis=0).T.astype(np.float32)
    rows = as_rows(case.features, np.random.default_rng(1).integers(0, CLASSES, ROWS), quantiles, device)
    fold = np.arange(ROWS) % FOLDS
    splits = [Split(np.flatnonzero(fold != each), np.flatnonzero(fold == each)) for each in range(FOLDS)]
    recipes = [replace(case.recipe, learning_rate=1e-3 * (1 + each)) for each in range(case.trials)]
    population = Population.start(case.network, recipes, rows, splits, [seed + each for each in range(case.trials)])
    size = case.recipe.batch_size
    order = rows.near(population.shuffled(size * (len(splits[0].train) // size)))
    return Begun(population, rows, torch.split(order, size, dim=1))


def seconds(case: Case, device: Device, *, recorded: bool) -> float:
    """Return the seconds of a step, the mean of several."""
    begun = begin(case, device)
    if not recorded:
        begun.population.recorder = None

    def steps(count: int) -> float:
        started = time.perf_counter()
        for step in range(count):
            begun.step(step, step / count / 2)
        if device.type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - started) / count

    steps(1 if device.type == "cpu" else WARM + 1)
    return steps(CORE_STEPS if device.type == "cpu" else STEPS)


if __name__ == "__main__":
    main()
