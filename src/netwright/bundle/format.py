"""The bundle format: names, limits and the manifest (see docs/bundle-format.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

VERSION = 4  # the latest; see `version_of`
SINCE = {"ordered": 2, "marked": 3, "apart": 4}  # what came with a version into the document `preprocess`
DOCUMENTS = ("schema", "preprocess", "spec", "card")
MANIFEST = "manifest.json"
WEIGHTS = re.compile(r"weights-[0-9]{5}\.safetensors")

LARGEST_ARCHIVE = 2**31 - 1  # bytes: what every zip reader takes without the 64-bit extension
MOST_MEMBERS = 80  # a mix of 64 networks, the preprocessing, the documents, and some room
LARGEST_MANIFEST = 4 * 2**20  # 20,000 tensors of about 125 bytes each, and room for long names
LARGEST_DOCUMENT = 8 * 2**20
DEEPEST = 32  # levels of JSON
MOST_VALUES = 500_000  # with the keys: bounds what 8 MiB of JSON take in memory to about 60 MB
MOST_KEYS = 200_000
LARGEST_HEADER = 4 * 2**20  # of a safetensors member: a header of 67 MB costs 16 s and 2 GB to read
MOST_TENSORS = 20_000
MOST_AXES = 16  # far more than any network has; numpy stops at 64

DTYPES: Mapping[str, np.dtype[Any]] = {
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
        documents: schema, preprocess, spec, card, as JSON values; keys come back sorted: what has an order is a list.
        tensors: one mapping of name → array for each weights member.
    """

    documents: Mapping[str, Json]
    tensors: tuple[Mapping[str, NDArray[Any]], ...]


@dataclass(frozen=True)
class TensorEntry:
    """What the manifest says of a tensor; `low` and `high` are None where it has no finite values."""

    __pydantic_config__ = _STRICT
    dtype: str
    shape: tuple[Annotated[int, Field(ge=0, le=LARGEST_ARCHIVE)], ...]
    low: float | None
    high: float | None


@dataclass(frozen=True)
class MemberEntry:
    """What the manifest says of a member: its size in bytes, its SHA-256, and its tensors (none in a document)."""

    __pydantic_config__ = _STRICT
    size: Annotated[int, Field(ge=0, le=LARGEST_ARCHIVE)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    tensors: dict[str, TensorEntry]


@dataclass(frozen=True)
class Manifest:
    """The first member of a bundle.

    Attributes:
        format: version of the format.
        netwright: version of Netwright that wrote it.
        members: every other member, by name.
    """

    __pydantic_config__ = _STRICT
    format: int
    netwright: Annotated[str, Field(max_length=64)]
    members: dict[str, MemberEntry]


def version_of(documents: Mapping[str, Json]) -> int:
    """Return the oldest version of the format that has all that these documents say, so that most can read the file.

    Version 2 came with chains over the tags of tokens, of which networks are told which follow each other; version 3
    with pieces of words that marks on letters belong to; version 4 with words, pairs and runs of letters apart.
    """
    preprocess = documents["preprocess"]
    if not isinstance(preprocess, dict):
        return 1
    return max([1, *(version for key, version in SINCE.items() if preprocess.get(key) is True)])


def document_name(name: str) -> str:
    """Return the member that holds a document."""
    return f"{name}.json"


def weights_name(number: int) -> str:
    """Return the member that holds the weights of that number."""
    return f"weights-{number:05}.safetensors"


def member_names(count: int) -> tuple[str, ...]:
    """Return the names of a bundle of `count` members, in their order in the file."""
    names = (MANIFEST, *(document_name(name) for name in DOCUMENTS))
    return (*names, *(weights_name(number) for number in range(count - len(names))))


def known_name(name: str) -> bool:
    """Return whether a member may have that name."""
    return name in member_names(0) or WEIGHTS.fullmatch(name) is not None


def largest(name: str) -> int:
    """Return the most bytes that a member of that name may have."""
    if name == MANIFEST:
        return LARGEST_MANIFEST
    return LARGEST_DOCUMENT if name.endswith(".json") else LARGEST_ARCHIVE


def mebibytes(size: int) -> str:
    """Return a limit as it is said in a sentence.

    >>> mebibytes(LARGEST_HEADER)
    '4 MiB'
    """
    return "2 GiB" if size == LARGEST_ARCHIVE else f"{size // 2**20} MiB"
