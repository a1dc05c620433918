"""Texts as words: letters of scripts without spaces one by one, other words whole, every other sign alone."""

from __future__ import annotations

import re
import unicodedata

from netwright.data.ngrams import UNSPACED

_UNSPACED = "".join(f"{chr(low)}-{chr(high)}" for low, high in UNSPACED)
WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}_])\w)+|\S")

_LETTER = re.compile(rf"(?![{_UNSPACED}_])\w")  # of a word of several
_JOINERS = "\u200c\u200d"  # inside of words, of Persian and of Indian scripts


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return where the words of a text begin and end; marks on letters belong to their word.

    `WORD` parts a word there, since no mark is a letter to it: nearly every one of Hindi, whose vowels are such marks.
    """
    found: list[tuple[int, int]] = []
    for match in WORD.finditer(text):
        first, last = match.span()
        begun = found[-1][0] if found and found[-1][1] == first else None
        if begun is not None and _LETTER.match(text, begun) and _goes_on(text, first):
            found[-1] = (begun, last)
        else:
            found.append((first, last))
    return found


def _goes_on(text: str, place: int) -> bool:
    """Return whether a word goes on with a mark, or behind one with a letter."""
    return _is_mark(text[place]) or (_is_mark(text[place - 1]) and _LETTER.match(text, place) is not None)


def _is_mark(letter: str) -> bool:
    return letter in _JOINERS or unicodedata.category(letter).startswith("M")
