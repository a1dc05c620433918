"""The zip records around the members: how they are written, and a reader that takes no others.

General zip readers are lenient (prefixes, comments, 64-bit records, two places for each size): attacks live on that.
Here every record is made by one of two functions, for writing as for reading: the reader walks the members from the
first byte, makes the directory that follows from them, and compares. Any zip tool reads the outcome.
Layout: PKWARE APPNOTE 4.3.7 (local header), 4.3.12 (directory), 4.3.16 (end record).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from netwright import errors
from netwright.bundle import format as rules

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"

_VERSION = 20  # 2.0, as the zip modules of most languages write
_MADE_BY = 3 << 8 | _VERSION  # Unix
_TIME, _DAY = 0, 1 << 5 | 1  # 1980-01-01 00:00, the first that a zip knows: two writings of one model are one file
_MODE = 0o100600 << 16  # a regular file of its owner
_ENCRYPTED, _SIZE_BEHIND = 0x1, 0x8  # bits of the flags
_IN_64_BITS = 0xFFFFFFFF  # stands where a size is in a record of the 64-bit extension
_COMMENT_LENGTH = 2  # bytes at the end of the end record


@dataclass(frozen=True)
class Member:
    """Where a member stands.

    Attributes:
        name: of the closed set.
        crc: CRC-32 of its content.
        size: bytes of its content.
        place: offset of its header in the file.
    """

    name: str
    crc: int
    size: int
    place: int

    @property
    def start(self) -> int:
        """Offset of its content."""
        return self.place + _LOCAL.size + len(self.name)

    @property
    def end(self) -> int:
        """Offset behind its content."""
        return self.start + self.size


def archive_size(sizes: Mapping[str, int]) -> int:
    """Return the bytes of an archive with members of these sizes, by name."""
    records = _LOCAL.size + _CENTRAL.size
    return _END.size + sum(records + 2 * len(name) + size for name, size in sizes.items())


def write_archive(file: BinaryIO, members: Mapping[str, bytes]) -> None:
    """Write members in their order as a zip archive: equal members give equal bytes."""
    place, written = 0, []
    for name, content in members.items():
        member = Member(name, zlib.crc32(content), len(content), place)
        file.write(local_header(member))
        file.write(content)
        written.append(member)
        place = member.end
    file.write(directory(written))


def local_header(member: Member) -> bytes:
    """Return the bytes that stand before a member's content."""
    name = member.name.encode()
    sizes = (member.crc, member.size, member.size)
    return _LOCAL.pack(_LOCAL_MARK, _VERSION, 0, 0, _TIME, _DAY, *sizes, len(name), 0) + name


def directory(members: Sequence[Member]) -> bytes:
    """Return the bytes that stand behind the last member: the directory and the end record."""
    entries = b"".join(_directory_entry(member) for member in members)
    place = members[-1].end if members else 0
    return entries + _END.pack(_END_MARK, 0, 0, len(members), len(members), len(entries), place, 0)


def _directory_entry(member: Member) -> bytes:
    name = member.name.encode()
    sizes = (member.crc, member.size, member.size)
    front = (_CENTRAL_MARK, _MADE_BY, _VERSION, 0, 0, _TIME, _DAY)
    return _CENTRAL.pack(*front, *sizes, len(name), 0, 0, 0, 0, _MODE, member.place) + name


# --- reading ----------------------------------------------------------------------------------------------------------


def first_member(path: Path, file: BinaryIO, size: int) -> Member:
    """Return the manifest's place, from its own header alone.

    Args:
        path: for the sentence of an error.
        file: the open bundle.
        size: of the file, in bytes.

    Raises:
        BundleError: if it is no bundle at all, or the header is not as the format has it.
    """
    head = _bytes_at(file, 0, _LOCAL.size)
    if not head.startswith(_LOCAL_MARK[: len(head)]):
        raise errors.NotABundle(path)
    if len(head) < _LOCAL.size:
        raise errors.TruncatedBundle(path)
    name = _bytes_at(file, _LOCAL.size, len(rules.MANIFEST))
    if not rules.MANIFEST.encode().startswith(name):
        raise errors.NotABundle(path)
    member = _read_header(path, file, 0, size)
    if member.name != rules.MANIFEST:
        raise errors.NotABundle(path)
    return member


def walk_members(path: Path, file: BinaryIO, size: int) -> tuple[Member, ...]:
    """Return every member, in order, once the whole layout of the file is seen to be that of the format.

    Args:
        path: for the sentence of an error.
        file: the open bundle.
        size: of the file, in bytes.

    Raises:
        BundleError: if anything but the content of a member is other than the writer would have written it.
    """
    members: list[Member] = []
    place = 0
    while _bytes_at(file, place, len(_LOCAL_MARK)) == _LOCAL_MARK:
        if len(members) == rules.MOST_MEMBERS:
            raise errors.OversizedBundle(path, f"more than {rules.MOST_MEMBERS} members")
        member = _read_header(path, file, place, size)
        _check_name(path, member.name, [other.name for other in members])
        members.append(member)
        place = member.end
    _check_directory(path, file, size, members)
    return tuple(members)


def read_member(path: Path, file: BinaryIO, member: Member) -> bytes:
    """Return the content of a member.

    Raises:
        BundleError: if the file has become shorter, or the content is not that of the CRC.
    """
    content = _bytes_at(file, member.start, member.size)
    if len(content) != member.size:
        raise errors.TruncatedBundle(path)
    if zlib.crc32(content) != member.crc:
        raise errors.DamagedBundle(path, f"the checksum of {member.name} does not fit its content")
    return content


def _bytes_at(file: BinaryIO, place: int, length: int) -> bytes:
    file.seek(place)
    return file.read(length)


def _read_header(path: Path, file: BinaryIO, place: int, size: int) -> Member:
    """Return the member whose header stands at `place`; the header can be no other than the writer's."""
    head = _bytes_at(file, place, _LOCAL.size)
    if len(head) < _LOCAL.size:
        raise errors.TruncatedBundle(path)
    _, _, flags, packing, _, _, crc, packed, unpacked, length, extra = _LOCAL.unpack(head)
    strange = {
        "a member is encrypted": flags & _ENCRYPTED,
        "a member does not say its size before its content": flags & _SIZE_BEHIND,
        "a member is packed": packing,
        "a member is in the 64-bit form": _IN_64_BITS in (packed, unpacked),
        "a member has two different sizes": packed != unpacked,
        "a member carries extra fields": extra,
        "a member has a name longer than any in the format": length > len(rules.weights_name(0)),
    }
    for what, found in strange.items():
        if found:
            raise errors.HostileBundle(path, what)
    raw = _bytes_at(file, place + _LOCAL.size, length)
    member = Member(raw.decode("ascii", "replace"), crc, unpacked, place)
    if len(raw) < length or member.end > size:
        raise errors.TruncatedBundle(path)
    if not raw.isascii() or head + raw != local_header(member):
        raise errors.HostileBundle(path, "a member has a header that Netwright never writes")
    most = rules.largest(member.name)
    if unpacked > most:
        raise errors.OversizedBundle(path, f"{member.name!r} has more than {rules.mebibytes(most)}")
    return member


def _check_name(path: Path, name: str, before: Sequence[str]) -> None:
    if not rules.known_name(name):
        raise errors.HostileBundle(path, f"a member is named {name!r}, which no bundle has")
    if name in before:
        raise errors.HostileBundle(path, f"{name} stands in it twice")
    wanted = rules.member_names(len(before) + 1)[len(before)]
    if name != wanted:
        raise errors.DamagedBundle(path, f"{name} stands where {wanted} should")


def _check_directory(path: Path, file: BinaryIO, size: int, members: Sequence[Member]) -> None:
    """Compare all that follows the members with the directory that follows from them."""
    wanted = directory(members)
    place = members[-1].end if members else 0
    found = _bytes_at(file, place, len(wanted) + 1)
    if len(found) < len(wanted) and wanted.startswith(found):
        raise errors.TruncatedBundle(path)
    if len(found) > len(wanted) and found[: len(wanted) - _COMMENT_LENGTH] == wanted[:-_COMMENT_LENGTH]:
        raise errors.HostileBundle(path, f"{size - place - len(wanted):,} bytes stand behind its end")
    if found != wanted:
        raise errors.DamagedBundle(path, "its directory does not agree with its members")
    if len(members) < len(rules.member_names(0)):
        raise errors.DamagedBundle(path, f"{rules.member_names(len(members) + 1)[len(members)]} is missing")
