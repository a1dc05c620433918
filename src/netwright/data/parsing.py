"""Columns of cells, read by their kind. The same cell gives the same value from text and from a typed column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.cells import is_missing, read_code, read_name, read_truth, read_word
from netwright.data.columns import FEW, by_distinct, has_gaps, texts_of, values_of
from netwright.data.dates import moments_of_numbers, read_dates
from netwright.data.frame import Frame
from netwright.data.schema import Column, Kind, Label, Outcome, Schema, Target
from netwright.errors import MissingColumns, MissingTarget, nearest

FEWEST_TOGETHER = 4  # columns of numbers for which all cells of a few rows are read together
MOST_CATEGORIES = 100  # of a column that is: pandas makes objects of all of them, however few rows there are
_WHOLE_AND_WIDE = frozenset(
    (np.dtype(np.float64), *(np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)))
)


def parse_frame(table: pd.DataFrame, schema: Schema) -> Frame:
    """Return the used columns of a table, each cell read by its column's kind.

    Args:
        table: may have other columns too, in any order.
        schema: the columns to read.

    Raises:
        MissingColumns: if used columns are not there; all of them are named.
    """
    used, names = schema.used, set(table.columns.tolist())
    absent = [column.name for column in used if column.name not in names]
    if absent:
        raise MissingColumns(absent)
    found = _read_together(table, used) if len(table) <= FEW else {}
    found = {
        column.name: found[column.name] if column.name in found else parse_column(table[column.name], column)
        for column in used
    }
    return Frame(found, len(table))


def _read_together(table: pd.DataFrame, columns: Sequence[Column]) -> dict[str, NDArray[Any]]:
    """Return by name the columns of a few rows that hold numbers or plain texts: pandas is asked once for all cells.

    To take one column, or some, out of a frame takes pandas as long as to give a hundred cells. Where few columns hold
    numbers, nothing is returned: to take categories out one by one is as fast.
    """
    types = dict(zip(table.columns.tolist(), table.dtypes.tolist(), strict=True))
    numbers = [one.name for one in columns if one.kind == Kind.NUMERIC and _is_wide(types[one.name])]
    if len(numbers) < FEWEST_TOGETHER:
        return {}
    cells = _all_cells(table, types)
    values = np.array([cells[name] for name in numbers], np.float64)  # (F, N)
    values[~np.isfinite(values)] = np.nan
    found: dict[str, NDArray[Any]] = dict(zip(numbers, values, strict=True))
    for column in columns:
        read = None if column.name in found else _reads_words(column)
        if read and column.name in cells and (words := _few_words(cells[column.name], read)) is not None:
            found[column.name] = words
    return found


def _is_wide(dtype: Any) -> bool:
    """Return whether numbers of a type are what they are written as; the hash of categories takes all of them."""
    return isinstance(dtype, np.dtype) and dtype in _WHOLE_AND_WIDE


def _all_cells(table: pd.DataFrame, types: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the cells of each column by name, but of those of very many categories."""
    few = [
        name
        for name, dtype in types.items()
        if not isinstance(dtype, pd.CategoricalDtype) or len(dtype.categories) <= MOST_CATEGORIES
    ]
    part = table if len(few) == len(types) else table[few]
    return dict(zip(few, part.to_numpy(object).T.tolist(), strict=True))


def _reads_words(column: Column) -> Callable[[Any], str | None] | None:
    """Return what reads a cell of a column of words; None for one of another kind."""
    match column.kind:
        case Kind.NUMERIC | Kind.BOOLEAN | Kind.DATETIME:
            return None
        case Kind.CATEGORICAL if column.format:
            return partial(read_code, width=int(column.format))
        case _:
            return read_word


def parse_column(cells: pd.Series, column: Column) -> NDArray[Any]:
    """Return the cells (N,) of a column, read by its kind: see `Frame`."""
    match column.kind:
        case Kind.NUMERIC:
            return read_numbers(cells, column.format or ".")
        case Kind.BOOLEAN:
            return read_truths(cells)
        case Kind.DATETIME:
            return read_moments(cells, column.format)
        case _:
            return _read_words(cells, _reads_words(column) or read_word)


def read_numbers(cells: pd.Series, mark: str) -> NDArray[np.float64]:
    """Return cells as numbers (N,), NaN where they are missing, infinite or none."""
    values = values_of(cells)
    if values is None:
        numbers = texts_of(cells).numbers(mark)
        if mark == "," and cells.dtype == object:  # what was a number is written with a point, as 1.125 is
            others = np.array([not isinstance(cell, str | bytes) for cell in cells.tolist()], np.bool_)
            numbers[others] = texts_of(cells[others]).numbers(".")
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
    if len(cells) <= FEW:
        array = cells.array  # of categories, `tolist` would make all of them Python objects
        words = _few_words([array[place] for place in range(len(array))], read)
        if words is not None:
            return words
    values = None if has_gaps(cells) else values_of(cells)
    if values is None:
        return by_distinct(texts_of(cells), read, None, object)
    distinct, codes = np.unique(values, return_inverse=True)
    words = np.empty(len(distinct), dtype=object)
    words[:] = [read(value) for value in distinct]
    return np.asarray(words[codes])


def _few_words(cells: Sequence[Any], read: Callable[[Any], str | None]) -> NDArray[Any] | None:
    """Return a few cells (N,) as `_read_words` does; None if one is neither missing nor plain text."""
    words = np.empty(len(cells), dtype=object)
    for place, cell in enumerate(cells):
        if not isinstance(cell, str):
            if not is_missing(cell):
                return None
        elif not cell.isascii():
            return None
        elif text := cell.strip():
            words[place] = read(text)
    return words


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
    """Return the class number of each label as text; true and false may also be written 1 and 0, and the other way.

    What is a label itself stays that.
    """
    numbers = {read_name(label): number for number, label in enumerate(labels)}
    twins = {"true": "1", "false": "0", "1": "true", "0": "false"}
    if set(numbers) <= set(twins):
        return {twins[word]: number for word, number in numbers.items() if word is not None} | numbers
    return numbers
