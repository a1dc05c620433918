"""The columns of a table, their kinds, and the target: what was inferred or what the user said."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from netwright.data.clip import Clip
from netwright.data.size import Size
from netwright.errors import UnreadableDocument

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Kind(StrEnum):
    """What a column holds. `constant` and `identifier` columns are not used as inputs."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    TEXT = "text"
    IMAGE = "image"
    SOUND = "sound"
    IDENTIFIER = "identifier"
    CONSTANT = "constant"


class Outcome(StrEnum):
    """What a target asks for."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"
    TAGS = "tags"  # classes of tokens that mark entities: see `data.tags`


Label = str | bool | int | float

DATE_ORDERS = (
    "year first",
    "day first",
    "month first",
    "month named",
    "time of day",
    "compact",
    "year alone",
    "epoch seconds",
    "epoch milliseconds",
    "epoch microseconds",
    "epoch nanoseconds",
)
WIDEST_CODE = 18  # digits of a code that is padded with zeros; a longer one is no number in any file


def _formats(kind: Kind) -> tuple[str, ...]:
    """Return what `Column.format` may be for a kind."""
    match kind:
        case Kind.NUMERIC:
            return ("", ".", ",")
        case Kind.DATETIME:
            return DATE_ORDERS
        case Kind.CATEGORICAL:
            return ("", *(str(width) for width in range(2, WIDEST_CODE + 1)))
        case _:
            return ("",)


def _has_format(column: Column) -> bool:
    """Return whether the format of a column is one that its kind can have."""
    if column.kind in (Kind.IMAGE, Kind.SOUND):
        return column.map_size is not None
    return column.format in _formats(column.kind)


@dataclass(frozen=True)
class Column:
    """One input column.

    Attributes:
        name: as in the header.
        kind: how its cells are read.
        stated: whether the user said so (`--kind`), rather than it being inferred.
        missing: share of missing cells, 0 to 1.
        distinct: number of distinct values that are not missing.
        format: how cells that are text are read: the decimal mark of numbers (`.` or `,`), the order of dates (one of
            `data.dates.ORDERS` or `EPOCHS`), the digits of a category that is a code with zeros in front, the size
            of images, the form of spectrograms; else empty.
    """

    __pydantic_config__ = _STRICT
    name: str
    kind: Kind
    stated: bool
    missing: float
    distinct: int
    format: str = ""

    @property
    def used(self) -> bool:
        """Whether networks see this column."""
        return self.kind not in (Kind.IDENTIFIER, Kind.CONSTANT)

    @property
    def map_size(self) -> Size | None:
        """The size of the maps that networks see of a column of images or sounds; None for others."""
        clip = Clip.parse(self.format) if self.kind == Kind.SOUND else None
        return clip.size if clip else Size.parse(self.format) if self.kind == Kind.IMAGE else None


@dataclass(frozen=True)
class Target:
    """The column to predict.

    Attributes:
        name: as in the header.
        outcome: binary, multiclass, regression or tags.
        labels: the classes in the order of the class index, with the type the user gave them; empty for regression.
        format: the decimal mark of numbers that are text (`.` or `,`), for regression; else empty.
    """

    __pydantic_config__ = _STRICT
    name: str
    outcome: Outcome
    labels: tuple[Label, ...]
    format: str = ""


@dataclass(frozen=True)
class Schema:
    """All input columns in the order of the file, and the target."""

    __pydantic_config__ = _STRICT
    columns: tuple[Column, ...]
    target: Target

    def _fits(self) -> bool:
        """Return whether its parts agree with each other, as those of an inferred schema always do."""
        names = [self.target.name, *(column.name for column in self.columns)]
        count, target = len(self.target.labels), self.target
        classes = {Outcome.BINARY: count == 2, Outcome.MULTICLASS: count >= 2, Outcome.REGRESSION: count == 0}
        classes |= {Outcome.TAGS: count >= 3 and count % 2 == 1}
        return (
            len(set(names)) == len(names)
            and classes[target.outcome]
            and len({(type(label), label) for label in target.labels}) == count
            and target.format in (("", ".", ",") if not count else ("",))
            and all(_has_format(column) for column in self.columns)
            and all(0 <= column.missing <= 1 and column.distinct >= 0 for column in self.columns)
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(document: Any) -> Schema:
        """Return the schema that a document of a bundle describes.

        Raises:
            UnreadableDocument: if it describes none.
        """
        try:
            schema = _SCHEMA.validate_json(json.dumps(document))
        except (ValidationError, TypeError, ValueError, RecursionError) as error:
            raise UnreadableDocument("schema") from error
        if not schema._fits():
            raise UnreadableDocument("schema")
        return schema

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns that networks see."""
        return tuple(column for column in self.columns if column.used)


_SCHEMA = TypeAdapter(Schema)
