"""Writing to disk: a file is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from netwright.errors import CannotWrite


def replace_file(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file by way of a temporary one beside it: flushed, synced, renamed, and the folder synced.

    Args:
        path: the file to make or to replace; if anything fails it is as it was.
        write: given the open temporary file.

    Raises:
        CannotWrite: if the disk is full, or the folder missing, read-only or closed to the user.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error)) from error
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    """Return the user's mask for new files: the temporary file is private, the finished one is as any other."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder for results and see that files can be written there.

    Raises:
        CannotWrite: if not.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"netwright")
            file.flush()
    except OSError as error:
        raise CannotWrite(folder, error.strerror or str(error)) from error
