"""Columns of cells, read by their kind. The same cell gives the same value from text and from a typed column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.cells import is_missing, read_code, read_name, read_truth, read_word
from netwright.data.columns import FEW, by_distinct, texts_of, values_of
from netwright.data.dates import moments_of_numbers, read_dates
from netwright.data.frame import Frame
from netwright.data.schema import Column, Kind, Label, Outcome, Schema, Target
from netwright.errors import MissingColumns, MissingTarget, nearest

FEWEST_TOGETHER = 4  # columns of numbers that are read together, where rows are few
_WHOLE_AND_WIDE = (
    np.dtype(np.float64),
    *(np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)),
)


def parse_frame(table: pd.DataFrame, schema: Schema) -> Frame:
    """Return the used columns of a table, each cell read by its column's kind.

    Args:
        table: may have other columns too, in any order.
        schema: the columns to read.

    Raises:
        MissingColumns: if used columns are not there; all of them are named.
    """
    names = set(table.columns)
    absent = [column.name for column in schema.used if column.name not in names]
    if absent:
        raise MissingColumns(absent)
    found = _typed_numbers(table, schema) if len(table) <= FEW else {}
    found = {
        column.name: found[column.name] if column.name in found else parse_column(table[column.name], column)
        for column in schema.used
    }
    return Frame(found, len(table))


def _typed_numbers(table: pd.DataFrame, schema: Schema) -> dict[str, NDArray[np.float64]]:
    """Return by name the columns of numbers that a few rows hold as such: read together, not one after the other."""
    names = [column.name for column in schema.used if column.kind == Kind.NUMERIC]
    if len(names) < FEWEST_TOGETHER:
        return {}
    part = table[names]
    plain = [name for name, dtype in zip(names, part.dtypes, strict=True) if dtype in _WHOLE_AND_WIDE]
    if not plain:
        return {}
    values = np.array((part if len(plain) == len(names) else part[plain]).to_numpy(np.float64).T, order="C")  # (F, N)
    values[~np.isfinite(values)] = np.nan
    return dict(zip(plain, values, strict=True))


def parse_column(cells: pd.Series, column: Column) -> NDArray[Any]:
    """Return the cells (N,) of a column, read by its kind: see `Frame`."""
    match column.kind:
        case Kind.NUMERIC:
            return read_numbers(cells, column.format or ".")
        case Kind.BOOLEAN:
            return read_truths(cells)
        case Kind.DATETIME:
            return read_moments(cells, column.format)
        case Kind.CATEGORICAL if column.format:
            width = int(column.format)
            return _read_words(cells, lambda cell: read_code(cell, width))
        case _:
            return _read_words(cells, read_word)


def read_numbers(cells: pd.Series, mark: str) -> NDArray[np.float64]:
    """Return cells as numbers (N,), NaN where they are missing, infinite or none."""
    values = values_of(cells)
    if values is None:
        numbers = texts_of(cells).numbers(mark)
    else:
        numbers = np.full(len(cells), np.nan) if values.dtype.kind == "M" else values.astype(np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def read_truths(cells: pd.Series) -> NDArray[np.float64]:
    """Return cells as 1 for true, 0 for false, NaN for anything else (N,)."""
    values = values_of(cells)
    if values is None:
        return by_distinct(texts_of(cells), read_truth, np.nan, np.float64)
    if values.dtype.kind == "M":
        return np.full(len(cells), np.nan)
    numbers = values.astype(np.float64)
    numbers[(numbers != 0) & (numbers != 1)] = np.nan
    return numbers


def read_moments(cells: pd.Series, order: str) -> NDArray[np.datetime64]:
    """Return cells as moments (N,) datetime64[s], NaT where they are none."""
    values = values_of(cells)
    if values is None:
        return read_dates(texts_of(cells), order)
    return values if values.dtype.kind == "M" else moments_of_numbers(values, order)


def _read_words(cells: pd.Series, read: Callable[[Any], str | None]) -> NDArray[Any]:
    """Return cells as texts (N,), None where missing."""
    if len(cells) <= FEW and (texts := _few_texts(cells)) is not None:
        words = np.empty(len(texts), dtype=object)
        words[:] = [None if text is None else read(text) for text in texts]
        return words
    values = values_of(cells)
    if values is None:
        return by_distinct(texts_of(cells), read, None, object)
    distinct, codes = np.unique(values, return_inverse=True)
    words = np.empty(len(distinct), dtype=object)
    words[:] = [read(value) for value in distinct]
    return np.asarray(words[codes])


def _few_texts(cells: pd.Series) -> list[str | None] | None:
    """Return the cells of a short column as trimmed texts; None if one is neither missing nor plain text."""
    texts: list[str | None] = []
    array = cells.array  # of categories, `tolist` would make all of them Python objects
    for cell in (array[place] for place in range(len(array))):
        if not isinstance(cell, str):
            if not is_missing(cell):
                return None
            texts.append(None)
        elif cell.isascii():
            texts.append(cell.strip() or None)
        else:
            return None
    return texts


def parse_target(table: pd.DataFrame, target: Target, read: Callable[[Any], str | None] = read_word) -> NDArray[Any]:
    """Return the truth of each row: class numbers (N,) int64, or values (N,) float64; -1 or NaN where unknown.

    Args:
        table: with the target.
        target: the column.
        read: cell → the word of a class, None where it is missing; `read_name` for names of folders.

    Raises:
        MissingTarget: if the column is not there.
    """
    if target.name not in table.columns:
        raise MissingTarget(target.name, nearest(target.name, table.columns))
    cells = table[target.name]
    if target.outcome == Outcome.REGRESSION:
        return read_numbers(cells, target.format or ".")
    numbers = _class_numbers(target.labels)
    found = _read_words(cells, read)
    return np.array([numbers.get(word, -1) for word in found], np.int64)


def _class_numbers(labels: tuple[Label, ...]) -> dict[str | None, int]:
    """Return the class number of each label as text; true and false may also be written 1 and 0, and the other way."""
    numbers = {read_name(label): number for number, label in enumerate(labels)}
    twins = {"true": "1", "false": "0", "1": "true", "0": "false"}
    if set(numbers) <= set(twins):
        numbers |= {twins[word]: number for word, number in list(numbers.items()) if word is not None}
    return numbers
