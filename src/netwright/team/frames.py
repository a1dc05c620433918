"""What passes between the driver and a worker, as bytes: plain JSON and arrays. Nothing in it is ever run.

A frame is the length of its head (8 bytes, little-endian), the head, and the arrays. The head is JSON: a document, and
for each array its group, name, type, shape and place behind the head.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Groups = Mapping[str, Mapping[str, Array]]
Buffer = bytes | bytearray | memoryview

LENGTH = 8  # bytes that say how long what follows is
ALIGNED = 64  # bytes: arrays begin at a multiple of so many, as processors and Ray's store like them
LARGEST_HEAD = 64 * 2**20  # bytes; that of a thousand arrays takes a thousandth
LARGEST = 2**40  # bytes of a frame: more is a mistake
TYPES = frozenset(
    ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64")
)


class BadFrame(ValueError):
    """Bytes that are no frame: whoever sent them is not to be talked to any longer."""


@dataclass(frozen=True, eq=False)  # arrays have no equality of one bit
class Frame:
    """What was packed.

    Attributes:
        document: plain JSON; numbers that are not finite are allowed.
        groups: arrays by group and name. They share the memory of the bytes, and may be written to where those may.
    """

    document: Mapping[str, Any]
    groups: Groups

    def group(self, name: str) -> dict[str, Array]:
        """Return the arrays of a group, empty where there is none."""
        return dict(self.groups.get(name, {}))


def pieces(document: Mapping[str, Any], groups: Groups) -> Iterator[bytes | memoryview]:
    """Return the bytes of a frame, piece by piece, so that large arrays are not copied to be joined.

    Raises:
        ValueError: if an array is of another type than `TYPES`.
    """
    entries: list[list[Any]] = []
    arrays: list[Array] = []
    place = 0
    for group, members in groups.items():
        for name, array in members.items():
            if array.dtype.name not in TYPES:
                raise ValueError(f"no array of type {array.dtype} is sent to a worker")
            plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            entries.append([group, name, array.dtype.name, [*array.shape], place])
            arrays.append(plain)
            place += _rounded(plain.nbytes)
    head = json.dumps({"document": document, "arrays": entries}).encode()
    head += b" " * (-(LENGTH + len(head)) % ALIGNED)  # blanks behind JSON mean nothing
    yield len(head).to_bytes(LENGTH, "little")
    yield head
    for array in arrays:
        yield array.reshape(-1).view(np.uint8).data
        yield bytes(_rounded(array.nbytes) - array.nbytes)


def pack(document: Mapping[str, Any], groups: Groups | None = None) -> bytes:
    """Return a frame as bytes; see `pieces`."""
    return b"".join(pieces(document, groups or {}))


def unpack(buffer: Buffer) -> Frame:
    """Return what a frame holds. Nothing is copied: arrays lie in the buffer, and can be written to if it can.

    Raises:
        BadFrame: if it is none.
    """
    whole = memoryview(buffer).cast("B")
    length = int.from_bytes(whole[:LENGTH], "little")
    if len(whole) < LENGTH or length > min(LARGEST_HEAD, len(whole) - LENGTH):
        raise BadFrame("its head is cut off")
    try:
        head = json.loads(bytes(whole[LENGTH : LENGTH + length]))
        document, entries = head["document"], head["arrays"]
        groups: dict[str, dict[str, Array]] = {}
        for group, name, type_, shape, place in entries:
            groups.setdefault(group, {})[name] = _array(whole[LENGTH + length :], type_, shape, place)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise BadFrame(f"its head cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise BadFrame("its document is none")
    return Frame(document, groups)


def _array(body: memoryview, type_: str, shape: list[int], place: int) -> Array:
    if type_ not in TYPES or any(type(side) is not int or side < 0 for side in (*shape, place)):
        raise ValueError("an array has a type or a shape that there is not")
    dtype, count = np.dtype(type_).newbyteorder("<"), math.prod(shape)
    if place + count * dtype.itemsize > len(body):
        raise ValueError("an array is cut off")
    if not count:
        return np.empty(shape, dtype)
    return np.frombuffer(body, dtype, count, place).reshape(shape)


def _rounded(size: int) -> int:
    return size + -size % ALIGNED


# --- through a pipe --------------------------------------------------------------------------------------------------


def write_frame(pipe: IO[bytes], frame: Buffer) -> None:
    """Write a frame to a pipe, its length first."""
    whole = memoryview(frame).cast("B")
    pipe.write(len(whole).to_bytes(LENGTH, "little"))
    pipe.write(whole)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> bytearray | None:
    """Return the next frame of a pipe; None where it has come to its end.

    Raises:
        BadFrame: if what comes is none.
    """
    said = pipe.read(LENGTH)
    if len(said) < LENGTH:
        return None
    length = int.from_bytes(said, "little")
    if length > LARGEST:
        raise BadFrame("it says that it is larger than anything is")
    frame = bytearray(pipe.read(length))  # of its own, so that the arrays in it may be written to
    return frame if len(frame) == length else None
