"""From cells to features: one encoder for a whole table, fitted without a look at the target.

Each kind of column has one fitted encoding, a frozen dataclass with `fit`, `encode` and `numeric_views`. A column gives
numeric features (embedded by networks), plain features (taken as they are) or a category number. Because the target is
never seen, one encoder serves all folds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from netwright.data.categories import ONE_HOT, CategoryEncoding, Room, room_for
from netwright.data.columns import FEW
from netwright.data.features import Features, table_features
from netwright.data.frame import Frame
from netwright.data.moments import MomentEncoding
from netwright.data.numeric import (
    KNOTS,
    SCORES,
    NumberEncoding,
    PairEncoding,
    Scaling,
    fit_quantiles,
    has_two_values,
)
from netwright.data.piece import STRICT, Array, Floats, missing_cells
from netwright.data.schema import Column, Kind, Schema
from netwright.data.text import BUCKETS, DIMENSIONS, Projection, TextEncoding
from netwright.errors import UnreadableDocument

Encoding = Annotated[
    NumberEncoding | PairEncoding | MomentEncoding | CategoryEncoding | TextEncoding, Field(discriminator="kind")
]

_ARRAYS = ("knots", "projection")  # of encodings: kept as tensors, not in the document
_ENCODES: Mapping[Kind, tuple[type, ...]] = {
    Kind.NUMERIC: (NumberEncoding, PairEncoding),
    Kind.BOOLEAN: (PairEncoding,),
    Kind.DATETIME: (MomentEncoding,),
    Kind.CATEGORICAL: (CategoryEncoding,),
    Kind.TEXT: (TextEncoding,),
}


@dataclass(frozen=True, eq=False)  # arrays have no equality of one bit
class TableEncoder:
    """The encodings of all used columns, by name, and what networks must know of the features they give.

    Attributes:
        columns: name → encoding.
        quantiles: (F, `KNOTS`) of the numeric features, strictly rising.
        plain_columns: number of plain features P.
    """

    columns: Mapping[str, Encoding]
    quantiles: NDArray[np.float32]
    plain_columns: int

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Category numbers of each embedded column, 0 included."""
        sizes = (column.cardinality for column in self.columns.values() if isinstance(column, CategoryEncoding))
        return tuple(size for size in sizes if size)

    @cached_property
    def scaling(self) -> Scaling:
        """The scaling of all columns of numbers."""
        return Scaling.of({name: each for name, each in self.columns.items() if isinstance(each, NumberEncoding)})

    def fits(self, schema: Schema) -> bool:
        """Return whether it encodes the used columns of a schema, each by its kind: so `encode` takes their frames."""
        kinds = {column.name: column.kind for column in schema.used}
        return kinds.keys() == self.columns.keys() and all(
            isinstance(column, _ENCODES[kinds[name]]) for name, column in self.columns.items()
        )

    def to_json(self) -> dict[str, Any]:
        """Return everything but the arrays as plain JSON values."""
        columns = []
        for name, column in self.columns.items():  # a list, since the order of the features is that of the columns
            fields = {key: value for key, value in vars(column).items() if key in column.__dataclass_fields__}
            columns.append([name, {key: value for key, value in fields.items() if key not in _ARRAYS}])
        return {"columns": columns, "plain_columns": self.plain_columns}

    def tensors(self) -> dict[str, Array]:
        """Return the arrays by name.

        `quantiles` (F, `KNOTS`) float32; `scores` (H, `SCORES`) float64, the knots of the H columns with heavy tails;
        and of the text column at each place `<place>.rarity`, `.axes` and `.middle`, float32: see `text.Projection`.
        """
        arrays: dict[str, Array] = {"quantiles": self.quantiles, "scores": np.empty((0, SCORES))}
        heavy = [
            column.knots for column in self.columns.values() if isinstance(column, NumberEncoding) and column.heavy
        ]
        arrays |= {"scores": np.stack(heavy)} if heavy else {}
        for place, column in enumerate(self.columns.values()):
            if isinstance(column, TextEncoding):
                arrays |= {f"{place}.{name}": array for name, array in vars(column.projection).items()}
        return arrays


def fit_encoder(frame: Frame, schema: Schema, seed: int) -> TableEncoder:
    """Fit an encoding for each used column.

    Args:
        frame: the rows to learn from.
        schema: the kinds of its columns.
        seed: of the projection of free text.
    """
    room = room_for(sum(column.kind == Kind.CATEGORICAL and column.distinct > ONE_HOT for column in schema.used))
    columns: dict[str, Encoding] = {}
    quantiles = []
    for column in schema.used:
        cells = np.ascontiguousarray(frame.columns[column.name])
        columns[column.name] = encoding = _fit_column(cells, column, room, seed)
        present = cells[~missing_cells(cells)]  # missing cells are all 0, and would take knots from the others
        quantiles += [fit_quantiles(view) for view in encoding.numeric_views(present)]
    knots = np.stack(quantiles) if quantiles else np.empty((0, KNOTS), np.float32)
    return TableEncoder(columns, knots, _assemble(columns, _no_rows(columns), {})["plain"].shape[1])


def _fit_column(cells: Array, column: Column, room: Room, seed: int) -> Encoding:
    match column.kind:
        case Kind.NUMERIC:
            return PairEncoding.fit(cells) if has_two_values(cells) else NumberEncoding.fit(cells)
        case Kind.BOOLEAN:
            return PairEncoding.fit_truths(cells)
        case Kind.DATETIME:
            return MomentEncoding.fit(cells)
        case Kind.TEXT:
            return TextEncoding.fit(cells, seed)
        case _:
            return CategoryEncoding.fit(cells, room)


def encode(encoder: TableEncoder, frame: Frame) -> Features:
    """Return the features of a frame's rows; each row's depend on that row alone, bit for bit."""
    return _assemble(encoder.columns, frame, encoder.scaling.apply(frame.columns) if frame.rows <= FEW else {})


def _assemble(columns: Mapping[str, Encoding], frame: Frame, scaled: Mapping[str, Floats]) -> Features:
    """Return the features of columns; scaled: of those that were scaled already, by name."""
    pieces = []
    for name, column in columns.items():
        # Laid out evenly first: numpy computes sines of strided arrays another way, to another last bit.
        cells = np.ascontiguousarray(frame.columns[name])
        if isinstance(column, NumberEncoding):
            pieces.append(column.encode(cells, scaled.get(name)))
        else:
            pieces.append(column.encode(cells))
    return table_features(
        _stack([view for piece in pieces for view in piece.numeric], frame.rows, np.float32),
        _stack([view for piece in pieces for view in piece.plain], frame.rows, np.float32),
        _stack([view for piece in pieces for view in piece.categories], frame.rows, np.int64),
    )


def _stack(views: Sequence[Array], rows: int, dtype: Any) -> Array:
    out = np.empty((rows, len(views)), dtype)
    for place, view in enumerate(views):
        out[:, place] = view
    return out


def _no_rows(columns: Mapping[str, Encoding]) -> Frame:
    """Return a frame of no rows, to count the features that the columns give."""
    types: dict[type, str] = {NumberEncoding: "f8", PairEncoding: "f8", MomentEncoding: "M8[s]"}
    return Frame({name: np.empty(0, types.get(type(column), object)) for name, column in columns.items()}, 0)


# --- reading an encoder back -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Document:
    """What `TableEncoder.to_json` returns."""

    __pydantic_config__ = STRICT
    columns: list[tuple[str, Encoding]]
    plain_columns: int


_DOCUMENT = TypeAdapter(_Document)


class _Unfit(ValueError):
    """The parts of an encoder do not fit together."""


def decode_encoder(document: Any, tensors: Mapping[str, Array]) -> TableEncoder:
    """Return the encoder that a bundle's document and arrays describe.

    Args:
        document: as `TableEncoder.to_json` returns it.
        tensors: as `TableEncoder.tensors` returns them; no others.

    Raises:
        UnreadableDocument: if they describe none.
    """
    try:
        read = _DOCUMENT.validate_json(json.dumps(document))
        return _decode(read, tensors)
    except (ValidationError, TypeError, ValueError, RecursionError) as error:
        raise UnreadableDocument("preprocessing") from error


def _decode(document: _Document, tensors: Mapping[str, Array]) -> TableEncoder:
    columns: dict[str, Encoding] = dict(document.columns)
    if len(columns) != len(document.columns):
        raise _Unfit("a column stands twice")
    if any(getattr(column, part, None) is not None for column in columns.values() for part in _ARRAYS):
        raise _Unfit("an array stands in the document")
    columns = _with_arrays(columns, tensors)
    for column in columns.values():
        if isinstance(column, CategoryEncoding) and not column.agrees:
            raise _Unfit("a category stands twice, or frequencies are not as many as categories")
        if isinstance(column, PairEncoding) and not column.low < column.high:
            raise _Unfit("the two values are not two")
    empty = _assemble(columns, _no_rows(columns), {})
    if empty["plain"].shape[1] != document.plain_columns:
        raise _Unfit("the features are not as many as the document says")
    quantiles = _checked(tensors.get("quantiles"), np.float32, (empty["numeric"].shape[1], KNOTS))
    if (np.diff(quantiles, axis=1) <= 0).any():
        raise _Unfit("quantiles fall")
    return TableEncoder(columns, quantiles, document.plain_columns)


def _with_arrays(columns: Mapping[str, Encoding], tensors: Mapping[str, Array]) -> dict[str, Encoding]:
    """Return the columns with the arrays that belong to them, all of which must be used."""
    whole = dict(columns)
    heavy = {name: column for name, column in columns.items() if isinstance(column, NumberEncoding) and column.heavy}
    scores = _checked(tensors.get("scores"), np.float64, (len(heavy), SCORES))
    if (np.diff(scores, axis=1) < 0).any():
        raise _Unfit("knots fall")
    whole |= {name: replace(heavy[name], knots=knots) for name, knots in zip(heavy, scores, strict=True)}
    names = {"quantiles", "scores"}
    for place, (name, column) in enumerate(columns.items()):
        if isinstance(column, TextEncoding):
            whole[name] = replace(column, projection=_projection(tensors, place))
            names |= {f"{place}.{part}" for part in ("rarity", "axes", "middle")}
    if set(tensors) != names:
        raise _Unfit("the arrays are not those of the columns")
    return whole


def _projection(tensors: Mapping[str, Array], place: int) -> Projection:
    rarity, axes, middle = (tensors.get(f"{place}.{part}") for part in ("rarity", "axes", "middle"))
    dimensions = axes.shape[1] if isinstance(axes, np.ndarray) and axes.ndim == 2 else 0
    if not 1 <= dimensions <= DIMENSIONS:
        raise _Unfit("the dimensions of a projection are none or too many")
    return Projection(
        rarity=_checked(rarity, np.float32, (BUCKETS,)),
        axes=_checked(axes, np.float32, (BUCKETS, dimensions)),
        middle=_checked(middle, np.float32, (dimensions,)),
    )


def _checked(array: Array | None, dtype: type, shape: tuple[int, ...]) -> Array:
    """Return an array of a bundle if it has this type and shape, and finite numbers only."""
    if (
        not isinstance(array, np.ndarray)
        or array.dtype != dtype
        or array.shape != shape
        or not np.isfinite(array).all()
    ):
        raise _Unfit("an array has another type or shape, or a number that is not finite")
    return array
