"""The vocabulary of a trained encoder: pieces of words, and marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

PAD, UNKNOWN, FIRST, LAST = "[PAD]", "[UNK]", "[CLS]", "[SEP]"


def is_vocabulary(pieces: Sequence[str]) -> bool:
    """Return whether these can be the pieces of a vocabulary: no two alike, and the marks among them."""
    return pieces[:1] == (PAD,) and {UNKNOWN, FIRST, LAST} <= {*pieces} and len({*pieces}) == len(pieces)


def by_length(pieces: NDArray[np.int64], rows: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield texts of about one length together, no longer than they are: their places (n,) and pieces (n, l).

    Args:
        pieces: (N, L) of all texts, 0 where a text has fewer.
        rows: texts that are yielded together at most.
    """
    lengths = (pieces > 0).sum(axis=1)
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), rows):
        places = order[start : start + rows]
        yield places, pieces[places, : max(1, int(lengths[places[-1]]))]
