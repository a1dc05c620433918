"""Texts as features of a table, as bags of n-grams, and as sequences of pieces or bytes."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netwright.build.source.parts.cells import read_word
from netwright.build.source.parts.constants import ARRAYS
from netwright.build.source.parts.scaling import Piece, flags, scaled, squashed
from netwright.data.ngrams import COARSE, UNSPACED, Reading, blocks, count_grams, plain


@dataclass(frozen=True)
class Text:
    """Free text: a few numbers that its n-grams come to (latent semantic analysis), and how long it is.

    Attributes:
        letters, words: (centre, factor) of the scaling of the logarithms of their numbers.
        arrays: what the names of its arrays begin with.
        flagged: whether a feature tells that a cell is missing.
    """

    letters: tuple[float, float]
    words: tuple[float, float]
    arrays: str
    flagged: bool = False

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        texts = [read_word(cell) for cell in cells]
        letters = [math.nan if text is None else math.log1p(len(text)) for text in texts]
        words = [math.nan if text is None else math.log1p(len(text.split())) for text in texts]
        numeric = [scaled(np.array(letters), *self.letters), scaled(np.array(words), *self.words)]
        features = [*self.projected(texts).T]
        return Piece(numeric, [*features, flags(text is None for text in texts)] if self.flagged else features)

    def projected(self, texts: Sequence[str | None]) -> np.ndarray:
        """Return texts as (N, D) numbers within ±3, 0 for those without a word."""
        rarity, axes, middle = (ARRAYS[f"{self.arrays}.{name}"] for name in ("rarity", "axes", "middle"))
        out = np.zeros((len(texts), axes.shape[1]), np.float32)
        for block in blocks(texts):
            grams = count_grams(texts[block])
            values = (1 + np.log(grams.counts)) * rarity[grams.buckets]
            half = 2 * grams.rows + (grams.buckets >= COARSE.runs)  # a text's words are of length 1, and so its letters
            lengths = np.sqrt(np.bincount(half, weights=np.square(values), minlength=2 * grams.texts))
            terms = axes[grams.buckets] * (values / lengths[half]).astype(np.float32)[:, None]
            filled, starts = np.unique(grams.rows, return_index=True)
            if len(filled):
                out[block.start + filled] = squashed(np.add.reduceat(terms, starts, axis=0) - middle)
        return out


FINE = Reading(bits=22, letters=20_000, spelled=400, apart=True)  # of so many buckets hardly two n-grams share one
TEXTS: tuple[str, ...] = ()  # the columns of free text, which are read one after the other
GRAMS = 1  # n-grams of a text that are kept
PIECES: dict[str, int] = {}
PIECE_COUNT = 1
MARKED = True  # whether marks on letters belong to their word
BYTE_COUNT = 1
WORD_PIECES: Sequence[str] = ()  # that the encoder of sentences knows
WORD_PIECE_COUNT = 2  # that it reads of a text, two marks included


def joined_texts(rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Return the texts of each row, one after the other; None where all are missing."""
    most = FINE.letters // len(TEXTS)  # of each, so that the last column is read too
    found = [[read_word(row[name]) for name in TEXTS] for row in rows]
    texts = [[text[:most] for text in row if text is not None] for row in found]
    return ["\n".join(row) if row else None for row in texts]


def bags(texts: Sequence[str | None]) -> dict[str, np.ndarray]:
    """Return the n-grams of texts (N, G), counted from 1, and their weights (N, G); 0 where a text has fewer.

    A weight is (1 + log count) · rarity. The words of a text and their pairs have length 1 together, and so have its
    runs of letters, or less where they are apart and taken of a share of the text; words are then kept first.
    """
    buckets, rarity = ARRAYS["buckets"], ARRAYS["rarity"]
    names = np.zeros((len(texts), GRAMS), np.int32)
    weights = np.zeros((len(texts), GRAMS), np.float32)
    for block in blocks(texts, FINE) if len(buckets) else ():
        grams = count_grams(texts[block], FINE)
        places = np.minimum(np.searchsorted(buckets, grams.buckets), len(buckets) - 1)
        kept = buckets[places] == grams.buckets
        rows, places = grams.rows[kept], places[kept]
        values = (1 + np.log(grams.counts[kept])) * rarity[places]
        half = 2 * rows + (grams.buckets[kept] >= FINE.runs)
        lengths = np.sqrt(np.bincount(half, weights=np.square(values), minlength=2 * grams.texts))
        values /= lengths[half]
        if FINE.apart:
            spelled = np.sqrt(np.minimum(1, FINE.spelled / np.maximum(1, grams.lengths)))
            values *= np.where(half % 2, spelled[rows], 1)
        values = values.astype(np.float32)
        behind = FINE.apart & (buckets[places] >= FINE.part)
        order = np.lexsort((places, -values, behind, rows))  # the weightiest n-grams of each text first
        rows, places, values = rows[order], places[order], values[order]
        rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
        fits = rank < GRAMS
        names[block.start + rows[fits], rank[fits]] = places[fits] + 1
        weights[block.start + rows[fits], rank[fits]] = values[fits]
    return {"grams": names, "gram_weights": weights}


UNSPACED_LETTERS = "".join(f"{chr(low)}-{chr(high)}" for low, high in UNSPACED)
MARKS = "\u200c\u200d" + "".join(
    letter for letter in map(chr, range(0x300, 0x1F000)) if unicodedata.category(letter).startswith("M")
)
INSIDE = f"[{MARKS}]*" if MARKED else ""  # behind a letter, in its word
WORD = re.compile(rf"[{UNSPACED_LETTERS}]|(?:(?![{UNSPACED_LETTERS}_])\w{INSIDE})+|\S")


def piece_numbers(texts: Sequence[str | None]) -> np.ndarray:
    """Return the numbers of the first words and pieces of words (N, L) of each text; 0 behind its end."""
    found = np.zeros((len(texts), PIECE_COUNT), np.int32)
    for row, text in enumerate(texts):
        numbers: list[int] = []
        for word in WORD.findall(plain(text or "", 8 * PIECE_COUNT)):
            numbers += [PIECES[word]] if word in PIECES else cut(word[:40])
            if len(numbers) >= PIECE_COUNT:
                break
        found[row, : len(numbers)] = numbers[:PIECE_COUNT]
    return found


def cut(word: str) -> list[int]:
    """Return the numbers of the pieces of a word: from the left the longest known ones, without unknown letters."""
    numbers, place = [], 0
    while place < len(word):
        mark = "+" if place else ""  # stands in front of a piece inside a word
        ends = range(min(len(word), place + (5 if place else 40)), place, -1)
        end = next((end for end in ends if mark + word[place:end] in PIECES), None)
        if end is not None:
            numbers.append(PIECES[mark + word[place:end]])
        place = end or place + 1
    return numbers


def spelled(texts: Sequence[str | None]) -> np.ndarray:
    """Return the first bytes of each text in UTF-8 (N, L); 0 behind its end, 255 for the letter NUL."""
    found = np.zeros((len(texts), BYTE_COUNT), np.uint8)
    for row, text in enumerate(texts):
        content = (text or "")[:BYTE_COUNT].encode("utf-8", "surrogatepass")[:BYTE_COUNT].replace(b"\0", b"\xff")
        found[row, : len(content)] = np.frombuffer(content, np.uint8)
    return found
