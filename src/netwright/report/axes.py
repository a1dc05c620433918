"""The axes of charts: which values they show, where these lie, and the round ones that are written beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

TIMES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)  # seconds
HOURS = (2, 4, 8, 12, 24, 48, 96, 240, 1000)


def plain(value: float) -> str:
    """Return the text of a tick.

    >>> plain(0.25), plain(12000.0), plain(2e-7)
    ('0.25', '12,000', '2e-07')
    """
    return f"{value:,.6g}" if value == 0 or 1e-4 <= abs(value) < 1e9 else f"{value:.3g}"


def percent(value: float) -> str:
    """Return a share as the text of a tick.

    >>> percent(0.2)
    '20 %'
    """
    return f"{100 * value:.4g} %"


def moment(seconds: float) -> str:
    """Return a time as the text of a tick.

    >>> moment(0.5), moment(120), moment(7200)
    ('0.5 s', '2 min', '2 h')
    """
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        low: its first value; high: its last, which is greater.
        title: what it shows.
        log: whether equal steps are equal ratios; `low` is then more than zero.
        written: the text of a tick.
        rounds: the values that may be ticks; empty for those of the decimal system.
    """

    low: float
    high: float
    title: str
    log: bool = False
    written: Callable[[float], str] = plain
    rounds: tuple[float, ...] = ()

    def share(self, value: float) -> float:
        """Return where a value lies between the ends, 0 to 1; values beyond them lie at the end."""
        value = min(self.high, max(self.low, value))
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            return (math.log(value) - low) / (high - low)
        return (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)  # halved: the range of floats is not enough

    def ticks(self, most: int = 7) -> list[float]:
        """Return round values within the axis, `most` at most."""
        if self.rounds:
            return _thinned([value for value in self.rounds if self.low <= value <= self.high], most)
        if self.log and self.high >= 10 * self.low:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = ((1, 2, 5), (1, 3), (1,))
            choices = [[m * 10.0**p for p in powers for m in digits] for digits in steps]
            within = [[value for value in values if self.low <= value <= self.high] for values in choices]
            return next((values for values in within if len(values) <= most), _thinned(within[-1], most))
        quarter = self.high / 4 - self.low / 4
        if quarter < _LEAST:
            return [self.low]
        step = 10.0 ** math.floor(math.log10(quarter))
        step *= next((m for m in (1, 2, 5, 10) if (self.high - self.low) / (step * m) <= most - 1), 20)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [round(i * step, 12 - math.floor(math.log10(step))) for i in range(first, last + 1)]


_LEAST = 1e-290  # of a quarter of an axis: nearer to zero floats are too coarse for round steps


def _thinned(values: list[float], most: int) -> list[float]:
    return values[:: max(1, math.ceil(len(values) / most))]


def axis_of(values: Sequence[float], title: str, written: Callable[[float], str] = plain) -> Axis:
    """Return an axis that holds all values that are finite, with a little room."""
    low, high = _ends(values)
    room = (high - low) * 0.06
    if room <= abs(high) * 1e-9:  # all the same, as far as can be drawn
        room = abs(high) * 0.05 or 1.0
    return Axis(low - room, high + room, title, written=written)


def log_axis(values: Sequence[float], title: str, written: Callable[[float], str] = plain) -> Axis:
    """Return a logarithmic axis that holds all values that are finite and more than zero."""
    low, high = _ends([value for value in values if 0 < value < math.inf] or [1.0])
    return Axis(low, max(high, low * 1.5), title, log=True, written=written)


def time_axis(seconds: Sequence[float], title: str) -> Axis:
    """Return a logarithmic axis of time, with ticks that are round seconds, minutes or hours."""
    axis = log_axis(seconds, title)
    return Axis(axis.low, axis.high, title, True, moment, (*TIMES, *(3600.0 * hours for hours in HOURS)))


def _ends(values: Sequence[float]) -> tuple[float, float]:
    finite = [min(1e300, max(-1e300, value)) for value in values if math.isfinite(value)] or [0.0, 1.0]
    return min(finite), max(finite)
