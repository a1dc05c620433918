"""Files that there is time to decode: of very many, some at random."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from netwright.data.findings import Finding

TIMED = 128  # files by which is told how long all of them take, where there are more than `FEWEST`
FEWEST = 2_000  # that are decoded in any case
SHARE = 0.4  # of the time left that decoding may take

Integers = NDArray[np.int64]


def files_in_time(
    classes: Integers, decode: Callable[[Integers], object], left: Callable[[], float], files: int | None = None
) -> Integers:
    """Return the places, rising, of the files that there is time to decode: all, or some chosen at random.

    Classes keep their shares, and each keeps a file.

    Args:
        classes: (N,) of each file; zeros where there are none.
        decode: places → decoded files, which are not kept; asked of a few, by which the time for all is told.
        left: → seconds that are left; infinite without a limit.
        files: how many it shall be, whatever the time; None to look at it.
    """
    if files is not None:
        return np.sort(_spread_order(classes)[:files])
    before = left()
    if len(classes) <= FEWEST or math.isinf(before):
        return np.arange(len(classes), dtype=np.int64)
    order = _spread_order(classes)
    decode(order[:TIMED])
    most = SHARE * before * TIMED / max(before - left(), 1e-9)
    return np.sort(order[: max(FEWEST, int(min(most, len(order))))])


def check_in_time(files: int, decoded: int, noun: str) -> list[Finding]:
    """Return what is told where not all files, such as images, are decoded."""
    if decoded == files:
        return []
    text = f"There is no time to decode all {files:,} {noun}s: {decoded:,} of them, chosen at random, are learnt from."
    return [Finding("files_left_out", None, text)]


def _spread_order(classes: Integers) -> Integers:
    """Return the places (N,) in a random order, each beginning of which has the classes in their shares."""
    order = np.random.default_rng(0).permutation(len(classes))
    order = order[np.argsort(classes[order], kind="stable")]
    own, sizes = classes[order], np.bincount(classes)
    rank = np.arange(len(classes)) - (np.cumsum(sizes) - sizes)[own]  # inside its class
    return np.asarray(order[np.argsort(rank / sizes[own], kind="stable")], np.int64)
