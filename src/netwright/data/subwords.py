"""Texts as sequences of words and of pieces of rarer words, by a vocabulary chosen from the texts themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.ngrams import plain
from netwright.data.words import has_mark, word_pattern
from netwright.errors import SpecError

LARGEST = 8_192  # pieces that are kept
OF_WORDS = 0.75  # share of them that are whole words
FEWEST = 2  # times that a piece must stand in the texts
MOST_WORDS = 20_000  # distinct ones whose pieces are counted
LONGEST_PIECE = 5  # letters of a part of a word
LONGEST_WORD = 40  # letters that are parted
MOST_PIECES = 512  # of one text: its first
LETTERS = 8  # a piece has fewer in the mean, so no more than so many times the pieces need be read
FITTED_LETTERS = 5_000_000  # of all texts that a vocabulary is chosen from
MOST_BYTES = 2**29  # of all encoded texts; with more texts each keeps fewer pieces
MARKED = "marked"  # in the document `preprocess` since format 3 of bundles
_INSIDE = "+"  # in front of a piece that does not begin a word


@dataclass(frozen=True)
class Subwords:
    """The pieces that are kept.

    Attributes:
        pieces: V of them, the first being number 1; those that do not begin a word have a + in front.
        length: pieces L that are kept of a text.
        marked: whether marks on letters belong to their word (`words.word_pattern`).
    """

    pieces: tuple[str, ...]
    length: int
    marked: bool = False

    def __len__(self) -> int:
        return len(self.pieces)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        own = {"length": self.length, "pieces": [*self.pieces]}
        return own | {MARKED: True} if self.marked else own

    @staticmethod
    def from_json(length: Any, pieces: Any, marked: Any = False) -> Subwords | None:
        """Return the pieces that values of a bundle's document describe; None for no length and no pieces.

        Args:
            length: as below, as are the others.
            pieces: a list of texts.
            marked: missing in bundles of texts without marks, and in those of format 1 and 2, whose words end there.

        Raises:
            SpecError: if they are none that Netwright writes.
        """
        if length == 0 and pieces == []:
            return None
        right = type(length) is int and 1 <= length <= MOST_PIECES and isinstance(pieces, list) and type(marked) is bool
        if not right or len(pieces) > LARGEST or not all(isinstance(one, str) and one for one in pieces):
            raise SpecError("the pieces of texts are not those that Netwright writes")
        if len({*pieces}) != len(pieces):
            raise SpecError("a piece of texts stands twice")
        return Subwords(tuple(pieces), length, marked)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {piece: number for number, piece in enumerate(self.pieces, 1)}

    @cached_property
    def _parted(self) -> dict[str, list[int]]:
        return {}  # words that were met

    def encode(self, texts: Sequence[str | None]) -> NDArray[np.int32]:
        """Return the numbers of the first pieces (N, L) of each text; 0 behind its end."""
        found = np.zeros((len(texts), self.length), np.int32)
        if not self.pieces:
            return found
        for row, text in enumerate(texts):
            numbers: list[int] = []
            read = plain(text or "", LETTERS * self.length)
            for word in word_pattern(read, self.marked).findall(read):
                numbers += self._of_word(word)
                if len(numbers) >= self.length:
                    break
            found[row, : len(numbers)] = numbers[: self.length]
        return found

    def _of_word(self, word: str) -> list[int]:
        """Return the pieces of a word: itself, or from the left the longest known ones, without unknown letters."""
        known = self._numbers.get(word)
        if known is not None:
            return [known]
        parted = self._parted.get(word)
        if parted is None:
            parted = self._cut(word[:LONGEST_WORD])
            if len(self._parted) < MOST_WORDS:
                self._parted[word] = parted
        return parted

    def _cut(self, word: str) -> list[int]:
        numbers, place = [], 0
        while place < len(word):
            mark = _INSIDE if place else ""
            ends = range(min(len(word), place + (LONGEST_PIECE if place else LONGEST_WORD)), place, -1)
            end = next((end for end in ends if mark + word[place:end] in self._numbers), None)
            if end is not None:
                numbers.append(self._numbers[mark + word[place:end]])
            place = end or place + 1
        return numbers


def fit_subwords(texts: Sequence[str | None]) -> Subwords:
    """Return the words and pieces that stand most often in texts, or in as many as can be looked at in a second."""
    letters = sum(min(len(text or ""), LETTERS * MOST_PIECES) for text in texts)
    sample = texts[:: -(-letters // FITTED_LETTERS) or 1]
    words: Counter[str] = Counter()
    lengths = []
    for text in sample:
        read = plain(text or "", LETTERS * MOST_PIECES)
        line = word_pattern(read).findall(read)
        words.update(line)
        lengths.append(len(line))
    whole = _most(words.items(), round(OF_WORDS * LARGEST))
    parts: Counter[str] = Counter()
    for word, count in words.most_common(MOST_WORDS):
        for piece in _pieces_of(word[:LONGEST_WORD]):
            parts[piece] += count
    rest = _most(((piece, count) for piece, count in parts.items() if piece not in whole), LARGEST - len(whole))
    longest = int(np.quantile(lengths, 0.99)) if lengths else 1
    room = MOST_BYTES // (np.dtype(np.int32).itemsize * max(1, len(texts)))
    length = max(1, min(longest + longest // 8, MOST_PIECES, room))
    return Subwords((*whole, *rest), length, any(map(has_mark, whole)))


def _most(counts: Iterable[tuple[str, int]], most: int) -> dict[str, int]:
    """Return the pieces that stand most often, of equal ones the first in the alphabet, in this order."""
    usual = sorted((-count, piece) for piece, count in counts if count >= FEWEST)
    return {piece: -count for count, piece in usual[:most]}


def _pieces_of(word: str) -> Iterable[str]:
    """Yield the parts of a word: its beginnings, and with a mark what stands inside."""
    for end in range(1, min(len(word), LONGEST_PIECE + 1)):
        yield word[:end]
    for start in range(1, len(word)):
        for end in range(start + 1, min(len(word), start + LONGEST_PIECE) + 1):
            yield _INSIDE + word[start:end]
