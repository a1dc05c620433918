"""Hostile model files, each from a short description of what is wrong with it.

python attacks/make.py FOLDER    writes them all
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from forge import (
    BODY,
    ENTRIES,
    HEADER,
    WEIGHTS,
    Record,
    archive,
    changed,
    encode,
    honest,
    hostile_tensors,
    manifest_of,
    record,
    weights,
)

MEBIBYTE = 2**20
LAST = 5  # the record of the weights


@dataclass(frozen=True)
class Attack:
    """One hostile file.

    Attributes:
        name: of the file, without its ending.
        error: the class in `netwright.errors` that refuses it.
        says: words of the sentence that no other kind of attack gets.
        make: the content, or a function that puts something at a path.
    """

    name: str
    error: str
    says: str
    make: Callable[[], bytes] | Callable[[Path], None]

    def write(self, folder: Path) -> Path:
        """Put the file into a folder and return its path."""
        path = folder / f"{self.name}.nw"
        maker: Any = self.make
        if self in ON_DISK:
            maker(path)
        else:
            path.write_bytes(maker())
        return path


def good() -> bytes:
    """Return a bundle with nothing wrong."""
    return archive(honest())


# --- not even a bundle ----------------------------------------------------------------------------------------------


def _sparse(path: Path, size: int, head: bytes) -> None:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)


def _listening(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is at most 108 bytes
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(path.name)
    finally:
        os.chdir(here)


ON_DISK = [
    Attack("missing", "MissingBundle", "There is no model file", lambda path: None),
    Attack("folder", "UnreadableBundle", "it is a folder", lambda path: path.mkdir()),
    Attack("pipe", "UnreadableBundle", "not a regular file", lambda path: os.mkfifo(path)),
    Attack("link-to-zeros", "UnreadableBundle", "not a regular file", lambda path: path.symlink_to("/dev/zero")),
    Attack("link-to-terminal", "UnreadableBundle", "not a regular file", lambda path: path.symlink_to("/dev/tty")),
    Attack("link-to-itself", "UnreadableBundle", "symbolic links", lambda path: path.symlink_to(path)),
    Attack("socket", "UnreadableBundle", "not a regular file", _listening),
    Attack("sparse-terabyte", "OversizedBundle", "more than 2 GiB", lambda path: _sparse(path, 2**40, good())),
    Attack("sparse-gigabyte", "HostileBundle", "stand behind its end", lambda path: _sparse(path, 2**30, good())),
    Attack("sparse-zeros", "NotABundle", "is not a Netwright model", lambda path: _sparse(path, 2**30, b"")),
]

FOREIGN = [
    Attack("empty", "TruncatedBundle", "incomplete", lambda: b""),
    Attack("three-bytes", "TruncatedBundle", "incomplete", lambda: good()[:3]),
    Attack("pickle", "NotABundle", "is not a Netwright model", lambda: b"\x80\x04cposix\nsystem\n(S'echo'\ntR."),
    Attack("script-before-zip", "NotABundle", "is not a Netwright model", lambda: b"#!/bin/sh\n" + good()),
    Attack("other-zip", "NotABundle", "is not a Netwright model", lambda: archive([record("data.pkl", b"\x80\x04.")])),
    Attack("empty-zip", "NotABundle", "is not a Netwright model", lambda: archive([])),
    Attack("longer-name", "NotABundle", "is not a Netwright model", lambda: changed(0, name=b"manifest.jsonl")),
]


# --- zip records ----------------------------------------------------------------------------------------------------


def _inserted(*more: Record, at: int = LAST + 1) -> bytes:
    records = honest()
    return archive([*records[:at], *more, *records[at:]])


def _renamed(name: bytes) -> bytes:
    return changed(LAST, name=name)


def _bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(64 * MEBIBYTE)) + packer.flush()
    bomb = Record(b"schema.json", packed, packing=8, crc=zlib.crc32(bytes(64 * MEBIBYTE)), unpacked=64 * MEBIBYTE)
    return archive([honest()[0], bomb, *honest()[2:]])


def _overlapping() -> bytes:
    """Return a file whose schema holds the header and content of a second one, which the directory names instead."""
    inner = archive([record("spec.json", b'{"evil":1}')])[:49]
    records = honest(schema=inner)
    place = len(archive(records[:1], count=0)) - 46 - 13 - 22 + 30 + 11
    records[3] = replace(records[3], listed_place=place, listed_size=10)
    return archive(records)


def _sixty_four() -> bytes:
    """Return a file with the 64-bit end record and locator that general readers prefer to the plain one."""
    plain = archive(honest())
    large = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 6, 6, 500, 0)
    return archive(honest(), end=large + struct.pack("<4sLQL", b"PK\6\7", 0, len(plain) - 22, 1))


def _flag(flags: int) -> bytes:
    return changed(1, flags=flags)


ZIP = [
    Attack("cut-in-half", "TruncatedBundle", "incomplete", lambda: good()[: len(good()) // 2]),
    Attack("cut-last-byte", "TruncatedBundle", "incomplete", lambda: good()[:-1]),
    Attack("cut-directory", "TruncatedBundle", "incomplete", lambda: good()[:-60]),
    Attack("size-past-the-end", "TruncatedBundle", "incomplete", lambda: changed(5, packed=2**31, unpacked=2**31)),
    Attack("manifest-past-the-end", "TruncatedBundle", "incomplete", lambda: changed(0, packed=2**30, unpacked=2**30)),
    Attack("encrypted", "HostileBundle", "is encrypted", lambda: _flag(1)),
    Attack("encrypted-manifest", "HostileBundle", "is encrypted", lambda: changed(0, flags=1)),
    Attack("data-descriptor", "HostileBundle", "its size before", lambda: changed(1, flags=8, behind=b"PK\7\x08")),
    Attack("utf8-flag", "HostileBundle", "header that Netwright never", lambda: _flag(0x800)),
    Attack("masked-header", "HostileBundle", "header that Netwright never", lambda: _flag(0x2000)),
    Attack("other-date", "HostileBundle", "header that Netwright never", lambda: changed(2, day=50)),
    Attack("newer-zip", "HostileBundle", "header that Netwright never", lambda: changed(2, version=63)),
    Attack("packed", "HostileBundle", "is packed", lambda: changed(1, packing=8)),
    Attack("zip-bomb", "HostileBundle", "is packed", _bomb),
    Attack("two-sizes", "HostileBundle", "two different sizes", lambda: changed(1, unpacked=99)),
    Attack("size-in-64-bits", "HostileBundle", "64-bit form", lambda: changed(5, packed=2**32 - 1, unpacked=2**32 - 1)),
    Attack("end-in-64-bits", "DamagedBundle", "directory does not agree", _sixty_four),
    Attack("extra-field", "HostileBundle", "extra fields", lambda: changed(1, extra=b"up\x04\x00evil")),
    Attack("comment", "HostileBundle", "stand behind its end", lambda: archive(honest(), comment=b"PK\5\6" + bytes(18))),
    Attack("appended", "HostileBundle", "stand behind its end", lambda: good() + b"<?php"),
    Attack("appended-zip", "HostileBundle", "stand behind its end", lambda: good() + archive([record("x", b"y")])),
    Attack("hidden-between", "DamagedBundle", "directory does not agree", lambda: changed(2, behind=b"hidden")),
    Attack("hidden-member", "DamagedBundle", "directory does not agree", lambda: changed(3, listed=False)),
    Attack("wrong-count", "DamagedBundle", "directory does not agree", lambda: archive(honest(), count=65_535)),
    Attack("other-listed-name", "DamagedBundle", "directory does not agree", lambda: changed(3, listed_name=b"x.json")),
    Attack("other-listed-size", "DamagedBundle", "directory does not agree", lambda: changed(3, listed_size=2**30)),
    Attack("link-mode", "DamagedBundle", "directory does not agree", lambda: changed(3, mode=0o120777 << 16)),
    Attack("overlapping", "DamagedBundle", "directory does not agree", _overlapping),
    Attack("same-place-twice", "DamagedBundle", "directory does not agree", lambda: changed(4, listed_place=0)),
    Attack("twice", "HostileBundle", "stands in it twice", lambda: _inserted(honest()[3])),
    Attack("second-manifest", "HostileBundle", "stands in it twice", lambda: _inserted(honest()[0], at=3)),
    Attack("traversal", "HostileBundle", "'../../.profile'", lambda: _renamed(b"../../.profile")),
    Attack("absolute", "HostileBundle", "'/etc/passwd'", lambda: _renamed(b"/etc/passwd")),
    Attack("backslashes", "HostileBundle", "no bundle has", lambda: _renamed(b"..\\spec.json")),
    Attack("python-member", "HostileBundle", "'__init__.py'", lambda: _inserted(record("__init__.py", b"boom"))),
    Attack("pickle-member", "HostileBundle", "'data.pkl'", lambda: _inserted(record("data.pkl", b"\x80\x04."))),
    Attack("zero-byte-name", "HostileBundle", "no bundle has", lambda: _inserted(record("spec.json\0.py", b"{}"))),
    Attack("upper-case", "HostileBundle", "'SPEC.JSON'", lambda: _inserted(record("SPEC.JSON", b"{}"))),
    Attack("other-digits", "HostileBundle", "header that Netwright", lambda: _renamed("weights-٠٠.x".encode())),
    Attack("long-name", "HostileBundle", "longer than any", lambda: _renamed(b"a" * 60_000)),
    Attack("other-order", "DamagedBundle", "stands where", lambda: archive([*honest()[:3], *honest()[:2:-1]])),
    Attack("weights-not-numbered", "DamagedBundle", "stands where", lambda: _renamed(b"weights-00007.safetensors")),
    Attack("missing-card", "DamagedBundle", "card.json is missing", lambda: archive(honest()[:4])),
    Attack("many-members", "OversizedBundle", "more than 80 members", lambda: archive(_many())),
    Attack("wrong-crc", "DamagedBundle", "the checksum of spec.json", lambda: changed(3, crc=7)),
    Attack("wrong-manifest-crc", "DamagedBundle", "the checksum of manifest.json", lambda: changed(0, crc=7)),
]


def _many() -> list[Record]:
    return [*honest()[:LAST], *(record(f"weights-{number:05}.safetensors", b"") for number in range(10_000))]


# --- manifest and documents -----------------------------------------------------------------------------------------


def _manifest(content: bytes) -> bytes:
    return archive([record("manifest.json", content), *honest()[1:]])


def _tree(**changes: Any) -> bytes:
    return archive(honest(changes))


def _entry(name: str, **changes: Any) -> bytes:
    members = {one.name.decode(): one.content for one in honest()[1:]}
    tree = manifest_of(members)
    tree["members"][name] |= changes
    return _manifest(encode(tree))


def _card(content: bytes) -> bytes:
    return archive(honest(card=content))


LIES = "not one that Netwright writes"
JSON = [
    Attack("newer", "NewerBundle", "written by a newer Netwright (format 2", lambda: _tree(format=2, seal="x")),
    Attack("newer-members", "NewerBundle", "newer Netwright", lambda: _manifest(b'{"format":3}') + b"more"),
    Attack("format-zero", "DamagedBundle", "which format it has", lambda: _tree(format=0)),
    Attack("format-true", "DamagedBundle", "which format it has", lambda: _tree(format=True)),
    Attack("format-text", "DamagedBundle", "which format it has", lambda: _tree(format="1")),
    Attack("format-huge", "DamagedBundle", "which format it has", lambda: _tree(format=10**4000)),
    Attack("manifest-list", "DamagedBundle", "which format it has", lambda: _manifest(b"[1]")),
    Attack("manifest-large", "OversizedBundle", "more than 4 MiB", lambda: _manifest(b" " * (4 * MEBIBYTE + 1))),
    Attack("manifest-more", "DamagedBundle", LIES, lambda: _tree(run="os.system")),
    Attack("manifest-less", "DamagedBundle", LIES, lambda: _tree(netwright=None)),
    Attack("manifest-twice", "DamagedBundle", "not plain JSON", lambda: _manifest(b'{"format":1,"format":2}')),
    Attack("manifest-deep", "OversizedBundle", "deeper than 32", lambda: _manifest(b"[" * MEBIBYTE)),
    Attack("member-not-there", "DamagedBundle", "not those that its manifest", lambda: _tree(members={})),
    Attack("wrong-size", "DamagedBundle", "not those that its manifest", lambda: _entry("spec.json", size=8)),
    Attack("negative-size", "DamagedBundle", LIES, lambda: _entry("spec.json", size=-1)),
    Attack("wrong-hash", "DamagedBundle", "hash says", lambda: _entry("spec.json", sha256="0" * 64)),
    Attack("no-hash", "DamagedBundle", LIES, lambda: _entry("spec.json", sha256="")),
    Attack("document-tensors", "DamagedBundle", "tensors in a document", lambda: _entry("spec.json", tensors=ENTRIES)),
    Attack("swapped", "DamagedBundle", "hash says", lambda: archive([*honest()[:4], *honest(card=b'{"a":2}')[4:]])),
    Attack("document-large", "OversizedBundle", "more than 8 MiB", lambda: _card(b" " * (8 * MEBIBYTE + 1))),
    Attack("document-deep", "OversizedBundle", "deeper than 32", lambda: _card(b'{"a":' * 33 + b"1" + b"}" * 33)),
    Attack("deep-behind-quotes", "OversizedBundle", "deeper than 32", lambda: _card(b'["\\"",' + b"[" * MEBIBYTE)),
    Attack("many-values", "OversizedBundle", "500,000 values", lambda: _card(b"[" + b"{}," * 2_700_000 + b"1]")),
    Attack("many-keys", "OversizedBundle", "200,000 keys", lambda: _card(encode({str(key): 0 for key in range(200_001)}))),
    Attack("many-quotes", "DamagedBundle", "not plain JSON", lambda: _card(b'"' * (8 * MEBIBYTE))),
    Attack("open-string", "DamagedBundle", "not plain JSON", lambda: _card(b'"' + b'\\"' * (4 * MEBIBYTE - 1))),
    Attack("long-number", "DamagedBundle", "not plain JSON", lambda: _card(b"9" * (8 * MEBIBYTE))),
    Attack("not-a-number", "DamagedBundle", "not plain JSON", lambda: _card(b'{"score":NaN}')),
    Attack("infinite", "DamagedBundle", "not plain JSON", lambda: _card(b'{"score":-Infinity}')),
    Attack("overflow", "DamagedBundle", "not plain JSON", lambda: _card(b'{"score":1e999}')),
    Attack("key-twice", "DamagedBundle", "not plain JSON", lambda: _card(b'{"a":1,"b":{"c":1,"\\u0063":2}}')),
    Attack("not-unicode", "DamagedBundle", "not plain JSON", lambda: _card(b'{"a":"\xff"}')),
    Attack("closing", "DamagedBundle", "not plain JSON", lambda: _card(b"]" * (8 * MEBIBYTE))),
    Attack("utf16", "DamagedBundle", "not plain JSON", lambda: _card('{"a":1}'.encode("utf-16"))),
]


# --- tensors --------------------------------------------------------------------------------------------------------


def _one(said: dict[str, Any], body: bytes, entry: dict[str, Any] | None = None) -> bytes:
    """Return a bundle with a single tensor, described alike in manifest and member unless `entry` differs."""
    described = {"dtype": said.get("dtype"), "shape": said.get("shape"), "low": None, "high": None}
    return hostile_tensors({"t": said}, body, {"t": {**described, **(entry or {})}})


def _places(first: list[Any], second: list[Any]) -> bytes:
    header = {
        "kernel": {**HEADER["kernel"], "data_offsets": first},
        "mask": {**HEADER["mask"], "data_offsets": second},
    }
    return hostile_tensors(header, BODY, ENTRIES)


def _shaped(shape: list[Any], body: bytes = b"", end: int = 0) -> bytes:
    return _one({"dtype": "F32", "shape": shape, "data_offsets": [0, end]}, body)


def _typed(dtype: str, bytes_each: int) -> bytes:
    return _one({"dtype": dtype, "shape": [1], "data_offsets": [0, bytes_each]}, bytes(bytes_each))


def _crowd(count: int) -> bytes:
    header = {f"t{number}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for number in range(count)}
    entry = {"dtype": "U8", "shape": [0], "low": None, "high": None}
    return hostile_tensors(header, b"", dict.fromkeys(header, entry))


def _long_header() -> bytes:
    return hostile_tensors(encode(HEADER) + b" " * (67 * 10**6), BODY, ENTRIES)


def _said_length(length: int) -> bytes:
    return archive(honest(weights=weights(length=length)))


def _stranger(tensor: Any) -> bytes:
    return hostile_tensors({**HEADER, "kernel": tensor}, BODY, ENTRIES)


def _claimed(**entry: Any) -> bytes:
    return hostile_tensors(HEADER, BODY, {**ENTRIES, "kernel": {**ENTRIES["kernel"], **entry}})


GAPS, OTHER, BYTES = "overlap or leave gaps", "another type or shape", "more or fewer bytes"
TENSORS = [
    Attack("header-of-67-megabytes", "OversizedBundle", "header of more than 4 MiB", _long_header),
    Attack("header-longest", "OversizedBundle", "header of more than 4 MiB", lambda: _said_length(2**64 - 1)),
    Attack("header-past-the-end", "DamagedBundle", "does not fit into it", lambda: _said_length(9_999)),
    Attack("header-short", "DamagedBundle", "not plain JSON", lambda: _said_length(7)),
    Attack("header-none", "DamagedBundle", "not plain JSON", lambda: _said_length(0)),
    Attack("weights-empty", "DamagedBundle", "not plain JSON", lambda: archive(honest(weights=b""))),
    Attack("header-list", "DamagedBundle", "not those that the manifest", lambda: hostile_tensors(b"[]", b"", {})),
    Attack("header-deep", "OversizedBundle", "deeper than 32", lambda: hostile_tensors(b"[" * 99_999, b"", ENTRIES)),
    Attack("header-twice", "DamagedBundle", "not plain JSON", lambda: hostile_tensors(b'{"t":1,"t":1}', b"", ENTRIES)),
    Attack("metadata", "DamagedBundle", "not those", lambda: hostile_tensors({**HEADER, "__metadata__": {}}, BODY, ENTRIES)),
    Attack("metadata-tensor", "DamagedBundle", "named '__metadata__'", lambda: _metadata_tensor()),
    Attack("tensor-missing", "DamagedBundle", "not those that the manifest", lambda: hostile_tensors({}, b"", ENTRIES)),
    Attack("tensor-text", "DamagedBundle", OTHER, lambda: _stranger("F32")),
    Attack("tensor-more", "DamagedBundle", OTHER, lambda: _stranger({**HEADER["kernel"], "run": "x"})),
    Attack("many-tensors", "OversizedBundle", "more than 20,000 tensors", lambda: _crowd(20_001)),
    Attack("float-places", "DamagedBundle", "where it stands", lambda: _places([0.0, 24], [24, 26])),
    Attack("three-places", "DamagedBundle", "where it stands", lambda: _places([0, 24, 24], [24, 26])),
    Attack("negative-place", "DamagedBundle", GAPS, lambda: _places([-24, 0], [0, 2])),
    Attack("shared-bytes", "DamagedBundle", GAPS, lambda: _places([0, 24], [0, 2])),
    Attack("gap", "DamagedBundle", GAPS, lambda: _places([0, 24], [25, 27])),
    Attack("past-the-end", "DamagedBundle", GAPS, lambda: _places([2, 26], [26, 28])),
    Attack("bytes-left-over", "DamagedBundle", GAPS, lambda: hostile_tensors(HEADER, BODY + b"more", ENTRIES)),
    Attack("bytes-missing", "DamagedBundle", GAPS, lambda: hostile_tensors(HEADER, BODY[:-1], ENTRIES)),
    Attack("huge-shape", "OversizedBundle", "larger than a bundle", lambda: _shaped([2**20, 2**20, 2**20])),
    Attack("huge-and-empty", "OversizedBundle", "larger than a bundle", lambda: _shaped([0, 2**31 - 1, 2**31 - 1])),
    Attack("huge-side", "DamagedBundle", LIES, lambda: _shaped([2**63])),
    Attack("negative-side", "DamagedBundle", LIES, lambda: _shaped([-1, -1], bytes(4), 4)),
    Attack("true-side", "DamagedBundle", OTHER, lambda: _one(_line([True]), bytes(4), {"shape": [1]})),
    Attack("many-axes", "DamagedBundle", "number of axes", lambda: _shaped([1] * 100_000, bytes(4), 4)),
    Attack("larger-than-it-is", "DamagedBundle", BYTES, lambda: _shaped([1000], bytes(4), 4)),
    Attack("object-type", "DamagedBundle", "does not know", lambda: _typed("object", 8)),
    Attack("eight-bit-float", "DamagedBundle", "does not know", lambda: _typed("F8_E4M3", 1)),
    Attack("brain-float", "DamagedBundle", "does not know", lambda: _typed("BF16", 2)),
    Attack("other-type", "DamagedBundle", OTHER, lambda: _one(_line([1]), bytes(4), {"dtype": "I32"})),
    Attack("other-shape", "DamagedBundle", OTHER, lambda: _claimed(shape=[3, 2])),
    Attack("out-of-range", "DamagedBundle", "outside the range", lambda: _claimed(high=4.25)),
    Attack("no-range", "DamagedBundle", "outside the range", lambda: _claimed(low=None, high=None)),
    Attack("range-not-finite", "DamagedBundle", "not plain JSON", lambda: _claimed(high=float("inf"))),
    Attack("half-true", "DamagedBundle", "neither true nor false", lambda: _half_true()),
    Attack("quiet-nan", "DamagedBundle", "outside the range", lambda: _nan(b"\0\0\xc0\x7f")),
    Attack("signalling-nan", "DamagedBundle", "outside the range", lambda: _nan(b"\1\0\x80\x7f")),
]


def _line(shape: list[Any]) -> dict[str, Any]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}


def _nan(raw: bytes) -> bytes:
    return _one(_line([1]), raw, {"low": 0.0, "high": 1.0})


def _half_true() -> bytes:
    return hostile_tensors(HEADER, BODY[:-2] + b"\x02\x00", ENTRIES)


def _metadata_tensor() -> bytes:
    header = {**HEADER, "__metadata__": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}}
    return hostile_tensors(header, BODY, {**ENTRIES, "__metadata__": {"dtype": "U8", "shape": [0], "low": None, "high": None}})


ATTACKS = (*ON_DISK, *FOREIGN, *ZIP, *JSON, *TENSORS)


def main(folder: Path) -> None:
    """Write every attack into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for attack in ATTACKS:
        attack.write(folder)
    print(f"{len(ATTACKS)} hostile model files in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
