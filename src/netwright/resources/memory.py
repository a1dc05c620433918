"""The memory that a run may take: as the user says, or most of what the machine and its containers leave free."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from netwright.errors import TooLittleMemory
from netwright.resources.containers import container_rooms
from netwright.resources.limits import parse_memory

if sys.platform != "win32":
    import resource

SHARE = 0.8  # of what is free, where the user says nothing: other programs want some
LEAST = 400 * 2**20  # bytes that a run takes beyond what the process holds when it begins
LOADED = 600 * 2**20  # bytes that a process is taken to hold at least, with PyTorch and pandas loaded


def used_memory() -> int:
    """Return the bytes of memory that this process holds now (its resident set)."""
    return int(psutil.Process().memory_info().rss)


def peak_memory() -> int:
    """Return the most bytes of memory that this process has held; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # Linux counts kibibytes


@dataclass(frozen=True)
class Memory:
    """A limit, kept by planning: nothing large is made without asking for room.

    Attributes:
        limit: bytes that the whole process may hold at its peak.
        began: bytes that it held when the run began.
        used: → bytes that it holds now; tests hand in their own.
    """

    limit: int
    began: int = 0
    used: Callable[[], int] = used_memory

    @property
    def room(self) -> int:
        """The bytes for the whole run: the same for one limit, though no two processes hold quite as much."""
        return max(0, self.limit - max(self.began, LOADED))

    @property
    def left(self) -> int:
        """The bytes that are left now."""
        return max(0, self.limit - self.used())


def make_memory(text: str | float | None) -> Memory:
    """Return the limit that a text such as `4GB` stands for; without one, `SHARE` of what is free.

    No limit lets a process take more than the machine, or a container that it runs in, has left.

    Raises:
        BadMemory: if it is no size above zero.
        TooLittleMemory: if no run fits under it.
    """
    used, free = used_memory(), free_memory()
    asked = None if text is None else int(parse_memory(text))
    limit = used + int(SHARE * free) if asked is None else min(asked, used + free)
    if limit < used + LEAST:
        raise TooLittleMemory(limit, used + LEAST, asked=limit == asked)
    return Memory(limit, used)


def free_memory() -> int:
    """Return the bytes that this process could take more: by the machine, and by every container around it."""
    return min(int(psutil.virtual_memory().available), *container_rooms(), 2**63)
