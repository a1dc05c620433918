"""Free text as numbers: hashed n-grams of words and letters, weighted by rarity, projected to a few dimensions.

Latent semantic analysis (Deerwester et al. 1990) over hashed features (Weinberger et al. 2009).
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUCKETS = 2**13  # 8,192 × 32 dimensions in float32 are 1 MB a column in the file
DIMENSIONS = 32
MOST_LETTERS = 2_000  # of a cell; the rest is not read
FITTED_ROWS = 10_000  # rows the projection is fitted on
_WORD = re.compile(r"\w+")


def buckets(text: str) -> tuple[list[int], list[float]]:
    """Return the buckets of a text's n-grams and 1 + log of how often each occurs.

    Words and pairs of words, and letters by 3 and 4 within words (by 1 and 2 in scripts without spaces between words).
    """
    words = _WORD.findall(unicodedata.normalize("NFKC", text[:MOST_LETTERS]).lower())
    grams = Counter(words)
    grams.update(f"{left} {right}" for left, right in pairwise(words))
    for word in words:
        sizes = (1, 2) if ord(word[0]) > 0x2E80 else (3, 4)
        padded = word if sizes[0] == 1 else f"<{word}>"
        for size in sizes:
            grams.update(f"#{padded[i : i + size]}" for i in range(len(padded) - size + 1))
    merged: Counter[int] = Counter()
    for gram, count in grams.items():
        merged[zlib.crc32(gram.encode()) % BUCKETS] += count
    return list(merged), [1 + float(np.log(count)) for count in merged.values()]


def fit_projection(texts: Sequence[str | None], seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (rarity (BUCKETS,), projection (BUCKETS, D)) such that projected texts have unit variance.

    The projection is a truncated singular value decomposition by random projection with two power iterations
    (Halko, Martinsson and Tropp 2011, algorithm 4.4), without ever forming the sparse matrix densely.
    """
    step = max(1, len(texts) // FITTED_ROWS)
    rows = [buckets(text or "") for text in texts[::step]]
    seen = np.bincount(np.concatenate([np.asarray(index, np.int64) for index, _ in rows]), minlength=BUCKETS)
    rarity = (np.log((1 + len(rows)) / (1 + seen)) + 1).astype(np.float32)
    matrix = _Sparse.of(rows, rarity)
    generator = np.random.default_rng(seed)
    size = max(1, min(DIMENSIONS, len(rows) - 1))
    basis = matrix.times(generator.normal(size=(BUCKETS, size + 8)))
    for _ in range(2):
        basis = matrix.times(matrix.transposed_times(np.linalg.qr(basis)[0]))
    orthogonal = np.linalg.qr(basis)[0]
    _, _, right = np.linalg.svd(matrix.transposed_times(orthogonal).T, full_matrices=False)
    projection = right[:size].T
    spread = matrix.times(projection).std(axis=0)
    projection = projection / np.where(spread > 1e-6, spread, np.inf)
    return rarity, projection.astype(np.float32)


def project(texts: Sequence[str | None], rarity: NDArray[Any], projection: NDArray[Any]) -> NDArray[np.float32]:
    """Return texts as (N, D) numbers; equal texts give equal numbers whatever stands beside them."""
    out = np.zeros((len(texts), projection.shape[1]), np.float32)
    for place, text in enumerate(texts):
        index, counts = buckets(text or "")
        if index:
            weights = np.asarray(counts, np.float32) * rarity[index]
            out[place] = (weights / np.linalg.norm(weights)) @ projection[index]
    return out


class _Sparse:
    """A sparse matrix (N, BUCKETS) as triplets, enough for products with thin dense ones."""

    def __init__(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64], values: NDArray[np.float64], count: int
    ) -> None:
        self.rows, self.columns, self.values, self.count = rows, columns, values, count

    @staticmethod
    def of(texts: list[tuple[list[int], list[float]]], rarity: NDArray[np.float32]) -> _Sparse:
        rows = np.repeat(np.arange(len(texts)), [len(index) for index, _ in texts])
        columns = np.concatenate([np.asarray(index, np.int64) for index, _ in texts])
        values = np.concatenate([np.asarray(counts) for _, counts in texts]) * rarity[columns]
        norms = np.sqrt(np.bincount(rows, weights=values**2, minlength=len(texts)))
        return _Sparse(rows, columns, values / norms[rows], len(texts))

    def times(self, dense: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.empty((self.count, dense.shape[1]))
        for place in range(dense.shape[1]):
            out[:, place] = np.bincount(
                self.rows, weights=self.values * dense[self.columns, place], minlength=self.count
            )
        return out

    def transposed_times(self, dense: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.empty((BUCKETS, dense.shape[1]))
        for place in range(dense.shape[1]):
            out[:, place] = np.bincount(self.columns, weights=self.values * dense[self.rows, place], minlength=BUCKETS)
        return out
