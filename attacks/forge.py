"""Builds model files by hand, any field of any record wrong. Knows nothing of Netwright, as an attacker need not."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

Tree = dict[str, Any]
DOCUMENTS = ("schema.json", "preprocess.json", "spec.json", "card.json")
WEIGHTS = "weights-00000.safetensors"
BODY = struct.pack("<6f", -1.5, 0, 1, 2, 3, 4.5) + b"\x01\x00"
HEADER: Tree = {
    "kernel": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "mask": {"dtype": "BOOL", "shape": [2], "data_offsets": [24, 26]},
}
ENTRIES: Tree = {
    "kernel": {"dtype": "F32", "shape": [2, 3], "low": -1.5, "high": 4.5},
    "mask": {"dtype": "BOOL", "shape": [2], "low": 0.0, "high": 1.0},
}


@dataclass(frozen=True)
class Attack:
    """One hostile file.

    Attributes:
        name: of the file, without its ending.
        error: the class in `netwright.errors` that refuses it.
        says: words of the sentence that the user reads.
        put: puts it at a path.
    """

    name: str
    error: str
    says: str
    put: Callable[[Path], object]

    def write(self, folder: Path) -> Path:
        """Put the file into a folder and return its path."""
        path = folder / f"{self.name}.nw"
        self.put(path)
        return path


def attack(name: str, error: str, says: str, content: Callable[[], bytes]) -> Attack:
    """Return the attack that is a file of that content."""
    return Attack(name, error, says, lambda path: path.write_bytes(content()))


def good() -> bytes:
    """Return a bundle with nothing wrong."""
    return archive(honest())


@dataclass(frozen=True)
class Record:
    """One member of a zip, each field as an attacker may set it; None stands for the honest value.

    Attributes:
        listed: whether the directory names it; `listed_name`, `listed_size`, `listed_place` are what it says there.
    """

    name: bytes
    content: bytes
    version: int = 20
    flags: int = 0
    packing: int = 0
    day: int = 33
    crc: int | None = None
    packed: int | None = None
    unpacked: int | None = None
    extra: bytes = b""
    behind: bytes = b""
    listed: bool = True
    listed_name: bytes | None = None
    listed_size: int | None = None
    listed_place: int | None = None
    mode: int = 0o100600 << 16


def archive(records: list[Record], *, end: bytes = b"", comment: bytes = b"", count: int | None = None) -> bytes:
    """Return a zip of these records; `end` stands between the directory and its end record."""
    body, entries = b"", b""
    for record in records:
        crc = zlib.crc32(record.content) if record.crc is None else record.crc
        size = len(record.content)
        packed = size if record.packed is None else record.packed
        unpacked = size if record.unpacked is None else record.unpacked
        shared = (record.version, record.flags, record.packing, 0, record.day, crc)
        place = len(body) if record.listed_place is None else record.listed_place
        body += struct.pack("<4s5H3L2H", b"PK\3\4", *shared, packed, unpacked, len(record.name), len(record.extra))
        body += record.name + record.extra + record.content + record.behind
        name = record.name if record.listed_name is None else record.listed_name
        said = unpacked if record.listed_size is None else record.listed_size
        tail = (len(name), len(record.extra), 0, 0, 0, record.mode, place)
        entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 3 << 8 | 20, *shared, said, said, *tail)
        entries += (entry + name + record.extra) if record.listed else b""
    total = len([record for record in records if record.listed]) if count is None else count
    closing = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, total, total, len(entries), len(body), len(comment))
    return body + entries + end + closing + comment


def honest(manifest: Tree | None = None, **parts: bytes) -> list[Record]:
    """Return the records of a good bundle, with some parts replaced and the manifest made to fit them.

    Args:
        manifest: members to set or, where the value is None, to take out of the manifest's own tree.
        parts: content by the first word of a member's name: schema, preprocess, spec, card, weights.
    """
    members = {name: parts.get(name.split(".")[0], b'{"a":1}') for name in DOCUMENTS}
    members[WEIGHTS] = parts.get("weights", weights())
    tree = {**manifest_of(members), **(manifest or {})}
    tree = {name: value for name, value in tree.items() if value is not None}
    return [record("manifest.json", encode(tree)), *(record(name, content) for name, content in members.items())]


def manifest_of(members: Mapping[str, bytes], tensors: Tree | None = None) -> Tree:
    """Return the manifest that fits these members: an attacker can hash as well as we can."""
    entries = {
        name: {
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "tensors": (ENTRIES if tensors is None else tensors) if name == WEIGHTS else {},
        }
        for name, content in members.items()
    }
    return {"format": 1, "netwright": "0.1.0", "members": entries}


def hostile_tensors(header: Tree | bytes, body: bytes, entries: Tree) -> bytes:
    """Return a bundle whose weights and whose manifest were forged together."""
    content = weights(header, body)
    records = honest(weights=content)
    members = {one.name.decode(): one.content for one in records[1:]}
    return archive([record("manifest.json", encode(manifest_of(members, entries))), *records[1:]])


def weights(header: Tree | bytes = HEADER, body: bytes = BODY, length: int | None = None) -> bytes:
    """Return a safetensors member; `length` is what it says of its header."""
    raw = header if isinstance(header, bytes) else encode(header)
    return struct.pack("<Q", len(raw) if length is None else length) + raw + body


def record(name: str, content: bytes) -> Record:
    """Return an honest record."""
    return Record(name.encode(), content)


def changed(place: int, **fields: Any) -> bytes:
    """Return a good bundle but for some fields of its record number `place`."""
    records = honest()
    records[place] = replace(records[place], **fields)
    return archive(records)


def encode(tree: Any) -> bytes:
    """Return compact JSON."""
    return json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()
