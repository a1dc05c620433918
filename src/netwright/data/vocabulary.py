"""The n-grams that a set of texts is described by, and texts as bags of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netwright.data.frame import Frame
from netwright.data.ngrams import Grams, Reading, blocks, count_grams
from netwright.data.schema import Kind, Schema

FINE = Reading(bits=22, letters=20_000, spelled=400, apart=True)  # of so many buckets hardly two n-grams share one
MINGLED = replace(FINE, apart=False)  # of bundles before format 4
APART = "apart"  # in the document `preprocess` since that format
LARGEST = 16_384  # n-grams kept: eight networks with sixteen numbers for each take 4 MB
FEWEST_TEXTS = 2  # in which an n-gram must stand to be kept: others say nothing of a new text
FITTED_LETTERS = 10_000_000  # of all texts that a vocabulary is chosen from
MOST_GRAMS = 512  # of one text: its weightiest; with 1,024 the loss was no lower, with 256 it was higher
MOST_BYTES = 2**30  # of all encoded texts; with more texts each keeps fewer n-grams
BETWEEN = "\n"  # of the texts of one row
_ENTRY = 8  # bytes of an n-gram of a text

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The n-grams that are kept.

    Attributes:
        buckets: (V,) where the hash of each lies, rising.
        rarity: (V,) how much each weighs: log((1 + N) / (1 + texts)) + 1.
        grams: the most n-grams G that one text keeps.
        reading: how texts are read.
    """

    buckets: Integers
    rarity: NDArray[np.float32]
    grams: int
    reading: Reading = FINE

    def __len__(self) -> int:
        return len(self.buckets)


def fit_vocabulary(texts: Sequence[str | None]) -> Vocabulary:
    """Return the n-grams that stand in the most of N texts, or of as many as can be looked at in some seconds.

    Half of the places are for words: a run of letters stands in more texts than the words that it is part of, and would
    take the place of them all. Those in half of the texts or more are kept too: what they say is decided by training.
    """
    letters = sum(min(len(text or ""), FINE.letters) for text in texts)
    sample = texts[:: -(-letters // FITTED_LETTERS) or 1]
    counts, lengths = np.zeros(FINE.buckets, np.int32), []
    for block in blocks(sample, FINE):
        grams = count_grams(sample[block], FINE)
        np.add.at(counts, grams.buckets, 1)
        lengths.append(np.bincount(grams.rows, minlength=grams.texts))
    order = np.sort(_most_usual(counts))
    rarity = np.log((1 + len(sample)) / (1 + counts[order])) + 1
    most = int(np.quantile(np.concatenate(lengths), 0.99)) if lengths else 1
    room = MOST_BYTES // (_ENTRY * max(1, len(texts)))
    return Vocabulary(order.astype(np.int64), rarity.astype(np.float32), max(1, min(most, MOST_GRAMS, room)))


def _most_usual(counts: NDArray[np.int32]) -> Integers:
    """Return the buckets that are kept, of which the number of texts is given (`FINE.buckets`,)."""
    usual = np.flatnonzero(counts >= FEWEST_TEXTS)
    usual = usual[np.argsort(-counts[usual], kind="stable")]
    words = usual[usual < FINE.part][: LARGEST // 2]
    return np.concatenate([words, usual[~np.isin(usual, words)]])[:LARGEST]


def joined_texts(frame: Frame, schema: Schema, letters: int = FINE.letters) -> list[str | None]:
    """Return the texts of all text columns of each row (N,), one after the other; None where all are missing.

    Args:
        frame: the cells.
        schema: their columns.
        letters: of all texts of a row that are taken at most.
    """
    cells = [frame.columns[column.name].tolist() for column in schema.used if column.kind == Kind.TEXT]
    most = letters // max(1, len(cells))  # of each, so that the last column is read too
    rows = ([text[:most] for text in row if text is not None] for row in zip(*cells, strict=True))
    return [BETWEEN.join(row) if row else None for row in rows]


def encode_texts(vocabulary: Vocabulary, texts: Sequence[str | None]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the n-grams of N texts (N, G), counted from 1, and their weights (N, G); 0 where a text has fewer.

    A weight is (1 + log count) · rarity. A text's words and pairs have length 1 together. Its runs of letters are many
    more, yet should not drown the words: they too have length 1, or √s where they are taken of a share s of the text.
    Where there are too many, words are kept first: pairs weigh more, being rarer, yet say less (docs/why/texts.md).
    Each text depends on itself only.
    """
    names = np.zeros((len(texts), vocabulary.grams), np.int32)
    weights = np.zeros((len(texts), vocabulary.grams), np.float32)
    for block in blocks(texts, FINE):
        rows, places, values = _known(vocabulary, count_grams(texts[block], vocabulary.reading))
        behind = vocabulary.reading.apart & (vocabulary.buckets[places] >= vocabulary.reading.part)
        order = np.lexsort((places, -values, behind, rows))
        rows, places, values = rows[order], places[order], values[order]
        first = np.searchsorted(rows, rows)  # where the entries of the same text begin
        rank = np.arange(len(rows)) - first
        fits = rank < vocabulary.grams
        names[block.start + rows[fits], rank[fits]] = places[fits] + 1
        weights[block.start + rows[fits], rank[fits]] = values[fits]
    return names, weights


def _known(vocabulary: Vocabulary, grams: Grams) -> tuple[Integers, Integers, NDArray[np.float32]]:
    """Return the text, the place in the vocabulary and the weight of each known n-gram."""
    if not len(vocabulary):
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing.astype(np.float32)
    places = np.minimum(np.searchsorted(vocabulary.buckets, grams.buckets), len(vocabulary) - 1)
    known = vocabulary.buckets[places] == grams.buckets
    rows, places = grams.rows[known], places[known]
    values = (1 + np.log(grams.counts[known])) * vocabulary.rarity[places]
    half = 2 * rows + (grams.buckets[known] >= vocabulary.reading.runs)
    lengths = np.sqrt(np.bincount(half, weights=np.square(values), minlength=2 * grams.texts))
    values /= lengths[half]
    if vocabulary.reading.apart:
        spelled = np.sqrt(np.minimum(1, vocabulary.reading.spelled / np.maximum(1, grams.lengths)))
        values *= np.where(half % 2, spelled[rows], 1)
    return rows, places.astype(np.int64), values.astype(np.float32)
