"""Reads a bundle. Nothing in it is run, and nothing in it is believed before it is checked."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from netwright import errors
from netwright.bundle import format as rules
from netwright.bundle.archive import Member, first_member, read_member, walk_members
from netwright.bundle.documents import decode_json
from netwright.bundle.format import Contents, Manifest
from netwright.bundle.tensors import check_entries, decode_tensors

_MANIFEST = TypeAdapter(Manifest)
_LATEST = 10**6  # a format version beyond this is damage, not the future
_FLAGS = ("O_NONBLOCK", "O_NOCTTY", "O_BINARY")  # a pipe must not make us wait, nor a terminal become ours


def read_bundle(path: Path) -> Contents:
    """Return what a bundle holds; arrays are not writeable.

    Raises:
        BundleError: if it is missing, damaged, hostile, too large or of a newer format; each by an error of its own.
    """
    with _opened(path) as (file, size):
        manifest, members = _survey(path, file, size)
        documents = {}
        tensors = []
        for member in members:
            entry = manifest.members[member.name]
            content = read_member(path, file, member)
            if hashlib.sha256(content).hexdigest() != entry.sha256:
                raise errors.DamagedBundle(path, f"{member.name} is not what the manifest's hash says")
            if rules.WEIGHTS.fullmatch(member.name):
                tensors.append(decode_tensors(path, member.name, content, entry.tensors))
            else:
                documents[member.name.removesuffix(".json")] = decode_json(path, member.name, content)
        return Contents(documents, tuple(tensors))


def read_manifest(path: Path) -> Manifest:
    """Return the manifest alone, once the layout of the whole file is seen to be sound; contents are not read.

    Raises:
        BundleError: as `read_bundle`.
    """
    with _opened(path) as (file, size):
        manifest, _ = _survey(path, file, size)
        return manifest


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Give out a regular file and its size; every fault of the system while it is open becomes an error of ours."""
    if "\0" in str(path):  # no system can have such a file, and Python says so by an error of another kind
        raise errors.MissingBundle(path)
    try:
        _check_regular(path, os.stat(path))  # before opening: to open a device can have effects
        flags = os.O_RDONLY
        for name in _FLAGS:
            flags |= getattr(os, name, 0)  # no system has all of them
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            _check_regular(path, status)  # once more: this is the file that is read
            if status.st_size > rules.LARGEST_ARCHIVE:
                raise errors.OversizedBundle(path, f"more than {rules.mebibytes(rules.LARGEST_ARCHIVE)}")
            yield file, status.st_size
    except (FileNotFoundError, NotADirectoryError) as error:
        raise errors.MissingBundle(path) from error
    except OSError as error:
        raise errors.UnreadableBundle(path, error.strerror or str(error)) from error
    except MemoryError as error:
        raise errors.OversizedBundle(path, "it does not fit into the memory of this computer") from error


def _check_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise errors.UnreadableBundle(path, "it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise errors.UnreadableBundle(path, "it is not a regular file")


def _survey(path: Path, file: BinaryIO, size: int) -> tuple[Manifest, tuple[Member, ...]]:
    """Return the manifest and the other members, once they agree; only the manifest is read."""
    first = first_member(path, file, size)
    manifest = _read_manifest(path, read_member(path, file, first))
    members = walk_members(path, file, size)
    if members[0] != first:
        raise errors.DamagedBundle(path, "it changed while it was read")
    found = {member.name: member.size for member in members[1:]}
    if found != {name: entry.size for name, entry in manifest.members.items()}:
        raise errors.DamagedBundle(path, "its members are not those that its manifest names")
    if sum(len(entry.tensors) for entry in manifest.members.values()) > rules.MOST_TENSORS:
        raise errors.OversizedBundle(path, f"more than {rules.MOST_TENSORS:,} tensors")
    for name, entry in manifest.members.items():
        if rules.WEIGHTS.fullmatch(name):
            check_entries(path, name, entry.size, entry.tensors)
        elif entry.tensors:
            raise errors.DamagedBundle(path, f"its manifest names tensors in {name}")
    return manifest, members[1:]


def _read_manifest(path: Path, content: bytes) -> Manifest:
    """Return the manifest; a newer format is told by its number, before anything else of it is looked at."""
    document = decode_json(path, rules.MANIFEST, content)
    version = document.get("format") if isinstance(document, dict) else None
    if type(version) is not int or not 1 <= version <= _LATEST:
        raise errors.DamagedBundle(path, "its manifest does not say which format it has")
    if version > rules.VERSION:
        raise errors.NewerBundle(path, version, rules.VERSION)
    try:
        return _MANIFEST.validate_json(content)
    except ValidationError as error:
        raise errors.DamagedBundle(path, "its manifest is not one that Netwright writes") from error
