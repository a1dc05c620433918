"""Categories as features: one of their own each where they are few, a number for an embedding where they are many."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from netwright.data.piece import STRICT, Array, Floats, Piece, missing_flag

ONE_HOT = 9  # categories up to which each gets a feature of its own (RealMLP)
MOST_LEVELS = 10_000  # of one column; rarer ones share number 0
MOST_LEVELS_IN_ALL = 40_000  # with 8 numbers each, and 8 networks, their embeddings take 10 MB of the model file
MOST_BYTES_IN_ALL = 4 * 2**20  # of categories as JSON: half of what a document of a bundle may have
LEAST_ROWS = 2  # a category of one row is unknown to the networks of its own fold and learnt by heart by the others
_LEAST_SPREAD = 1e-3  # of log frequencies: below it, all levels are equally frequent


@dataclass(frozen=True)
class Room:
    """How much the categories of one column may take.

    Attributes:
        levels: how many are kept.
        size: bytes of all of them as JSON.
    """

    levels: int
    size: int


def room_for(columns: int) -> Room:
    """Return the room for each of so many columns with more than `ONE_HOT` categories."""
    return Room(min(MOST_LEVELS, MOST_LEVELS_IN_ALL // max(1, columns)), MOST_BYTES_IN_ALL // max(1, columns))


@dataclass(frozen=True)
class CategoryEncoding:
    """The categories that are known, and how often they occur.

    Up to `ONE_HOT` levels: a feature each, 1 where the cell is that level; for two levels one feature, -1 and 1. More:
    the number of the level for an embedding, 0 for what is unseen, rare (fewer than `LEAST_ROWS` rows, or beyond the
    room) or missing; and a numeric feature of its frequency. Either way a flag where cells were missing.

    Attributes:
        levels: most frequent first.
        shares: log of the number of rows, scaled over the rows, of number 0 and of each level; empty for few levels.
        flagged: whether cells were missing when it was fitted, or no level is kept.
    """

    __pydantic_config__ = STRICT
    levels: Annotated[tuple[str, ...], Field(max_length=MOST_LEVELS)]
    shares: tuple[Annotated[float, Field(ge=-3, le=3)], ...]
    flagged: bool
    kind: Literal["category"] = "category"

    @staticmethod
    def fit(cells: Array, room: Room) -> CategoryEncoding:
        """Fit on (N,) cells of text or None."""
        counts = Counter(cell for cell in cells if cell is not None)
        flagged = counts.total() < len(cells)
        kept = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if len(kept) > ONE_HOT:
            kept = [(level, count) for level, count in kept[: room.levels] if count >= LEAST_ROWS]
        kept = _fitting(kept, room.size)
        levels = tuple(level for level, _ in kept)
        shares = _shares([count for _, count in kept], counts.total()) if len(kept) > ONE_HOT else ()
        return CategoryEncoding(levels, shares, flagged or not levels)

    @property
    def agrees(self) -> bool:
        """Whether its parts agree with each other, as those of a fitted one always do."""
        wanted = len(self.levels) + 1 if len(self.levels) > ONE_HOT else 0
        return len(set(self.levels)) == len(self.levels) and len(self.shares) == wanted

    @property
    def cardinality(self) -> int:
        """Category numbers, 0 included, if this column is embedded; else 0."""
        return len(self.levels) + 1 if len(self.levels) > ONE_HOT else 0

    @cached_property
    def _numbers(self) -> dict[Any, int]:
        return {level: number for number, level in enumerate(self.levels, start=1)}

    @cached_property
    def _frequencies(self) -> Floats:
        return np.array(self.shares, np.float32)

    def codes(self, cells: Array) -> NDArray[np.int64]:
        """Return the number of each cell's level (N,), 0 where it has none."""
        numbers = self._numbers
        return np.fromiter((numbers.get(cell, 0) for cell in cells), np.int64, len(cells))

    def numeric_views(self, cells: Array) -> list[Floats]:
        """Return the numeric features of (N,) cells."""
        return [self._frequencies[self.codes(cells)]] if self.cardinality else []

    def encode(self, cells: Array) -> Piece:
        """Return the features of (N,) cells."""
        codes, missing = self.codes(cells), missing_flag(cells, self.flagged)
        if self.cardinality:
            return Piece(numeric=[self._frequencies[codes]], plain=missing, categories=[codes])
        if len(self.levels) == 2:
            return Piece(plain=[np.array((0.0, -1.0, 1.0), np.float32)[codes], *missing])
        places = range(1, len(self.levels) + 1)
        return Piece(plain=[*((codes == place).astype(np.float32) for place in places), *missing])


def _fitting(kept: list[tuple[str, int]], size: int) -> list[tuple[str, int]]:
    """Return the first levels, as many as fit into so many bytes of JSON."""
    sizes = np.cumsum([len(json.dumps(level)) for level, _ in kept])  # escaped: never fewer bytes than are written
    return kept[: int(np.searchsorted(sizes, size, side="right"))]


def _shares(counts: list[int], rows: int) -> tuple[float, ...]:
    """Return the log frequency of number 0, as that of one row, and of each level: mean 0, variance 1, within ±3."""
    logs = np.log(np.array([1, *counts], np.float64))
    weights = np.array([rows - sum(counts), *counts]) / rows
    mean = float(weights @ logs)
    spread = math.sqrt(float(weights @ np.square(logs - mean)))
    scaled = np.clip((logs - mean) / (spread if spread > _LEAST_SPREAD else 1.0), -3, 3)
    return tuple(scaled.round(4).tolist())  # four decimals keep the document short
