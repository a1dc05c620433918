"""Bundles with sound manifests and hashes whose tensors are forged."""

from __future__ import annotations

from typing import Any

from forge import BODY, ENTRIES, HEADER, archive, attack, encode, honest, hostile_tensors, weights


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
    return hostile_tensors(encode(HEADER) + b" " * (16 * 10**6), BODY, ENTRIES)


def _said_length(length: int) -> bytes:
    return archive(honest(weights=weights(length=length)))


def _stranger(tensor: Any) -> bytes:
    return hostile_tensors({**HEADER, "kernel": tensor}, BODY, ENTRIES)


def _claimed(**entry: Any) -> bytes:
    return hostile_tensors(HEADER, BODY, {**ENTRIES, "kernel": {**ENTRIES["kernel"], **entry}})


def _line(shape: list[Any]) -> dict[str, Any]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}


def _nan(raw: bytes) -> bytes:
    return _one(_line([1]), raw, {"low": 0.0, "high": 1.0})


def _half_true() -> bytes:
    return hostile_tensors(HEADER, BODY[:-2] + b"\x02\x00", ENTRIES)


def _metadata_tensor() -> bytes:
    header = {**HEADER, "__metadata__": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}}
    return hostile_tensors(
        header, BODY, {**ENTRIES, "__metadata__": {"dtype": "U8", "shape": [0], "low": None, "high": None}}
    )


LIES = "not one that Netwright writes"
GAPS, OTHER, BYTES = "overlap or leave gaps", "another type or shape", "more or fewer bytes"
TENSORS = [
    attack("header-of-16-megabytes", "OversizedBundle", "header of more than 4 MiB", _long_header),
    attack("header-longest", "DamagedBundle", "does not fit into it", lambda: _said_length(2**64 - 1)),
    attack("header-past-the-end", "DamagedBundle", "does not fit into it", lambda: _said_length(9_999)),
    attack("header-short", "DamagedBundle", "not plain JSON", lambda: _said_length(7)),
    attack("header-none", "DamagedBundle", "not plain JSON", lambda: _said_length(0)),
    attack("weights-empty", "DamagedBundle", "too small for its tensors", lambda: archive(honest(weights=b""))),
    attack("header-list", "DamagedBundle", "not those that the manifest", lambda: hostile_tensors(b"[]", b"", {})),
    attack("header-deep", "OversizedBundle", "deeper than 32", lambda: hostile_tensors(b"[" * 99_999, BODY, ENTRIES)),
    attack("header-twice", "DamagedBundle", "not plain JSON", lambda: hostile_tensors(b'{"t":1,"t":1}', BODY, ENTRIES)),
    attack(
        "metadata", "DamagedBundle", "not those", lambda: hostile_tensors({**HEADER, "__metadata__": {}}, BODY, ENTRIES)
    ),
    attack("metadata-tensor", "DamagedBundle", "a name that the format", _metadata_tensor),
    attack(
        "tensor-missing", "DamagedBundle", "not those that the manifest", lambda: hostile_tensors({}, BODY, ENTRIES)
    ),
    attack("tensor-text", "DamagedBundle", OTHER, lambda: _stranger("F32")),
    attack("tensor-more", "DamagedBundle", OTHER, lambda: _stranger({**HEADER["kernel"], "run": "x"})),
    attack("many-tensors", "OversizedBundle", "more than 20,000 tensors", lambda: _crowd(20_001)),
    attack("moved-border", "DamagedBundle", BYTES, lambda: _places([0, 20], [20, 26])),
    attack("float-places", "DamagedBundle", "where it stands", lambda: _places([0.0, 24], [24, 26])),
    attack("three-places", "DamagedBundle", "where it stands", lambda: _places([0, 24, 24], [24, 26])),
    attack("negative-place", "DamagedBundle", GAPS, lambda: _places([-24, 0], [0, 2])),
    attack("shared-bytes", "DamagedBundle", GAPS, lambda: _places([0, 24], [0, 2])),
    attack("gap", "DamagedBundle", GAPS, lambda: _places([0, 24], [25, 27])),
    attack("past-the-end", "DamagedBundle", GAPS, lambda: _places([2, 26], [26, 28])),
    attack("bytes-left-over", "DamagedBundle", GAPS, lambda: hostile_tensors(HEADER, BODY + b"more", ENTRIES)),
    attack("bytes-missing", "DamagedBundle", GAPS, lambda: hostile_tensors(HEADER, BODY[:-1], ENTRIES)),
    attack("huge-shape", "OversizedBundle", "larger than a bundle", lambda: _shaped([2**20, 2**20, 2**20])),
    attack("huge-and-empty", "OversizedBundle", "larger than a bundle", lambda: _shaped([0, 2**31 - 1, 2**31 - 1])),
    attack("huge-side", "DamagedBundle", LIES, lambda: _shaped([2**63])),
    attack("negative-side", "DamagedBundle", LIES, lambda: _shaped([-1, -1], bytes(4), 4)),
    attack("true-side", "DamagedBundle", OTHER, lambda: _one(_line([True]), bytes(4), {"shape": [1]})),
    attack("many-axes", "DamagedBundle", "number of axes", lambda: _shaped([1] * 100_000, bytes(4), 4)),
    attack("larger-than-it-is", "DamagedBundle", "too small for its tensors", lambda: _shaped([1000], bytes(4), 4)),
    attack("object-type", "DamagedBundle", "does not know", lambda: _typed("object", 8)),
    attack("eight-bit-float", "DamagedBundle", "does not know", lambda: _typed("F8_E4M3", 1)),
    attack("brain-float", "DamagedBundle", "does not know", lambda: _typed("BF16", 2)),
    attack("other-type", "DamagedBundle", OTHER, lambda: _one(_line([1]), bytes(4), {"dtype": "I32"})),
    attack("other-shape", "DamagedBundle", OTHER, lambda: _claimed(shape=[3, 2])),
    attack("out-of-range", "DamagedBundle", "outside the range", lambda: _claimed(high=4.25)),
    attack("no-range", "DamagedBundle", "outside the range", lambda: _claimed(low=None, high=None)),
    attack("range-not-finite", "DamagedBundle", "not plain JSON", lambda: _claimed(high=float("inf"))),
    attack("half-true", "DamagedBundle", "neither true nor false", _half_true),
    attack("quiet-nan", "DamagedBundle", "outside the range", lambda: _nan(b"\0\0\xc0\x7f")),
    attack("signalling-nan", "DamagedBundle", "outside the range", lambda: _nan(b"\1\0\x80\x7f")),
]
