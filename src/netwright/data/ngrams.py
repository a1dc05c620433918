"""Texts as counts of hashed n-grams: words, pairs of words, and short runs of letters; any script.

Every n-gram of every text is hashed at once by one formula. With S[i] = Σ_{j<i} (c_j + 1) · P^j modulo 2⁶⁴ over the
code points c, the letters from a to b have the hash (S[b] - S[a]) · P^-a, that is Σ (c_j + 1) · P^(j-a): Karp and Rabin
1987. It is mixed by SplitMix64 (Steele, Lea and Flood 2014), and its upper bits name a bucket (Weinberger et al. 2009).
These are whole numbers only, so that every machine finds the same buckets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_NORMALISED = 2_000  # letters at once
_BLOCK = 200_000  # letters looked at together: bounds memory to some 50 MB
RUNS = (3, 4, 5)
SHORT_RUNS = (1, 2)  # where words are not parted by spaces
UNSPACED = (  # ranges of letters of scripts without spaces
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0xD7FF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_UNSPACED = re.compile("[" + "".join(f"{chr(low)}-{chr(high)}" for low, high in UNSPACED) + "]")
SPACE = 32
_GAP, LETTER, _SYMBOL = 0, 1, 2
WORD, PAIR, RUN, SHORT_RUN = 0, 1, 2, 3  # sorts of n-grams

Integers = NDArray[np.int64]
Hashes = NDArray[np.uint64]

BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2⁶⁴
INVERSE = pow(BASE, -1, 2**64)
STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))  # of SplitMix64: shift and factor


@dataclass(frozen=True)
class Reading:
    """How far texts are read, and how finely their n-grams are told apart.

    Attributes:
        bits: of a hash; there are 2^bits buckets of each part: of words and their pairs, and of runs of letters.
        letters: of a text that are read at most.
        spelled: letters of a text of which runs are taken: in longer texts words say more, in less time.
        apart: whether pairs of words have a part of their own, between those of words and of runs, and the short runs
            of scripts without spaces are in that of words, whose place they take.
    """

    bits: int
    letters: int
    spelled: int
    apart: bool = False

    @property
    def part(self) -> int:
        """Return the number of buckets of a part."""
        return int(2**self.bits)

    @property
    def runs(self) -> int:
        """Return the bucket from which on those of runs of letters begin."""
        return self.part * (2 if self.apart else 1)

    @property
    def buckets(self) -> int:
        """Return the number of all buckets."""
        return self.runs + self.part

    def first(self, sort: int) -> int:
        """Return the first bucket of a sort of n-grams."""
        if sort == RUN or (sort == SHORT_RUN and not self.apart):
            return self.runs
        return self.part if sort == PAIR and self.apart else 0


COARSE = Reading(bits=12, letters=2_000, spelled=300)  # 8,192 × 48 numbers of float32 are 1.5 MB a column in the file


@dataclass(frozen=True)
class Grams:
    """The n-grams of texts as a sparse matrix (N, buckets), row after row and each row's buckets in order.

    Attributes:
        rows: (Z,) the text of each entry.
        buckets: (Z,) its bucket.
        counts: (Z,) how often the text has n-grams of that bucket.
        lengths: (N,) how many letters of each text were read, NUL not counted.
    """

    rows: Integers
    buckets: Integers
    counts: Integers
    lengths: Integers

    @property
    def texts(self) -> int:
        """Return the number of texts N."""
        return len(self.lengths)


@dataclass(frozen=True)
class _Words:
    """The words of texts, laid end to end with a space before each: where each begins and ends, and its text."""

    stream: NDArray[np.uint32]
    starts: Integers
    ends: Integers
    rows: Integers
    spelled: NDArray[np.bool_]


def blocks(texts: Sequence[str | None], reading: Reading = COARSE) -> Iterator[slice]:
    """Yield slices of the texts that are few enough letters to be looked at together."""
    begin = letters = 0
    for place, text in enumerate(texts):
        letters += min(len(text or ""), reading.letters)
        if letters >= _BLOCK:
            yield slice(begin, place + 1)
            begin, letters = place + 1, 0
    if begin < len(texts):
        yield slice(begin, len(texts))


def count_grams(texts: Sequence[str | None], reading: Reading = COARSE) -> Grams:
    """Return the n-grams of N texts; missing ones have none.

    Texts are normalised (NFKC) and in lower case. A word is a run of letters, digits and marks; a symbol, such as an
    emoji, `!` or `?`, is a word of its own. Runs of letters are those of `RUNS` inside a word with a space on either
    side, and those of `SHORT_RUNS` in scripts without spaces.
    """
    read = [plain(text or "", reading.letters) for text in texts]
    words = _words_of(read, reading.spelled)
    sums, inverse = _running_sums(words.stream), _powers(INVERSE, len(words.stream))
    spans = (*_word_spans(words), *_letter_spans(words))
    parts = [_keys(span, (sums[span.ends] - sums[span.starts]) * inverse[span.starts], reading) for span in spans]
    keys, counts = np.unique(np.concatenate(parts), return_counts=True)
    lengths = np.array([len(text) - text.count("\0") for text in read], np.int64)
    return Grams(keys // reading.buckets, keys % reading.buckets, counts.astype(np.int64), lengths)


def shingles(texts: Sequence[str | None], words: int, letters: int) -> tuple[Integers, Hashes]:
    """Return all runs of so many words in texts: the text of each (Z,), in their order, and its hash of 64 bits (Z,).

    Words are those of `count_grams`, but that in scripts without spaces each letter is one.

    Args:
        texts: N of them; missing ones have none.
        words: of a run.
        letters: of a text that are read at most.
    """
    found = _words_of([_spaced(plain(text or "", letters)) for text in texts], 0)
    sums, inverse = _running_sums(found.stream), _powers(INVERSE, len(found.stream))
    first = np.flatnonzero(found.rows[words - 1 :] == found.rows[: max(0, len(found.rows) - words + 1)])
    starts, ends = found.starts[first], found.ends[first + words - 1]
    return found.rows[first], mixed((sums[ends] - sums[starts]) * inverse[starts])


def _spaced(text: str) -> str:
    """Return a text with spaces around each letter of a script without spaces."""
    return text if text.isascii() else _UNSPACED.sub(r" \g<0> ", text)


def plain(text: str, most: int) -> str:
    """Return the first letters of a text, normalised (NFKC) and in lower case."""
    cut = text[:most]
    if not cut.isascii():  # in pieces: marks in a wrong order take a time that grows with the square of their number
        pieces = (cut[start : start + _NORMALISED] for start in range(0, len(cut), _NORMALISED))
        cut = "".join(unicodedata.normalize("NFKC", piece) for piece in pieces)
    return cut.lower()[:most]


def code_points(texts: Sequence[str | None], most: int) -> NDArray[np.int32]:
    """Return the first letters of texts as `plain` gives them (N, L), 0 behind their end; L is 1 at least."""
    letters = [plain(text or "", most) for text in texts]
    found = np.zeros((len(letters), max(map(len, letters), default=1) or 1), np.int32)
    for row, text in enumerate(letters):
        found[row, : len(text)] = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    return found


def _words_of(texts: list[str], most_spelled: int) -> _Words:
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32)
    lengths = np.array([len(text) for text in texts], np.int64)
    rows = np.repeat(np.arange(len(texts)), lengths)
    kinds = _kinds(letters)
    joined = (kinds[1:] == LETTER) & (kinds[:-1] == LETTER) & (rows[1:] == rows[:-1])  # with the letter before
    edge = np.ones(min(1, len(letters)), np.bool_)
    starts = np.flatnonzero((kinds != _GAP) & np.concatenate([edge, ~joined]))
    ends = np.flatnonzero((kinds != _GAP) & np.concatenate([~joined, edge])) + 1
    sizes = ends - starts
    stream = np.full(int(sizes.sum()) + len(sizes) + 1, SPACE, np.uint32)
    stream[np.arange(int(sizes.sum())) + 1 + np.repeat(np.arange(len(sizes)), sizes)] = letters[kinds != _GAP]
    begins = np.cumsum(sizes + 1) - sizes
    first = np.cumsum(lengths) - lengths  # the place of each text's first letter
    spelled = (starts - first[rows[starts]] < most_spelled) & (kinds[starts] == LETTER)
    return _Words(stream, begins, begins + sizes, rows[starts], spelled)


def _kinds(letters: NDArray[np.uint32]) -> NDArray[np.uint8]:
    kinds = np.zeros(int(letters.max(initial=0)) + 1, np.uint8)
    kinds[letters] = 1
    distinct = np.flatnonzero(kinds)
    kinds[distinct] = [kind_of_letter(chr(letter)) for letter in distinct.tolist()]
    return kinds[letters]


@lru_cache(maxsize=20_000)
def kind_of_letter(letter: str) -> int:
    """Return whether a letter is part of a word, a word by itself, or neither."""
    category = unicodedata.category(letter)[0]
    if category in "LNM":
        return LETTER
    return _SYMBOL if category == "S" or letter in "!?" else _GAP


def _running_sums(stream: NDArray[np.uint32]) -> Hashes:
    """Return S (L + 1,): see the formula above."""
    terms = (stream.astype(np.uint64) + np.uint64(1)) * _powers(BASE, len(stream))
    return np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])


def _powers(base: int, count: int) -> Hashes:
    factors = np.full(count, base, np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)


@dataclass(frozen=True)
class _Spans:
    """N-grams of one sort as places (G,) in the stream, with the text of each."""

    starts: Integers
    ends: Integers
    rows: Integers
    sort: int


def _word_spans(words: _Words) -> list[_Spans]:
    """Return starts, ends and rows of the words, and of the pairs of neighbours in one text."""
    pairs = np.flatnonzero(words.rows[1:] == words.rows[:-1])
    return [
        _Spans(words.starts, words.ends, words.rows, WORD),
        _Spans(words.starts[pairs], words.ends[pairs + 1], words.rows[pairs], PAIR),
    ]


def _letter_spans(words: _Words) -> list[_Spans]:
    """Return starts, ends and rows of the runs of letters, of each length."""
    starts, ends, rows = (part[words.spelled] for part in (words.starts - 1, words.ends + 1, words.rows))
    spans = []
    for size in RUNS:
        counts = np.maximum(ends - starts - size + 1, 0)
        begins = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum()))
        spans.append(_Spans(begins, begins + size, np.repeat(rows, counts), RUN))
    row_of = np.repeat(words.rows, words.ends - words.starts + 1)  # of each letter of the stream but the last space
    unspaced = np.zeros(len(words.stream) - 1, np.bool_)
    for low, high in UNSPACED:
        unspaced |= (words.stream[:-1] >= low) & (words.stream[:-1] <= high)
    for size in SHORT_RUNS:
        all_of_it = unspaced[: len(unspaced) - size + 1] & unspaced[size - 1 :]
        begins = np.flatnonzero(all_of_it)
        spans.append(_Spans(begins, begins + size, row_of[begins], SHORT_RUN))
    return spans


def _keys(spans: _Spans, hashes: Hashes, reading: Reading) -> Integers:
    """Return row · buckets + bucket of each span."""
    buckets = (mixed(hashes) >> np.uint64(64 - reading.bits)).astype(np.int64)
    return np.asarray(spans.rows * reading.buckets + buckets + reading.first(spans.sort))


def mixed(hashes: Hashes) -> Hashes:
    """Return the finaliser of SplitMix64, in which every bit of the result depends on every bit of the hash."""
    bits = hashes + np.uint64(BASE)
    for shift, factor in STEPS:
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(bits)
