"""What the stack of networks brings over training them one after another, and where the time of a step goes.

    python benchmarks/training.py                  # steps of networks a second, by width, against plain PyTorch
    python benchmarks/training.py --what types     # float32 against bfloat16
    python benchmarks/training.py --what compile   # the step compiled by torch.compile, and what compiling costs
    python benchmarks/training.py --what adam      # our optimiser over the stack against PyTorch's fused one

One candidate is a network of three hidden layers with periodic embeddings over 16 columns, 10 classes, batches of 128,
four folds. "Plain" is what a person would write: one `nn.Module` after another, `torch.optim.AdamW`, PyTorch's own
choice of threads. Ours is one lane a core, each with stacks as a run would make them. Ratios are of medians of rounds
that alternate between the two, since machines are noisy.
"""

from __future__ import annotations

import argparse
import math
import threading
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from netwright.data.features import table_features
from netwright.engine.stacks import MOST_SIBLINGS, SMALL_STEP
from netwright.resources.machine import usable_cores
from netwright.spec.blocks import Dense, Head, Periodic, TableInput
from netwright.spec.costs import network_cost
from netwright.spec.network import Network, Recipe
from netwright.train import adam, population
from netwright.train.framework import Split
from netwright.train.lanes import run_lanes
from netwright.train.losses import LOSSES
from netwright.train.population import Population
from netwright.train.rows import Rows, as_rows

ROWS, COLUMNS, CLASSES, BATCH, FOLDS = 4_000, 16, 10, 128, 4
WIDTHS = (32, 64, 128, 256, 512)
SECONDS, ROUNDS = 0.7, 5


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    studies = {"stack": study_stack, "types": study_types, "compile": study_compile, "adam": study_adam}
    parser.add_argument("--what", choices=studies, default="stack")
    studies[parser.parse_args().what]()


# --- what is compared ------------------------------------------------------------------------------------------------


def network(width: int) -> Network:
    """Return the candidate's network."""
    return Network((TableInput(COLUMNS, 0, (), Periodic()), *(Dense(width) for _ in range(3)), Head(CLASSES)))


def table() -> Rows:
    """Return rows of noise: the time of a step does not hang on what is learnt."""
    generator = np.random.default_rng(0)
    numeric = generator.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    nothing = np.zeros((ROWS, 0), np.float32)
    quantiles = np.quantile(numeric, np.linspace(0, 1, 49), axis=0).T.astype(np.float32)
    features = table_features(numeric, nothing, nothing.astype(np.int64))
    return as_rows(features, generator.integers(0, CLASSES, ROWS), quantiles)


def siblings(width: int) -> int:
    """Return how many trials a run would stack."""
    step = 3 * network_cost(network(width)).flops * BATCH * FOLDS
    return max(1, min(MOST_SIBLINGS, int(SMALL_STEP / step)))


def stacked(width: int, rows: Rows, trials: int) -> tuple[Population, Callable[[], None]]:
    """Return a population and what takes one step with it."""
    fold = np.arange(ROWS) % FOLDS
    splits = [Split(np.flatnonzero(fold != place), np.flatnonzero(fold == place)) for place in range(FOLDS)]
    recipes = [Recipe(batch_size=BATCH, learning_rate=1e-3 * (1 + place)) for place in range(trials)]
    made = Population.start(network(width), recipes, rows, splits, list(range(trials)))
    order = made.shuffled(BATCH)
    return made, lambda: made.step(rows, order, LOSSES["cross_entropy"], 0.3)


class Plain(nn.Module):
    """The same network as a person would write it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.randn(COLUMNS, 16) * 0.1 * 2 * math.pi)
        self.phase = nn.Parameter(torch.randn(COLUMNS, 16))
        self.weight = nn.Parameter(torch.randn(COLUMNS, 16, 3) / 4)
        self.bias = nn.Parameter(torch.zeros(COLUMNS, 3))
        self.scale = nn.Parameter(torch.ones(COLUMNS * 4))
        layers: list[nn.Module] = []
        for inputs in (COLUMNS * 4, width, width):
            layers += [nn.Linear(inputs, width), nn.SiLU(), nn.Dropout(0.1)]
        self.body = nn.Sequential(*layers, nn.Linear(width, CLASSES))

    def forward(self, numeric: Tensor) -> Tensor:
        """(B, F) → (B, K)."""
        waves = torch.cos(numeric[:, :, None] * self.frequency + self.phase)  # (B, F, Q)
        embedded = torch.einsum("bfq,fqw->bfw", waves, self.weight) + self.bias
        return self.body(torch.cat([embedded, numeric[:, :, None]], dim=2).flatten(1) * self.scale)


def one_by_one(width: int, rows: Rows, compiled: bool = False) -> Callable[[], None]:
    """Return what takes one step with each of the four folds' networks, one after another."""
    networks = [Plain(width) for _ in range(FOLDS)]
    optimisers = [torch.optim.AdamW(one.parameters(), lr=1e-3, betas=(0.9, 0.95)) for one in networks]
    called = [torch.compile(one) if compiled else one for one in networks]
    index = torch.randperm(ROWS)[:BATCH]

    def step() -> None:
        for call, optimiser in zip(called, optimisers, strict=True):
            optimiser.zero_grad()
            nn.functional.cross_entropy(call(rows.features["numeric"][index]), rows.targets[index]).backward()
            optimiser.step()

    return step


# --- the clock -------------------------------------------------------------------------------------------------------


def rate(step: Callable[[], None], seconds: float = SECONDS) -> float:
    """Return steps a second."""
    step()
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        step()
        steps += 1
    return steps / (time.perf_counter() - began)


def rate_of_lanes(make: Callable[[], Callable[[], None]]) -> float:
    """Return the steps a second of one lane a core, together."""
    rates: list[float] = []
    lock = threading.Lock()

    def work() -> None:
        found = rate(make())
        with lock:
            rates.append(found)

    run_lanes(usable_cores(), work)
    return sum(rates)


def peak(kind: torch.dtype) -> float:
    """Return operations a second of matrix multiplication, one lane a core."""
    size = 512
    first, second = torch.randn(4, size, size).to(kind), torch.randn(4, size, size).to(kind)
    return 8 * size**3 * rate_of_lanes(lambda: lambda: torch.bmm(first, second))


# --- the studies -----------------------------------------------------------------------------------------------------


def study_stack() -> None:
    """Print networks a minute of both, and the arithmetic as a share of the peak of matrix multiplication."""
    rows, peaks = table(), {kind: peak(kind) for kind in (torch.float32, torch.bfloat16)}
    print(", ".join(f"peak {str(kind)[6:]} {found / 1e9:.0f} GFLOP/s" for kind, found in peaks.items()))
    print(
        "| width | trials a stack | plain, networks steps/s | ours | ratio | GFLOP/s | of float32 peak | of its own |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for width in WIDTHS:
        trials = siblings(width)
        plain, ours = [], []
        for _ in range(ROUNDS):
            plain.append(FOLDS * rate(one_by_one(width, rows)))
            ours.append(FOLDS * trials * rate_of_lanes(lambda w=width, t=trials: stacked(w, rows, t)[1]))
        reached = float(np.median(ours)) * 3 * network_cost(network(width)).flops * BATCH
        cells = [f"{width}", f"{trials}", f"{np.median(plain):.0f}", f"{np.median(ours):.0f}"]
        cells += [f"{np.median(ours) / np.median(plain):.2f}", f"{reached / 1e9:.0f}"]
        cells += [
            f"{reached / found:.0%}" for found in (peaks[torch.float32], peaks[population.working_type(network(width))])
        ]
        print("| " + " | ".join(cells) + " |", flush=True)


def study_types() -> None:
    """Print the time of a step in bfloat16 as a share of that in float32, by width."""
    rows = table()
    for width in WIDTHS:
        found: dict[torch.dtype, list[float]] = {torch.float32: [], torch.bfloat16: []}
        for _ in range(ROUNDS):
            for kind, rates in found.items():
                population.working_type = lambda network, device, kind=kind: kind
                rates.append(rate_of_lanes(lambda w=width: stacked(w, rows, siblings(w))[1]))
        full, short = (float(np.median(rates)) for rates in found.values())
        print(f"width {width}: a bfloat16 step takes {full / short:.2f} of the time of a float32 step", flush=True)


def study_compile() -> None:
    """Print what torch.compile brings to plain networks, and how long it takes before the first step."""
    rows = table()
    torch.set_num_threads(1)
    for width in (64, 256):
        began = time.perf_counter()
        compiled = one_by_one(width, rows, compiled=True)
        compiled()
        seconds = time.perf_counter() - began
        eager = one_by_one(width, rows)
        ratios = [rate(compiled) / rate(eager) for _ in range(ROUNDS)]
        print(f"width {width}: {np.median(ratios):.2f} times the steps, after {seconds:.0f} s of compiling", flush=True)


def study_adam() -> None:
    """Print the milliseconds of an optimiser step over a stack: ours, and PyTorch's fused one with one rate for all."""
    torch.set_num_threads(1)
    rows = table()
    for width in WIDTHS:
        made, step = stacked(width, rows, 1)
        vector = made.stack.parameters
        parameters = vector.clone().requires_grad_()
        parameters.grad = torch.randn_like(parameters)
        fused = torch.optim.AdamW([parameters], fused=True)
        times = [[1e3 / rate(one, 0.2) for _ in range(ROUNDS)] for one in (_ours(vector.clone()), fused.step, step)]
        cells = " / ".join(f"{np.median(each):.2f}" for each in times)
        print(f"width {width}: {len(vector):,} numbers: ours / fused / the whole step: {cells} ms", flush=True)


def _ours(vector: Tensor) -> Callable[[], None]:
    state, rates, gradient = adam.init(vector), torch.full_like(vector, 1e-3), torch.randn_like(vector)
    paces = {"pace": 0.5, "shrink": 0.5, "momentum": 0.9, "second_moment": 0.95}
    return lambda: adam.step(vector, gradient, state, rates=rates, decays=rates, **paces)


if __name__ == "__main__":
    main()
