"""What is said of a token by itself and its neighbours, as hashed features: for networks that tag tokens.

The features are those of classical taggers (Ratnaparkhi 1996; Zhang and Johnson 2003): words, their beginnings, ends
and shapes, each by its place beside the token, and pairs of neighbouring words. Each has a bucket of its own, but for
collisions (Weinberger et al. 2009). They are found by whole numbers only, so that every machine finds the same.

Letters in shapes: N token, W distinct token, G feature.
"""

from __future__ import annotations

import re
import unicodedata
import zlib

import numpy as np
from numpy.typing import NDArray

from netwright.data.ngrams import mixed

BITS = 24
BUCKETS = 2**BITS
LONGEST = 60  # letters of a token that are looked at

WORD, WRITTEN, SHAPE, LAST_3, LAST_2, FIRST_3 = range(6)
OWN = 12  # features of a token by itself
AROUND = {
    -3: (WORD,),
    -2: (WORD, SHAPE),
    -1: (WORD, SHAPE, LAST_3),
    0: tuple(range(OWN)),
    1: (WORD, SHAPE, LAST_3),
    2: (WORD, SHAPE),
    3: (WORD,),
}
PAIRS = ((-2, -1), (-1, 0), (0, 1), (1, 2), (-1, 1))
FEATURES = sum(map(len, AROUND.values())) + len(PAIRS)
PLAIN = 6  # numbers of a token

_OUTSIDE = np.uint64(1)  # the hash of what lies before or after a sentence

Integers = NDArray[np.int64]
Hashes = NDArray[np.uint64]


def context_buckets(tokens: NDArray[np.object_], sentences: Integers) -> Integers:
    """Return the buckets (N, G) of the features of tokens (N,), the sentences of which follow each other."""
    words, codes = _distinct(tokens)
    own = np.array([_own_hashes(word) for word in words], np.uint64).reshape(len(words), OWN)[codes]
    found = []
    for offset, names in AROUND.items():
        beside = _beside(own, sentences, offset)
        found += [beside[:, name] ^ _salt(offset, name) for name in names]
    for one, two in PAIRS:
        pair = (_beside(own[:, [WORD]], sentences, place)[:, 0] for place in (one, two))
        found.append((mixed(next(pair)) + next(pair)) ^ _salt(100 + one, two))
    buckets = mixed(np.stack(found, axis=1)) >> np.uint64(64 - BITS)
    return buckets.astype(np.int64)


def context_numbers(tokens: NDArray[np.object_], sentences: Integers) -> NDArray[np.float32]:
    """Return numbers (N, 6) of tokens (N,): how they are written, and how near the sentence's beginning and end are."""
    words, codes = _distinct(tokens)
    facts = np.array([_facts(word) for word in words], np.float32).reshape(len(words), 4)[codes]
    _, first, sizes = np.unique(sentences, return_index=True, return_counts=True)
    order = np.argsort(first)
    first, sizes = first[order], sizes[order]
    place = np.arange(len(tokens)) - np.repeat(first, sizes)
    ends = np.stack([1 / (1 + place), 1 / (np.repeat(sizes, sizes) - place)], axis=1)
    return np.concatenate([facts, ends.astype(np.float32)], axis=1)


def _distinct(tokens: NDArray[np.object_]) -> tuple[list[str], Integers]:
    """Return the distinct tokens (W), and which of them each one (N,) is."""
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(str(token), len(numbers)) for token in tokens.tolist()]
    return [*numbers], np.array(codes, np.int64)


def _beside(own: Hashes, sentences: Integers, offset: int) -> Hashes:
    """Return the hashes (N, .) of the token so many places further in the same sentence."""
    if offset == 0:
        return own
    places = np.arange(len(own)) + offset
    inside = (places >= 0) & (places < len(own))
    places = np.clip(places, 0, max(0, len(own) - 1))
    inside &= sentences[places] == sentences
    return np.where(inside[:, None], own[places], _OUTSIDE)


def _salt(offset: int, name: int) -> np.uint64:
    """Return what tells one place and sort of feature from others."""
    return np.uint64(mixed(np.array([1_000 * (offset + 500) + name], np.uint64))[0])


def _own_hashes(word: str) -> list[int]:
    """Return a number for each feature that a token has by itself."""
    written = unicodedata.normalize("NFKC", word[:LONGEST])
    low = written.lower()
    texts = [
        re.sub(r"\d", "0", low),
        written,
        _shape(written),
        low[-3:],
        low[-2:],
        low[:3],
        low[-1:],
        low[-4:],
        low[:1],
        low[:2],
        low[:4],
        _shape(written)[-4:],
    ]
    return [zlib.crc32(f"{place} {text}".encode("utf-8", "surrogatepass")) + 2 for place, text in enumerate(texts)]


def _shape(word: str) -> str:
    """Return how a token is written, with equal signs in a row told once: `Xx` of `Paris`, `0-x` of `3-year`."""
    signs = "".join(
        "X" if sign.isupper() else "x" if sign.isalpha() else "0" if sign.isdigit() else sign for sign in word
    )
    return re.sub(r"(.)\1+", r"\1\1", signs)


def _facts(word: str) -> tuple[float, float, float, float]:
    letters = max(1, len(word))
    digits = sum(sign.isdigit() for sign in word) / letters
    return float(word[:1].isupper()), float(word.isupper() and letters > 1), digits, min(letters, 20) / 10
