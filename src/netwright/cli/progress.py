"""What happens in a run, shown on the terminal: one listener draws, another says little where nobody watches."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from netwright.events import (
    BenchSet,
    BestImproved,
    DataRead,
    Event,
    FilesDecoded,
    GaveUp,
    NotKept,
    ResourcesUsed,
    RowsEncoded,
    RowsStreamed,
    RunFinished,
    RunResumed,
    TeamStarted,
    TrialFailed,
    TrialFinished,
    TrialResumed,
    TrialStarted,
    WorkerLost,
)
from netwright.report.numbers import count, duration, megabytes, number, printable
from netwright.report.words import lost_in_words
from netwright.resources.budget import Budget

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 28  # of the bar and of the learning curve
MOST_FINDINGS = 12
SECONDS_BETWEEN = 10.0  # of two lines of a log that tell how many files are decoded
ENDING = "Ending as asked, with the best so far; the same again ends at once."


@dataclass
class Tally:
    """What the events so far add up to. Changed under the display's lock only."""

    started: int = 0
    finished: int = 0
    failed: int = 0
    scores: list[float] = field(default_factory=list)
    decoded: FilesDecoded | None = None
    encoded: RowsEncoded | None = None
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
            case FilesDecoded():
                self.decoded = event
            case RowsEncoded():
                self.encoded = event
            case RowsStreamed():
                self.encoded = None  # all of them are
            case DataRead():
                self.data = event
            case RunResumed():
                self.started += event.trials
                self.finished += event.trials
            case TrialResumed():
                self.started += 1

    def copy(self) -> Tally:
        """Return the state as it is now, which later events do not change."""
        return replace(self, scores=[*self.scores])


class LiveProgress:
    """Draws the state of a run in place, some times a second, until it is closed."""

    def __init__(self, console: Console, budget: Budget, metric: str) -> None:
        self._console, self._budget, self._metric = console, budget, metric
        self._tally, self._lock = Tally(), threading.Lock()
        self.reading = True  # until the data was read
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
            self.reading = False
            size, *findings = data_lines(event)
            self._console.print(Text(size))
            for line in findings:
                self._console.print(Padding(Text(line), (0, 0, 0, 2), expand=False))
        elif line := notice(event):
            self._console.print(Text(line))

    def draw(self) -> RenderableType:
        """Return what the terminal shows now."""
        with self._lock:
            tally = self._tally.copy()
        lines = [clock_line(self._budget), trials_line(tally), best_line(tally, self._metric)]
        lines += [ENDING] if self._budget.ended_early else []
        return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))


class QuietProgress:
    """Says what was noticed in the data and nothing of the trials: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told = -math.inf  # when it was last told how many files are decoded
        self.reading = True  # until the data was read

    def __enter__(self) -> QuietProgress:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is left open."""

    def listen(self, event: Event) -> None:
        """Take an event, from any thread."""
        if isinstance(event, FilesDecoded) and event.seconds >= self._told + SECONDS_BETWEEN:
            self._told = event.seconds
            self._console.print(decoding_line(event), markup=False, highlight=False, soft_wrap=True)
        if isinstance(event, DataRead):
            self.reading = False
            size, *findings = data_lines(event)
            for line in (size, *(f"  {finding}" for finding in findings)):
                self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        elif line := notice(event):
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        if isinstance(event, RunFinished):
            self._console.print(f"finished after {duration(event.seconds)}", markup=False, highlight=False)


def notice(event: Event) -> str:
    """Return what is said of an event beside what is drawn, as a line; an empty text for most.

    >>> notice(RunResumed(20.0, 40.0, 3, 1))
    'going on with the run there: 3 finished trials are carried over, 1 that had begun goes on; 20 s of 40 s are spent'
    """
    match event:
        case RunResumed(seconds, limit, trials, begun):
            again = f", {begun} that had begun {'goes' if begun == 1 else 'go'} on" if begun else ""
            carried = f"{count(trials, 'finished trial')} {'is' if trials == 1 else 'are'} carried over{again}"
            spent = f"{duration(seconds)} of {duration(limit)} are spent" if limit else f"{duration(seconds)} are spent"
            return f"going on with the run there: {carried}; {spent}"
        case TeamStarted(_, workers, place, warning):
            return f"{count(workers, 'worker')} on {place}{f'. {warning}' if warning else ''}"
        case WorkerLost():
            return printable(lost_in_words(event))
        case NotKept(_, reason):
            return f"the run goes on, but could not be resumed from here: {reason}"
        case RowsStreamed():
            return streamed_line(event)
        case BenchSet(left_out=reason) if reason:
            return f"there is no trained network that looks at the rows: {printable(reason)}"
        case ResourcesUsed():
            return resources_line(event)
        case GaveUp(_, reason):
            return f"the search ends here, with what it has: {printable(reason)}"
    return ""


def streamed_line(event: RowsStreamed) -> str:
    """Return what came of the rows that are not held in memory.

    >>> streamed_line(RowsStreamed(9.0, 5_000_000, 5_000_000, 4_900_000, 10**9))
    '4,900,000 rows more are learnt from, from disk, where they take 1,000 MB until the end'
    """
    late = f"; there was no time to read {count(event.rows - event.read, 'other')}" if event.read < event.rows else ""
    where = f", where they take {megabytes(event.size)} until the end" if event.size else ""
    return f"{count(event.written, 'row')} more are learnt from, from disk{where}{late}"


def resources_line(event: ResourcesUsed) -> str:
    """Return what a run took beside time, as one line.

    >>> resources_line(ResourcesUsed(9.0, 812_000_000, 4 * 10**9, 12_000_000, 0))
    'memory 812 MB at the most, of 4,000 MB allowed; disk 12 MB at the most for going on, removed'
    """
    memory = f"memory {megabytes(event.memory)} at the most, of {megabytes(event.allowed)} allowed"
    rows = f" and {megabytes(event.rows)} for rows" if event.rows else ""
    return f"{memory}; disk {megabytes(event.checkpoints)} at the most for going on{rows}, removed"


def clock_line(budget: Budget) -> str:
    """Return the time used and left; a bar if there is a limit."""
    used = budget.elapsed()
    if budget.seconds is None:
        of = "" if budget.trials is None else f" for {count(budget.trials, 'trial')}"
        return f"{duration(used)}{of}, no time limit"
    full = round(min(1.0, used / budget.seconds) * _WIDTH)
    return f"{'━' * full}{'─' * (_WIDTH - full)} {duration(used)}, {duration(budget.left())} left"


def trials_line(tally: Tally) -> str:
    """Return how many trials there are in each state."""
    running = max(0, tally.started - tally.finished - tally.failed)
    return f"{count(tally.finished, 'trial')} done, {running} running, {tally.failed} failed"


def best_line(tally: Tally, metric: str) -> str:
    """Return the best score and how it came about; what is done before there is one."""
    if not tally.scores:
        if tally.encoded is not None:
            return f"encoding: {tally.encoded.done:,} of {count(tally.encoded.rows, 'row')} that are read from disk"
        if tally.data is not None:
            return "the first networks are learning"
        return "reading and preparing" if tally.decoded is None else decoding_line(tally.decoded)
    return f"best {metric} so far {number(tally.scores[-1])}  {sparkline(tally.scores[-_WIDTH:])}"


def decoding_line(event: FilesDecoded) -> str:
    """Return how many files are decoded."""
    return f"decoding: {event.done:,} of {count(event.files, 'file')}{' to test on' if event.testing else ''}"


def sparkline(values: Sequence[float]) -> str:
    """Return values as a row of small bars; those that are not finite are left out.

    >>> sparkline([0.0, 0.5, 1.0])
    '▁▅█'
    >>> sparkline([float("nan")])
    ''
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    span = (high - low) or 1.0
    return "".join(_BARS[round((value - low) / span * (len(_BARS) - 1) + 1e-9)] for value in finite)


def data_lines(event: DataRead) -> list[str]:
    """Return what is told once the data was read: its size, then what was noticed, a line each."""
    findings = [printable(finding["message"]) for finding in event.findings]
    rest = len(findings) - MOST_FINDINGS
    more = [f"and {rest} more findings, all in the report"] if rest > 0 else []
    return [f"{count(event.rows, 'row')}, {count(event.columns, 'column')}", *findings[:MOST_FINDINGS], *more]
