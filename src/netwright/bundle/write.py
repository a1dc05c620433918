"""Writes a bundle: equal contents give equal bytes, and what is written can be read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

from netwright._version import __version__
from netwright.bundle import format as rules
from netwright.bundle.archive import archive_size, write_archive
from netwright.bundle.documents import encode_json, passed_limit
from netwright.bundle.format import Contents, Manifest, MemberEntry, TensorEntry
from netwright.bundle.tensors import encode_tensors, header_length
from netwright.errors import UnwritableModel
from netwright.storage import replace_file


def write_bundle(path: Path, contents: Contents) -> None:
    """Write a bundle, all or nothing.

    Raises:
        CannotWrite: if it cannot be written there.
        UnwritableModel: if the contents pass a limit of the format, or hold text that is not Unicode.
        ValueError: if the contents are not what a bundle holds (other documents, dtypes, numbers that are not finite).
    """
    members = _members(path, contents)
    replace_file(path, partial(write_archive, members=members))


def bundle_size(contents: Contents, path: Path) -> int:
    """Return the bytes of the file that `write_bundle` would make; nothing is written.

    Args:
        contents: of the file.
        path: for the sentence of an error.

    Raises:
        UnwritableModel, ValueError: as `write_bundle` does.
    """
    return archive_size({name: len(content) for name, content in _members(path, contents).items()})


def _members(path: Path, contents: Contents) -> dict[str, bytes]:
    """Return the members by name, the manifest first."""
    if set(contents.documents) != set(rules.DOCUMENTS):
        raise ValueError(f"a bundle holds the documents {rules.DOCUMENTS}, but got {sorted(contents.documents)}")
    version = rules.version_of(contents.documents)
    members: dict[str, bytes] = {}
    tensors: dict[str, dict[str, TensorEntry]] = {}
    try:
        for name in rules.DOCUMENTS:
            members[rules.document_name(name)] = encode_json(contents.documents[name])
        for number, arrays in enumerate(contents.tensors):
            name = rules.weights_name(number)
            members[name], tensors[name] = encode_tensors(arrays)
        entries = {name: _entry(content, tensors.get(name, {})) for name, content in members.items()}
        members = {rules.MANIFEST: encode_json(asdict(Manifest(version, __version__, entries))), **members}
    except UnicodeEncodeError as error:
        raise UnwritableModel(path, "a name or a value in it is not valid Unicode text") from error
    fault = _passed_limit(members, sum(len(entries) for entries in tensors.values()))
    if fault:
        raise UnwritableModel(path, fault)
    return members


def _entry(content: bytes, tensors: Mapping[str, TensorEntry]) -> MemberEntry:
    return MemberEntry(len(content), hashlib.sha256(content).hexdigest(), dict(tensors))


def _passed_limit(members: Mapping[str, bytes], tensors: int) -> str:
    """Return which limit of the format the members pass, as the end of a sentence, or an empty string."""
    if len(members) > rules.MOST_MEMBERS:
        return f"it has {len(members)} members, and a model file holds at most {rules.MOST_MEMBERS}"
    if tensors > rules.MOST_TENSORS:
        return f"it has {tensors:,} tensors, and a model file holds at most {rules.MOST_TENSORS:,}"
    for name, content in members.items():
        if len(content) > rules.largest(name):
            return f"{name} takes {len(content):,} bytes, more than {rules.mebibytes(rules.largest(name))}"
        document = name.endswith(".json")
        fault = passed_limit(content if document else content[8 : 8 + header_length(content)])
        if fault:
            return f"{name} {fault}"
        if not document and header_length(content) > rules.LARGEST_HEADER:
            return f"the tensors of {name} take a header of more than {rules.mebibytes(rules.LARGEST_HEADER)}"
    if archive_size({name: len(content) for name, content in members.items()}) > rules.LARGEST_ARCHIVE:
        return f"it would take more than {rules.mebibytes(rules.LARGEST_ARCHIVE)}"
    return ""
