"""The append-only record of a run, in SQLite: what was asked, tried and measured. Report and dashboard read it alone."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from netwright.errors import CannotWrite, NotAJournal
from netwright.events import (
    BestImproved,
    DataRead,
    EpochDone,
    Event,
    RunFinished,
    RunStarted,
    TrialFailed,
    TrialFinished,
    TrialStarted,
)
from netwright.result import Result

APPLICATION = 0x4E575254  # "NWRT": says whose file this is
VERSION = 1
_RESULT = TypeAdapter(Result)

_TABLES = """
CREATE TABLE event (kind TEXT NOT NULL, seconds REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE trial (
    trial INTEGER PRIMARY KEY, name TEXT NOT NULL, origin TEXT NOT NULL, candidate TEXT NOT NULL,
    parameters INTEGER NOT NULL, started REAL NOT NULL, status TEXT NOT NULL DEFAULT 'running',
    reason TEXT, score REAL, loss REAL, duration REAL
);
CREATE TABLE epoch (trial INTEGER NOT NULL, seconds REAL NOT NULL, epoch INTEGER NOT NULL, loss REAL);
CREATE TABLE best (seconds REAL NOT NULL, score REAL NOT NULL, loss REAL NOT NULL, members INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class TrialRecord:
    """A trial as the journal holds it; `curve` is (seconds, epoch, loss) after each check."""

    trial: int
    name: str
    origin: str
    candidate: dict[str, Any]
    parameters: int
    started: float
    status: str
    reason: str | None
    score: float | None
    loss: float | None
    duration: float | None
    curve: tuple[tuple[float, int, float], ...]


class Journal:
    """One connection to the record, used from any thread, one event at a time."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._lock = threading.Lock()

    @staticmethod
    def create(path: Path) -> Journal:
        """Begin a new record, in place of that of an earlier run.

        Raises:
            NotAJournal: if another file stands there.
            CannotWrite: if it cannot be written there.
        """
        if path.exists():
            Journal.open(path).close()  # refuses what is not ours before anything is removed
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
        try:
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.executescript(_TABLES)
        except sqlite3.Error as error:
            raise CannotWrite(path, str(error)) from error
        return Journal(connection, path)

    @staticmethod
    def open(path: Path) -> Journal:
        """Open a record for reading.

        Raises:
            NotAJournal: if it is none, or one of a newer version.
        """
        try:
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            raise NotAJournal(path) from error
        if application != APPLICATION or version != VERSION:
            connection.close()
            raise NotAJournal(path)
        return Journal(connection, path)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the record; what was in its write-ahead log is then in the file."""
        with self._lock:
            self._connection.close()

    # --- writing ---------------------------------------------------------------------------------------------------

    def record(self, event: Event) -> None:
        """Take down an event. A finished or failed trial is on disk when this returns; epochs may wait for the next.

        Raises:
            CannotWrite: if the disk is full.
        """
        lasting = not isinstance(event, EpochDone | TrialStarted)
        with self._lock, self._writing():
            if lasting:
                self._connection.execute("PRAGMA synchronous = FULL")
            self._write(event)
            if lasting:
                self._connection.execute("PRAGMA synchronous = NORMAL")

    def _write(self, event: Event) -> None:
        run = self._connection.execute
        match event:
            case RunStarted(settings):
                run("INSERT INTO event VALUES ('started', 0, ?)", (_text(settings),))
            case DataRead():
                run("INSERT INTO event VALUES ('data', ?, ?)", (event.seconds, _text(asdict(event))))
            case TrialStarted(seconds, trial, name, origin, candidate, parameters):
                row = (trial, name, origin, _text(candidate), parameters, seconds)
                run("INSERT INTO trial (trial, name, origin, candidate, parameters, started) VALUES (?,?,?,?,?,?)", row)
            case EpochDone(seconds, trial, epoch, _, loss):
                run("INSERT INTO epoch VALUES (?, ?, ?, ?)", (trial, seconds, epoch, loss))
            case TrialFinished(_, trial, score, loss, duration):
                row = (score, loss, duration, trial)
                run("UPDATE trial SET status = 'finished', score = ?, loss = ?, duration = ? WHERE trial = ?", row)
            case TrialFailed(_, trial, reason):
                run("UPDATE trial SET status = 'failed', reason = ? WHERE trial = ?", (reason, trial))
            case BestImproved(seconds, score, loss, members):
                run("INSERT INTO best VALUES (?, ?, ?, ?)", (seconds, score, loss, members))
            case RunFinished(seconds, result):
                run("INSERT INTO event VALUES ('finished', ?, ?)", (seconds, _text(result.to_json())))

    # --- reading ---------------------------------------------------------------------------------------------------

    def settings(self) -> dict[str, Any]:
        """Return what the run was asked to do."""
        return self._event("started") or {}

    def data(self) -> dict[str, Any] | None:
        """Return the fields of `DataRead`; None before the data was read."""
        return self._event("data")

    def result(self) -> Result | None:
        """Return the outcome; None for a run that did not finish.

        Raises:
            NotAJournal: if the record of it is not one that Netwright writes.
        """
        body = self._event("finished")
        if body is None:
            return None
        try:
            return _RESULT.validate_json(json.dumps(body))
        except ValidationError as error:
            raise NotAJournal(self._path) from error

    def trials(self) -> tuple[TrialRecord, ...]:
        """Return every trial in the order of asking."""
        curves: dict[int, list[tuple[float, int, float]]] = {}
        for trial, seconds, epoch, loss in self._rows("SELECT * FROM epoch ORDER BY rowid"):
            curves.setdefault(trial, []).append((seconds, epoch, float("nan") if loss is None else loss))
        fields = "trial, name, origin, candidate, parameters, started, status, reason, score, loss, duration"
        return tuple(
            TrialRecord(*row[:3], json.loads(row[3]), *row[4:], tuple(curves.get(row[0], ())))
            for row in self._rows(f"SELECT {fields} FROM trial ORDER BY trial")
        )

    def curve(self) -> tuple[BestImproved, ...]:
        """Return how the best so far got better."""
        return tuple(BestImproved(*row) for row in self._rows("SELECT * FROM best ORDER BY seconds"))

    def _event(self, kind: str) -> dict[str, Any] | None:
        rows = self._rows("SELECT body FROM event WHERE kind = ?", kind)
        return json.loads(rows[-1][0]) if rows else None

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise NotAJournal(self._path) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise CannotWrite(self._path, str(error)) from error


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
