"""Texts that are nearly the same: with a few words changed, cut, or put in front. A split should not part them.

Broder 1997 (On the resemblance and containment of documents): a text is the set of its shingles, which are its runs of
a few words, and two texts resemble each other by the share of all their shingles that both have. It is estimated from
sketches of one size, by min-hashing in one permutation (Li, Owen and Zhang 2012, arXiv 1208.1259): the hash of a
shingle names a place of the sketch, which holds the least of all hashes that name it. Two texts have the same in a
place with a probability that is their resemblance; places that neither fills do not count, so that the sketch of a
short text is the set itself, but for shingles that share a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.frame import Frame
from netwright.data.groups import first_rows, of_wide_groups, united
from netwright.data.ngrams import Reading, blocks, mixed, shingles
from netwright.data.schema import Schema
from netwright.data.splits import disputed, parted_by_truth
from netwright.data.vocabulary import FINE, joined_texts

WORDS = 3  # of a shingle: a changed word changes three
ALIKE = 0.7  # resemblance from which on texts are one: about one word of twenty is another
PLACES = 64  # of a sketch: a resemblance of 0.7 is estimated within 0.06
BAND = 4  # places that texts are looked up by: one of 16 bands agrees for 0.99 of the texts with a resemblance of 0.7
NEIGHBOURS = 2  # among texts with the same band, that a text is compared with
FEWEST = 8  # places that a text fills, of some ten words: shorter ones may be equal by chance
MOST_LETTERS = 100_000_000  # of all texts together that are read, evenly: a few seconds
FEWEST_LETTERS = 500  # of each text, at least
COMPARED = 2**15  # pairs at once

_EMPTY = np.uint32(2**32 - 1)

Integers = NDArray[np.int64]
Sketches = NDArray[np.uint32]


def with_near_texts(frame: Frame, schema: Schema, truth: NDArray[Any], groups: Integers) -> Integers:
    """Return the groups (N,) of rows with those made one whose texts are nearly the same, and have one truth.

    What other columns hold does not count: who posts a text again does so on another day. As for equal rows, groups
    stay as they are where many near copies have another truth (`disputed`): then such texts differ in what matters. A
    group that is too large (`of_wide_groups`) is a form that many texts are written in, and its texts are things of
    their own.

    Time grows with the number of texts and not with their lengths, since all together are read as far as
    `MOST_LETTERS`; a text needs 256 bytes of memory, and what is read of it.

    Args:
        frame: the cells.
        schema: their columns.
        truth: (N,) class numbers or values.
        groups: (N,) that rows have already, such as those of equal rows.
    """
    letters = max(FEWEST_LETTERS, min(FINE.letters, MOST_LETTERS // max(1, frame.rows)))
    sketches = _sketches(joined_texts(frame, schema, letters), letters)
    near = np.arange(frame.rows, dtype=np.int64)
    for one, two in _likely_pairs(sketches):
        near = united(near, one, two)
    form = np.isin(near, near[of_wide_groups(parted_by_truth(near, truth), truth)])
    near[form] = np.flatnonzero(form)
    if disputed(near, truth):
        return groups
    copies = first_rows(parted_by_truth(near, truth))
    joined = united(first_rows(groups), np.arange(frame.rows), copies)
    return np.unique(joined, return_inverse=True)[1].astype(np.int64)


def _sketches(texts: Sequence[str | None], letters: int) -> Sketches:
    """Return the sketch of each text (N, `PLACES`), of so many of its letters."""
    found = np.full((len(texts), PLACES), _EMPTY)
    flat = found.reshape(-1)
    shift = np.uint64(64 - (PLACES - 1).bit_length())
    for block in blocks(texts, Reading(bits=0, letters=letters, spelled=0)):
        rows, hashes = shingles(texts[block], WORDS, letters)
        places = (rows + block.start) * PLACES + (hashes >> shift).astype(np.int64)
        np.minimum.at(flat, places, hashes.astype(np.uint32))
    return found


def _likely_pairs(sketches: Sketches) -> Iterator[tuple[Integers, Integers]]:
    """Yield pairs of texts that are alike, found by bands of their sketches (Indyk and Motwani 1998).

    Texts with the same band stand in the order of the bands behind it, so that the most alike are next to each other;
    some pairs are missed.
    """
    full = (sketches != _EMPTY).sum(axis=1) >= FEWEST
    for first in range(0, PLACES, BAND):
        bands = [_band(sketches, (first + behind * BAND) % PLACES) for behind in range(3)]
        places = np.flatnonzero(full & (sketches[:, first : first + BAND] != _EMPTY).any(axis=1)).astype(np.int64)
        order = places[np.lexsort([band[places] for band in reversed(bands)])]
        for step in range(1, NEIGHBOURS + 1):
            one, two = order[:-step], order[step:]
            same = bands[0][one] == bands[0][two]
            alike = _alike(sketches, one[same], two[same])
            yield one[same][alike], two[same][alike]


def _band(sketches: Sketches, first: int) -> NDArray[np.uint64]:
    """Return one number (N,) for the places of a band."""
    key = np.zeros(len(sketches), np.uint64)
    for place in range(first, first + BAND):
        key = mixed(key ^ sketches[:, place])
    return key


def _alike(sketches: Sketches, one: Integers, two: Integers) -> NDArray[np.bool_]:
    """Return whether the texts of these pairs resemble each other enough."""
    found = np.zeros(len(one), np.bool_)
    for first in range(0, len(one), COMPARED):
        part = slice(first, first + COMPARED)
        left, right = sketches[one[part]], sketches[two[part]]
        filled = (left != _EMPTY) | (right != _EMPTY)
        found[part] = ((left == right) & filled).sum(axis=1) >= ALIKE * filled.sum(axis=1)
    return found
