"""The vocabulary of a trained encoder: pieces of words, and marks."""

from __future__ import annotations

from collections.abc import Sequence

PAD, UNKNOWN, FIRST, LAST = "[PAD]", "[UNK]", "[CLS]", "[SEP]"


def is_vocabulary(pieces: Sequence[str]) -> bool:
    """Return whether these can be the pieces of a vocabulary: no two alike, and the marks among them."""
    return pieces[:1] == (PAD,) and {UNKNOWN, FIRST, LAST} <= {*pieces} and len({*pieces}) == len(pieces)
