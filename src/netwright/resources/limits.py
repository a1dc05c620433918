"""What a finished model may cost: milliseconds a row, bytes on disk; and how memory is written."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from netwright.errors import BadLatency, BadMemory, BadSize, SettingError

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_MEMORY = {**_BYTES, "tb": 10**12, "tib": 2**40}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Zµ]*)\s*")


@dataclass(frozen=True)
class Limits:
    """What a model may cost at most.

    Attributes:
        latency: seconds to predict one row in a running process; infinite where nobody minds.
        size: bytes of the file; infinite likewise.
    """

    latency: float = math.inf
    size: float = math.inf

    def __bool__(self) -> bool:
        """Whether there is a limit at all."""
        return math.isfinite(self.latency) or math.isfinite(self.size)


NO_LIMITS = Limits()


def make_limits(latency: str | None, size: str | None) -> Limits:
    """Return the limits that two texts stand for; None is no limit.

    Raises:
        SettingError: if one is no duration or no size.

    >>> make_limits("2ms", "1.5MB")
    Limits(latency=0.002, size=1500000.0)
    """
    return Limits(
        math.inf if latency is None else parse_latency(latency), math.inf if size is None else parse_size(size)
    )


def parse_latency(text: str) -> float:
    """Return seconds.

    Raises:
        BadLatency: if it is no number above zero with the unit s, ms or us.

    >>> parse_latency("500us")
    0.0005
    """
    return _parse(text, _SECONDS, BadLatency)


def parse_size(text: str) -> float:
    """Return bytes.

    Raises:
        BadSize: if it is no number above zero with a unit such as kB, MB or MiB, or none for bytes.

    >>> parse_size("2 MiB")
    2097152.0
    """
    return _parse(text, _BYTES, BadSize)


def parse_memory(text: str | float) -> float:
    """Return bytes of memory.

    Raises:
        BadMemory: if it is no number above zero with a unit such as MB, GB or GiB, or none for bytes.

    >>> parse_memory("4GB")
    4000000000.0
    """
    return _parse(str(text), _MEMORY, BadMemory)


def _parse(text: str, units: Mapping[str, float], refused: Callable[[str], SettingError]) -> float:
    match = _AMOUNT.fullmatch(str(text).lower())  # from Python a number may come
    amount = float(match[1]) * units[match[2]] if match and match[2] in units else 0.0
    if not 0 < amount < math.inf:
        raise refused(str(text))
    return amount
