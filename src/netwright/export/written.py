"""The files of an export in their folder: it replaces what an earlier one wrote there, and nothing else.

Beside them lies `netwright.sha256`, which names each with its SHA-256 as `sha256sum -c` reads it. A file that is as it
says may be replaced; one that somebody else wrote there, or has changed since, may not.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from netwright.errors import InTheWay
from netwright.storage import check_place, copy_file, make_folder, remove_file, replace_file, replace_folder

SUMS = "netwright.sha256"
LONGEST = 2**20  # bytes that are read of it: that of an export has some hundreds
CACHE = "__pycache__"  # what Python leaves beside programs that were run

_HEAD = "# Written by netwright export --to "  # a line that sha256sum passes over
_FORM = re.compile(r"[a-z]+")
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")

Content = bytes | Path
"""What is to lie in a file, or the file that it is to be a copy of."""


@dataclass(frozen=True)
class _Sums:
    """What `netwright.sha256` says.

    Attributes:
        form: what was exported to.
        digests: SHA-256 of each file by name. Where an export was broken off there are two of some: such a file may be
            as it was, or as it was to become.
    """

    form: str
    digests: Mapping[str, frozenset[str]]

    def text(self) -> bytes:
        """Return the content of the file."""
        lines = (f"{digest}  {name}" for name in sorted(self.digests) for digest in sorted(self.digests[name]))
        return "\n".join([f"{_HEAD}{self.form}", *lines, ""]).encode()

    def tells_of(self, name: str, path: Path) -> bool:
        """Return whether a file is as an export wrote it."""
        known = self.digests.get(name)
        try:
            return known is not None and _digest(path) in known
        except OSError:  # what cannot be read is not known
            return False


def put_files(form: str, files: Mapping[str, Content], folder: Path) -> None:
    """Write the files of an export, each whole or not at all, and take away those that only an earlier one had.

    Args:
        form: what is exported to.
        files: by their names in the folder.
        folder: made if it is not there.

    Raises:
        InTheWay: if one of these names is that of a file there which no export to this form wrote; nothing is written
            then.
        CannotWrite: if it cannot be written there.
    """
    make_folder(folder)
    before = _said(folder, form)
    for name in files:
        check_place(folder / name)
        if (folder / name).exists():
            _check_own(folder, name, before)
    after = _sums_of(form, files)
    names = {*before.digests, *files}
    nothing = frozenset[str]()
    either = {name: before.digests.get(name, nothing) | after.digests.get(name, nothing) for name in names}
    meanwhile = _Sums(form, either)  # so that the same export may follow, wherever this one is broken off
    if meanwhile != before:
        _put(meanwhile.text(), folder / SUMS)
    for name, content in files.items():
        _put(content, folder / name)
    for path in [*folder.iterdir()]:
        if path.name not in files and path.is_file() and before.tells_of(path.name, path):
            remove_file(path)
    if meanwhile != after:
        _put(after.text(), folder / SUMS)


def put_folder(form: str, made: Path, files: Mapping[str, bytes], folder: Path) -> None:
    """Put a folder in its place as a whole, with `netwright.sha256` in it.

    Args:
        form: what is exported to.
        made: what it is to hold, in a folder that nobody needs any longer.
        files: that it is to hold beside that, by name.
        folder: to make; or to replace, if it holds nothing but what an earlier export wrote.

    Raises:
        InTheWay: if it holds anything else.
        CannotWrite: if it cannot be written there.
    """
    for name, content in files.items():
        (made / name).write_bytes(content)
    (made / SUMS).write_bytes(_sums_of(form, dict(_files_in(made))).text())
    names = set[str]()
    if folder.is_dir():
        before = _said(folder, form)
        for name, _ in _files_in(folder):
            if name != SUMS:
                _check_own(folder, name, before)
        names = {path.name for path in folder.iterdir()}
    replace_folder(folder, partial(shutil.copytree, made, dirs_exist_ok=True), SUMS, names)


def _files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name within a folder and the path of each file but of those that Python leaves; links are files."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if CACHE not in name.parts and (path.is_symlink() or not path.is_dir()):
            yield name.as_posix(), path


def _sums_of(form: str, files: Mapping[str, Content]) -> _Sums:
    return _Sums(form, {name: frozenset((_digest(content),)) for name, content in files.items()})


def _said(folder: Path, form: str) -> _Sums:
    """Return what the sums in a folder say; that there are no files where they are missing.

    Raises:
        InTheWay: if they are no such sums, or of another form.
        CannotWrite: if a folder or a device stands in their place.
    """
    path = folder / SUMS
    check_place(path)
    if not path.exists():
        return _Sums(form, {})
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
    except OSError as error:
        raise InTheWay(path, "it cannot be read") from error
    head, *lines = content.decode("utf-8", "replace").removesuffix("\n").split("\n")
    other, found = head.removeprefix(_HEAD), [_LINE.fullmatch(line) for line in lines]
    if len(content) > LONGEST or other == head or not _FORM.fullmatch(other) or not all(found):
        raise InTheWay(path, "it is not as an export writes it")
    if other != form:
        raise InTheWay(path, f"it tells of an export to {other}")
    digests = defaultdict[str, set[str]](set)
    for line in filter(None, found):
        digests[line[2]].add(line[1])
    return _Sums(form, {name: frozenset(each) for name, each in digests.items()})


def _check_own(folder: Path, name: str, before: _Sums) -> None:
    if not before.tells_of(name, folder / name):
        told = name in before.digests
        why = "it was changed after an export wrote it" if told else "nothing tells that an export wrote it"
        raise InTheWay(folder / name, why)


def _digest(content: Content) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put(content: Content, path: Path) -> None:
    if isinstance(content, Path):
        copy_file(content, path)
    else:
        replace_file(path, partial(_fill, content))


def _fill(content: bytes, file: BinaryIO) -> None:
    file.write(content)
