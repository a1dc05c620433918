"""The bundle format: names, limits and the manifest (see docs/bundle-format.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

VERSION = 1
DOCUMENTS = ("schema", "preprocess", "spec", "card")
MANIFEST = "manifest.json"
WEIGHTS = re.compile(r"weights-(\d{5})\.safetensors")

LARGEST_ARCHIVE = 4 * 2**30 - 1  # what a zip without the 64-bit extension can hold
MOST_MEMBERS = 80
LARGEST_MANIFEST = 4 * 2**20
LARGEST_DOCUMENT = 8 * 2**20
DEEPEST = 32
LARGEST_HEADER = 4 * 2**20  # of a safetensors member: a header of 67 MB costs 16 s and 2 GB to read
MOST_TENSORS = 20_000

DTYPES = {
    "F64": np.dtype(np.float64),
    "F32": np.dtype(np.float32),
    "F16": np.dtype(np.float16),
    "I64": np.dtype(np.int64),
    "I32": np.dtype(np.int32),
    "U8": np.dtype(np.uint8),
    "BOOL": np.dtype(np.bool_),
}

Json = Any
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Contents:
    """What a bundle holds.

    Attributes:
        documents: schema, preprocess, spec, card, as JSON values.
        tensors: one mapping of name → array for each weights member.
    """

    documents: Mapping[str, Json]
    tensors: tuple[Mapping[str, NDArray[Any]], ...]


@dataclass(frozen=True)
class TensorEntry:
    """What the manifest says of a tensor; `low` and `high` are None where it has no finite values."""

    __pydantic_config__ = _STRICT
    dtype: str
    shape: tuple[Annotated[int, Field(ge=0)], ...]
    low: float | None
    high: float | None


@dataclass(frozen=True)
class MemberEntry:
    """What the manifest says of a member."""

    __pydantic_config__ = _STRICT
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    tensors: dict[str, TensorEntry]


@dataclass(frozen=True)
class Manifest:
    """The first member of a bundle."""

    __pydantic_config__ = _STRICT
    format: int
    netwright: str
    members: dict[str, MemberEntry]


def document_name(name: str) -> str:
    """Return the member that holds a document."""
    return f"{name}.json"


def weights_name(number: int) -> str:
    """Return the member that holds the weights of that number."""
    return f"weights-{number:05}.safetensors"


def value_range(array: NDArray[Any]) -> tuple[float | None, float | None]:
    """Return the least and greatest finite value of a tensor, None where there is none."""
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    return (float(finite.min()), float(finite.max())) if finite.size else (None, None)
