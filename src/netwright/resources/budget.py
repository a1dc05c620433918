"""The time a run may take: one object, made at the start of the command and handed down.

Nobody else reads a clock. Whoever works asks the budget what is left.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from netwright.errors import SettingError

Ask = Callable[[], None]
"""Called between two pieces of what takes long, from any thread; what it raises ends it."""

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)


def nobody_asks() -> None:
    """Go on, whatever the time."""


def parse_duration(text: str | float) -> float:
    """Return a duration in seconds.

    Args:
        text: a number of seconds, or a number with one of the units s, m, min, h, d.

    Raises:
        SettingError: if it is not a positive duration.

    >>> parse_duration("5m"), parse_duration(90)
    (300.0, 90.0)
    """
    match = _DURATION.fullmatch(str(text))
    if match is None or match[2].lower() not in _UNITS:
        raise SettingError(f"The time limit {text!r} is not a duration. Write it as 60s, 5m or 2h.")
    seconds = float(match[1]) * _UNITS[match[2].lower()]
    if not 0 < seconds < float("inf"):
        raise SettingError(
            f"The time limit must be more than zero, but is {text!r}. Ten seconds or more find a usable model."
        )
    return seconds


def parse_limit(text: str | float) -> tuple[float, bool]:
    """Return a time limit in seconds, and whether it is added to that of an earlier run.

    Args:
        text: as for `parse_duration`, with a plus in front of what is added.

    Raises:
        SettingError: if it is no positive duration.

    >>> parse_limit("60s"), parse_limit("+5m")
    ((60.0, False), (300.0, True))
    """
    words = str(text).strip()
    return parse_duration(words.removeprefix("+")), words.startswith("+")


@dataclass
class Budget:
    """Wall-clock seconds, or a number of trials, and the wish to end early.

    Attributes:
        seconds: the wall clock allowed from `started`; None for no limit.
        trials: the number of trials to run; None for as many as the time allows.
        started: when the command began, on `clock`.
        clock: a monotonic clock in seconds; tests hand in their own.
        added: whether `seconds` come on top of the limit of an earlier run, which goes on.
    """

    seconds: float | None = None
    trials: int | None = None
    started: float = field(default_factory=time.monotonic)
    clock: Callable[[], float] = time.monotonic
    added: bool = False
    _ended: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)

    def elapsed(self) -> float:
        """Return the seconds since the command began."""
        return self.clock() - self.started

    def left(self) -> float:
        """Return the seconds left: infinity without a limit, zero once ended, never negative."""
        if self._ended.is_set():
            return 0.0
        return float("inf") if self.seconds is None else max(0.0, self.seconds - self.elapsed())

    def carry(self, spent: float, limit: float | None) -> None:
        """Go on with an earlier run: what it spent counts, and time that is added is added to its limit.

        Args:
            spent: seconds.
            limit: of the earlier run in seconds; None for none.
        """
        self.started -= spent
        if self.added:
            self.seconds = None if self.seconds is None or limit is None else limit + self.seconds
            self.added = False

    def end(self) -> None:
        """Ask everyone who works under this budget to finish with the best so far."""
        self._ended.set()

    @property
    def ended_early(self) -> bool:
        """Whether someone asked for the end before the time was up."""
        return self._ended.is_set()
