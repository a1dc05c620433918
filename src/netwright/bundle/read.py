"""Reads a bundle. Nothing in it is run, and nothing in it is believed before it is checked."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import struct
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load

from netwright import errors
from netwright.bundle import format as rules
from netwright.bundle.format import Contents, Json, Manifest, MemberEntry

_MANIFEST = TypeAdapter(Manifest)
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_LENGTH = 8  # bytes before the header of a safetensors file that say how long it is
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def read_bundle(path: Path) -> Contents:
    """Return what a bundle holds.

    Raises:
        BundleError: if it is missing, damaged, hostile, too large or of a newer format; each by an error of its own.
    """
    content = _read_file(path)
    archive, members = _open_archive(path, content)
    with archive:
        manifest = _read_manifest(path, archive, members)
        parts = {name: _read_member(path, archive, name, entry) for name, entry in manifest.members.items()}
    documents = {name: read_json(path, f"{name}.json", parts[f"{name}.json"]) for name in rules.DOCUMENTS}
    weights = sorted(name for name in manifest.members if rules.WEIGHTS.fullmatch(name))
    if sum(len(manifest.members[name].tensors) for name in weights) > rules.MOST_TENSORS:
        raise errors.OversizedBundle(path, f"more than {rules.MOST_TENSORS:,} tensors")
    tensors = tuple(_read_tensors(path, name, parts[name], manifest.members[name]) for name in weights)
    return Contents(documents, tensors)


def read_manifest(path: Path) -> Manifest:
    """Return the manifest alone, checked like the rest.

    Raises:
        BundleError: as `read_bundle`.
    """
    archive, members = _open_archive(path, _read_file(path))
    with archive:
        return _read_manifest(path, archive, members)


def _read_file(path: Path) -> bytes:
    """Return the bytes of a regular file of no more than the largest size."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe must not make us wait
    except FileNotFoundError as error:
        raise errors.MissingBundle(path) from error
    except OSError as error:
        raise errors.UnreadableBundle(path, error.strerror or str(error)) from error
    try:
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise errors.UnreadableBundle(path, "it is not a regular file")
            if status.st_size > rules.LARGEST_ARCHIVE:
                raise errors.OversizedBundle(path, "more than 4 GiB")
            return file.read(rules.LARGEST_ARCHIVE)
    except OSError as error:
        raise errors.UnreadableBundle(path, error.strerror or str(error)) from error


def _open_archive(path: Path, content: bytes) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    """Return the archive and its members, its directory checked."""
    if not content.startswith(b"PK\x03\x04"):
        raise errors.NotABundle(path)
    try:
        archive = zipfile.ZipFile(BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OverflowError) as error:
        raise errors.TruncatedBundle(path) from error
    infos = archive.infolist()
    if len(infos) > rules.MOST_MEMBERS:
        raise errors.OversizedBundle(path, f"more than {rules.MOST_MEMBERS} members")
    names = [info.filename for info in infos]
    if len(set(names)) != len(names):
        raise errors.HostileBundle(path, "a member stands in it twice")
    for info in infos:
        _check_info(path, info)
    if sum(info.file_size for info in infos) > len(content):
        raise errors.OversizedBundle(path, "members larger than the file itself")
    _check_layout(path, content, infos, archive)
    return archive, dict(zip(names, infos, strict=True))


def _check_info(path: Path, info: zipfile.ZipInfo) -> None:
    known = {rules.MANIFEST, *(rules.document_name(name) for name in rules.DOCUMENTS)}
    if info.filename not in known and not rules.WEIGHTS.fullmatch(info.filename):
        raise errors.HostileBundle(path, f"a member is named {info.filename[:80]!r}, which no bundle has")
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise errors.HostileBundle(path, "a member is packed, which no bundle's is")
    if info.flag_bits & ~0x800 or info.extra or info.comment:
        raise errors.HostileBundle(path, "a member is encrypted or carries extra fields")
    if info.filename == rules.MANIFEST and info.file_size > rules.LARGEST_MANIFEST:
        raise errors.OversizedBundle(path, "a manifest of more than 4 MiB")
    if info.filename.endswith(".json") and info.file_size > rules.LARGEST_DOCUMENT:
        raise errors.OversizedBundle(path, "a document of more than 8 MiB")


def _check_layout(path: Path, content: bytes, infos: list[zipfile.ZipInfo], archive: zipfile.ZipFile) -> None:
    """Members stand back to back from the first byte, each with a local header that says what the directory says."""
    place = 0
    for info in infos:
        if info.header_offset != place or place + _LOCAL_HEADER.size > len(content):
            raise errors.HostileBundle(path, "its members do not stand one after the other")
        header = _LOCAL_HEADER.unpack_from(content, place)
        name = info.filename.encode()
        start = place + _LOCAL_HEADER.size
        said = (header[0], header[2] & ~0x800, header[3], header[6], header[7], header[8], header[9], header[10])
        meant = (b"PK\x03\x04", 0, 0, info.CRC, info.file_size, info.file_size, len(name), 0)
        if said != meant or content[start : start + len(name)] != name:
            raise errors.HostileBundle(path, "a member's header does not agree with the directory")
        place = start + len(name) + info.file_size
    end = content.rfind(b"PK\x05\x06")
    if place != archive.start_dir or archive.comment or end < 0 or end + 22 != len(content):
        raise errors.HostileBundle(path, "it holds bytes that belong to no member")


def _read_manifest(path: Path, archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> Manifest:
    if next(iter(members), None) != rules.MANIFEST:
        raise errors.DamagedBundle(path, "its manifest is missing or not the first member")
    document = read_json(path, rules.MANIFEST, _stored(path, archive, rules.MANIFEST))
    version = document.get("format") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise errors.DamagedBundle(path, "its manifest does not say which format it has")
    if version > rules.VERSION:
        raise errors.NewerBundle(path, version, rules.VERSION)
    try:
        manifest = _MANIFEST.validate_json(json.dumps(document))
    except (ValidationError, ValueError) as error:
        raise errors.DamagedBundle(path, "its manifest is not one that Netwright writes") from error
    wanted = {rules.document_name(name) for name in rules.DOCUMENTS}
    weights = [name for name in manifest.members if name not in wanted]
    if not wanted <= set(manifest.members) or set(manifest.members) != set(members) - {rules.MANIFEST}:
        raise errors.DamagedBundle(path, "its members are not those that its manifest names")
    if sorted(weights) != [rules.weights_name(number) for number in range(len(weights))]:
        raise errors.DamagedBundle(path, "its weights are not numbered from zero")
    return manifest


def _stored(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise errors.DamagedBundle(path, f"{name} cannot be read") from error


def _read_member(path: Path, archive: zipfile.ZipFile, name: str, entry: MemberEntry) -> bytes:
    content = _stored(path, archive, name)
    if len(content) != entry.size or hashlib.sha256(content).hexdigest() != entry.sha256:
        raise errors.DamagedBundle(path, f"{name} is not what the manifest's hash says")
    return content


def read_json(path: Path, name: str, content: bytes) -> Json:
    """Return the value that a member holds: UTF-8, finite numbers, no repeated keys, not too deep."""
    _check_depth(path, name, content)
    try:
        return json.loads(content.decode(), object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise errors.DamagedBundle(path, f"{name} is not plain JSON") from error


def _check_depth(path: Path, name: str, content: bytes) -> None:
    """Count brackets outside strings, before a parser recurses into them."""
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", content)):
        depth += 1 if bracket in b"[{" else -1
        if depth > rules.DEEPEST:
            raise errors.OversizedBundle(path, f"{name} nested deeper than {rules.DEEPEST} levels")


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if not np.isfinite(value):
        raise ValueError(f"{text} is too large")
    return value


def _read_tensors(path: Path, name: str, content: bytes, entry: MemberEntry) -> dict[str, NDArray[Any]]:
    """Return the arrays of a weights member, its header checked before the library reads it."""
    length = int.from_bytes(content[:_LENGTH], "little")
    if len(content) < _LENGTH or length > len(content) - _LENGTH:
        raise errors.DamagedBundle(path, f"the header of {name} does not fit into it")
    if length > rules.LARGEST_HEADER:
        raise errors.OversizedBundle(path, f"{name} with a header of more than 4 MiB")
    header = read_json(path, name, content[_LENGTH : _LENGTH + length])
    if not isinstance(header, dict) or set(header) != set(entry.tensors):
        raise errors.DamagedBundle(path, f"the tensors of {name} are not those that the manifest names")
    try:
        arrays = load(content)
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise errors.DamagedBundle(path, f"{name} is not a safetensors file") from error
    for tensor, array in arrays.items():
        said = entry.tensors[tensor]
        if rules.DTYPES.get(said.dtype) != array.dtype or said.shape != array.shape:
            raise errors.DamagedBundle(path, f"tensor {tensor!r} has another type or shape than the manifest says")
        if (said.low, said.high) != rules.value_range(array):
            raise errors.DamagedBundle(path, f"tensor {tensor!r} has values outside the range that the manifest says")
    return dict(sorted(arrays.items()))
