"""Times a step of bags of n-grams: their weighted sums and the gradient, as PyTorch does it and as Netwright does.

    python benchmarks/bags.py

Texts of 16, 128 and 512 n-grams out of 16,384, some of which are usual and most rare, in batches of 64; vectors of 32
numbers; one thread; milliseconds, the shortest of two hundred steps, the two ways in turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from netwright.build.bags import weighted_sums

VECTORS, WIDTH, BAGS, STEPS = 16_384, 32, 64, 200


def main() -> None:
    """Print the two times for each length of text."""
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    share = 1 / np.arange(1, VECTORS + 1)
    vectors = torch.randn(VECTORS, WIDTH, requires_grad=True)
    for grams in (16, 128, 512):
        drawn = [random.choice(VECTORS, grams, replace=False, p=share / share.sum()) for _ in range(BAGS)]
        names, weights = torch.from_numpy(np.stack(drawn)), torch.rand(BAGS, grams)
        times: dict[str, list[float]] = {"PyTorch": [], "Netwright": []}
        for _ in range(STEPS):
            times["PyTorch"].append(_timed(vectors, lambda n=names, w=weights: _usual(vectors, n, w)))
            times["Netwright"].append(_timed(vectors, lambda n=names, w=weights: weighted_sums(vectors, n, w)))
        found = {name: min(each) for name, each in times.items()}
        print(f"{grams:4d} n-grams:", ", ".join(f"{name} {taken:.2f} ms" for name, taken in found.items()))


def _usual(vectors: Tensor, names: Tensor, weights: Tensor) -> Tensor:
    return functional.embedding_bag(names, vectors, mode="sum", per_sample_weights=weights)


def _timed(vectors: Tensor, sums: Callable[[], Tensor]) -> float:
    vectors.grad = None
    changes = torch.randn(BAGS, WIDTH)
    begun = time.perf_counter()
    sums().backward(changes)
    return 1000 * (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
