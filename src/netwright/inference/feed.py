"""What a graph of cells is fed, from cells that were read by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.clip import Clip
from netwright.data.encoding import TableEncoder
from netwright.data.features import Features
from netwright.data.frame import Frame
from netwright.data.ngrams import COARSE, code_points
from netwright.data.schema import Column, Kind, Schema
from netwright.data.text import TextEncoding, counted
from netwright.data.vocabulary import FINE, joined_texts
from netwright.inference.graphs import TEXTS
from netwright.inference.names import FEATURE
from netwright.inference.sounds import rate_of

Array = NDArray[Any]


def fed_cells(
    table: pd.DataFrame, frame: Frame, schema: Schema, encoder: TableEncoder | None, features: Features
) -> dict[str, Array]:
    """Return the inputs of `inference.graphs.graph_of_cells` by name.

    Args:
        table: N rows as they were given.
        frame: the same, read by kind.
        schema: their columns.
        encoder: of the table, if rows have one.
        features: of the rows, for what no operator of the standard makes of texts.

    Raises:
        ValueError: if sounds are not of one length.
    """
    fed = {FEATURE + name: array for name, array in features.arrays.items()}
    for column in schema.used:
        if column.name in frame.columns and column.kind != Kind.TEXT:
            fed[column.name] = _cells(column, frame.columns[column.name])
        if column.kind == Kind.SOUND:
            fed[column.name] = _samples(column, table[column.name].tolist())
    if encoder is not None and any(column.kind == Kind.TEXT for column in schema.used):
        fed[TEXTS] = code_points(joined_texts(frame, schema), FINE.letters)
    for name, encoding in ({} if encoder is None else encoder.columns).items():
        if isinstance(encoding, TextEncoding):
            fed |= _text(name, frame.columns[name].tolist())
    return fed


def _cells(column: Column, cells: Array) -> Array:
    if column.map_size is not None:
        return cells
    match column.kind:
        case Kind.DATETIME:
            return cells.astype("datetime64[s]").astype(np.int64)[:, None]  # NaT is the least of all numbers
        case Kind.CATEGORICAL:
            return np.array(["" if cell is None else cell for cell in cells], object)[:, None]
        case _:
            return cells[:, None]


def _samples(column: Column, sounds: Sequence[Any]) -> Array:
    """Return sounds (N, n) at the rate that the graph takes; one of another rate is drawn through its samples.

    Raises:
        ValueError: if they are not of one length: where a sound ends is seen by that of its array.
    """
    from netwright.data.sounds import decode  # soundfile, which models of tables do without

    clip = Clip.parse(column.format)
    assert clip is not None
    rows = [_at_rate(*decode(sound), rate_of(clip)) for sound in sounds]
    if len({len(row) for row in rows}) > 1:
        raise ValueError("sounds of several lengths are fed one at a time")
    return np.stack(rows) if rows else np.zeros((0, 1), np.float32)


def _at_rate(samples: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    if rate == wanted:
        return samples
    count = max(1, round(len(samples) * wanted / rate))
    return np.interp(np.arange(count) * rate / wanted, np.arange(len(samples)), samples).astype(np.float32)


def _text(name: str, texts: list[str | None]) -> dict[str, Array]:
    letters, words = counted(texts)
    return {name: code_points(texts, COARSE.letters), f"{name}: lengths": np.stack([letters, words], axis=1)}
