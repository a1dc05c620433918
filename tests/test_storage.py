"""A file is there whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from netwright import errors
from netwright.storage import (
    copy_file,
    make_folder,
    remove_file,
    remove_leftovers,
    replace_file,
    replace_folder,
    same_file,
)


def put(content: bytes) -> Any:
    """Return a function that writes this."""

    def write(file: BinaryIO) -> None:
        file.write(content)

    return write


def names(folder: Path) -> list[str]:
    """Return the names of everything in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    """The content is what was written last, and no temporary file is left."""
    path = tmp_path / "größe 尺.nw"
    for content in (b"first", b"second, longer", b""):
        replace_file(path, put(content))
        assert path.read_bytes() == content
    assert names(tmp_path) == [path.name]


def test_the_longest_name_that_the_system_allows(tmp_path: Path) -> None:
    """The temporary file has a short name of its own."""
    path = tmp_path / ("x" * 255)
    replace_file(path, put(b"content"))
    assert path.read_bytes() == b"content"


def test_the_mode_follows_the_mask_and_the_temporary_file_is_private(tmp_path: Path) -> None:
    """Only the owner can read it while it is written, then those whom the mask allows; the mask is not touched."""
    seen: list[int] = []

    def write(file: BinaryIO) -> None:
        (temporary,) = tmp_path.glob(".netwright-*.tmp")
        seen.append(stat.S_IMODE(temporary.stat().st_mode))

    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "model.nw", write)
    finally:
        after = os.umask(before)
    assert seen == [0o600] and after == 0o027
    assert stat.S_IMODE((tmp_path / "model.nw").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), ValueError("x"), KeyboardInterrupt()]
)
def test_an_interrupted_write_changes_nothing(tmp_path: Path, error: BaseException) -> None:
    """After a fault half way the old file is as it was, and nothing lies beside it."""
    path = tmp_path / "model.nw"
    path.write_bytes(b"old")

    def write(file: BinaryIO) -> None:
        file.write(b"half")
        raise error

    expected = errors.CannotWrite if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        replace_file(path, write)
    assert path.read_bytes() == b"old" and names(tmp_path) == ["model.nw"]


def test_a_full_disk(tmp_path: Path) -> None:
    """The system's own refusal of more bytes is one plain sentence, and no half file is left."""
    path = tmp_path / "model.nw"
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(errors.CannotWrite, match="File too large") as caught:
            replace_file(path, put(bytes(100_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(path) in str(caught.value) and "another place" in str(caught.value)
    assert path.read_bytes() == b"old" and names(tmp_path) == ["model.nw"]


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_every_step_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """A system that refuses any step is told in one sentence, and the old file stays."""
    path = tmp_path / "model.nw"
    path.write_bytes(b"old")

    def fails(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, step, fails)
    monkeypatch.setattr(os, "rename", fails) if step == "replace" else None
    with pytest.raises(errors.CannotWrite, match="Read-only file system"):
        replace_file(path, put(b"new"))
    monkeypatch.undo()
    assert path.read_bytes() == b"old" and names(tmp_path) == ["model.nw"]


def test_a_folder_that_cannot_be_synced_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems cannot sync a folder: the file is written all the same. Other faults of it are told."""
    sync = os.fsync

    def folders_fail_with(number: int) -> Any:
        def fails(descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(number, os.strerror(number))
            sync(descriptor)

        return fails

    monkeypatch.setattr(os, "fsync", folders_fail_with(errno.EINVAL))
    replace_file(tmp_path / "model.nw", put(b"new"))
    assert (tmp_path / "model.nw").read_bytes() == b"new"
    monkeypatch.setattr(os, "fsync", folders_fail_with(errno.EIO))
    with pytest.raises(errors.CannotWrite):
        replace_file(tmp_path / "model.nw", put(b"newer"))


def test_places_where_no_file_can_be(tmp_path: Path) -> None:
    """A missing folder, a file in its place, a folder, a pipe, a socket and impossible names are refused plainly."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    door = socket.socket(socket.AF_UNIX)
    folder = os.open(tmp_path, os.O_RDONLY)
    door.bind(f"/proc/self/fd/{folder}/socket")  # the name of a socket is at most 108 bytes
    os.close(folder)
    door.close()
    before = names(tmp_path)
    for name in ("missing/model.nw", "file/model.nw", "folder", "pipe", "socket", "a\0b", "x" * 256):
        with pytest.raises(errors.CannotWrite):
            replace_file(tmp_path / name, put(b"new"))
    assert names(tmp_path) == before


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    """Writing to /dev/null or a link to it must not put a file in its place, even for the superuser."""
    (tmp_path / "link").symlink_to("/dev/null")
    for path in (Path("/dev/null"), tmp_path / "link"):
        with pytest.raises(errors.CannotWrite, match="device"):
            replace_file(path, put(b"new"))
        assert stat.S_ISCHR(path.stat().st_mode)


def test_two_writers_at_once(tmp_path: Path) -> None:
    """Threads that write one file each leave it whole: it is one of theirs."""
    path, contents = tmp_path / "model.nw", [bytes([number]) * 50_000 for number in range(8)]
    threads = [threading.Thread(target=replace_file, args=(path, put(content))) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents and names(tmp_path) == ["model.nw"]


KILLED = """
import sys, time
from pathlib import Path
from netwright.storage import replace_file
def write(file):
    file.write(bytes(10**6)); file.flush(); print("half", flush=True); time.sleep(60)
replace_file(Path(sys.argv[1]), write)
"""


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    """After SIGKILL in the middle of a write the old file is as it was."""
    path = tmp_path / "model.nw"
    path.write_bytes(b"old")
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == b"half\n"
        writer.send_signal(signal.SIGKILL)
    assert path.read_bytes() == b"old"


def test_a_folder_is_made_and_tried(tmp_path: Path) -> None:
    """A folder for results is made with its parents, and one that cannot be is refused before any work is done."""
    make_folder(tmp_path / "a" / "b")
    assert names(tmp_path / "a" / "b") == []
    (tmp_path / "file").write_text("x")
    for name in ("file", "file/inside", "a\0b"):
        with pytest.raises(errors.CannotWrite):
            make_folder(tmp_path / name)


def fill(text: str) -> Any:
    """Return what writes a folder of two files."""

    def write(folder: Path) -> None:
        (folder / "mark").write_text(text)
        (folder / "inner").mkdir()
        (folder / "inner" / "weights").write_text(text)

    return write


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    """An empty one, one of its kind, and one that is not there; nothing else is left beside it."""
    place = tmp_path / "new" / "model"
    replace_folder(place, fill("first"), "mark")
    replace_folder(place, fill("second"), "mark")
    assert (place / "inner" / "weights").read_text() == "second"
    empty = tmp_path / "empty"
    empty.mkdir()
    replace_folder(empty, fill("third"), "mark")
    assert (empty / "mark").read_text() == "third"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "new"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["model"]


def test_a_folder_is_on_the_disk_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files, and the folders that hold their names: after a loss of power it is as it was, or whole."""
    place, synced = tmp_path / "model", list[tuple[str, bool]]()
    replace_folder(place, fill("old"), "mark")
    sync = os.fsync

    def noting(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        synced.append((name, (place / "mark").read_text() == "new"))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    replace_folder(place, fill("new"), "mark")
    assert {name for name, there in synced if not there} == {"mark", "inner", "weights", "new"}
    assert [name for name, there in synced if there] == [tmp_path.name]


def test_a_folder_that_does_not_come_to_the_disk_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the disk is full, which some systems say only then."""
    place = tmp_path / "model"
    replace_folder(place, fill("old"), "mark")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.CannotWrite, match="No space left"):
        replace_folder(place, fill("new"), "mark")
    assert (place / "mark").read_text() == (place / "inner" / "weights").read_text() == "old"
    assert names(tmp_path) == ["model"]


def test_a_folder_of_other_files_is_not_replaced(tmp_path: Path) -> None:
    """Nor is a file that stands in its place."""
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear")
    with pytest.raises(errors.CannotWrite, match="holds other files, and no mark"):
        replace_folder(tmp_path / "letters", fill("new"), "mark")
    with pytest.raises(errors.CannotWrite):
        replace_folder(tmp_path / "letters" / "dear.txt", fill("new"), "mark")
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["dear.txt"]


def test_what_somebody_put_into_a_folder_is_not_lost(tmp_path: Path) -> None:
    """Only what such a folder holds goes with it."""
    place = tmp_path / "model"
    replace_folder(place, fill("old"), "mark")
    (place / "made by running it").write_text("x")
    replace_folder(place, fill("new"), "mark", {"made by running it"})
    assert names(place) == ["inner", "mark"]
    (place / "notes.txt").write_text("mine")
    with pytest.raises(errors.CannotWrite, match=r"holds 'notes\.txt', which would be lost"):
        replace_folder(place, fill("newest"), "mark", {"made by running it"})
    assert (place / "notes.txt").read_text() == "mine" and (place / "mark").read_text() == "new"
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("a fault of ours")])
def test_an_interrupted_folder_changes_nothing(tmp_path: Path, error: BaseException) -> None:
    """The old one stays whole, wherever the new one was broken off."""
    place = tmp_path / "model"
    replace_folder(place, fill("old"), "mark")

    def write(folder: Path) -> None:
        (folder / "mark").write_text("new")
        raise error

    with pytest.raises(type(error)):
        replace_folder(place, write, "mark")
    assert (place / "mark").read_text() == (place / "inner" / "weights").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_old_folder_comes_back_if_the_new_one_cannot_get_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step is two, and the second may fail."""
    place = tmp_path / "model"
    replace_folder(place, fill("old"), "mark")
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(errno.EACCES, "not allowed")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(errors.CannotWrite, match="not allowed"):
        replace_folder(place, fill("new"), "mark")
    assert (place / "mark").read_text() == "old"


def test_a_file_is_copied_into_a_folder_that_is_made(tmp_path: Path) -> None:
    """And what stood there is replaced."""
    source = tmp_path / "source"
    for text in ("first", "second"):
        source.write_text(text)
        copy_file(source, tmp_path / "deep" / "er" / "copy")
        assert (tmp_path / "deep" / "er" / "copy").read_text() == text


def test_leftovers_of_killed_processes_are_removed_and_nothing_else(tmp_path: Path) -> None:
    """A link among them is removed, and not what it leads to."""
    (tmp_path / "mine.tmp").write_bytes(b"x")
    (tmp_path / ".netwright-0123.tmp").write_bytes(b"half")
    (tmp_path / ".netwright-4567.tmp").symlink_to(tmp_path / "mine.tmp")
    (tmp_path / ".netwright-89ab.tmp").mkdir()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [".netwright-89ab.tmp", "mine.tmp"]
    remove_leftovers(tmp_path / "nowhere")


def test_a_file_is_removed_and_a_folder_in_its_place_is_said(tmp_path: Path) -> None:
    """One that is not there is no matter."""
    path = tmp_path / "trials.nw"
    remove_file(path)
    path.write_bytes(b"x")
    remove_file(path)
    assert names(tmp_path) == []
    path.mkdir()
    with pytest.raises(errors.CannotWrite, match=r"trials\.nw cannot be written"):
        remove_file(path)


def test_links_in_a_circle_are_no_file(tmp_path: Path) -> None:
    """Nor an error of Python."""
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    assert not same_file(circle, tmp_path / "other") and same_file(circle, circle)
    with pytest.raises(errors.CannotWrite):
        replace_file(circle, put(b"x"))
