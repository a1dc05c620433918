"""Many files of images or sounds, decoded on all cores. What cannot be decoded is named."""

from __future__ import annotations

import io
import math
import os
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from netwright.errors import CannotWrite
from netwright.resources.machine import usable_cores
from netwright.storage import TEMPORARY

LARGEST_FILE = 512 * 2**20  # bytes
BLOCK = 256  # files that are decoded ahead of being used
MOST_IN_MEMORY = 2**30  # bytes of everything decoded
SURVEYED = 300  # files that the common form is found from

TOLD = 200  # times at most that somebody is told how many are decoded

Pixels = NDArray[np.uint8]
Result = TypeVar("Result")
Told = Callable[[int, int], None]
"""Told how many files are decoded, and of how many."""


def nobody(done: int, files: int) -> None:
    """Tell nobody how many files are decoded."""


class Unreadable(Exception):
    """A file cannot be decoded; its text says why, in a few words."""


class AtOnce:
    """So much at one time of what many threads take parts of: who wants more than is left waits for the others."""

    def __init__(self, most: int) -> None:
        """Nothing is taken yet."""
        self._most, self._taken, self._given_back = most, 0, threading.Condition()

    @contextmanager
    def taken(self, amount: int) -> Iterator[None]:
        """Take a part, once there is as much, and give it back; what is more than all is taken alone."""
        with self._given_back:
            self._given_back.wait_for(lambda: not self._taken or self._taken + amount <= self._most)
            self._taken += amount
        try:
            yield
        finally:
            with self._given_back:
                self._taken -= amount
                self._given_back.notify_all()


def opened(source: Any) -> io.BytesIO:
    """Return a whole file in memory: nothing else can then change it, and no file stays open.

    Args:
        source: its path, or its bytes.

    Raises:
        Unreadable: if there is no such file, or it is empty or too large.
    """
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if not isinstance(source, str | Path) or "\0" in str(source):
        raise Unreadable("it is neither a path, nor bytes, nor an array")
    path = Path(source)
    try:
        if not path.is_file():
            raise Unreadable("there is no such file")
        if not 0 < path.stat().st_size <= LARGEST_FILE:
            raise Unreadable("the file is empty" if not path.stat().st_size else "the file is too large")
        return io.BytesIO(path.read_bytes())
    except PermissionError as error:
        raise Unreadable("it may not be read") from error
    except OSError as error:
        raise Unreadable(f"it cannot be read ({(error.strerror or 'no reason given').lower()})") from error


def survey(sources: Sequence[Any], facts: Callable[[Any], Result]) -> list[Result]:
    """Return facts of some of the files, evenly chosen; of those only that can be decoded."""
    sample = sources[:: -(-len(sources) // SURVEYED) or 1]
    return [found for found in each(sample, facts) if not isinstance(found, str)]


def decode_into(
    shape: tuple[int, int, int], sources: Sequence[Any], decode: Callable[[Any], Pixels], told: Told = nobody
) -> tuple[Pixels, dict[int, str]]:
    """Return what files hold (N, H, W, C), and for those that cannot be decoded their places and why; these are black.

    Files are decoded on all cores, and only a few at a time are held in full. Where it is much, all lies in a file
    without a name, which the system drops from memory where it is needed elsewhere, and removes when nobody uses it.

    Args:
        shape: (H, W, C) of each.
        sources: what to decode.
        decode: source → (H, W, C). Raises Unreadable.
        told: before the first file, after the last, and some times between.

    Raises:
        CannotWrite: if the disk has no room for what does not lie in memory.
    """
    room, failures = _room((len(sources), *shape)), {}
    step = -(-len(sources) // TOLD)
    told(0, len(sources))
    for place, found in enumerate(each(sources, decode)):
        if isinstance(found, str):
            failures[place] = found
        else:
            room[place] = found
        if (place + 1) % step == 0 or place + 1 == len(sources):
            told(place + 1, len(sources))
    return room, failures


def _room(shape: tuple[int, ...]) -> Pixels:
    """Return zeros.

    Raises:
        CannotWrite: if the disk has no room for them.
    """
    if math.prod(shape) <= MOST_IN_MEMORY:
        return np.zeros(shape, np.uint8)
    try:
        with tempfile.TemporaryFile() as file:
            if hasattr(os, "posix_fallocate"):  # else a page that finds no room later ends the process
                os.posix_fallocate(file.fileno(), 0, math.prod(shape))
            return np.memmap(file, np.uint8, "w+", shape=shape)
    except OSError as error:
        raise CannotWrite(TEMPORARY, error.strerror or str(error)) from error


def each(sources: Sequence[Any], work: Callable[[Any], Result]) -> Iterator[Result | str]:
    """Yield what comes of each file, or the reason why it cannot be decoded, in their order."""

    def one(source: Any) -> Result | str:
        try:
            return work(source)
        except Unreadable as error:
            return str(error)

    with warnings.catch_warnings(), ThreadPoolExecutor(usable_cores()) as pool:
        warnings.simplefilter("ignore")  # damaged metadata does not make a file useless
        for first in range(0, len(sources), BLOCK):
            yield from pool.map(one, sources[first : first + BLOCK])
