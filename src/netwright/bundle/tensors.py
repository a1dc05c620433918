"""Tensors as a bundle holds them: a safetensors member, and what the manifest says of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from netwright import errors
from netwright.bundle import format as rules
from netwright.bundle.documents import decode_json
from netwright.bundle.format import Json, TensorEntry

_LENGTH = 8  # bytes before the header of a safetensors member that say how long it is
_RESERVED = "__metadata__"  # a name that safetensors keeps for itself
_NAMES = {dtype: name for name, dtype in rules.DTYPES.items()}


def encode_tensors(tensors: Mapping[str, NDArray[Any]]) -> tuple[bytes, dict[str, TensorEntry]]:
    """Return a weights member and the manifest's entries for it.

    Args:
        tensors: arrays of any shape by name, in any memory order.

    Raises:
        ValueError: if a dtype or a name is none of the format's.
    """
    arrays = {name: _plain(name, array) for name, array in sorted(tensors.items())}
    entries = {
        name: TensorEntry(_NAMES[array.dtype], array.shape, *value_range(array)) for name, array in arrays.items()
    }
    return save(arrays), entries


def _plain(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return the array in native byte order, its rows one after another."""
    dtype = array.dtype.newbyteorder("=")
    if dtype not in _NAMES or array.ndim > rules.MOST_AXES:
        raise ValueError(f"a bundle holds no tensors like {name!r}, of type {array.dtype} and {array.ndim} axes")
    if name == _RESERVED:
        raise ValueError(f"no tensor of a bundle can be named {name!r}")
    return np.ascontiguousarray(array, dtype=dtype).reshape(array.shape)  # the former makes a row of a single number


def check_entries(path: Path, name: str, size: int, entries: Mapping[str, TensorEntry]) -> None:
    """Check what the manifest says of a weights member before a byte of the member is read.

    Args:
        path: of the bundle, for the sentence of an error.
        name: of the member.
        size: of the member, in bytes.
        entries: what the manifest says of its tensors.

    Raises:
        BundleError: if there can be no such tensors, or they cannot fill a member of that size.
    """
    for tensor, entry in entries.items():
        said = _said(name, tensor)
        if tensor == _RESERVED:
            raise errors.DamagedBundle(path, f"{said} has a name that the format does not allow")
        if entry.dtype not in rules.DTYPES or len(entry.shape) > rules.MOST_AXES:
            raise errors.DamagedBundle(path, f"{said} has a type or a number of axes that the format does not know")
        # Without the zeros, since numpy cannot hold even an empty array of huge sides.
        if math.prod(side for side in entry.shape if side) > rules.LARGEST_ARCHIVE:
            raise errors.OversizedBundle(path, f"{said} is larger than a bundle")
    header = size - _LENGTH - sum(_size(entry) for entry in entries.values())
    if header < 0:
        raise errors.DamagedBundle(path, f"{name} is too small for its tensors")
    if header > rules.LARGEST_HEADER:
        raise errors.OversizedBundle(path, f"{name} has a header of more than {rules.mebibytes(rules.LARGEST_HEADER)}")


def _said(name: str, tensor: str) -> str:
    return f"tensor {tensor[:80]!r} of {name}"


def _size(entry: TensorEntry) -> int:
    """Return the bytes of a tensor."""
    return math.prod(entry.shape) * rules.DTYPES[entry.dtype].itemsize


def header_length(content: bytes) -> int:
    """Return the length of a member's header, as the member says."""
    return int.from_bytes(content[:_LENGTH], "little")


def decode_tensors(
    path: Path, name: str, content: bytes, entries: Mapping[str, TensorEntry]
) -> dict[str, NDArray[Any]]:
    """Return the arrays of a weights member (not writeable), its header checked before the library reads it.

    Args:
        path: of the bundle, for the sentence of an error.
        name: of the member.
        content: its bytes.
        entries: what the manifest says of its tensors; `check_entries` has found them fit for a member of this size.

    Raises:
        BundleError: if header, values and manifest do not agree.
    """
    length = header_length(content)
    if length > len(content) - _LENGTH:
        raise errors.DamagedBundle(path, f"the header of {name} does not fit into it")
    header = decode_json(path, name, content[_LENGTH : _LENGTH + length])
    if not isinstance(header, dict) or set(header) != set(entries):
        raise errors.DamagedBundle(path, f"the tensors of {name} are not those that the manifest names")
    _check_places(path, name, header, entries, len(content) - _LENGTH - length)
    try:
        arrays = load(content)
    except (SafetensorError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise errors.DamagedBundle(path, f"{name} is not a safetensors file") from error
    for tensor, entry in entries.items():
        _check_values(path, _said(name, tensor), arrays[tensor], entry)
    return {tensor: arrays[tensor] for tensor in sorted(arrays)}


def _check_places(path: Path, name: str, header: Json, entries: Mapping[str, TensorEntry], room: int) -> None:
    """Every tensor is what the manifest says, and together they fill the member without gap or overlap."""
    places = []
    for tensor, entry in entries.items():
        said = _said(name, tensor)
        place = header[tensor].get("data_offsets") if isinstance(header[tensor], dict) else None
        wanted = {"dtype": entry.dtype, "shape": list(entry.shape), "data_offsets": place}
        # Compared as text, because True equals 1 and 1.0 equals 1 as values.
        if not isinstance(place, list) or repr(sorted(header[tensor].items())) != repr(sorted(wanted.items())):
            raise errors.DamagedBundle(path, f"{said} has another type or shape than the manifest says")
        if len(place) != 2 or any(type(end) is not int for end in place):
            raise errors.DamagedBundle(path, f"{said} does not say where it stands")
        if place[1] - place[0] != _size(entry):
            raise errors.DamagedBundle(path, f"{said} stands in more or fewer bytes than it has")
        places.append(tuple(place))
    places.sort()
    ends = [0, *(end for _, end in places)]
    if [start for start, _ in places] != ends[:-1] or ends[-1] != room:
        raise errors.DamagedBundle(path, f"the tensors of {name} overlap or leave gaps")


def _check_values(path: Path, said: str, array: NDArray[Any], entry: TensorEntry) -> None:
    if array.dtype != rules.DTYPES[entry.dtype] or array.shape != entry.shape:
        raise errors.DamagedBundle(path, f"{said} has another type or shape than the manifest says")
    if array.dtype == np.bool_ and array.size and array.view(np.uint8).max() > 1:
        raise errors.DamagedBundle(path, f"{said} holds truth values that are neither true nor false")
    if (entry.low, entry.high) != value_range(array):
        raise errors.DamagedBundle(path, f"{said} has values outside the range that the manifest says")


def value_range(array: NDArray[Any]) -> tuple[float | None, float | None]:
    """Return the least and greatest finite value of a tensor, None where there is none."""
    if not array.size:
        return None, None
    with np.errstate(invalid="ignore"):  # a signalling NaN in a hostile file would warn
        low, high = float(array.min()), float(array.max())  # what is not finite shows in either: most need no copy
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    finite = array[np.isfinite(array)]
    return (float(finite.min()), float(finite.max())) if finite.size else (None, None)
