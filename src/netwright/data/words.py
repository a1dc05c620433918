"""Texts as words: letters of scripts without spaces one by one, other words whole, every other sign alone."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from netwright.data.ngrams import UNSPACED

_UNSPACED = "".join(f"{chr(low)}-{chr(high)}" for low, high in UNSPACED)
_LETTER = rf"[^\W_{_UNSPACED}]"  # of a word of several
_OF_ASCII = re.compile(r"[^\W_]+|\S")  # finds the same words where all is ASCII, four times as fast
_JOINERS = "\u200c\u200d"  # inside of words, of Persian and of Indian scripts
_FIRST_MARK, _END_OF_MARKS = 0x300, 0x1F000  # of Unicode, but for variants of emoji and of Chinese letters


def word_pattern(text: str, marked: bool = True) -> re.Pattern[str]:
    """Return what finds the words of a text.

    Args:
        text: in which they are to be found.
        marked: whether marks on letters belong to their word, as they must: no mark is a letter to Python, and Hindi
            has its vowels from marks. Encoders of earlier bundles part words there.
    """
    return _OF_ASCII if text.isascii() else _of_any_script(marked)


@cache
def _of_any_script(marked: bool) -> re.Pattern[str]:
    inside = "".join(letter for letter in map(chr, range(_FIRST_MARK, _END_OF_MARKS)) if _is_mark(letter))
    further = rf"(?:[{_JOINERS}{inside}]+{_LETTER}*)*" if marked else ""
    return re.compile(rf"[{_UNSPACED}]|{_LETTER}+{further}|\S")


def has_mark(word: str) -> bool:
    """Return whether a word has a mark behind its first letter, where it would be parted without `marked`."""
    return not word.isascii() and any(letter in _JOINERS or _is_mark(letter) for letter in word[1:])


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return where the words of a text begin and end."""
    return [match.span() for match in word_pattern(text).finditer(text)]


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter).startswith("M")
