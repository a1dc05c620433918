"""Free text as features: n-grams weighted by rarity and projected to a few dimensions, and the length.

Latent semantic analysis (Deerwester et al. 1990) over hashed n-grams. Neither fitting nor predicting needs more than
numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from netwright.data.ngrams import COARSE, Grams, blocks, count_grams
from netwright.data.numeric import fit_scale, in_order, scale, squash
from netwright.data.piece import STRICT, Array, Floats, Piece, missing_flag

BUCKETS = COARSE.buckets
DIMENSIONS = 48  # at most
ROWS_A_DIMENSION = 10  # texts that must be there for each: with fewer, the last dimensions are noise
FITTED_ROWS = 5_000  # texts that the projection is fitted on
FITTED_LETTERS = 500_000  # of them all: bounds the time to about a second
_ITERATIONS = 2  # spectra of texts fall slowly: with one, a tenth of the variance was missed
_OVERSAMPLED = 8  # further random directions, as Halko et al. advise
_LEAST_SPREAD = 1e-6  # of a dimension; below it there is only rounding
_CACHED = 4_096  # entries whose axes are looked at together: 800 kB
_DENSE_ROWS = 512  # texts whose buckets are laid out in full together: 16 MB


@dataclass(frozen=True)
class Projection:
    """What turns the n-grams of a text into D numbers.

    Attributes:
        rarity: (`BUCKETS`,) weight of each bucket.
        axes: (`BUCKETS`, D) direction of each dimension, divided by its spread.
        middle: (D,) mean of each dimension.
    """

    rarity: Floats
    axes: Floats
    middle: Floats


def fit_projection(texts: Sequence[str | None], seed: int) -> Projection:
    """Return a projection in which each dimension has mean 0 and variance 1 over the texts.

    It is a truncated singular value decomposition by random projection with two power iterations (Halko, Martinsson and
    Tropp 2011, algorithms 4.4 and 5.1), of a sample spread evenly over the texts.

    Args:
        texts: N texts, None where missing.
        seed: of the random directions.
    """
    sample = _sample(texts)
    grams = count_grams(sample)
    filled = np.unique(grams.rows)  # texts without a word say nothing, and are 0 in every dimension
    used = max(1, len(filled))
    seen = np.bincount(grams.buckets, minlength=BUCKETS)
    rarity = (np.log((1 + used) / (1 + seen)) + 1).astype(np.float32)
    size = max(1, min(DIMENSIONS, used // ROWS_A_DIMENSION))
    values = _weights(grams, rarity)
    basis = np.random.default_rng(seed).standard_normal((BUCKETS, size + _OVERSAMPLED), np.float32)
    for _ in range(_ITERATIONS):
        basis = _across(grams, values, np.linalg.qr(_along(grams, values, basis))[0])
    orthogonal = np.linalg.qr(_along(grams, values, basis))[0]  # (N, D + oversampled)
    right = np.linalg.svd(_across(grams, values, orthogonal), full_matrices=False)[0][:, :size]
    projected = _along(grams, values, right)[filled if len(filled) else [0]]
    spread = projected.std(axis=0)
    factor = np.where(spread > _LEAST_SPREAD, 1 / np.maximum(spread, _LEAST_SPREAD), 0.0)
    axes, middle = (right * factor).astype(np.float32), (projected.mean(axis=0) * factor).astype(np.float32)
    return Projection(rarity, axes, middle)


def project(texts: Sequence[str | None], projection: Projection) -> Floats:
    """Return texts as (N, D) numbers within ±3, 0 for those without a word; each depends on its own text only."""
    out = np.zeros((len(texts), projection.axes.shape[1]), np.float32)
    for block in blocks(texts):
        grams = count_grams(texts[block])
        filled, starts = np.unique(grams.rows, return_index=True)
        values = _weights(grams, projection.rarity)
        with np.errstate(over="ignore", invalid="ignore"):
            out[block.start + filled] = squash(_sums(grams, values, starts, projection.axes) - projection.middle)
    return out


def _sums(grams: Grams, values: Floats, starts: NDArray[np.int64], axes: Floats) -> Floats:
    """Return the weighted sums of axes (n, D) of the n texts whose entries begin at `starts`.

    Added up in one order for each text, whatever stands beside it, and a few texts at a time, within the cache.
    """
    out = np.empty((len(starts), axes.shape[1]), np.float32)
    ends = np.append(starts[1:], len(values))
    first = 0
    while first < len(starts):
        last = max(first + 1, int(np.searchsorted(ends, starts[first] + _CACHED, side="right")))
        part = slice(starts[first], ends[last - 1])
        terms = axes[grams.buckets[part]]
        terms *= values[part, None]
        out[first:last] = np.add.reduceat(terms, starts[first:last] - starts[first], axis=0)
        first = last
    return out


def _sample(texts: Sequence[str | None]) -> list[str | None]:
    """Return texts from all over the column, no more than can be looked at in a second."""
    sample = list(texts[:: -(-len(texts) // FITTED_ROWS) or 1]) or [None]
    letters = sum(min(len(text or ""), COARSE.letters) for text in sample)
    return sample[:: -(-letters // FITTED_LETTERS) or 1]


def _weights(grams: Grams, rarity: Floats) -> Floats:
    """Return (1 + log count) · rarity of each entry (Z,); a text's words are of length 1, and so are its letters."""
    values = (1 + np.log(grams.counts)) * rarity[grams.buckets]
    half = 2 * grams.rows + (grams.buckets >= COARSE.runs)  # letters are many more, yet should not drown the words
    lengths = np.sqrt(np.bincount(half, weights=np.square(values), minlength=2 * grams.texts))
    with np.errstate(invalid="ignore"):  # all weights of a text can be 0 in a file that was made by hand
        return np.asarray(np.nan_to_num(values / lengths[half]), np.float32)


def _along(grams: Grams, values: Floats, dense: Floats) -> Floats:
    """Return the product of the sparse matrix (N, `BUCKETS`) with a dense one (`BUCKETS`, D)."""
    out = np.empty((grams.texts, dense.shape[1]), np.float32)
    for first, matrix in _dense_rows(grams, values):
        out[first : first + len(matrix)] = matrix @ dense
    return out


def _across(grams: Grams, values: Floats, dense: Floats) -> Floats:
    """Return the product of the transposed sparse matrix (`BUCKETS`, N) with a dense one (N, D)."""
    out = np.zeros((BUCKETS, dense.shape[1]), np.float32)
    for first, matrix in _dense_rows(grams, values):
        out += matrix.T @ dense[first : first + len(matrix)]
    return out


def _dense_rows(grams: Grams, values: Floats) -> Any:
    """Yield the first row of some texts, and their rows (n, `BUCKETS`) in full: a dense product is the faster one."""
    for first in range(0, grams.texts, _DENSE_ROWS):
        rows = min(_DENSE_ROWS, grams.texts - first)
        part = slice(*np.searchsorted(grams.rows, (first, first + rows)))
        matrix = np.zeros((rows, BUCKETS), np.float32)
        matrix[grams.rows[part] - first, grams.buckets[part]] = values[part]
        yield first, matrix


@dataclass(frozen=True)
class TextEncoding:
    """Free text: its projection, and the logs of its numbers of letters and words.

    Attributes:
        letters, words: (centre, factor) of the scaling of those logs.
        flagged: whether cells were missing when it was fitted.
        projection: kept as tensors, not in the document.
    """

    __pydantic_config__ = STRICT
    letters: tuple[float, Annotated[float, Field(ge=0)]]
    words: tuple[float, Annotated[float, Field(ge=0)]]
    flagged: bool
    kind: Literal["text"] = "text"
    projection: Annotated[Any, Field(exclude=True)] = field(default=None, compare=False)

    @staticmethod
    def fit(cells: Array, seed: int) -> TextEncoding:
        """Fit on (N,) cells of text or None."""
        texts = cells.tolist()
        letters, words = (fit_scale(in_order(counts)) for counts in _lengths(texts))
        return TextEncoding(letters, words, None in texts, projection=fit_projection(texts, seed))

    def numeric_views(self, cells: Array) -> list[Floats]:
        """Return the numeric features of (N,) cells."""
        letters, words = _lengths(cells.tolist())
        return [scale(letters, *self.letters), scale(words, *self.words)]

    def encode(self, cells: Array) -> Piece:
        """Return the features of (N,) cells."""
        projected = project(cells.tolist(), self.projection)
        plain = [*projected.T, *missing_flag(cells, self.flagged)]
        return Piece(numeric=self.numeric_views(cells), plain=plain)


def _lengths(texts: Sequence[str | None]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the logs of one more than the numbers of letters and of words (N,); NaN where missing."""
    letters, words = counted(texts)
    return np.log1p(letters), np.log1p(words)


def counted(texts: Sequence[str | None]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the numbers of letters and of words (N,) of texts; NaN where missing."""
    letters = [np.nan if text is None else float(len(text)) for text in texts]
    words = [np.nan if text is None else float(len(text.split())) for text in texts]
    return np.array(letters, np.float64), np.array(words, np.float64)
