"""A disk that is full costs the way back, and not the run; what was asked for and cannot be written is said plainly."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from failing import table

import netwright as nw
from netwright.errors import CannotWrite, NoKeptTrials, UnwritableModel
from netwright.events import Event, NotKept, TrialFinished, TrialStarted
from netwright.journal import Journal
from netwright.mix.shelf import read_shelf

TRIALS = 4
SIZE = 64 * 2**20  # bytes of the disk: more than a run of this table takes


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a small disk of its own; only root may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)], capture_output=True)
    if sys.platform != "linux" or mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Fill a disk to its last byte; return the file that does."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (2**16, 2**12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC
    return filler


def finished(folder: Path) -> set[int]:
    """Return the trials that finished by the record."""
    with Journal.open(folder / "journal.sqlite") as journal:
        return {record.trial for record in journal.trials() if record.status == "finished"}


def at_first(kind: type[Event], do: Callable[[], object]) -> Callable[[Event], None]:
    """Return a listener that does something once, at the first event of a kind."""
    waiting = [do]

    def listen(event: Event) -> None:
        if waiting and isinstance(event, kind):
            waiting.pop()()

    return listen


def test_a_disk_that_was_full_for_a_while_does_not_end_a_run(disk: Path) -> None:
    """What could not be written is said once, and written when there is room again."""
    told: list[Event] = []
    out, ended = disk / "run", 0

    def listen(event: Event) -> None:
        nonlocal ended
        told.append(event)
        if isinstance(event, TrialStarted) and event.trial == 2:
            fill(disk)
        ended += isinstance(event, TrialFinished)
        if ended == TRIALS and (disk / "filler").exists():
            (disk / "filler").unlink()

    run = nw.fit(table(), "target", trials=TRIALS, out=out, listener=listen)
    assert run.result.trials == TRIALS and run.result.failed == 0
    reasons = [event.reason for event in told if isinstance(event, NotKept)]
    assert reasons and all("cannot be written" in reason or "disk is full" in reason for reason in reasons)
    assert finished(out) == set(range(1, TRIALS + 1))
    assert nw.load(run.bundle).result.trials == TRIALS
    assert run.report.stat().st_size > 0


def test_a_disk_that_stays_full_is_said_and_what_was_kept_is_gone_on_with(disk: Path) -> None:
    """Once there is room, the same command ends the run; what had finished is not trained again."""
    out = disk / "run"
    with pytest.raises(CannotWrite, match="Free some space") as caught:
        nw.fit(table(), "target", trials=TRIALS, out=out, listener=at_first(TrialFinished, lambda: fill(disk)))
    assert caught.value.exit_status == 2
    (disk / "filler").unlink()
    before = finished(out)
    assert before
    told: list[Event] = []
    run = nw.fit(table(), "target", trials=TRIALS, out=out, listener=told.append)
    assert run.result.trials == TRIALS
    assert before.isdisjoint({event.trial for event in told if isinstance(event, TrialStarted)})
    assert not [*out.rglob(".netwright-*")]


def test_a_disk_that_is_full_from_the_start_is_said_at_once(disk: Path) -> None:
    """Before anything is learnt, and nothing half written stays."""
    (disk / "run").mkdir()
    fill(disk)
    told: list[Event] = []
    with pytest.raises(CannotWrite, match="No space left on device"):
        nw.fit(table(), "target", trials=1, out=disk / "run", listener=told.append)
    assert not any(isinstance(event, TrialStarted) for event in told)
    assert [*(disk / "run").iterdir()] == []


def test_without_a_disk_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none can be mounted, the one place where files are written is told that there is no room."""
    real = os.fsync

    def full(descriptor: int) -> None:
        if "checkpoints" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    if sys.platform != "linux":
        pytest.skip("files are told apart by /proc")
    monkeypatch.setattr("netwright.storage.os.fsync", full)
    told: list[Event] = []
    run = nw.fit(table(), "target", trials=2, out=tmp_path, listener=told.append)
    assert run.result.trials == 2 and nw.load(run.bundle).parts
    assert any(isinstance(event, NotKept) and "No space left" in event.reason for event in told)


@pytest.mark.parametrize("error", [UnwritableModel("trials.nw", "it would take more than 2 GiB"), MemoryError()])
def test_trials_that_no_file_holds_do_not_cost_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The model is there, and its report; only another one cannot be chosen. With more trials it has them still."""

    def failing(*given: object) -> None:
        raise error

    told: list[Event] = []
    with monkeypatch.context() as patch:
        patch.setattr("netwright.fitting.write_shelf", failing)
        run = nw.fit(table(), "target", trials=1, out=tmp_path, listener=told.append)
    assert nw.load(run.bundle).parts and run.report.exists()
    (reason,) = [event.reason for event in told if isinstance(event, NotKept)]
    assert "not kept to choose from" in reason
    with pytest.raises(NoKeptTrials):
        nw.pick(tmp_path)
    assert nw.fit(table(), "target", trials=1, out=tmp_path).before
    nw.fit(table(), "target", trials=2, out=tmp_path)
    shelf, _ = read_shelf(tmp_path / "trials.nw")
    assert {kept.trial for kept in shelf.kept} == {1, 2}
    assert not (tmp_path / "checkpoints").exists()


def test_a_place_that_is_taken_is_said_before_anything_is_learnt(tmp_path: Path) -> None:
    """And not after all the time is over."""
    (tmp_path / "report.html").mkdir()
    told: list[Event] = []
    with pytest.raises(CannotWrite, match=r"report\.html cannot be written: it is a folder"):
        nw.fit(table(), "target", trials=1, out=tmp_path, listener=told.append)
    assert told == []
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_link_in_the_place_of_the_checkpoints_is_not_followed(tmp_path: Path) -> None:
    """Files elsewhere are neither read, nor written, nor removed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "trial-000001.nw").write_bytes(b"of somebody else")
    told: list[Event] = []

    def listen(event: Event) -> None:
        told.append(event)
        if isinstance(event, TrialStarted) and event.trial == 1:
            (tmp_path / "run" / "checkpoints").symlink_to(elsewhere)

    run = nw.fit(table(), "target", trials=2, out=tmp_path / "run", listener=listen)
    assert run.result.trials == 2
    assert any(isinstance(event, NotKept) and "link to another place" in event.reason for event in told)
    assert [path.read_bytes() for path in elsewhere.iterdir()] == [b"of somebody else"]
