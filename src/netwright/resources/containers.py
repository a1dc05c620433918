"""What the containers around this process allow: the memory and the cores of its control groups.

Linux keeps limits in control groups of version 1 or 2, each inside others that limit it too. Inside a container the own
group may be mounted as if it were the outermost.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_GROUPS = Path("/proc/self/cgroup")
_MOUNTED = Path("/sys/fs/cgroup")


def container_rooms(groups: Path = _GROUPS, mounted: Path = _MOUNTED) -> tuple[int, ...]:
    """Return the bytes that each control group leaves which limits this process; none where nothing does.

    Args:
        groups: the file that names the groups of this process.
        mounted: the folder where their files are.
    """
    found: list[int] = []
    for folder, version in _folders("memory", groups, mounted):
        found += _rooms(folder, _VERSION_2 if version == 2 else _VERSION_1)
    return tuple(found)


def container_cores(groups: Path = _GROUPS, mounted: Path = _MOUNTED) -> float:
    """Return how many cores the narrowest control group allows, such as 1.5; infinity where none limits them.

    Args:
        groups: as for `container_rooms`, as is `mounted`.
        mounted: the folder of their files.
    """
    shares = (_share(folder, version) for folder, version in _folders("cpu", groups, mounted))
    return min((share for share in shares if share is not None), default=math.inf)


def _folders(controller: str, groups: Path, mounted: Path) -> Iterator[tuple[Path, int]]:
    """Yield the folders that may limit this process by a controller, with the version of their groups."""
    try:
        lines = groups.read_text().splitlines()
    except OSError:  # another system
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2; beside version 1 it has a folder of its own
            homes, version = [mounted, mounted / "unified"], 2
        elif controller in controllers.split(","):
            homes, version = [mounted / controller], 1
        else:
            continue
        for home in homes:
            for folder in _outwards(home, path):
                yield folder, version


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


def _share(folder: Path, version: int) -> float | None:
    """Return the cores of a group: microseconds of a processor in each period over the period; None without a limit."""
    if version == 1:
        quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
    else:
        quota, period = _numbers(folder / "cpu.max")
    return quota / period if quota and period and quota > 0 and period > 0 else None  # -1 is no limit


def _numbers(file: Path) -> tuple[int | None, int | None]:
    """Return the two numbers that a file holds; None for what is none."""
    try:
        first, second = file.read_text().split()
        return int(first), int(second)
    except (OSError, ValueError):  # such as `max 100000`
        return None, None


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
