"""What passes between the driver and a worker, as bytes."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.team.frames import ALIGNED, TYPES, BadFrame, pack, read_frame, unpack, write_frame

ARRAYS = {
    "matrix": np.arange(6.0).reshape(2, 3),
    "turned": np.arange(12, dtype=np.int32).reshape(3, 4).T,
    "empty": np.zeros((0, 4), np.float32),
    "number": np.array(3),
    "truth": np.array([True, False]),
    "other order": np.array([1, 2], ">i2"),
}


def test_what_is_packed_comes_back() -> None:
    """Arrays of any shape, order and type, numbers that are not finite, and any letters."""
    document = {"loss": math.inf, "name": "größe", "list": [1, None, True]}
    frame = unpack(pack(document, {"first": ARRAYS, "second": {"matrix": -ARRAYS["matrix"]}, "none": {}}))
    assert frame.document == document
    assert frame.group("none") == {}
    for name, array in ARRAYS.items():
        found = frame.groups["first"][name]
        assert found.shape == array.shape
        assert found.dtype.name == array.dtype.name
        np.testing.assert_array_equal(found, array)
    np.testing.assert_array_equal(frame.groups["second"]["matrix"], -ARRAYS["matrix"])


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_type_comes_back(name: str) -> None:
    """Bit for bit."""
    array = np.arange(5).astype(name)
    assert unpack(pack({}, {"all": {"array": array}})).groups["all"]["array"].tobytes() == array.tobytes()


def test_arrays_lie_in_the_buffer_and_stand_where_processors_like_them() -> None:
    """They may be written to where it may; each begins at a multiple of so many bytes from its beginning."""
    content = pack({"a": 1}, {"all": ARRAYS})
    assert not unpack(content).groups["all"]["matrix"].flags.writeable
    buffer = bytearray(content)
    found = unpack(buffer).groups["all"]
    found["matrix"][0, 0] = 5.0
    assert unpack(buffer).groups["all"]["matrix"][0, 0] == 5.0
    start = np.frombuffer(buffer, np.uint8).ctypes.data
    assert all((array.ctypes.data - start) % ALIGNED == 0 for array in found.values() if array.size)


def test_objects_are_not_sent() -> None:
    """They could be anything."""
    with pytest.raises(ValueError, match="object"):
        pack({}, {"all": {"array": np.array([{}])}})


@given(st.binary(max_size=300))
def test_other_bytes_are_refused(content: bytes) -> None:
    """By one error."""
    with pytest.raises(BadFrame):
        unpack(content)


@given(st.integers(0, 10**6), st.integers(0, 255))
def test_a_changed_frame_is_refused_or_read(place: int, value: int) -> None:
    """Never is anything beyond its end read, and no other error raised."""
    content = bytearray(pack({"a": 1}, {"all": {"matrix": ARRAYS["matrix"]}}))
    content[place % len(content)] = value
    try:
        unpack(content)
    except BadFrame:
        return


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (["g", "n", "float64", [2**60], 0], "cut off"),
        (["g", "n", "float64", [-1], 0], "shape"),
        (["g", "n", "float64", [1], -8], "shape"),
        (["g", "n", "object", [1], 0], "type"),
        (["g", "n", "float64", [True], 0], "shape"),
        (["g", "n"], "unpack"),
    ],
)
def test_a_head_that_lies_is_refused(entry: list[object], why: str) -> None:
    """Before memory is taken."""
    head = json.dumps({"document": {}, "arrays": [entry]}).encode()
    with pytest.raises(BadFrame, match=why):
        unpack(len(head).to_bytes(8, "little") + head + bytes(64))


def test_frames_go_through_a_pipe_one_after_another() -> None:
    """An end in the middle of one counts as the end."""
    pipe = io.BytesIO()
    for number in range(3):
        write_frame(pipe, pack({"number": number}, {"all": ARRAYS}))
    whole = pipe.getvalue()
    pipe.seek(0)
    for number in range(3):
        frame = read_frame(pipe)
        assert frame is not None and unpack(frame).document == {"number": number}
    assert read_frame(pipe) is None
    assert read_frame(io.BytesIO(whole[:100])) is None
    with pytest.raises(BadFrame, match="larger"):
        read_frame(io.BytesIO(b"\xff" * 8))
