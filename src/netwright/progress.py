"""What happens in a run, shown on the terminal: a listener that draws, and one that says little where nobody watches."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from netwright.budget import Budget
from netwright.events import BestImproved, DataRead, Event, RunFinished, TrialFailed, TrialFinished, TrialStarted
from netwright.report.numbers import count, duration, number

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 28  # of the bar and of the learning curve
MOST_FINDINGS = 12


@dataclass
class Tally:
    """What the events so far add up to."""

    started: int = 0
    finished: int = 0
    failed: int = 0
    scores: list[float] = field(default_factory=list)
    data: DataRead | None = None

    def take(self, event: Event) -> None:
        """Count one event."""
        match event:
            case TrialStarted():
                self.started += 1
            case TrialFinished():
                self.finished += 1
            case TrialFailed():
                self.failed += 1
            case BestImproved():
                self.scores.append(event.score)
            case DataRead():
                self.data = event


class LiveProgress:
    """Draws the state of a run in place, some times a second, until it is closed."""

    def __init__(self, console: Console, budget: Budget, metric: str) -> None:
        self._console, self._budget, self._metric = console, budget, metric
        self._tally, self._lock = Tally(), threading.Lock()
        self._live = Live(get_renderable=self.draw, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def listen(self, event: Event) -> None:
        """Take an event, from any thread."""
        with self._lock:
            self._tally.take(event)
        if isinstance(event, DataRead):
            for line in data_lines(event):
                self._console.print(line, markup=False, highlight=False)

    def draw(self) -> RenderableType:
        """Return what the terminal shows now."""
        with self._lock:
            tally = Tally(**vars(self._tally))
        return Group(Text(self._clock()), Text(_trials(tally)), Text(_best(tally, self._metric)))

    def _clock(self) -> str:
        used = self._budget.elapsed()
        if self._budget.seconds is None:
            return f"{duration(used)} of no limit"
        share = min(1.0, used / self._budget.seconds)
        bar = "━" * round(share * _WIDTH) + "─" * (_WIDTH - round(share * _WIDTH))
        return f"{bar} {duration(used)}, {duration(self._budget.left())} left"


def _trials(tally: Tally) -> str:
    running = max(0, tally.started - tally.finished - tally.failed)
    return f"{count(tally.finished, 'trial')} done, {running} running, {tally.failed} failed"


def _best(tally: Tally, metric: str) -> str:
    if not tally.scores:
        return "reading and preparing" if tally.data is None else "the first networks are learning"
    return f"best {metric} so far {number(tally.scores[-1])}  {sparkline(tally.scores[-_WIDTH:])}"


def sparkline(values: list[float]) -> str:
    """Return values as a row of small bars.

    >>> sparkline([0.0, 0.5, 1.0])
    '▁▅█'
    """
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(_BARS[round((value - low) / span * (len(_BARS) - 1) + 1e-9)] for value in values)


def data_lines(event: DataRead) -> list[str]:
    """Return what is told once the data was read: its size, and what was noticed."""
    lines = [f"{count(event.rows, 'row')}, {count(event.columns, 'column')}"]
    lines += [f"  {finding['message']}" for finding in event.findings[:MOST_FINDINGS]]
    rest = len(event.findings) - MOST_FINDINGS
    return [*lines, f"  and {rest} more findings, all in the report"] if rest > 0 else lines


class QuietProgress:
    """Says what was noticed in the data and nothing of the trials: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> QuietProgress:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is left open."""

    def listen(self, event: Event) -> None:
        """Take an event, from any thread."""
        if isinstance(event, DataRead):
            for line in data_lines(event):
                self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        if isinstance(event, RunFinished):
            self._console.print(f"finished after {duration(event.seconds)}", markup=False, highlight=False)
