"""The record of a run while it is written and when it is read.

When `record` returns from a trial that finished or failed, neither a killed process nor a lost power supply undoes it.
Epochs are many and worth less: they wait in memory for the next commit, a second at most.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from netwright.errors import CannotWrite, DamagedJournal, UnreadableJournal
from netwright.events import (
    BenchSet,
    BestImproved,
    DataRead,
    EpochDone,
    Event,
    Example,
    GaveUp,
    MistakesFound,
    NotKept,
    Proposed,
    ResourcesUsed,
    RowsStreamed,
    RunFinished,
    RunResumed,
    RunStarted,
    StackKept,
    TeamStarted,
    Told,
    TrialFailed,
    TrialFinished,
    TrialResumed,
    TrialStarted,
    WorkerLost,
)
from netwright.journal import statements
from netwright.journal.bounds import PassedBound, Row, fetch
from netwright.journal.file import begin, begin_again, connect, end, is_of_the_file, is_of_the_system, told, writing
from netwright.journal.rows import (
    TrialRecord,
    bench_of,
    bests_of,
    data_of,
    lost_of,
    mistakes_of,
    reason_of,
    resources_of,
    result_of,
    resumed_of,
    search_of,
    seconds_of,
    settings_of,
    sound,
    streamed_of,
    team_of,
    text,
    trials_of,
)
from netwright.result import Result

EPOCHS_WAIT = 1.0  # seconds, on the run's clock, that an epoch waits for company
EPOCHS_TOGETHER = 512
EPOCHS_BEHIND = 50_000  # that are kept in memory while the disk is full
CURVE_POINTS = 512  # of one trial when it is read: a chart cannot show more
ALL_POINTS = 200_000  # of all trials together: the report of a week's run has to fit into memory
MOST_EPOCHS = 2_000_000  # that are looked at for that, the last ones
MOST_TRIALS = 200_000  # that are read
MOST_STEPS = 2 * MOST_TRIALS  # of the search
MOST_LOST = 1_000  # workers that were lost, the first ones
MOST_BESTS = 20_000  # improvements that are read, the last ones


class Journal:
    """One connection to the record, used from any thread, one event at a time."""

    def __init__(self, path: Path, connection: sqlite3.Connection, release: Callable[[], None] | None) -> None:
        """Take over a connection. Use `create` or `open`; `release`, given to a writer, is called at its end."""
        self._path = path
        self._connection = connection
        self._lock = threading.Lock()
        self._patient = True  # see `bounds.fetch`
        self._waiting: list[Row] = []
        self._behind: list[Event] = []  # those that a full disk did not take
        self._writes = release is not None
        self._leave = weakref.finalize(self, _leave, connection, release)  # also where nobody closes it

    @staticmethod
    def create(path: Path) -> Journal:
        """Begin a new record, in place of that of an earlier run; its folder is this run's until it is closed.

        Raises:
            NotAJournal: if another file stands there.
            FolderInUse: if another run is writing there now.
            CannotWrite: if it cannot be written there.
        """
        return Journal(path, *begin(path))

    @staticmethod
    def go_on(path: Path) -> Journal:
        """Open a record to go on with it; its folder is this run's until it is closed.

        Raises:
            FolderInUse: if another run is writing there now.
            OutputError: as `create` and `open`.
        """
        return Journal(path, *begin_again(path))

    @staticmethod
    def open(path: Path) -> Journal:
        """Open a record for reading, also while a run is writing it. What it holds is not trusted.

        Raises:
            MissingJournal: if there is no such file.
            NotAJournal: if it is something else.
            NewerJournal: if a newer version wrote it.
            DamagedJournal: if its tables are not those that Netwright makes; reading raises it for their content.
            UnreadableJournal: if the system will not give it out.
        """
        return Journal(path, connect(path), None)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except CannotWrite:
            if error is None:  # else what went wrong first is what the user must hear
                raise

    def close(self) -> None:
        """Close the record; all of it is then in the one file. Closing again does nothing.

        Raises:
            CannotWrite: if the disk is full; what had been recorded then lies in the write-ahead log beside the file.
        """
        with self._lock, writing(self._path):
            if not self._leave.alive:
                return
            try:
                if self._writes:
                    self._commit()
                    end(self._connection)
            finally:
                self._leave()

    # --- writing ---------------------------------------------------------------------------------------------------

    def record(self, event: Event) -> None:
        """Take down an event. It is on disk when this returns, but for an epoch, which may wait a second.

        Raises:
            CannotWrite: if the disk is full. The event then waits in memory, and is written together with the next one.
            ValueError: if a trial ends that was not started.
        """
        self.record_all((event,))

    def record_all(self, events: Sequence[Event]) -> None:
        """Take down events in their order, as `record` does one, but all with one sync of the disk.

        Raises:
            CannotWrite: as `record`.
            ValueError: as `record`; none of them is taken down then.
        """
        with self._lock, writing(self._path):
            last = max((place for place, one in enumerate(events) if not isinstance(one, EpochDone)), default=-1)
            if last >= 0:
                self._commit(events[: last + 1])
            for epoch in events[last + 1 :]:
                assert isinstance(epoch, EpochDone)
                self._waiting.append(_row(epoch))
                if epoch.seconds - self._waiting[0][1] >= EPOCHS_WAIT or len(self._waiting) >= EPOCHS_TOGETHER:
                    self._commit()

    def _commit(self, events: Sequence[Event] = ()) -> None:
        """Write the epochs that wait and the events, all of it or none."""
        events = [*self._behind, *events]
        if not events and not self._waiting:
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(statements.EPOCH, self._waiting)
            for one in events:
                self._write(one)
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:  # SQLite ends it by itself where the disk is full
                self._connection.execute("ROLLBACK")
            if is_of_the_file(error):
                self._behind = [one for one in events if not isinstance(one, EpochDone)]
                self._waiting += [_row(one) for one in events if isinstance(one, EpochDone)]
                del self._waiting[:-EPOCHS_BEHIND]
            raise
        self._behind.clear()
        self._waiting.clear()

    def _write(self, event: Event) -> None:
        run = self._connection.execute
        match event:
            case EpochDone():
                run(statements.EPOCH, _row(event))
            case RunStarted(settings):
                run("INSERT INTO event VALUES ('started', 0, ?)", (text(settings),))
            case RunResumed(seconds):
                run("INSERT INTO event VALUES ('resumed', ?, ?)", (seconds, text(asdict(event))))
            case Proposed() | Told():
                kind = "proposed" if isinstance(event, Proposed) else "told"
                run("INSERT INTO search (kind, body) VALUES (?, ?)", (kind, text(asdict(event))))
            case DataRead(seconds):
                run("INSERT INTO event VALUES ('data', ?, ?)", (seconds, text(asdict(event))))
            case TrialStarted(seconds, trial, name, origin, candidate, parameters):
                run("DELETE FROM epoch WHERE trial = ?", (trial,))  # of one that was cut off and begins anew
                run(statements.STARTED, (trial, sound(name), sound(origin), text(candidate), parameters, seconds))
            case TrialResumed(_, trial, epoch):  # what came later is trained once more
                run("DELETE FROM epoch WHERE trial = ? AND epoch >= ?", (trial, epoch))
            case StackKept(seconds):  # the last is enough
                run("DELETE FROM event WHERE kind = 'kept'")
                run("INSERT INTO event VALUES ('kept', ?, '{}')", (seconds,))
            case TrialFinished(_, trial, score, loss, duration):
                self._end_trial(trial, statements.FINISHED, (score, loss, duration, trial))
            case TrialFailed(_, trial, reason):
                self._end_trial(trial, statements.FAILED, (sound(reason), trial))
            case TeamStarted(seconds):
                run("INSERT INTO event VALUES ('team', ?, ?)", (seconds, text(asdict(event))))
            case WorkerLost(seconds, trials, _, _, epoch):
                run("INSERT INTO event VALUES ('lost', ?, ?)", (seconds, text(asdict(event))))
                for trial in trials:  # what it had told since is trained once more
                    run("DELETE FROM epoch WHERE trial = ? AND epoch >= ?", (trial, epoch))
            case NotKept(seconds, reason):
                run("INSERT INTO event VALUES ('not kept', ?, ?)", (seconds, text({"reason": reason})))
            case GaveUp(seconds, reason):
                run("INSERT INTO event VALUES ('gave up', ?, ?)", (seconds, text({"reason": reason})))
            case BestImproved(seconds, score, loss, members):
                run("INSERT INTO best VALUES (?, ?, ?, ?)", (seconds, score, loss, members))
            case BenchSet(seconds):
                run("INSERT INTO event VALUES ('bench', ?, ?)", (seconds, text(asdict(event))))
            case RowsStreamed(seconds):
                run("INSERT INTO event VALUES ('streamed', ?, ?)", (seconds, text(asdict(event))))
            case ResourcesUsed(seconds):
                run("INSERT INTO event VALUES ('resources', ?, ?)", (seconds, text(asdict(event))))
            case MistakesFound(seconds):
                run("INSERT INTO event VALUES ('mistakes', ?, ?)", (seconds, text(asdict(event))))
            case RunFinished(seconds, result):
                run("INSERT INTO event VALUES ('finished', ?, ?)", (seconds, text(result.to_json())))

    def _end_trial(self, trial: int, statement: str, row: Row) -> None:
        if self._connection.execute(statement, row).rowcount != 1:
            raise ValueError(f"Trial {trial} ended, but was not started.")

    # --- reading ---------------------------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def settings(self) -> dict[str, Any]:
        """Return what the run was asked to do; empty if it ended before that was recorded."""
        body = self._event("started")
        return {} if body is None else settings_of(self._path, body)

    def data(self) -> DataRead | None:
        """Return what the data was; None if the run ended before it was read."""
        body = self._event("data")
        return None if body is None else data_of(self._path, body)

    def files(self) -> int | None:
        """Return how many images or sounds were decoded; None where there are none, or nobody knows."""
        data = self.data()
        return None if data is None else data.files

    def bench(self) -> BenchSet | None:
        """Return how the rows were prepared; None if the run ended before."""
        body = self._event("bench")
        return None if body is None else bench_of(self._path, body)

    def streamed(self) -> RowsStreamed | None:
        """Return what came of rows that are not held in memory; None where there are none, or the run ended before."""
        body = self._event("streamed")
        return None if body is None else streamed_of(self._path, body)

    def resources(self) -> ResourcesUsed | None:
        """Return what the run took beside its time; None if it ended before."""
        body = self._event("resources")
        return None if body is None else resources_of(self._path, body)

    def given_up(self) -> str:
        """Return why the search ended before its time; an empty text where it did not."""
        rows = self._rows(statements.GAVE_UP, {})
        return reason_of(self._path, rows[0][1]) if rows and rows[0][0] == "gave up" else ""

    def mistakes(self) -> tuple[Example, ...]:
        """Return rows that the model got wrong; none where there are none to show."""
        body = self._event("mistakes")
        return () if body is None else mistakes_of(self._path, body)

    def team(self) -> TeamStarted | None:
        """Return the workers that trained; None where the process of the run did."""
        body = self._event("team")
        return None if body is None else team_of(self._path, body)

    def lost(self) -> tuple[WorkerLost, ...]:
        """Return the workers that were lost, in the order of time."""
        return lost_of(self._path, self._rows(statements.LOST, {"most": MOST_LOST}))

    def result(self) -> Result | None:
        """Return the outcome; None for a run that did not finish."""
        body = self._event("finished")
        return None if body is None else result_of(self._path, body)

    @property
    def finished(self) -> bool:
        """Whether the run came to its end, and was not gone on with since."""
        kinds = self._rows(statements.LAST, {"most": 1})
        return bool(kinds) and kinds[0][0] == "finished"

    @property
    def in_vain(self) -> bool:
        """Whether there were trials and all of them failed."""
        return self._rows(statements.STATUSES, {"most": 2}) == [("failed",)]

    def limit(self) -> float | None:
        """Return the time limit of the run in seconds, as it was last set; None without one."""
        body = self._event("resumed")
        limit = self.settings().get("time") if body is None else resumed_of(self._path, body).limit
        return None if limit is None else seconds_of(self._path, limit)

    def spent(self) -> float:
        """Return the seconds since the start of the command when something was last recorded."""
        ((seconds,),) = self._rows(statements.SPENT, {})
        return 0.0 if seconds is None else seconds_of(self._path, seconds)

    def search(self) -> tuple[Proposed | Told, ...]:
        """Return what the search handed out and heard, in order."""
        return search_of(self._path, self._rows(statements.SEARCH, {"most": MOST_STEPS}))

    def trials(self) -> tuple[TrialRecord, ...]:
        """Return every trial in the order of their numbers; long curves are thinned, and keep their last point."""
        rows = self._rows(statements.TRIALS, {"most": MOST_TRIALS})
        most = max(8, min(CURVE_POINTS, ALL_POINTS // max(1, len(rows))))
        return trials_of(self._path, rows, self._rows(statements.CURVES, {"most": most, "epochs": MOST_EPOCHS}))

    def curve(self) -> tuple[BestImproved, ...]:
        """Return how the best so far got better, in the order of time."""
        rows = self._rows(statements.BESTS, {"most": MOST_BESTS})
        return bests_of(self._path, reversed(rows))

    def _event(self, kind: str) -> str | None:
        rows = self._rows(statements.EVENTS, {"kind": kind})
        return rows[0][0] if rows else None

    def _rows(self, statement: str, values: Mapping[str, Any]) -> list[Row]:
        with self._lock:
            with writing(self._path):
                self._commit()
            try:
                return fetch(self._connection, statement, values, patient=self._patient)
            except sqlite3.ProgrammingError:
                raise
            except (sqlite3.Error, UnicodeDecodeError) as error:
                self._patient = self._patient and not isinstance(error, PassedBound)
                if is_of_the_system(error):
                    raise UnreadableJournal(self._path, told(error)) from error
                raise DamagedJournal(self._path, "its content cannot be read") from error


def _row(epoch: EpochDone) -> Row:
    return int(epoch.trial), float(epoch.seconds), int(epoch.epoch), float(epoch.loss)


def _leave(connection: sqlite3.Connection, release: Callable[[], None] | None) -> None:
    """Close a connection; only then may another run have its folder."""
    connection.close()
    if release is not None:
        release()
