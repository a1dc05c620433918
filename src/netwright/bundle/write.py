"""Writes a bundle: equal contents give equal bytes."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from netwright._version import __version__
from netwright.bundle.format import (
    DOCUMENTS,
    DTYPES,
    MANIFEST,
    VERSION,
    Contents,
    Json,
    Manifest,
    MemberEntry,
    TensorEntry,
    document_name,
    value_range,
    weights_name,
)
from netwright.storage import replace_file

_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the first that a zip knows: two writings of one model are one file


def write_bundle(path: Path, contents: Contents) -> None:
    """Write a bundle, all or nothing.

    Raises:
        CannotWrite: if it cannot be written there.
        ValueError: if the contents are not what a bundle holds.
    """
    content = pack(contents)
    replace_file(path, lambda file: file.write(content) and None)


def pack(contents: Contents) -> bytes:
    """Return the bytes of a bundle."""
    if set(contents.documents) != set(DOCUMENTS):
        raise ValueError(f"a bundle holds the documents {DOCUMENTS}, but got {sorted(contents.documents)}")
    members = {document_name(name): _json(contents.documents[name]) for name in DOCUMENTS}
    entries = {name: _entry(content, {}) for name, content in members.items()}
    for number, tensors in enumerate(contents.tensors):
        arrays = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in sorted(tensors.items())}
        members[weights_name(number)] = save(arrays)
        entries[weights_name(number)] = _entry(members[weights_name(number)], arrays)
    manifest = _json(asdict(Manifest(VERSION, __version__, entries)))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, content in {MANIFEST: manifest, **members}.items():
            info = zipfile.ZipInfo(name, _MOMENT)
            info.create_system = 3
            info.external_attr = 0o600 << 16
            archive.writestr(info, content)
    return out.getvalue()


def _json(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def _entry(content: bytes, arrays: Mapping[str, NDArray[Any]]) -> MemberEntry:
    tensors = {
        name: TensorEntry(_NAMES[array.dtype], tuple(array.shape), *value_range(array)) for name, array in arrays.items()
    }
    return MemberEntry(len(content), hashlib.sha256(content).hexdigest(), tensors)
