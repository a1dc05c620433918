"""Texts as sequences of the bytes that spell them: UTF-8, as it is written, whatever the language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import SpecError

LONGEST = 1_024  # bytes of one text: its first
MOST_BYTES = 2**28  # of all encoded texts; with more texts each keeps fewer bytes
_ZERO, _ZERO_AS = b"\x00", b"\xff"  # 0 stands behind the end of a text, and 255 in no UTF-8


@dataclass(frozen=True)
class Spelling:
    """How far texts are spelled.

    Attributes:
        length: bytes L that are kept of a text.
    """

    length: int

    @staticmethod
    def from_json(length: Any) -> Spelling | None:
        """Return the spelling that a value of a bundle's document describes; None for no bytes.

        Raises:
            SpecError: if it is none that Netwright writes.
        """
        if type(length) is not int or not 0 <= length <= LONGEST:
            raise SpecError("the number of bytes of a text is not one that Netwright writes")
        return Spelling(length) if length else None

    def encode(self, texts: Sequence[str | None]) -> NDArray[np.uint8]:
        """Return the first bytes (N, L) of each text, whose last letter may be cut; 0 behind its end.

        Half of a surrogate pair stands as the three bytes that UTF-8 would have for it, and the letter NUL as 255, so
        that there is no text without an encoding.
        """
        found = np.zeros((len(texts), self.length), np.uint8)
        for row, text in enumerate(texts):
            spelled = _spelled(text, self.length)
            found[row, : len(spelled)] = np.frombuffer(spelled, np.uint8)
        return found


def fit_spelling(texts: Sequence[str | None]) -> Spelling:
    """Return how far texts are spelled: nearly all of them to their end, where memory suffices."""
    lengths = [len(_spelled(text, LONGEST)) for text in texts] or [0]
    long = int(np.quantile(lengths, 0.99))
    room = MOST_BYTES // max(1, len(texts))
    return Spelling(max(1, min(long + long // 8, LONGEST, room)))


def _spelled(text: str | None, most: int) -> bytes:
    letters = (text or "")[:most]  # each has a byte at least
    return letters.encode("utf-8", "surrogatepass")[:most].replace(_ZERO, _ZERO_AS)
