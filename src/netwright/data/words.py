"""Texts as words: letters of scripts without spaces one by one, other words whole, every other sign alone."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from netwright.data.ngrams import UNSPACED

_UNSPACED = "".join(f"{chr(low)}-{chr(high)}" for low, high in UNSPACED)
_LETTER = rf"(?![{_UNSPACED}_])\w"  # of a word of several
_JOINERS = "\u200c\u200d"  # inside of words, of Persian and of Indian scripts
_FIRST_MARK, _END_OF_MARKS = 0x300, 0x1F000  # of Unicode, but for variants of emoji and of Chinese letters


@cache
def word_pattern(marked: bool = True) -> re.Pattern[str]:
    """Return what finds the words of a text.

    Args:
        marked: whether marks on letters belong to their word, as they must: no mark is a letter to Python, and Hindi
            has its vowels from marks. Encoders of earlier bundles part words there.
    """
    inside = "".join(letter for letter in map(chr, range(_FIRST_MARK, _END_OF_MARKS)) if _is_mark(letter))
    return re.compile(rf"[{_UNSPACED}]|(?:{_LETTER}{f'[{_JOINERS}{inside}]*' if marked else ''})+|\S")


def has_mark(word: str) -> bool:
    """Return whether a word has a mark behind its first letter, where it would be parted without `marked`."""
    return not word.isascii() and any(letter in _JOINERS or _is_mark(letter) for letter in word[1:])


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return where the words of a text begin and end."""
    return [match.span() for match in word_pattern().finditer(text)]


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter).startswith("M")
