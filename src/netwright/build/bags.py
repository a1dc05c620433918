"""Weighted sums of vectors, and how they change with the vectors, in a fraction of PyTorch's time on a processor."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def weighted_sums(vectors: Tensor, names: Tensor, weights: Tensor) -> Tensor:
    """Return for each of N bags the weighted sum of its vectors (N, W).

    Args:
        vectors: (V, W).
        names: (N, G) of the vectors of each bag; one may stand in it more than once.
        weights: (N, G) of them. No gradient flows to these.
    """
    if torch.is_grad_enabled() and vectors.requires_grad and vectors.device.type == "cpu":
        found: Tensor = _Sums.apply(vectors, names, weights)  # type: ignore[no-untyped-call]
        return found
    return functional.embedding_bag(names, vectors, mode="sum", per_sample_weights=weights)


class _Sums(torch.autograd.Function):
    """The same sums, whose gradient SciPy adds up as the product of a sparse matrix with a dense one.

    PyTorch sorts the names first, though bags give a sparse matrix by columns as they are: `benchmarks/bags.py`.
    """

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, names: Tensor, weights: Tensor) -> Tensor:
        """Return the sums (N, W)."""
        ctx.save_for_backward(names, weights)
        ctx.vectors = vectors.shape[0]
        return functional.embedding_bag(names, vectors, mode="sum", per_sample_weights=weights)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Return the derivatives by the vectors (V, W)."""
        from scipy.sparse import csc_array

        names, weights = ctx.saved_tensors
        bags, grams = names.shape
        ends = np.arange(0, bags * grams + 1, grams, dtype=names.numpy().dtype)
        entries = weights.flatten().numpy(), names.flatten().numpy(), ends
        found = csc_array(entries, shape=(ctx.vectors, bags)) @ gradient.contiguous().numpy()
        return torch.from_numpy(found), None, None
