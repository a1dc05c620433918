"""Simulated studies behind the constants of `netwright.select`: what is kept here can be run again.

    python benchmarks/selection.py weights       guards against over-fitting the mixing weights
    python benchmarks/selection.py objective     which objective gives the best accuracy
    python benchmarks/selection.py temperature   how strongly to hold the temperature near 1
    python benchmarks/selection.py coverage      how often the 95 % intervals hold the true score

Each prints one JSON line per setting: means over repeated worlds, each judged on fresh rows. A world has rows with true
logits, classes drawn from them, and candidates that see the logits with an error of their own size: partly shared by
all, partly by a family of candidates, partly their own. Each is too sure or too shy in its own way.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.metrics import METRICS, Metric
from netwright.select import calibrate, ensemble
from netwright.select.intervals import interval

Array = NDArray[Any]
FRESH = 6_000  # rows to judge a mix on


@dataclass(frozen=True)
class World:
    """Candidates' probabilities (C, N, K) and classes (N,) of rows to select on, and of fresh rows."""

    seen: Array
    truth: Array
    fresh: Array
    fresh_truth: Array


def softmax(logits: Array) -> Array:
    """Return probabilities over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def draw(generator: np.random.Generator, rows: int, candidates: int, own: float, spread: float) -> World:
    """Draw a world.

    Args:
        generator: of all that is random.
        rows: rows to select on.
        candidates: how many there are.
        own: share of the errors that candidates do not all have in common.
        spread: of the logarithm of the size of candidates' errors.
    """
    classes, sharpness = int(generator.choice([2, 2, 3, 6, 12])), float(generator.choice([1.5, 3, 5, 8]))
    shape = (rows + FRESH, classes)
    logits = sharpness * generator.normal(size=shape)
    truth = (softmax(logits).cumsum(axis=1) > generator.random((len(logits), 1))).argmax(axis=1)
    common, families = generator.normal(size=shape), generator.normal(size=(4, *shape))
    size = generator.uniform(0.2, 0.9)
    probabilities = np.empty((candidates, *shape), np.float32)
    for candidate in range(candidates):
        error = np.sqrt(1 - own) * common + np.sqrt(0.4 * own) * families[generator.integers(4)]
        error += np.sqrt(0.6 * own) * generator.normal(size=shape)
        error *= size * np.exp(abs(generator.normal()) * spread)
        sureness = np.exp(0.3 * generator.normal() + 0.1)
        probabilities[candidate] = softmax(sureness * (logits + sharpness * error))
    return World(probabilities[:, :rows], truth[:rows], probabilities[:, rows:], truth[rows:])


def judge(world: World, weights: Array) -> tuple[float, float, float]:
    """Return log-loss and accuracy of a mix on fresh rows, both in thousandths, and its members."""
    mixed = np.tensordot(weights.astype(np.float32), world.fresh, 1)
    losses = -np.log(np.maximum(mixed[np.arange(FRESH), world.fresh_truth], 1e-7))
    right = (mixed.argmax(axis=1) == world.fresh_truth).mean()
    return 1000 * float(losses.mean()), 1000 * float(right), float((weights > 0).sum())


def greedy(columns: Array, loss: Callable[[Array], Array], rounds: int = 40, start: int = 0) -> Array:
    """Select with replacement, after the best `start` candidates have been put in."""
    counts, total = np.zeros(len(columns)), np.zeros_like(columns[0])
    best, lowest = counts, np.inf
    order = np.argsort(loss(columns), kind="stable")
    for number in range(1, rounds + 1):
        losses = loss((total + columns) / number)
        pick = int(order[number - 1]) if number <= start else int(losses.argmin())
        counts[pick] += 1
        total = total + columns[pick]
        if number >= start and losses[pick] < lowest:
            best, lowest = counts.copy(), float(losses[pick])
    return np.asarray(best / best.sum())


def bagged(columns: Array, loss: Callable[[Array], Array], generator: np.random.Generator) -> Array:
    """Mean of ten selections from random halves of the candidates (Caruana et al. 2004, section 2.3)."""
    weights = np.zeros(len(columns))
    for _ in range(10):
        half = generator.permutation(len(columns))[: -(-len(columns) // 2)]
        weights[half] += greedy(columns[half], loss, 20) / 10
    return weights


def even(columns: Array, loss: Callable[[Array], Array], most: int) -> Array:
    """The plain mean of the best few."""
    return greedy(columns, loss, most, most)


def study_weights(generator: np.random.Generator, repeats: int) -> Iterator[dict[str, Any]]:
    """Compare guards; every number is the difference from 40 plain rounds, so less log-loss is negative."""
    for own, spread in ((0.6, 0.4), (0.25, 0.4), (0.25, 1.0)):
        for rows, candidates in ((60, 24), (60, 6), (300, 24), (300, 6), (2_000, 24)):
            found: dict[str, list[tuple[float, float, float]]] = {}
            for _ in range(repeats):
                world = draw(generator, rows, candidates, own, spread)
                columns = world.seen[:, np.arange(rows), world.truth]
                loss, plain = ensemble._log, greedy(columns, ensemble._log)
                few = min(5, -(-candidates // 4))
                methods = {
                    "40 rounds": plain,
                    "20 rounds": greedy(columns, loss, 20),
                    "best alone": greedy(columns, loss, 1),
                    "from the best 5": greedy(columns, loss, 40, 5),
                    "bagged": bagged(columns, loss, generator),
                    "mean of best 5": even(columns, loss, 5),
                    "half to best few": (plain + even(columns, loss, few)) / 2,
                    "chosen": ensemble.select_weights(list(world.seen), world.truth, "log_loss"),
                }
                for name, weights in methods.items():
                    found.setdefault(name, []).append(judge(world, weights))
            yield {"own": own, "spread": spread, "rows": rows, "candidates": candidates, **_against("40 rounds", found)}


def study_objective(generator: np.random.Generator, repeats: int) -> Iterator[dict[str, Any]]:
    """Compare objectives for accuracy; every number is the difference from log-loss."""
    for own, spread in ((0.6, 0.4), (0.25, 0.4), (0.25, 1.0)):
        for rows in (60, 300, 2_000, 10_000):
            found: dict[str, list[tuple[float, float, float]]] = {}
            for _ in range(repeats):
                world = draw(generator, rows, 24, own, spread)
                columns = world.seen[:, np.arange(rows), world.truth]
                for share in (0.0, 0.5, 0.7, 0.8, 0.9, 1.0):
                    weights = _doubted(columns, _blend(share))
                    found.setdefault(f"Brier share {share}", []).append(judge(world, weights))
            yield {"own": own, "spread": spread, "rows": rows, **_against("Brier share 0.0", found)}


def study_temperature(generator: np.random.Generator, repeats: int) -> Iterator[dict[str, Any]]:
    """Compare how firmly ln T is held near 0; numbers are log-loss less that of T = 1, in thousandths."""
    kept = calibrate.DOUBT
    for rows in (20, 60, 300, 2_000):
        found: dict[str, list[float]] = {}
        for _ in range(repeats):
            world = draw(generator, rows, 12, 0.5, 0.5)
            weights = ensemble.select_weights(list(world.seen), world.truth, "log_loss")
            seen, fresh = (np.tensordot(weights, part, 1) for part in (world.seen, world.fresh))
            plain = judge(world, weights)[0]
            for doubt in (0.1, 0.2, 0.3, 0.5, 1.0, 100.0):
                calibrate.DOUBT = doubt
                temperature = calibrate.fit_temperature(seen, world.truth)
                scaled = calibrate.apply_temperature(fresh, temperature)[None]
                after = judge(World(world.seen, world.truth, scaled, world.fresh_truth), np.ones(1))[0]
                found.setdefault(str(doubt), []).append(after - plain)
        calibrate.DOUBT = kept
        yield {"rows": rows, **{name: round(float(np.mean(values)), 2) for name, values in found.items()}}


def study_coverage(generator: np.random.Generator, repeats: int) -> Iterator[dict[str, Any]]:
    """Count how often the true score lies under, in and over the interval."""
    sources: dict[str, Callable[[np.random.Generator, int], tuple[Array, ...]]] = {
        "classes, easy": lambda source, rows: classified(source, rows, 4.0),
        "classes, hard": lambda source, rows: classified(source, rows, 1.0),
        "numbers, heavy tails": numbered,
        "classes, in groups": classified_in_groups,
        "numbers, in groups": numbered_in_groups,
    }
    for name, source in sources.items():
        truth, prediction, *_ = source(np.random.default_rng(0), 400_000)
        metrics = [metric for metric in METRICS.values() if ("regression" in metric.outcomes) == (prediction.ndim == 1)]
        for metric in metrics:
            true = metric.function(truth, prediction)
            for rows in (30, 200, 2_000):
                ends = np.array([_ends(metric, *source(generator, rows)) for _ in range(20 * repeats)])
                ends = ends[np.isfinite(ends[:, 0])]
                outside = [float((true < ends[:, 0]).mean()), float((true > ends[:, 1]).mean())]
                width = float(np.median(ends[:, 1] - ends[:, 0]))
                under, over = (round(share, 4) for share in outside)
                covered = round(1 - sum(outside), 4)
                yield {
                    "source": name,
                    "metric": metric.name,
                    "rows": rows,
                    "true": round(true, 4),
                    "covered": covered,
                    "true is lower": under,
                    "true is higher": over,
                    "width": round(width, 4),
                }


def _ends(metric: Metric, truth: Array, prediction: Array, groups: Array | None = None) -> tuple[float, float]:
    return interval(metric, truth, prediction, 0, groups)


def groups_of(generator: np.random.Generator, rows: int) -> Array:
    """Draw the group of each row: of 1 to 19 rows, ten in the mean, but three groups at least."""
    sizes = generator.integers(1, 20, rows)
    groups = np.repeat(np.arange(rows), sizes)[:rows]
    return groups if groups[-1] >= 2 else np.arange(rows) % 3


def classified_in_groups(generator: np.random.Generator, rows: int) -> tuple[Array, Array, Array]:
    """Draw two classes and probabilities whose error is mostly that of a group, as of a voice never heard."""
    groups = groups_of(generator, rows)
    logits = 2.0 * generator.normal(size=rows) - 1
    truth = (generator.random(rows) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    error = 1.5 * generator.normal(size=groups[-1] + 1)[groups] + 0.5 * generator.normal(size=rows)
    said = 1 / (1 + np.exp(-1.2 * (logits + error)))
    return truth, np.stack([1 - said, said], axis=1), groups


def numbered_in_groups(generator: np.random.Generator, rows: int) -> tuple[Array, Array, Array]:
    """Draw values and predictions, half of whose squared error is that of a group."""
    groups = groups_of(generator, rows)
    values = generator.normal(size=rows)
    error = 0.4 * generator.normal(size=groups[-1] + 1)[groups] + 0.4 * generator.normal(size=rows)
    return values + error, values, groups


def classified(generator: np.random.Generator, rows: int, sharpness: float) -> tuple[Array, Array]:
    """Draw two classes, one of them rare, and probabilities that are a bit too sure."""
    logits = sharpness * generator.normal(size=rows) - sharpness
    truth = (generator.random(rows) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    said = 1 / (1 + np.exp(-1.2 * (logits + 0.3 * sharpness * generator.normal(size=rows))))
    return truth, np.stack([1 - said, said], axis=1)


def numbered(generator: np.random.Generator, rows: int) -> tuple[Array, Array]:
    """Draw values and predictions whose errors have the tails of Student's t with 6 degrees of freedom."""
    values = generator.normal(size=rows)
    return values + 0.5 * generator.standard_t(6, size=rows), values


def _blend(share: float) -> Callable[[Array], Array]:
    return lambda mean: share * np.square(1 - mean).mean(axis=-1) + (1 - share) * ensemble._log(mean)


def _doubted(columns: Array, loss: Callable[[Array], Array]) -> Array:
    share, few = ensemble.doubt(columns.shape[1]), min(5, -(-len(columns) // 4))
    return (1 - share) * greedy(columns, loss) + share * even(columns, loss, few)


def _against(base: str, found: dict[str, list[tuple[float, float, float]]]) -> dict[str, Any]:
    """Return {method: {log_loss, accuracy, members}}: mean differences from the base method, in thousandths."""
    start = np.array(found[base])[:, :2]
    table = {}
    for name, values in found.items():
        difference = (np.array(values)[:, :2] - start).mean(axis=0)
        members = float(np.mean([value[2] for value in values]))
        table[name] = {
            "log_loss": round(float(difference[0]), 2),
            "accuracy": round(float(difference[1]), 2),
            "members": round(members, 1),
        }
    return table


STUDIES = {
    "weights": study_weights,
    "objective": study_objective,
    "temperature": study_temperature,
    "coverage": study_coverage,
}


def main() -> None:
    """Run one study and print its lines."""
    parser = argparse.ArgumentParser(description="Simulated studies of selection, calibration and intervals.")
    parser.add_argument("study", choices=sorted(STUDIES))
    parser.add_argument("--repeats", type=int, default=40, help="worlds per setting (default 40)")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    for line in STUDIES[asked.study](np.random.default_rng(asked.seed), asked.repeats):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
