"""What a person sees of a run: drawn in place on a terminal, a few lines elsewhere."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from rich.console import Console

from netwright.cli import progress
from netwright.cli.progress import LiveProgress, QuietProgress, Tally, best_line, clock_line, data_lines, sparkline
from netwright.events import (
    BestImproved,
    DataRead,
    EpochDone,
    Event,
    FilesDecoded,
    TrialFailed,
    TrialFinished,
    TrialStarted,
)
from netwright.resources.budget import Budget


@dataclass
class Hands:
    """A clock that a test moves."""

    now: float = 0.0

    def read(self) -> float:
        """Return the time."""
        return self.now


def started(trial: int) -> TrialStarted:
    """Return the beginning of a trial."""
    return TrialStarted(1.0, trial, "1×64 silu", "portfolio", {}, 100)


def best(score: float) -> BestImproved:
    """Return a better score."""
    return BestImproved(2.0, score, 1 - score, 1)


def read(*messages: str) -> DataRead:
    """Return that data was read, with findings."""
    findings = tuple({"kind": "note", "column": "a", "message": message} for message in messages)
    return DataRead(0.5, {}, findings, 1_200, 3)


def written(columns: int = 80) -> tuple[Console, Callable[[], str]]:
    """Return a terminal of so many columns, and a function that returns all that was written to it."""
    file = io.StringIO()
    return Console(file=file, force_terminal=True, width=columns, height=25, color_system=None), file.getvalue


def drawn(shown: LiveProgress, columns: int = 80) -> list[str]:
    """Return the lines that the terminal shows now."""
    console = Console(file=io.StringIO(), width=columns)
    console.print(shown.draw())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_the_display_tells_time_trials_and_the_best_score() -> None:
    """Elapsed and left; done, running, failed; the score with the curve that led to it."""
    hands = Hands()
    shown = LiveProgress(written()[0], Budget(seconds=60, started=0.0, clock=hands.read), "accuracy")
    assert drawn(shown)[2] == "reading and preparing"
    shown.listen(read())
    assert drawn(shown)[2] == "the first networks are learning"
    events = (started(1), started(2), started(3), EpochDone(1.5, 1, 1, 9, 0.5), TrialFinished(2.0, 1, 0.8, 0.4, 1.0))
    for event in (*events, best(0.8), TrialFailed(2.5, 2, "it diverged"), best(0.9)):
        shown.listen(event)
    hands.now = 15.0
    time, trials, score = drawn(shown)
    assert time.startswith("━━━━━━━───") and time.endswith(" 15 s, 45 s left")
    assert trials == "1 trial done, 1 running, 1 failed"
    assert score == "best accuracy so far 0.9000  ▁█"


def test_a_wish_to_end_is_acknowledged_at_once() -> None:
    """So that nobody presses Ctrl-C again out of doubt."""
    budget = Budget(seconds=60)
    shown = LiveProgress(written()[0], budget, "score")
    assert len(drawn(shown)) == 3
    budget.end()
    assert drawn(shown)[3] == progress.ENDING


def test_no_line_is_wider_than_the_terminal() -> None:
    """A line that wraps would break drawing in place."""
    shown = LiveProgress(written()[0], Budget(seconds=60), "balanced_accuracy")
    for score in range(100):
        shown.listen(best(score / 100))
    assert len(drawn(shown, columns=30)) == 3
    assert max(map(len, drawn(shown, columns=30))) <= 30


def test_what_was_noticed_stays_above_the_display_and_the_display_goes() -> None:
    """Findings are printed as lines, indented also where they wrap, before the display is cleared."""
    console, text = written(columns=40)
    with LiveProgress(console, Budget(seconds=60), "score") as shown:
        shown.listen(read("Column 'a' [bold]is an identifier[/bold] and was left out, since each row has its own."))
    assert "1,200 rows, 3 columns" in text()
    assert "[bold]is an identifier[/bold]" in " ".join(text().split())
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "\n", text()).splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("  Column 'a'"))
    assert lines[place + 1].startswith("  ") and lines[place + 2].startswith("  ")


def test_events_may_come_from_several_threads_while_it_draws() -> None:
    """Nothing is lost and nothing breaks."""
    console, _ = written()
    with LiveProgress(console, Budget(seconds=60), "score") as shown:

        def lane(first: int) -> None:
            for trial in range(first, first + 200):
                events: tuple[Event, ...] = (
                    started(trial),
                    best(trial / 1000),
                    TrialFinished(1.0, trial, 0.5, 0.5, 1.0),
                )
                for event in events:
                    shown.listen(event)

        lanes = [threading.Thread(target=lane, args=(1_000 * number,)) for number in range(3)]
        for thread in lanes:
            thread.start()
        while any(thread.is_alive() for thread in lanes):
            drawn(shown)
        for thread in lanes:
            thread.join()
    assert drawn(shown)[1] == "600 trials done, 0 running, 0 failed"


def test_where_nobody_watches_little_is_said() -> None:
    """The size of the data and what was noticed; no trials, no escape sequences."""
    file = io.StringIO()
    with QuietProgress(Console(file=file, width=30)) as shown:
        for event in (read("A long sentence on a column is not broken into pieces."), started(1), best(0.5)):
            shown.listen(event)
    assert file.getvalue() == "1,200 rows, 3 columns\n  A long sentence on a column is not broken into pieces.\n"


def test_many_findings_are_cut_and_counted() -> None:
    """The report has all of them."""
    lines = data_lines(read(*(f"finding {number}" for number in range(20))))
    assert len(lines) == 1 + progress.MOST_FINDINGS + 1
    assert lines[-1] == "and 8 more findings, all in the report"


def test_findings_cannot_steer_the_terminal() -> None:
    """A column's name may hold anything."""
    assert "\x1b" not in "".join(data_lines(read("Column '\x1b[2J' is constant.")))


@pytest.mark.parametrize(
    ("values", "bars"),
    [([], ""), ([0.5], "▁"), ([3.0, 2.0, 1.0], "█▅▁"), ([1.0, float("nan"), 2.0], "▁█"), ([float("inf")], "")],
)
def test_a_curve_is_drawn_of_any_numbers(values: list[float], bars: str) -> None:
    """Also of one, of none, and of some that are no numbers."""
    assert sparkline(values) == bars


def test_a_run_without_a_time_limit_says_so() -> None:
    """With the number of trials, if that is what ends it."""
    hands = Hands(now=8.0)
    assert clock_line(Budget(started=0.0, clock=hands.read)) == "8.0 s, no time limit"
    assert clock_line(Budget(trials=3, started=0.0, clock=hands.read)) == "8.0 s for 3 trials, no time limit"


def test_time_that_is_over_draws_a_full_bar() -> None:
    """And not a longer one."""
    line = clock_line(Budget(seconds=5, started=0.0, clock=Hands(now=9.0).read))
    assert line == "━" * 28 + " 9.0 s, 0.0 s left"


def test_a_copy_of_the_tally_is_not_changed_by_later_events() -> None:
    """The display draws one moment."""
    tally = Tally()
    copy = tally.copy()
    tally.take(best(0.5))
    assert copy.scores == [] and best_line(copy, "score") == "reading and preparing"


@pytest.mark.parametrize("live", [True, False])
def test_data_is_read_until_it_is_told_of(live: bool) -> None:
    """So that who interrupts before is not made to wait for a result."""
    console, _ = written()
    shown = LiveProgress(console, Budget(seconds=60), "accuracy") if live else QuietProgress(console)
    assert shown.reading
    shown.listen(started(1))
    assert shown.reading
    shown.listen(read())
    assert not shown.reading


def test_files_that_are_being_decoded_are_counted_on_the_terminal() -> None:
    """From the first on, until the data was read."""
    console, _ = written()
    shown = LiveProgress(console, Budget(seconds=60, clock=Hands().read, started=0.0), "accuracy")
    assert "reading and preparing" in drawn(shown)[-1]
    shown.listen(FilesDecoded(1.0, 0, 1_300, False))
    assert drawn(shown)[-1] == "decoding: 0 of 1,300 files"
    shown.listen(FilesDecoded(2.0, 700, 1_300, False))
    assert drawn(shown)[-1] == "decoding: 700 of 1,300 files"
    shown.listen(FilesDecoded(3.0, 1, 1, True))
    assert drawn(shown)[-1] == "decoding: 1 of 1 file to test on"
    shown.listen(read())
    assert drawn(shown)[-1] == "the first networks are learning"


def test_a_log_tells_of_decoding_now_and_then() -> None:
    """At once, and then every ten seconds."""
    file = io.StringIO()
    shown = QuietProgress(Console(file=file, width=80))
    for second in range(0, 25, 2):
        shown.listen(FilesDecoded(float(second), 100 * second, 5_000, False))
    told = ["decoding: 0 of 5,000 files", "decoding: 1,000 of 5,000 files", "decoding: 2,000 of 5,000 files"]
    assert file.getvalue().splitlines() == told
