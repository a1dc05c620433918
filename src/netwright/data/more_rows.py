"""Encoded rows that are not held in memory: a file, from which batches are taken.

The columns of one row lie side by side, since a batch takes whole rows, from anywhere. The file has no name (it is
removed by the system when the process ends in whatever way), and lies in the folder of the run. It is not mapped into
memory: Linux maps up to 2 MB around a row that is looked at, which counts as memory of the process. Of a mapped file of
650 MB nearly all was mapped within some steps, however often it was let go of.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.features import Features
from netwright.errors import CannotWrite
from netwright.errors.base import megabytes

KEPT_FREE = 0.05  # of the disk, that no row is written to
TARGET = "target"  # the field of a row beside its features
NO_FOLD = -1


Array = NDArray[Any]


@dataclass(frozen=True, eq=False)  # arrays have no equality of one bit
class Taken:
    """Some rows: features (n, ...) by name, and targets (n,)."""

    features: Mapping[str, Array]
    targets: Array


class MoreRows:
    """E rows in a file, for training alone. Used from any thread."""

    def __init__(
        self, file: IO[bytes], record: np.dtype[Any], rows: int, barred: NDArray[np.int8] | None = None
    ) -> None:
        """Take a file of whole records, which is this object's from now on.

        Args:
            file: with the records.
            record: their type.
            rows: E of them, at least one.
            barred: (E,) the fold whose networks must not learn from each, `NO_FOLD` for none; None if none is barred.
        """
        self._record, self._rows, self.barred = record, rows, barred
        self._file, self._reading = file, threading.Lock()
        weakref.finalize(self, file.close)
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # what follows a row is not read with it

    def __len__(self) -> int:
        return self._rows

    @property
    def size(self) -> int:
        """The bytes of the file."""
        return self._rows * self._record.itemsize

    def take(self, index: NDArray[np.int64]) -> Taken:
        """Return the rows named by `index` (n,), read one by one."""
        size = self._record.itemsize
        content = b"".join([self._at(row * size, size) for row in index.tolist()])
        records = np.frombuffer(content, self._record)
        names = [name for name in records.dtype.names or () if name != TARGET]
        features = {name: np.array(records[name]) for name in names}
        return Taken(features, np.array(records[TARGET]))

    def _at(self, place: int, size: int) -> bytes:
        """Return so many bytes from a place on."""
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), size, place)
        with self._reading:  # Windows
            self._file.seek(place)
            return self._file.read(size)


class Writer:
    """Writes rows to a file without a name, one part after the other."""

    def __init__(self, folder: Path, like: Features, targets: Array, rows: int) -> None:
        """Begin a file in a folder.

        Args:
            folder: where; it is there.
            like: features as they will come, of one row at least.
            targets: as they will come.
            rows: that will come at the most.

        Raises:
            CannotWrite: if the disk has no room for so many.
        """
        fields = [(name, array.dtype, array.shape[1:]) for name, array in like.arrays.items()]
        self._record = np.dtype([*fields, (TARGET, targets.dtype, targets.shape[1:])])
        self._folder, self._written = folder, 0
        self._barred: list[NDArray[np.int8]] = []
        try:
            disk = shutil.disk_usage(folder)
            needed, free = rows * self._record.itemsize, disk.free - int(KEPT_FREE * disk.total)
            if needed > free:
                why = f"rows that are not held take {megabytes(needed)}, and {megabytes(max(0, free))} are free"
                raise CannotWrite(folder, why)
            self._file = tempfile.TemporaryFile(prefix=".netwright-", dir=folder, buffering=0)  # noqa: SIM115 - MoreRows
        except OSError as error:
            raise CannotWrite(folder, error.strerror or str(error)) from error

    @property
    def rows(self) -> int:
        """How many rows were written."""
        return self._written

    def write(self, features: Features, targets: Array, barred: NDArray[np.int8] | None = None) -> None:
        """Write rows (n,) behind those that were written.

        Args:
            features: of the rows.
            targets: of the rows.
            barred: as of `MoreRows`; given with every part or with none.

        Raises:
            CannotWrite: if the disk is full.
        """
        records = np.empty(len(features), self._record)
        for name, array in features.arrays.items():
            records[name] = array
        records[TARGET] = targets
        content = records.view(np.uint8).data
        try:
            while content:  # the system may take a part only
                content = content[self._file.write(content) :]
        except OSError as error:
            self.close()
            raise CannotWrite(self._folder, error.strerror or str(error)) from error
        self._written += len(records)
        self._barred += [] if barred is None else [barred]

    def finish(self) -> MoreRows | None:
        """Return the rows that were written; None where there are none."""
        if not self._written:
            self.close()
            return None
        barred = np.concatenate(self._barred) if self._barred else None
        return MoreRows(self._file, self._record, self._written, barred)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
