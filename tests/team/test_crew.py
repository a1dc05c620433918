"""The workers that there are: who comes, who does not, and who is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from workers_inside import Inside, InsideLink, never_over

from netwright.errors import NoWorkers, OtherVersions
from netwright.team.crew import MOST_STARTS, Crew
from netwright.team.link import Gone
from netwright.team.messages import Facts
from netwright.team.worker import versions_of
from netwright.train.pace import ONE_CORE
from netwright.train.torch import Torch

OURS = versions_of(Torch())


@contextmanager
def crew_of(transport: Any, versions: dict[str, str] | None = None, left: Any = never_over) -> Iterator[Crew]:
    """Yield a crew that was started, and close it."""
    crew = Crew(transport, OURS if versions is None else versions, left)
    crew.start()
    try:
        yield crew
    finally:
        crew.close()


def yes() -> bool:
    """Return that waiting is worth it."""
    return True


def test_workers_are_handed_out_to_one_at_a_time() -> None:
    """Two there are, and the third who asks waits until one is given back."""
    with crew_of(Inside(2)) as crew:
        first, second = crew.take(yes), crew.take(yes)
        assert first is not None and second is not None
        assert {first.link.name, second.link.name} == {"worker 1", "worker 2"}
        turns = iter([True, True, False])
        assert crew.take(lambda: next(turns)) is None
        crew.give_back(first)
        assert crew.take(yes) is first
        assert crew.facts() == Facts("cpu", 1, ONE_CORE, OURS)


def test_another_one_comes_in_the_place_of_one_that_was_lost() -> None:
    """With a name of its own."""
    transport = Inside(1)
    with crew_of(transport) as crew:
        first = crew.take(yes)
        assert first is not None
        crew.lose(first)
        second = crew.take(yes)
        assert second is not None and second.link.name == "worker 2"
    assert transport.closed


def test_where_nobody_comes_the_first_cause_is_told() -> None:
    """After three tries a place, and all who wait hear it."""
    transport = Inside(2, dies=lambda number, turn: True)
    with crew_of(transport) as crew:
        with pytest.raises(NoWorkers, match="signal 9"):
            crew.facts()
        with pytest.raises(NoWorkers, match="signal 9"):
            crew.take(yes)
    assert transport.begun == 2 * MOST_STARTS


def test_a_worker_of_other_versions_is_refused_at_once() -> None:
    """What comes of a trial must not hang on who trained it; and trying again changes nothing."""
    transport = Inside(1)
    with crew_of(transport, {**OURS, "torch": "1.0"}) as crew, pytest.raises(OtherVersions, match=r"instead of 1\.0"):
        crew.facts()
    assert transport.begun == 1


def test_who_cannot_be_started_is_told_of_and_the_others_work() -> None:
    """Told once somebody listens, of before and of later."""
    told: list[tuple[str, str]] = []
    given_up = threading.Event()
    transport = Inside(2, dies=lambda number, turn: number != 1)

    def tell(name: str, reason: str) -> None:
        told.append((name, reason))
        given_up.set()

    with crew_of(transport) as crew:
        crew.tell_absences(tell)
        assert given_up.wait(30)
        assert crew.take(yes) is not None
    assert [reason for _, reason in told] == ["its process was ended by signal 9"]
    assert transport.begun == 1 + MOST_STARTS


def test_nobody_waits_longer_than_the_run_lasts() -> None:
    """Neither for the first worker nor for a free one."""

    class Late(InsideLink):
        def exchange(self, frame: bytes, seconds: float) -> bytearray:
            ended.wait(30)
            raise Gone("it came too late")

    class Slow(Inside):
        def begin(self, number: int, seat: int) -> InsideLink:
            return Late(f"worker {number}", number, self, super().begin(number, seat).workplace)

    ended = threading.Event()
    with crew_of(Slow(1), left=lambda: 0.0) as crew:
        with pytest.raises(NoWorkers, match="in time"):
            crew.facts()
        assert crew.take(yes) is None
        ended.set()


def test_workers_train_on_one_kind_of_device() -> None:
    """One that has another than the first is not taken: what comes of a trial must not hang on who trained it."""

    class Mixed(Inside):
        def begin(self, number: int, seat: int) -> InsideLink:
            link = super().begin(number, seat)
            if number > 1:
                link.workplace.framework = Card()
            return link

    class Card(Torch):
        device = "cuda:0"

    told: list[str] = []
    with crew_of(Mixed(1)) as crew:
        member = crew.take(yes)
        assert member is not None
        crew.tell_absences(lambda name, reason: told.append(reason))
        crew.lose(member)
        with pytest.raises(NoWorkers):
            crew.take(yes)
    assert told and "trains on cuda:0, where others train on cpu" in told[0]
