"""Writing to disk: a file is there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from netwright.errors import CannotWrite

TEMPORARY = "The folder for temporary files, which TMPDIR names,"  # in an error
_START, _ENDING = ".netwright-", ".tmp"  # of the names of temporary files
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_WHOLE = os.O_RDONLY if os.name == "posix" else os.O_RDWR  # how a file is open to be synced
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP)  # what file systems answer that cannot sync a folder: then none is needed


def replace_file(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file by way of a temporary one beside it: flushed, synced, renamed, and the folder synced.

    The temporary file is its owner's alone; the finished one may be read and written by whom the user's mask allows.

    Args:
        path: the file to make or to replace; if anything fails it is as it was.
        write: given the open temporary file.

    Raises:
        CannotWrite: if the disk is full, the folder missing, read-only or closed to the user, or a folder or a device
            stands in the place of the file.
    """
    with _said_plainly(path):
        check_place(path)
        # A short name of its own, since that of `path` may have the longest that the system allows.
        temporary = path.parent / f"{_START}{secrets.token_hex(8)}{_ENDING}"
        descriptor = os.open(temporary, _CREATE, 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                mode = _make_private(temporary)
                write(file)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(mode)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):  # what went wrong first is what the user must hear
                temporary.unlink()
            raise
        _sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Remove a file of ours, where it is there. A link is removed, and not what it leads to.

    Raises:
        CannotWrite: if it cannot be removed, or a folder stands in its place.
    """
    with _said_plainly(path):
        path.unlink(missing_ok=True)


def same_file(one: Path, other: Path) -> bool:
    """Return whether two paths lead to one file, or would where there is none yet.

    >>> same_file(Path("a/../b"), Path("b"))
    True
    """
    # Not by `Path.resolve`, which fails where links lead in a circle.
    return os.path.realpath(one) == os.path.realpath(other)


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that killed processes left in a folder; nobody may be writing there now."""
    for path in folder.glob(f"{_START}*{_ENDING}"):
        with contextlib.suppress(OSError):  # it takes room, and does no harm
            path.unlink()


def make_folder(folder: Path) -> None:
    """Make a folder for results and see that files can be written there.

    Raises:
        CannotWrite: if not.
    """
    with _said_plainly(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"netwright")
            file.flush()


def copy_file(source: Path, path: Path) -> None:
    """Copy a file, all or nothing; the folder that it goes to is made if it is not there.

    Raises:
        CannotWrite: as for `replace_file`.
    """
    make_folder(path.parent)
    with source.open("rb") as whole:
        replace_file(path, lambda file: shutil.copyfileobj(whole, file))


def replace_folder(
    folder: Path, write: Callable[[Path], object], mark: str, ours: Collection[str] = frozenset()
) -> None:
    """Make a folder by way of a temporary one beside it, which gets its name once it is whole and on the disk.

    Args:
        folder: to make; or to replace, if it is empty or holds a file `mark`. If anything fails it is as it was.
        write: given the temporary folder, which is there and empty.
        mark: a file that every such folder holds.
        ours: names of what such a folder may hold beside what is written now, and what goes with it.

    Raises:
        CannotWrite: if the disk is full, the place closed to the user, or the folder holds anything else.
    """
    with _said_plainly(folder):
        there = folder.exists()
        if there and any(folder.iterdir()) and not (folder / mark).is_file():
            raise CannotWrite(folder, f"it holds other files, and no {mark} to replace")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".netwright-", dir=folder.parent) as beside:
            new, old = Path(beside, "new"), Path(beside, "old")
            new.mkdir()
            write(new)
            _sync_all(new)
            names = {path.name for path in folder.iterdir()} if there else set[str]()
            if lost := sorted(names - {path.name for path in new.iterdir()} - {*ours}):
                raise CannotWrite(folder, f"it holds {lost[0]!r}, which would be lost")
            if there:
                folder.rename(old)
            try:
                new.rename(folder)
            except BaseException:
                if there:
                    old.rename(folder)
                raise
        _sync_folder(folder.parent)


def check_place(path: Path) -> None:
    """Refuse to put a file in the place of a folder, or of a device, which the system would allow to its owner.

    Raises:
        CannotWrite: if one stands there, or the place is closed to the user.
    """
    with _said_plainly(path), contextlib.suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise CannotWrite(path, "it is a folder")
        if not stat.S_ISREG(mode):
            raise CannotWrite(path, "it is a device, not a file")


@contextlib.contextmanager
def _said_plainly(path: Path) -> Iterator[None]:
    """Turn every fault of the system into one sentence."""
    if "\0" in str(path):
        raise CannotWrite(path, "no file can have a zero byte in its name")
    try:
        yield
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error)) from error


def _make_private(temporary: Path) -> int:
    """Let only its owner read and write a new file, and return the mode that the user's mask had given it.

    The mask itself can only be read by changing it, for every thread at once.
    """
    mode = stat.S_IMODE(temporary.stat().st_mode)
    temporary.chmod(0o600)
    return mode


def _sync_all(folder: Path) -> None:
    """See that what a folder holds is on the disk, and its names are: after a loss of power files could be empty."""
    for path in folder.rglob("*"):
        if path.is_dir():
            _sync_folder(path)
        else:
            descriptor = os.open(path, _WHOLE)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(descriptor)
