"""Rows that memory does not hold come back from their file as they were written, and leave nothing behind."""

from __future__ import annotations

import errno
import gc
import os
import resource
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from netwright.data import more_rows
from netwright.data.features import Features
from netwright.data.more_rows import NO_FOLD, MoreRows, Writer
from netwright.errors import CannotWrite


def features(rows: int, seed: int = 0) -> Features:
    """Return features of every type, one of them of no columns."""
    generator = np.random.default_rng(seed)
    return Features(
        {
            "numeric": generator.normal(size=(rows, 5)).astype(np.float32),
            "plain": np.zeros((rows, 0), np.float32),
            "categories": generator.integers(0, 9, (rows, 2)),
            "pictures": generator.integers(0, 255, (rows, 2, 3, 1)).astype(np.uint8),
        }
    )


def written(folder: Path, rows: int, barred: np.ndarray | None = None) -> tuple[MoreRows, Features, np.ndarray]:
    """Return rows in a file, and what they are."""
    own, targets = features(rows), np.arange(rows, dtype=np.int64)
    writer = Writer(folder, own, targets, rows)
    for first in range(0, rows, 70):
        part = slice(first, first + 70)
        writer.write(own.rows(part), targets[part], None if barred is None else barred[part])
    more = writer.finish()
    assert more is not None
    return more, own, targets


@pytest.mark.parametrize("windows", [False, True])
def test_rows_come_back_as_they_were_written(windows: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In any order, more than once, also where the system cannot read from a place without going there."""
    more, own, targets = written(tmp_path, 1_000)
    if windows:
        monkeypatch.delattr(os, "pread")
    index = np.random.default_rng(1).integers(0, 1_000, 5_000)
    taken = more.take(index)
    np.testing.assert_array_equal(taken.targets, targets[index])
    for name, array in own.arrays.items():
        np.testing.assert_array_equal(taken.features[name], array[index])
        assert taken.features[name].dtype == array.dtype and taken.features[name].flags["C_CONTIGUOUS"]
    assert len(more.take(index[:0]).targets) == 0
    assert len(more) == 1_000 and more.barred is None


def test_the_file_has_no_name_and_goes_with_its_rows(tmp_path: Path) -> None:
    """Nothing lies in the folder, even while it is used; whoever lists the disk sees it all the same."""
    more, _, _ = written(tmp_path, 100)
    assert [*tmp_path.iterdir()] == []
    assert more.size == 100 * (5 * 4 + 2 * 8 + 6 + 8)
    held = [name for name in os.listdir("/proc/self/fd") if str(tmp_path) in _link(name)]
    assert held
    del more
    gc.collect()
    assert [name for name in os.listdir("/proc/self/fd") if str(tmp_path) in _link(name)] == []


def _link(name: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{name}")
    except OSError:
        return ""


def test_who_may_not_learn_from_a_row_is_kept_in_memory(tmp_path: Path) -> None:
    """Beside the file."""
    barred = np.where(np.arange(200) % 2, 1, NO_FOLD).astype(np.int8)
    more, _, _ = written(tmp_path, 200, barred)
    assert more.barred is not None
    np.testing.assert_array_equal(more.barred, barred)


def test_no_rows_are_none(tmp_path: Path) -> None:
    """There is nothing to take then."""
    writer = Writer(tmp_path, features(1), np.zeros(1, np.float32), 10)
    writer.write(features(0), np.zeros(0, np.float32))
    assert writer.finish() is None


def test_a_disk_without_room_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how much is needed, and how much there is."""
    usage: Any = SimpleNamespace(total=10**9, free=60 * 10**6)
    monkeypatch.setattr(more_rows.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(CannotWrite, match=r"take 50 MB, and 10 MB are free.*Free some space"):
        Writer(tmp_path, features(1), np.zeros(1, np.int64), 10**6)


def test_a_disk_that_fills_up_is_told_of(tmp_path: Path) -> None:
    """The system's own refusal is one sentence, and nothing is left."""
    own = features(2_000)
    writer = Writer(tmp_path, own, np.zeros(2_000, np.int64), 2_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    try:
        with pytest.raises(CannotWrite, match=os.strerror(errno.EFBIG)):
            writer.write(own, np.zeros(2_000, np.int64))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    """As everywhere."""
    with pytest.raises(CannotWrite, match="No such file"):
        Writer(tmp_path / "none", features(1), np.zeros(1, np.int64), 1)
