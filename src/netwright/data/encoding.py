"""From cells to features: one encoder for a whole table, fitted without a look at the target.

Each kind of column has one fitted encoding, a frozen dataclass with `fit` and `encode`. A column gives numeric features
(embedded by networks), plain features (taken as they are) or a category number. Because the target is never seen, one
encoder serves all folds.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from netwright.data.features import Features
from netwright.data.frame import Frame
from netwright.data.ngrams import BUCKETS, fit_projection, project
from netwright.data.numeric import KNOTS, fit_quantiles, fit_ranks, fit_scale, is_heavy, rank, scale
from netwright.data.schema import Kind, Schema
from netwright.errors import UnreadableDocument

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
ONE_HOT = 9  # categories up to which each gets a feature of its own (RealMLP)
MOST_CATEGORIES = 10_000  # of one column; rarer ones share number 0
ALL_CATEGORIES = 100_000  # of all columns together: the file's documents hold half a million values
DAY = 86_400.0

Array = NDArray[Any]


@dataclass(frozen=True)
class Piece:
    """The features of one column: numeric (N, f), plain (N, p), categories (N, c)."""

    numeric: Sequence[Array] = ()
    plain: Sequence[Array] = ()
    categories: Sequence[Array] = ()


def _flag(cells: Array, flagged: bool) -> list[Array]:
    return [np.isnan(cells).astype(np.float32)] if flagged else []


@dataclass(frozen=True)
class NumberEncoding:
    """Scaled, with its rank beside it where the tails are heavy, and a flag where cells were missing."""

    __pydantic_config__ = STRICT
    centre: float
    factor: float
    ranks: tuple[float, ...]
    flagged: bool
    kind: Literal["number"] = "number"

    @staticmethod
    def fit(cells: Array) -> NumberEncoding:
        """Fit on (N,) float64 cells."""
        centre, factor = fit_scale(cells)
        heavy = is_heavy(cells, centre, factor)
        ranks = tuple(fit_ranks(cells).tolist()) if heavy else ()
        return NumberEncoding(centre, factor, ranks, bool(np.isnan(cells).any()))

    def encode(self, cells: Array) -> Piece:
        """Return the features of (N,) cells."""
        views = [scale(cells, self.centre, self.factor)]
        if self.ranks:
            views.append(rank(cells, np.asarray(self.ranks)))
        return Piece(numeric=views, plain=_flag(cells, self.flagged))


@dataclass(frozen=True)
class PairEncoding:
    """Two values, as -1 and 1: booleans, and numbers of which there are only two; 0 where missing."""

    __pydantic_config__ = STRICT
    low: float
    high: float
    flagged: bool
    kind: Literal["pair"] = "pair"

    @staticmethod
    def fit(cells: Array) -> PairEncoding:
        """Fit on (N,) float64 cells with at most two distinct values."""
        present = cells[np.isfinite(cells)]
        low, high = (float(present.min()), float(present.max())) if len(present) else (0.0, 1.0)
        return PairEncoding(low, high if high > low else low + 1, bool(np.isnan(cells).any()))

    def encode(self, cells: Array) -> Piece:
        """Return the features of (N,) cells."""
        share = np.clip((cells - self.low) / (self.high - self.low) * 2 - 1, -2, 2)
        return Piece(plain=[np.nan_to_num(share, nan=0.0).astype(np.float32), *_flag(cells, self.flagged)])


@dataclass(frozen=True)
class MomentEncoding:
    """Days since 1970, scaled; month, weekday, day of month and hour as points on a circle."""

    __pydantic_config__ = STRICT
    centre: float
    factor: float
    timed: bool
    flagged: bool
    kind: Literal["moment"] = "moment"

    @staticmethod
    def fit(cells: Array) -> MomentEncoding:
        """Fit on (N,) datetime64[s] cells."""
        days = _days(cells)
        timed = bool((np.nan_to_num(days) % 1 > 0).any())
        return MomentEncoding(*fit_scale(days), timed, bool(np.isnan(days).any()))

    def encode(self, cells: Array) -> Piece:
        """Return the features of (N,) cells."""
        days = _days(cells)
        dates = cells.astype("datetime64[D]")
        year = (dates - cells.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.float64)
        month = (dates - cells.astype("datetime64[M]").astype("datetime64[D]")).astype(np.float64)
        missing = np.isnan(days)
        turns = [year / 366, (days + 4) / 7 % 1 - days % 1 / 7, month / 31]
        turns += [days % 1] if self.timed else []
        circles = [view for turn in turns for view in _circle(np.where(missing, np.nan, turn))]
        return Piece(numeric=[scale(days, self.centre, self.factor)], plain=[*circles, *_flag(days, self.flagged)])


def _days(cells: Array) -> NDArray[np.float64]:
    seconds = cells.astype("datetime64[s]")
    return np.where(np.isnat(seconds), np.nan, seconds.astype(np.int64) / DAY)


def _circle(turn: Array) -> list[Array]:
    angle = 2 * np.pi * turn
    return [np.nan_to_num(part, nan=0.0).astype(np.float32) for part in (np.sin(angle), np.cos(angle))]


@dataclass(frozen=True)
class CategoryEncoding:
    """Categories: a feature each where they are few, a number for an embedding where they are many.

    Attributes:
        levels: the categories, most frequent first; number 0 is left for unseen, missing and those in one row only.
        shares: log of how often each occurs, scaled; an extra numeric feature where they are many.
    """

    __pydantic_config__ = STRICT
    levels: tuple[str, ...]
    shares: tuple[float, ...]
    flagged: bool
    kind: Literal["category"] = "category"

    @staticmethod
    def fit(cells: Array, most: int) -> CategoryEncoding:
        """Fit on (N,) cells of text or None, keeping the `most` frequent."""
        counts = Counter(cell for cell in cells if cell is not None)
        flagged = counts.total() < len(cells)
        ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:most]
        if len(ranked) > ONE_HOT:
            ranked = [entry for entry in ranked if entry[1] > 1] or ranked
        levels = tuple(level for level, _ in ranked)
        if len(ranked) <= ONE_HOT:
            return CategoryEncoding(levels, (), flagged)
        logs = np.log([float(count) for _, count in ranked])
        scaled = (logs - logs.mean()) / (logs.std() or 1.0)
        return CategoryEncoding(levels, tuple(scaled.tolist()), flagged)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each category, from 1."""
        return {level: number for number, level in enumerate(self.levels, start=1)}

    @property
    def cardinality(self) -> int:
        """Category numbers, 0 included, if this column is embedded; else 0."""
        return len(self.levels) + 1 if len(self.levels) > ONE_HOT else 0

    def encode(self, cells: Array) -> Piece:
        """Return the features of (N,) cells."""
        codes = np.array([self.numbers.get(cell, 0) for cell in cells], np.int64)
        if self.cardinality:
            return Piece(numeric=[np.array((0.0, *self.shares), np.float32)[codes]], categories=[codes])
        missing = [np.array([cell is None for cell in cells], np.float32)] if self.flagged else []
        if len(self.levels) == 2 and not self.flagged:
            return Piece(plain=[np.array((0.0, -1.0, 1.0), np.float32)[codes]])
        return Piece(plain=[*((codes == code).astype(np.float32) for code in self.numbers.values()), *missing])


@dataclass(frozen=True)
class TextEncoding:
    """Free text: its projection by n-grams, and its length.

    Attributes:
        rarity: (BUCKETS,) weight of each bucket; projection: (BUCKETS, D). Kept as tensors, not in the document.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)
    centre: float
    factor: float
    kind: Literal["text"] = "text"
    rarity: Annotated[Any, Field(exclude=True)] = field(default=None, compare=False)
    projection: Annotated[Any, Field(exclude=True)] = field(default=None, compare=False)

    @staticmethod
    def fit(cells: Array, seed: int) -> TextEncoding:
        """Fit on (N,) cells of text or None."""
        rarity, projection = fit_projection(cells.tolist(), seed)
        centre, factor = fit_scale(_lengths(cells))
        return TextEncoding(centre, factor, rarity=rarity, projection=projection)

    def encode(self, cells: Array) -> Piece:
        """Return the features of (N,) cells."""
        projected = project(cells.tolist(), self.rarity, self.projection)
        return Piece(numeric=[scale(_lengths(cells), self.centre, self.factor)], plain=list(projected.T))


def _lengths(cells: Array) -> NDArray[np.float64]:
    return np.array([np.log1p(len(cell)) if cell is not None else 0.0 for cell in cells])


Encoding = Annotated[
    NumberEncoding | PairEncoding | MomentEncoding | CategoryEncoding | TextEncoding, Field(discriminator="kind")
]


@dataclass(frozen=True)
class TableEncoder:
    """The encodings of all used columns, by name, and what networks must know of the features they give.

    Attributes:
        columns: name → encoding.
        quantiles: (F, `KNOTS`) of the numeric features.
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

    def to_json(self) -> dict[str, Any]:
        """Return everything but the arrays as plain JSON values."""
        columns = []
        for name, column in self.columns.items():  # a list, since the order of the features is that of the columns
            fields = {key: value for key, value in asdict(column).items() if key not in ("rarity", "projection")}
            columns.append([name, fields])
        return {"columns": columns, "plain_columns": self.plain_columns}

    def tensors(self) -> dict[str, Array]:
        """Return the arrays by name: quantiles, and `<place>.rarity` and `<place>.projection` of text columns."""
        arrays: dict[str, Array] = {"quantiles": self.quantiles}
        for place, column in enumerate(self.columns.values()):
            if isinstance(column, TextEncoding):
                arrays |= {f"{place}.rarity": column.rarity, f"{place}.projection": column.projection}
        return arrays


def fit_encoder(frame: Frame, schema: Schema, seed: int) -> TableEncoder:
    """Fit an encoding for each used column.

    Args:
        frame: the rows to learn from.
        schema: the kinds of its columns.
        seed: of the projection of free text.
    """
    worded = sum(column.kind == Kind.CATEGORICAL for column in schema.used)
    most = min(MOST_CATEGORIES, ALL_CATEGORIES // max(1, worded))
    columns = {column.name: _fit_column(frame.columns[column.name], column.kind, seed, most) for column in schema.used}
    features = _assemble(columns, frame)
    return TableEncoder(columns, fit_quantiles(features.numeric), features.plain.shape[1])


def _fit_column(cells: Array, kind: Kind, seed: int, most: int) -> Encoding:
    match kind:
        case Kind.NUMERIC:
            few = len(np.unique(cells[np.isfinite(cells)])) <= 2
            return PairEncoding.fit(cells) if few else NumberEncoding.fit(cells)
        case Kind.BOOLEAN:
            return PairEncoding.fit(cells)
        case Kind.DATETIME:
            return MomentEncoding.fit(cells)
        case Kind.TEXT:
            return TextEncoding.fit(cells, seed)
        case _:
            return CategoryEncoding.fit(cells, most)


def encode(encoder: TableEncoder, frame: Frame) -> Features:
    """Return the features of a frame's rows; each row's depend on that row alone."""
    return _assemble(encoder.columns, frame)


def _assemble(columns: Mapping[str, Encoding], frame: Frame) -> Features:
    pieces = [column.encode(frame.columns[name]) for name, column in columns.items()]
    return Features(
        _stack([view for piece in pieces for view in piece.numeric], frame.rows, np.float32),
        _stack([view for piece in pieces for view in piece.plain], frame.rows, np.float32),
        _stack([view for piece in pieces for view in piece.categories], frame.rows, np.int64),
    )


def _stack(views: Sequence[Array], rows: int, dtype: Any) -> Array:
    out = np.empty((rows, len(views)), dtype)
    for place, view in enumerate(views):
        out[:, place] = view
    return out


_COLUMNS = TypeAdapter(list[tuple[str, Encoding]])


def decode_encoder(document: Any, tensors: Mapping[str, Array]) -> TableEncoder:
    """Return the encoder that a bundle's document and arrays describe.

    Raises:
        UnreadableDocument: if they describe none.
    """
    try:
        columns = dict(_COLUMNS.validate_json(json.dumps(document["columns"])))
        plain = int(document["plain_columns"])
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise UnreadableDocument("preprocessing") from error
    for place, (name, column) in enumerate(columns.items()):
        if isinstance(column, TextEncoding):
            rarity, projection = tensors.get(f"{place}.rarity"), tensors.get(f"{place}.projection")
            if rarity is None or projection is None or rarity.shape != (BUCKETS,) or projection.ndim != 2:
                raise UnreadableDocument("preprocessing")
            if len(projection) != BUCKETS or projection.shape[1] > 512:
                raise UnreadableDocument("preprocessing")
            columns[name] = TextEncoding(column.centre, column.factor, rarity=rarity, projection=projection)
    quantiles = tensors.get("quantiles")
    if quantiles is None or quantiles.ndim != 2 or quantiles.shape[1] != KNOTS:
        raise UnreadableDocument("preprocessing")
    encoder = TableEncoder(columns, quantiles, plain)
    empty = _assemble(columns, _empty(columns))
    if empty.plain.shape[1] != plain or empty.numeric.shape[1] != len(quantiles):
        raise UnreadableDocument("preprocessing")
    return encoder


def _empty(columns: Mapping[str, Encoding]) -> Frame:
    """Return a frame of no rows, to count the features that the columns give."""
    types: dict[type, str] = {NumberEncoding: "f8", PairEncoding: "f8", MomentEncoding: "M8[s]"}
    return Frame({name: np.empty(0, types.get(type(column), object)) for name, column in columns.items()}, 0)
