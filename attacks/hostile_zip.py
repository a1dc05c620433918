"""Bundles whose zip records say what Netwright's never say, or do not agree with one another."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

from forge import Record, archive, attack, changed, good, honest, record

MEBIBYTE = 2**20
LAST = 5  # the record of the weights


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


def _many() -> list[Record]:
    return [*honest()[:LAST], *(record(f"weights-{number:05}.safetensors", b"") for number in range(10_000))]


ZIP = [
    attack("cut-in-half", "TruncatedBundle", "incomplete", lambda: good()[: len(good()) // 2]),
    attack("cut-last-byte", "TruncatedBundle", "incomplete", lambda: good()[:-1]),
    attack("cut-directory", "TruncatedBundle", "incomplete", lambda: good()[:-60]),
    attack("size-past-the-end", "TruncatedBundle", "incomplete", lambda: changed(5, packed=2**31, unpacked=2**31)),
    attack("manifest-past-the-end", "TruncatedBundle", "incomplete", lambda: changed(0, packed=2**30, unpacked=2**30)),
    attack("encrypted", "HostileBundle", "is encrypted", lambda: _flag(1)),
    attack("encrypted-manifest", "HostileBundle", "is encrypted", lambda: changed(0, flags=1)),
    attack("data-descriptor", "HostileBundle", "its size before", lambda: changed(1, flags=8, behind=b"PK\7\x08")),
    attack("utf8-flag", "HostileBundle", "header that Netwright never", lambda: _flag(0x800)),
    attack("masked-header", "HostileBundle", "header that Netwright never", lambda: _flag(0x2000)),
    attack("other-date", "HostileBundle", "header that Netwright never", lambda: changed(2, day=50)),
    attack("newer-zip", "HostileBundle", "header that Netwright never", lambda: changed(2, version=63)),
    attack("packed", "HostileBundle", "is packed", lambda: changed(1, packing=8)),
    attack("zip-bomb", "HostileBundle", "is packed", _bomb),
    attack("two-sizes", "HostileBundle", "two different sizes", lambda: changed(1, unpacked=99)),
    attack("size-in-64-bits", "HostileBundle", "64-bit form", lambda: changed(5, packed=2**32 - 1, unpacked=2**32 - 1)),
    attack("end-in-64-bits", "DamagedBundle", "directory does not agree", _sixty_four),
    attack("extra-field", "HostileBundle", "extra fields", lambda: changed(1, extra=b"up\x04\x00evil")),
    attack(
        "comment", "HostileBundle", "stand behind its end", lambda: archive(honest(), comment=b"PK\5\6" + bytes(18))
    ),
    attack("appended", "HostileBundle", "stand behind its end", lambda: good() + b"<?php"),
    attack("appended-zip", "HostileBundle", "stand behind its end", lambda: good() + archive([record("x", b"y")])),
    attack("hidden-between", "DamagedBundle", "directory does not agree", lambda: changed(2, behind=b"hidden")),
    attack("hidden-member", "DamagedBundle", "directory does not agree", lambda: changed(3, listed=False)),
    attack("wrong-count", "DamagedBundle", "directory does not agree", lambda: archive(honest(), count=65_535)),
    attack("other-listed-name", "DamagedBundle", "directory does not agree", lambda: changed(3, listed_name=b"x.json")),
    attack("other-listed-size", "DamagedBundle", "directory does not agree", lambda: changed(3, listed_size=2**30)),
    attack("link-mode", "DamagedBundle", "directory does not agree", lambda: changed(3, mode=0o120777 << 16)),
    attack("overlapping", "DamagedBundle", "directory does not agree", _overlapping),
    attack("same-place-twice", "DamagedBundle", "directory does not agree", lambda: changed(4, listed_place=0)),
    attack("twice", "HostileBundle", "stands in it twice", lambda: _inserted(honest()[3])),
    attack("second-manifest", "HostileBundle", "stands in it twice", lambda: _inserted(honest()[0], at=3)),
    attack("traversal", "HostileBundle", "'../../.profile'", lambda: _renamed(b"../../.profile")),
    attack("absolute", "HostileBundle", "'/etc/passwd'", lambda: _renamed(b"/etc/passwd")),
    attack("backslashes", "HostileBundle", "no bundle has", lambda: _renamed(b"..\\spec.json")),
    attack("python-member", "HostileBundle", "'__init__.py'", lambda: _inserted(record("__init__.py", b"boom"))),
    attack("pickle-member", "HostileBundle", "'data.pkl'", lambda: _inserted(record("data.pkl", b"\x80\x04."))),
    attack("zero-byte-name", "HostileBundle", "no bundle has", lambda: _inserted(record("spec.json\0.py", b"{}"))),
    attack("upper-case", "HostileBundle", "'SPEC.JSON'", lambda: _inserted(record("SPEC.JSON", b"{}"))),
    attack("other-digits", "HostileBundle", "header that Netwright", lambda: _renamed("weights-٠٠.x".encode())),
    attack("long-name", "HostileBundle", "longer than any", lambda: _renamed(b"a" * 60_000)),
    attack("other-order", "DamagedBundle", "stands where", lambda: archive([*honest()[:3], *honest()[:2:-1]])),
    attack("weights-not-numbered", "DamagedBundle", "stands where", lambda: _renamed(b"weights-00007.safetensors")),
    attack("missing-card", "DamagedBundle", "card.json is missing", lambda: archive(honest()[:4])),
    attack("many-members", "OversizedBundle", "more than 80 members", lambda: archive(_many())),
    attack("wrong-crc", "DamagedBundle", "the checksum of spec.json", lambda: changed(3, crc=7)),
    attack("wrong-manifest-crc", "DamagedBundle", "the checksum of manifest.json", lambda: changed(0, crc=7)),
]
