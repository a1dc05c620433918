"""The file that a record lies in: made whole, known by its header, written by one run at a time."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from netwright.errors import (
    CannotWrite,
    DamagedJournal,
    FolderInUse,
    MissingJournal,
    NewerJournal,
    NotAJournal,
    OlderJournal,
    UnreadableJournal,
)
from netwright.journal.bounds import fetch
from netwright.storage import replace_file

if sys.platform != "win32":
    import fcntl

APPLICATION = 0x4E575254  # "NWRT": says whose file this is
VERSION = 2
BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a file
HEADER, MAGIC, APPLICATION_AT = 100, b"SQLite format 3\0", 68  # bytes; https://www.sqlite.org/fileformat.html
LARGEST_HALF = 64 * 2**10  # bytes of a page or two, and of the head of the file that they are kept in
_NAMES_OTHERS = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"  # the end of such a file that names another one

_TABLES = """
CREATE TABLE event (kind TEXT NOT NULL, seconds REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE trial (
    trial INTEGER PRIMARY KEY, name TEXT NOT NULL, origin TEXT NOT NULL, candidate TEXT NOT NULL,
    parameters INTEGER NOT NULL, started REAL NOT NULL, status TEXT NOT NULL DEFAULT 'running',
    reason TEXT, score REAL, loss REAL, duration REAL
);
CREATE TABLE epoch (trial INTEGER NOT NULL, seconds REAL NOT NULL, epoch INTEGER NOT NULL, loss REAL);
CREATE TABLE best (seconds REAL NOT NULL, score REAL, loss REAL, members INTEGER NOT NULL);
CREATE TABLE search (step INTEGER PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL);
"""
_SHAPE = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk is full or does not answer",
    sqlite3.SQLITE_READONLY: "it may not be written to",
    sqlite3.SQLITE_CANTOPEN: "the folder is missing or closed to you",
    sqlite3.SQLITE_BUSY: "another program holds it",
    sqlite3.SQLITE_LOCKED: "another program holds it",
    sqlite3.SQLITE_NOMEM: "memory does not suffice",
}
_HALF_WRITTEN = "its process was killed while it closed it, which repeating its netwright fit mends"


def begin(path: Path) -> tuple[sqlite3.Connection, Callable[[], None]]:
    """Put an empty record in place of an earlier one; return a connection to it, and what gives the folder free again.

    Raises:
        NotAJournal: if another file stands there.
        FolderInUse: if another run is writing there now.
        CannotWrite: if it cannot be written there.
    """
    with writing(path):
        release = _hold_folder(path.parent)
        try:
            _clear(path)
            replace_file(path, _write_empty)
            return _opened(path), release
        except BaseException:
            release()
            raise


def begin_again(path: Path) -> tuple[sqlite3.Connection, Callable[[], None]]:
    """Return a connection for going on with a record, and what gives the folder free again.

    What a killed process had committed to the log beside the file is part of it.

    Raises:
        OutputError: as `begin` and `connect`.
    """
    with writing(path):
        _check_files(path)
        release = _hold_folder(path.parent)
        try:
            _undo_half(path)
            connect(path).close()  # only what is a record is opened for writing
            return _opened(path), release
        except BaseException:
            release()
            raise


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # each commit is synced: NORMAL loses some with the power
    except BaseException:
        connection.close()
        raise
    return connection


def end(connection: sqlite3.Connection) -> None:
    """Fold the write-ahead log into the file, which can then be read from a folder that is read-only."""
    connection.execute("PRAGMA busy_timeout = 0")  # whoever is reading now is not worth waiting for
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection for reading a record that is not trusted.

    Raises:
        MissingJournal: if there is no such file.
        NotAJournal: if it is something else.
        NewerJournal: if a newer version wrote it.
        DamagedJournal: if its tables are not those that Netwright makes.
        UnreadableJournal: if the system will not give it out.
    """
    _check_files(path)
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
    except sqlite3.Error as error:
        raise UnreadableJournal(path, told(error)) from error
    try:
        _check(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_files(path: Path) -> None:
    """Refuse what is no file of its own in the place of a record, or of what SQLite keeps beside it.

    A pipe would be waited for without end, and a link leads to a file of somebody else.

    Raises:
        MissingJournal: if there is no record.
        NotAJournal: if something else stands there.
        UnreadableJournal: if the system does not let it be seen.
    """
    for ending in ("", *BESIDE):
        place = path.with_name(path.name + ending)
        try:
            mode = os.lstat(place).st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # the latter of a name with a zero byte
            if not ending:
                raise MissingJournal(path) from error
            continue
        except OSError as error:
            raise UnreadableJournal(path, told(error)) from error
        if not stat.S_ISREG(mode):
            raise NotAJournal(place)


def _undo_half(path: Path) -> None:
    """Undo a change of the head of a record in the middle of which its process was killed.

    A log is begun and folded in by writing the head, the only change that is made without one. What stood there before
    lies in a file beside it for that long, and a connection that may only read refuses such a record. SQLite puts it
    back when it opens the file for writing; it would also delete files that the one beside it names, as none does that
    was made here.

    Raises:
        NotAJournal: if the file is no record.
        DamagedJournal: if the one beside it was not made for it.
    """
    half = path.with_name(path.name + BESIDE[-1])
    with suppress(FileNotFoundError):
        if half.stat().st_size > LARGEST_HALF or half.read_bytes().endswith(_NAMES_OTHERS):
            raise DamagedJournal(path, f"{half.name} beside it was not made for it")
        with path.open("rb") as file:
            head = file.read(HEADER)
        if not head.startswith(MAGIC) or int.from_bytes(head[APPLICATION_AT:][:4]) != APPLICATION:
            raise NotAJournal(path)
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            fetch(connection, "PRAGMA user_version", {})
        finally:
            connection.close()


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse what is not a record, before a query meets its content: a view could be made to run for ever."""
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        ((application,),) = fetch(connection, "PRAGMA application_id", {})
        ((version,),) = fetch(connection, "PRAGMA user_version", {})
    except sqlite3.OperationalError as error:
        raise UnreadableJournal(path, told(error)) from error
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise NotAJournal(path) from error
    if application != APPLICATION or version < 1:
        raise NotAJournal(path)
    if version < VERSION:
        raise OlderJournal(path, version, VERSION)
    if version > VERSION:
        raise NewerJournal(path, version, VERSION)
    try:
        shape = fetch(connection, _SHAPE, {})
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise DamagedJournal(path, "its content cannot be read") from error
    if shape != _shape():
        raise DamagedJournal(path, "its tables are not those of a run")


def _shape() -> list[tuple[str, str, str]]:
    model = sqlite3.connect(":memory:")
    try:
        model.executescript(_TABLES)
        return model.execute(_SHAPE).fetchall()
    finally:
        model.close()


def _clear(path: Path) -> None:
    """Remove what an earlier run left, but nothing that is not a record."""
    with suppress(MissingJournal, OlderJournal, NewerJournal, DamagedJournal):  # records, which this run's replaces
        _check_files(path)
        _undo_half(path)
        connect(path).close()
    for ending in BESIDE:  # before the file itself: a log must never meet the file of another run
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _write_empty(file: BinaryIO) -> None:
    """Write a record without events, made in memory: a killed process then never leaves half of one behind."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.executescript(_TABLES)
        file.write(connection.serialize())
    finally:
        connection.close()


def _hold_folder(folder: Path) -> Callable[[], None]:
    """Keep other runs out of a folder: they would delete each other's logs. Return what lets them in again.

    The system lets them in too when the process ends in whatever way, so that nothing has to be swept up.

    Raises:
        FolderInUse: if another run is there.
        OSError: if the folder is missing or closed to the user.
    """
    if sys.platform == "win32":  # there, an open file cannot be replaced
        return lambda: None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise FolderInUse(folder) from error
    except OSError:  # a network file system without such locks: runs go on as they would without this
        os.close(descriptor)
        return lambda: None
    return lambda: os.close(descriptor)


def told(error: Exception) -> str:
    """Return what a failure of SQLite or of the system means, in words for a sentence."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_ROLLBACK:
        return _HALF_WRITTEN
    return _WORDS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, str(error))


def is_of_the_file(error: BaseException) -> bool:
    """Return whether an error is one of the disk, or of what stands on it, and not a mistake of the program."""
    mistakes = sqlite3.IntegrityError | sqlite3.ProgrammingError
    return isinstance(error, sqlite3.Error | OSError) and not isinstance(error, mistakes)


def is_of_the_system(error: BaseException) -> bool:
    """Return whether the disk or the memory is to blame for an error, and not what stands in a file."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _WORDS


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what can go wrong with a disk into `CannotWrite`; mistakes of the program pass as they are."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        if not is_of_the_file(error):
            raise
        raise CannotWrite(path, told(error)) from error
