"""The memory that a run may take: as the user says, or most of what the machine and its containers leave free."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from netwright.errors import TooLittleMemory
from netwright.limits import parse_memory

if sys.platform != "win32":
    import resource

SHARE = 0.8  # of what is free, where the user says nothing: other programs want some
LEAST = 400 * 2**20  # bytes that a run takes beyond what the process holds when it begins
LOADED = 600 * 2**20  # bytes that a process is taken to hold at least, with PyTorch and pandas loaded

_GROUPS = Path("/proc/self/cgroup")
_MOUNTED = Path("/sys/fs/cgroup")


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


def container_rooms(groups: Path = _GROUPS, mounted: Path = _MOUNTED) -> tuple[int, ...]:
    """Return the bytes that each control group leaves which limits this process; none where nothing does.

    Linux keeps limits in control groups of version 1 or 2, each inside others that limit it too. Inside a container the
    own group may be mounted as if it were the outermost.

    Args:
        groups: the file that names the groups of this process.
        mounted: the folder where their files are.
    """
    try:
        lines = groups.read_text().splitlines()
    except OSError:  # another system
        return ()
    found: list[int] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2; beside version 1 it has a folder of its own
            homes, files = [mounted, mounted / "unified"], _VERSION_2
        elif "memory" in controllers.split(","):
            homes, files = [mounted / "memory"], _VERSION_1
        else:
            continue
        for home in homes:
            for folder in _outwards(home, path):
                found += _rooms(folder, files)
    return tuple(found)


@dataclass(frozen=True)
class _Files:
    """The names of a group's files: its limits, its use, and which line of `memory.stat` the system can take back."""

    limits: tuple[str, ...]
    use: str
    reclaimable: str


_VERSION_2 = _Files(("memory.max", "memory.high"), "memory.current", "inactive_file")
_VERSION_1 = _Files(("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file")


def _outwards(home: Path, path: str) -> Iterator[Path]:
    """Yield the folders of a group and of those around it, the outermost last."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    for count in range(len(parts), -1, -1):
        yield home.joinpath(*parts[:count])


def _rooms(folder: Path, files: _Files) -> Iterator[int]:
    used = _number(folder / files.use)
    if used is None:
        return
    used -= min(used, _reclaimable(folder / "memory.stat", files.reclaimable))
    for name in files.limits:
        limit = _number(folder / name)
        if limit is not None:
            yield max(0, limit - used)


def _number(file: Path) -> int | None:
    """Return the number that a file holds; None where there is none, or it says `max`."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _reclaimable(file: Path, name: str) -> int:
    """Return the bytes of files in memory that nobody has used for a while: the system can drop them."""
    try:
        lines = (line.split() for line in file.read_text().splitlines())
        return next((int(words[1]) for words in lines if len(words) == 2 and words[0] == name), 0)
    except (OSError, ValueError):
        return 0
