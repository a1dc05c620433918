"""Columns as arrays, whatever pandas type holds them: values where they have a type, trimmed texts otherwise.

Texts are kept as Arrow arrays where pyarrow is installed, since trimming, telling apart and reading numbers then cost
nanoseconds a cell; a rule of `cells` is applied once to each distinct text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.cell_texts import Texts
from netwright.data.cells import read_word
from netwright.data.python_texts import PythonTexts

try:
    from netwright.data.arrow import NOT_TEXTS, ArrowTexts, as_written, clock_times
except ImportError:  # who only predicts need not have pyarrow
    WITH_ARROW = False
else:
    WITH_ARROW = True

FEW = 16  # cells up to which reading them one by one is faster than a whole-column operation
_ASCII = re.compile(r"[\x00-\x7f]*")


def values_of(cells: pd.Series) -> NDArray[Any] | None:
    """Return the values (N,) of a typed column; None for one whose cells are read as texts.

    Whole numbers stay int64 or uint64 where none is missing; other numbers are float64 (NaN where missing), durations
    float64 seconds, booleans bool or, with missing ones, float64; moments datetime64[s] in the time of their zone.
    """
    cells = _plain(cells)
    dtype = cells.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        return np.asarray(cells.dt.tz_localize(None).to_numpy().astype("datetime64[s]"))
    kind = getattr(dtype, "kind", "O")
    if kind == "m":  # of numpy, or of Arrow
        return np.asarray(cells.dt.total_seconds().to_numpy(np.float64, na_value=np.nan))
    if isinstance(dtype, np.dtype):
        values = cells.to_numpy()
        return values.astype("datetime64[s]") if kind == "M" else _widest(values) if kind in "iufb" else None
    if kind in "iufb":
        if kind == "f":
            native = np.dtype(getattr(dtype, "numpy_dtype", np.float64))
            return _widest(cells.to_numpy(dtype=native, na_value=np.nan))
        if cells.isna().any():
            return np.asarray(cells.to_numpy(dtype=np.float64, na_value=np.nan))
        return _widest(cells.to_numpy(dtype=np.dtype({"i": "int64", "u": "uint64", "b": "bool"}[kind])))
    return clock_times(cells) if kind == "M" else None  # pandas has no other type of this kind


def has_gaps(cells: pd.Series) -> bool:
    """Return whether cells are missing among nullable truth values or whole numbers: `values_of` has floats for these.

    As words they are what they are without gaps, `true` and not `1`.
    """
    dtype = cells.dtype
    whole = not isinstance(dtype, np.dtype) and getattr(dtype, "kind", "O") in "biu"
    return whole and bool(cells.isna().any())


def _plain(cells: pd.Series) -> Any:
    """Return a category, sparse or period column as the column that it stands for."""
    dtype = cells.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        inner = dtype.categories.dtype
        numeric = isinstance(inner, np.dtype) and inner.kind in "iu" and bool(cells.isna().any())
        return cells.astype(np.float64 if numeric else inner)
    if isinstance(dtype, pd.SparseDtype):
        return pd.Series(np.asarray(cells))
    if isinstance(dtype, pd.PeriodDtype):
        return cells.dt.to_timestamp()
    return cells


def _widest(values: NDArray[Any]) -> NDArray[Any]:
    """Return numbers in 64 bits; a short float becomes the number that it is written as, so that 0.1 stays 0.1."""
    if values.dtype == np.float32 and WITH_ARROW:
        return as_written(values)
    if values.dtype in (np.float16, np.float32):
        distinct, codes = np.unique(values, return_inverse=True)
        return np.array([float(str(value)) for value in distinct], np.float64)[codes]
    return values.astype({"f": np.float64, "i": np.int64, "u": np.uint64, "b": np.bool_}[values.dtype.kind], copy=False)


def texts_of(cells: pd.Series) -> Texts:
    """Return the texts (N,) of an untyped column."""
    cells = _plain(cells)
    if not WITH_ARROW or len(cells) <= FEW:
        return PythonTexts.of(map(_written, cells.tolist()))
    if cells.dtype != object:
        try:
            return ArrowTexts.of(cells)
        except NOT_TEXTS:
            cells = cells.astype(object)  # not only texts: each is written as one below
    objects = cells.tolist()
    try:
        if not any(isinstance(cell, bytes) for cell in objects):
            return ArrowTexts.of(objects)
    except NOT_TEXTS:
        pass  # likewise
    return ArrowTexts.of([_written(cell) for cell in objects])


def _written(cell: Any) -> str | None:
    text = cell.decode("utf-8", errors="replace") if isinstance(cell, bytes) else cell
    text = text if isinstance(text, str) else read_word(text)
    if text is None or _ASCII.fullmatch(text):
        return text
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")  # halves of surrogate pairs cannot be stored


def distinct_texts(texts: Texts) -> tuple[list[str], NDArray[np.int64]]:
    """Return the distinct texts in the order of their first row, and how many cells hold each."""
    distinct, places = texts.encoded()
    return distinct, np.bincount(places[places >= 0], minlength=len(distinct))


def by_distinct(texts: Texts, read: Callable[[str], Any], missing: Any, dtype: Any) -> NDArray[Any]:
    """Return `read` of each text (N,), computed once for each distinct one, and `missing` where there is none."""
    distinct, places = texts.encoded()
    values = np.empty(len(distinct) + 1, dtype=dtype)
    values[:-1] = [read(text) for text in distinct]
    values[-1] = missing
    return np.asarray(values[places])
