"""Texts as the pieces of words that a trained encoder of sentences knows, with numpy and Python's unicodedata alone.

As BERT parts them: letters without accents and in lower case, punctuation and ideographs as words of their own, and of
each word from the left the longest pieces of the vocabulary (WordPiece, Schuster and Nakajima 2012). The package
tokenizers (0.23) finds the same pieces, but for some marks and signs that Unicode knows since its ninth version or
later.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

FIRST, LAST, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"  # pieces that are marks
INSIDE = "##"  # stands in front of a piece inside a word
LETTERS = 12  # a piece has hardly more in the mean: what comes after so many times the length is not read
LONGEST = 100  # letters of a word: longer ones are unknown
IDEOGRAPHS = (
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF)),
    *((0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0x2F800, 0x2FA1F)),
)
SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"  # some of which Unicode counts as symbols


def word_pieces(texts: Sequence[str | None], vocabulary: Sequence[str], length: int) -> np.ndarray:
    """Return the numbers of the first pieces of N texts, between two marks (N, L); 0 behind them.

    Args:
        texts: N of them; a missing one has no pieces.
        vocabulary: the pieces, the first of which stands behind the end of a text.
        length: the most pieces of a text, marks included; L is that of the longest text.
    """
    numbers = {piece: number for number, piece in enumerate(vocabulary)}
    known: dict[str, list[int]] = {}
    rows = []
    for text in texts:
        pieces: list[int] = []
        for word in words((text or "")[: LETTERS * length]):
            if word not in known:
                known[word] = cut(word, numbers)
            pieces += known[word]
            if len(pieces) >= length - 2:
                break
        rows.append([numbers[FIRST], *pieces[: length - 2], numbers[LAST]])
    found = np.zeros((len(rows), max(map(len, rows), default=2)), np.int64)
    for place, row in enumerate(rows):
        found[place, : len(row)] = row
    return found


def words(text: str) -> list[str]:
    """Return the words of a text, and its punctuation and ideographs, in lower case and without accents.

    >>> words("Größe: 3.5 m, 東京!")
    ['große', ':', '3', '.', '5', 'm', ',', '東', '京', '!']
    """
    whole = text.encode("utf-8", "replace").decode()  # half a letter of two becomes a question mark
    letters = unicodedata.normalize("NFD", "".join(map(cleaned, whole)))
    plain = (letter.lower() for letter in letters if unicodedata.category(letter) != "Mn")
    return "".join(parted(letter) for letters in plain for letter in letters).split()


def cleaned(letter: str) -> str:
    """Return a letter as it is read: a blank for any space, nothing for a control; an ideograph stands alone."""
    if letter in "\t\n\r":
        return " "
    if letter == "\ufffd" or unicodedata.category(letter) in ("Cc", "Cf", "Co"):
        return ""
    if any(low <= ord(letter) <= high for low, high in IDEOGRAPHS):
        return f" {letter} "
    return " " if letter.isspace() else letter


def parted(letter: str) -> str:
    """Return a letter, with blanks around it if it is punctuation."""
    return f" {letter} " if letter in SIGNS or unicodedata.category(letter).startswith("P") else letter


def cut(word: str, numbers: Mapping[str, int]) -> list[int]:
    """Return the numbers of the longest known pieces of a word, from the left; if one is missing the word is unknown.

    >>> cut("unable", {"[UNK]": 1, "un": 2, "##able": 3, "##a": 4}), cut("unit", {"[UNK]": 1, "un": 2})
    ([2, 3], [1])
    """
    found, place = [], 0
    while place < len(word) and len(word) <= LONGEST:
        mark = INSIDE if place else ""
        end = next((end for end in range(len(word), place, -1) if mark + word[place:end] in numbers), None)
        if end is None:
            return [numbers[UNKNOWN]]
        found.append(numbers[mark + word[place:end]])
        place = end
    return found or [numbers[UNKNOWN]]
