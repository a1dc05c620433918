"""Files that there is time to decode, and memory to hold: of very many, some at random."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from netwright.data.findings import Finding
from netwright.data.needs import MOST_AGAIN

TIMED = 128  # files by which is told how long all of them take, where there are more than `FEWEST`
FEWEST = 2_000  # that are decoded in any case
SHARE = 0.4  # of the time left that decoding may take

Integers = NDArray[np.int64]


def files_in_time(
    classes: Integers,
    decode: Callable[[Integers], object],
    left: Callable[[], float],
    files: int | None = None,
    held: float = math.inf,
) -> Integers:
    """Return the places, rising, of the files that there is time and memory for: all, or some chosen at random.

    Classes keep their shares, and each keeps a file.

    Args:
        classes: (N,) of each file; zeros where there are none.
        decode: places → decoded files, which are not kept; asked of a few, by which the time for all is told.
        left: → seconds that are left; infinite without a limit.
        files: how many it shall be, whatever the time, as far as memory suffices; None to look at it.
        held: how many memory holds, decoded.
    """
    if files is not None:
        return np.sort(_spread_order(classes)[: int(max(1, min(files, MOST_AGAIN * held, len(classes))))])
    before = left()
    if len(classes) <= held and (len(classes) <= FEWEST or math.isinf(before)):
        return np.arange(len(classes), dtype=np.int64)
    order, most = _spread_order(classes), float(len(classes))
    if len(classes) > FEWEST and not math.isinf(before):
        decode(order[:TIMED])
        most = max(FEWEST, SHARE * before * TIMED / max(before - left(), 1e-9))
    return np.sort(order[: int(max(1, min(most, held, len(order))))])


def check_in_time(files: int, decoded: int, noun: str, held: float = math.inf) -> list[Finding]:
    """Return what is told where not all files, such as images, are decoded; held: how many memory holds."""
    if decoded == files:
        return []
    why = "There is no time to decode" if decoded <= held - 1 else "Memory does not hold"
    text = f"{why} all {files:,} {noun}s: {decoded:,} of them, chosen at random, are learnt from."
    return [Finding("files_left_out", None, text)]


def _spread_order(classes: Integers) -> Integers:
    """Return the places (N,) in a random order, each beginning of which has the classes in their shares."""
    order = np.random.default_rng(0).permutation(len(classes))
    order = order[np.argsort(classes[order], kind="stable")]
    own, sizes = classes[order], np.bincount(classes)
    rank = np.arange(len(classes)) - (np.cumsum(sizes) - sizes)[own]  # inside its class
    return np.asarray(order[np.argsort(rank / sizes[own], kind="stable")], np.int64)
