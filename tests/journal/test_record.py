"""The record of a run: what goes in comes out, and survives threads, kills and full disks."""

from __future__ import annotations

import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from netwright.errors import CannotWrite, FolderInUse, NotAJournal
from netwright.events import (
    BestImproved,
    DataRead,
    EpochDone,
    RunFinished,
    RunStarted,
    StackKept,
    TeamStarted,
    TrialFailed,
    TrialFinished,
    TrialStarted,
    WorkerLost,
)
from netwright.journal import Journal, TrialRecord
from netwright.journal.record import CURVE_POINTS
from netwright.result import Result

WRITER = """
import sys
from pathlib import Path
from netwright.events import EpochDone, TrialFinished, TrialStarted
from netwright.journal import Journal

with Journal.create(Path(sys.argv[1])) as journal:
    for trial in range(100_000):
        journal.record(TrialStarted(trial, trial, "net", "random", {"width": trial}, 10))
        journal.record(EpochDone(trial + 0.5, trial, 1, 1, 0.5))
        journal.record(TrialFinished(trial + 0.9, trial, 0.9, 0.1, 0.9))
        print(trial, flush=True)
"""
FULL_DISK = """
import resource, sys
from pathlib import Path
from netwright.errors import OutputError
from netwright.events import TrialStarted
from netwright.journal import Journal

try:
    with Journal.create(Path(sys.argv[1])) as journal:
        journal.record(TrialStarted(0.0, 0, "net", "random", {}, 1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
        for trial in range(1, 1000):
            journal.record(TrialStarted(0.0, trial, "net" * 100, "random", {}, 1))
except OutputError as error:
    print(error)
"""


def started(trial: int) -> TrialStarted:
    """Return the start of a trial."""
    return TrialStarted(1.0, trial, "wide", "portfolio", {"blocks": [1, 2]}, 1234)


def test_everything_comes_back_as_it_went_in(tmp_path: Path, outcome: Result) -> None:
    """Every kind of event is read back with equal values, by another connection, after the record was closed."""
    data = DataRead(0.5, {"columns": []}, ({"kind": "leak", "column": None, "message": "其"},), 100, 3)
    best = BestImproved(2.0, 0.9, 0.3, 1)
    with Journal.create(tmp_path / "journal.sqlite") as journal:
        journal.record(RunStarted({"target": "类\ud800", "seed": 0, "time": None}))
        journal.record(data)
        for trial in range(3):
            journal.record(started(trial))
        journal.record(EpochDone(1.5, 0, 1, 10, 0.7))
        journal.record(EpochDone(1.6, 0, 2, 10, 0.5))
        journal.record(TrialFinished(1.7, 0, 0.9, 0.3, 0.7))
        journal.record(TrialFailed(1.8, 1, "the loss was not a number \udc80"))
        journal.record(best)
        journal.record(RunFinished(3.0, outcome))
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        assert journal.settings() == {"target": "类?", "seed": 0, "time": None}
        assert journal.data() == data
        assert journal.curve() == (best,)
        assert journal.result() == outcome
        first, second, third = journal.trials()
    curve = ((1.5, 1, 0.7), (1.6, 2, 0.5))
    assert first == TrialRecord(
        0, "wide", "portfolio", {"blocks": [1, 2]}, 1234, 1.0, "finished", None, 0.9, 0.3, 0.7, curve
    )
    assert (second.status, second.reason) == ("failed", "the loss was not a number ?")
    assert (third.status, third.score, third.curve) == ("running", None, ())


def test_an_empty_record_says_so(tmp_path: Path) -> None:
    """A run that ended before anything was recorded has no settings, data, trials or result."""
    with Journal.create(tmp_path / "journal.sqlite") as journal:
        assert (journal.settings(), journal.data(), journal.trials()) == ({}, None, ())
        assert (journal.curve(), journal.result()) == ((), None)


def test_what_is_not_a_number_is_kept(tmp_path: Path, outcome: Result) -> None:
    """A loss that diverged and a score that is not defined neither stop the run nor become numbers."""
    with Journal.create(tmp_path / "journal.sqlite") as journal:
        journal.record(started(0))
        journal.record(EpochDone(1.0, 0, 1, 2, math.nan))
        journal.record(EpochDone(1.1, 0, 2, 2, math.inf))
        journal.record(TrialFinished(1.2, 0, math.nan, 0.3, 0.2))
        journal.record(BestImproved(1.3, math.nan, 0.3, 1))
        journal.record(RunFinished(2.0, replace(outcome, score=math.nan, metrics={"roc_auc": math.nan})))
        (trial,), (best,), result = journal.trials(), journal.curve(), journal.result()
    assert math.isnan(trial.curve[0][2]) and trial.curve[1][2] == math.inf
    assert trial.score is None and math.isnan(best.score)
    assert result is not None and math.isnan(result.score) and math.isnan(result.metrics["roc_auc"])


def test_epochs_wait_but_not_long(tmp_path: Path) -> None:
    """Another connection sees an epoch once a second of the run has passed, or with the next event of another kind."""
    path = tmp_path / "journal.sqlite"
    with Journal.create(path) as journal, Journal.open(path) as reader:
        journal.record(started(0))
        journal.record(EpochDone(1.0, 0, 1, 9, 0.5))
        assert reader.trials()[0].curve == ()
        journal.record(EpochDone(2.1, 0, 2, 9, 0.4))
        assert len(reader.trials()[0].curve) == 2
        journal.record(EpochDone(2.2, 0, 3, 9, 0.4))
        journal.record(started(1))
        assert len(reader.trials()[0].curve) == 3


def test_of_stacks_that_were_kept_the_last_is_known(tmp_path: Path) -> None:
    """Which says what time is spent, and takes what waits to the disk with it."""
    path = tmp_path / "journal.sqlite"
    with Journal.create(path) as journal, Journal.open(path) as reader:
        journal.record(started(0))
        journal.record(EpochDone(1.5, 0, 1, 9, 0.5))
        for seconds in (5.0, 9.0):
            journal.record(StackKept(seconds))
        assert reader.spent() == 9.0 and len(reader.trials()[0].curve) == 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM event").fetchone() == (1,)


def test_long_curves_are_thinned_but_keep_their_end(tmp_path: Path) -> None:
    """A trial with very many epochs is read as few enough to draw, the last one among them."""
    with Journal.create(tmp_path / "journal.sqlite") as journal:
        journal.record(started(0))
        for epoch in range(5000):
            journal.record(EpochDone(epoch / 1000, 0, epoch, 5000, 1 / (1 + epoch)))
        (trial,) = journal.trials()
    assert CURVE_POINTS / 2 < len(trial.curve) <= CURVE_POINTS
    assert trial.curve[-1] == (4.999, 4999, 1 / 5000)
    assert list(trial.curve) == sorted(trial.curve)


def test_what_happens_together_is_written_together_and_in_order(tmp_path: Path) -> None:
    """One commit for all, but epochs at the end may wait; a trial that begins anew loses its epochs of before alone."""
    with Journal.create(tmp_path / "journal.sqlite") as journal, Journal.open(tmp_path / "journal.sqlite") as other:
        together = [started(1), EpochDone(1.5, 1, 1, 9, 0.7), started(1), EpochDone(1.6, 1, 1, 9, 0.6), started(2)]
        journal.record_all([*together, EpochDone(1.7, 2, 1, 9, 0.5)])
        first, second = other.trials()
        assert first.curve == ((1.6, 1, 0.6),)
        assert second.curve == ()
        journal.record_all([])
        journal.record(TrialFinished(2.0, 1, 0.9, 0.1, 1.0))
        assert other.trials()[1].curve == ((1.7, 1, 0.5),)


def test_of_events_together_all_are_written_or_none(tmp_path: Path) -> None:
    """The second is a mistake of the program."""
    with Journal.create(tmp_path / "journal.sqlite") as journal:
        with pytest.raises(ValueError, match="not started"):
            journal.record_all([started(1), TrialFailed(1.0, 7, "never began")])
        assert journal.trials() == ()
        journal.record(started(2))
        assert [trial.trial for trial in journal.trials()] == [2]


def test_workers_and_their_loss_come_back(tmp_path: Path) -> None:
    """And what a lost one had told since the epoch that another goes on from is forgotten."""
    team = TeamStarted(0.5, 2, "the Ray cluster 10.0.0.5:6379", "it asks for no token")
    lost = [WorkerLost(3.0, (1, 2), "worker 2", "signal 9", 3), WorkerLost(4.0, (), "worker 4", "no room", 0)]
    with Journal.create(tmp_path / "journal.sqlite") as journal:
        assert journal.team() is None and journal.lost() == ()
        journal.record_all([team, started(1), started(2)])
        for epoch in range(1, 5):
            journal.record(EpochDone(1.0 + epoch, 1, epoch, 9, 0.5))
        journal.record_all(lost)
        assert journal.team() == team
        assert journal.lost() == tuple(lost)
        assert [epoch for _, epoch, _ in journal.trials()[0].curve] == [1, 2]


def test_a_trial_that_never_began_cannot_end(tmp_path: Path) -> None:
    """The end of an unknown trial is a mistake of the program, and nothing of it is kept."""
    with Journal.create(tmp_path / "journal.sqlite") as journal:
        with pytest.raises(ValueError, match="Trial 7 ended"):
            journal.record(TrialFinished(1.0, 7, 0.9, 0.3, 0.7))
        journal.record(started(0))
        assert len(journal.trials()) == 1


def test_two_threads_lose_nothing(tmp_path: Path) -> None:
    """Events from two threads at once are all there, each with its own trial."""
    with Journal.create(tmp_path / "journal.sqlite") as journal:

        def lane(first: int) -> None:
            for trial in range(first, 40, 2):
                journal.record(started(trial))
                for epoch in range(20):
                    journal.record(EpochDone(trial + epoch / 20, trial, epoch, 20, 0.5))
                journal.record(TrialFinished(trial + 1.0, trial, trial / 40, 0.3, 1.0))

        threads = [threading.Thread(target=lane, args=(first,)) for first in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        trials = journal.trials()
    assert [trial.score for trial in trials] == [trial / 40 for trial in range(40)]
    assert all([epoch for _, epoch, _ in trial.curve] == list(range(20)) for trial in trials)


def test_a_closed_record_is_one_file(tmp_path: Path) -> None:
    """Nothing lies beside the record once it is closed, and it can then be read where nothing can be written."""
    path = tmp_path / "journal.sqlite"
    journal = Journal.create(path)
    journal.record(started(0))
    assert (tmp_path / "journal.sqlite-wal").exists()
    journal.close()
    journal.close()
    assert os.listdir(tmp_path) == ["journal.sqlite"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_reader_does_not_keep_the_writer(tmp_path: Path) -> None:
    """A run ends at once and well while someone still reads its record."""
    path = tmp_path / "journal.sqlite"
    journal = Journal.create(path)
    journal.record(started(0))
    with Journal.open(path) as reader:
        reader.trials()
        journal.close()
        assert len(reader.trials()) == 1
    with Journal.open(path) as reader:
        assert len(reader.trials()) == 1


def test_a_new_run_replaces_the_record_of_the_last(tmp_path: Path) -> None:
    """What a killed run left, its write-ahead log included, does not show up in the next."""
    path = tmp_path / "journal.sqlite"
    _killed_writer(path, acknowledged=5)
    assert (tmp_path / "journal.sqlite-wal").exists()
    with Journal.create(path) as journal:
        assert journal.trials() == ()
    assert os.listdir(tmp_path) == ["journal.sqlite"]


def test_a_newer_record_is_replaced_too(tmp_path: Path) -> None:
    """A record of a newer version cannot be read, but is ours to replace."""
    path = tmp_path / "journal.sqlite"
    Journal.create(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with Journal.create(path) as journal:
        assert journal.trials() == ()


@pytest.mark.parametrize("content", [b"", b"my novel", b"SQLite format 3\0" + bytes(4080)])
def test_what_is_not_a_record_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """A file of another kind is refused and stays as it is."""
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content)
    with pytest.raises(NotAJournal, match="is not the record of a run"):
        Journal.create(path)
    assert path.read_bytes() == content
    path.unlink()
    Journal.create(path).close()


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    """A SQLite file that Netwright did not write is refused."""
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE diary (day TEXT)")
    connection.close()
    with pytest.raises(NotAJournal):
        Journal.create(path)


def test_a_missing_folder_is_said_plainly(tmp_path: Path) -> None:
    """A record cannot be begun in a folder that is not there."""
    with pytest.raises(CannotWrite, match="cannot be written"):
        Journal.create(tmp_path / "nowhere" / "journal.sqlite")


@pytest.mark.skipif(sys.platform == "win32", reason="no folder locks there")
def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second run is refused until the first has ended, in whatever way."""
    path = tmp_path / "journal.sqlite"
    with Journal.create(path), pytest.raises(FolderInUse, match="Another run is writing"):
        Journal.create(path)
    forgotten = Journal.create(path)
    del forgotten
    Journal.create(path).close()


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_a_full_disk_is_said_plainly(tmp_path: Path) -> None:
    """Where no more can be written the user hears so, and what had been recorded is still there."""
    path = tmp_path / "journal.sqlite"
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True)
    assert "cannot be written: the disk is full" in done.stdout and "\n" not in done.stdout.strip()
    with Journal.open(path) as journal:
        assert journal.trials()[0].trial == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
@pytest.mark.parametrize("seed", range(4))
def test_a_killed_run_loses_no_finished_trial(tmp_path: Path, seed: int) -> None:
    """After SIGKILL at any moment, every trial whose end was acknowledged is there, whole."""
    acknowledged = _killed_writer(tmp_path / "journal.sqlite", random.Random(seed).randrange(1, 60))
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        trials = journal.trials()
    finished = [trial for trial in trials if trial.status == "finished"]
    assert len(finished) >= acknowledged
    assert [trial.trial for trial in trials] == list(range(len(trials)))
    assert all(trial.candidate == {"width": trial.trial} and len(trial.curve) == 1 for trial in finished)


def _killed_writer(path: Path, acknowledged: int) -> int:
    """Run a writer, kill it after so many trials, and return how many it had acknowledged."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    lines = [writer.stdout.readline() for _ in range(acknowledged)]
    writer.send_signal(signal.SIGKILL)
    lines += writer.stdout.readlines()
    writer.stdout.close()
    writer.wait()
    return sum(line.endswith("\n") for line in lines)
