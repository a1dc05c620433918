"""How long a call takes: the clock is given, so that nothing hangs on the machine; and how large a file is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from netwright.mix import footprint
from netwright.mix.footprint import ENOUGH, REPEATS, ROUNDS, WARM_UP, seconds_of, seconds_of_each
from netwright.tasks import TASKS
from netwright.testing.models import untrained_model


@dataclass
class Clock:
    """A clock that calls move on.

    Attributes:
        now: seconds.
        spell: from when to when everything takes three times as long.
        calls: the names of those that were made.
    """

    now: float = 0.0
    spell: tuple[float, float] = (0.0, 0.0)
    calls: list[str] = field(default_factory=list)

    def work(self, name: str, seconds: float) -> Callable[[], None]:
        """Return a call that takes some seconds on a quiet machine."""

        def work() -> None:
            self.calls.append(name)
            self.now += seconds * (3 if self.spell[0] <= self.now < self.spell[1] else 1)

        return work


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that times are read from."""
    made = Clock()
    monkeypatch.setattr(footprint.time, "perf_counter", lambda: made.now)
    return made


def test_a_slow_spell_does_not_count(clock: Clock) -> None:
    """It covers more than the first round; the others tell what the call takes."""
    clock.spell = (0.0, 0.1)
    assert seconds_of(clock.work("one", 1e-3)) == pytest.approx(1e-3)


def test_rounds_take_turns(clock: Clock) -> None:
    """So a spell that one call alone would have been measured in falls on all, and none is measured in it only."""
    clock.spell = (0.0, 0.35)  # all rounds of one, were they one after the other
    works = [clock.work("one", 1e-3), clock.work("two", 2e-3), clock.work("three", 1e-3)]
    assert seconds_of_each(works) == pytest.approx([1e-3, 2e-3, 1e-3])
    assert clock.calls[:: WARM_UP + REPEATS] == ["one", "two", "three"] * ROUNDS


@pytest.mark.parametrize(("seconds", "calls"), [(ENOUGH / 30, 36), (ENOUGH / 6, 6), (ENOUGH, 2), (10 * ENOUGH, 2)])
def test_what_is_slow_is_called_a_few_times_only(clock: Clock, seconds: float, calls: int) -> None:
    """Once its calls took long enough there is no further round; the first of two is to warm up."""
    assert seconds_of(clock.work("one", 1.0001 * seconds)) == pytest.approx(1.0001 * seconds)
    assert len(clock.calls) == calls


def test_nothing_takes_no_time(clock: Clock) -> None:
    """An empty list of calls gives an empty list of times."""
    assert seconds_of_each([]) == []


def test_the_size_of_a_file_is_known_without_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the byte; a place for temporary files that is full or gone at the end of a run costs nobody the model."""
    model = untrained_model(TASKS["tabular"], *TASKS["tabular"].toy(0))
    model.save(tmp_path / "model.nw")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    assert footprint.footprint(model).size == model.file_size() == (tmp_path / "model.nw").stat().st_size
