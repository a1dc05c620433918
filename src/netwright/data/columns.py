"""Columns as arrays, whatever pandas type holds them: values where they have a type, trimmed texts otherwise.

Texts are kept as Arrow arrays, since trimming, telling apart and reading numbers then cost nanoseconds a cell; a rule
of `cells` is applied once to each distinct text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from netwright.data.cells import read_number, read_word

Texts = Any
"""A `pyarrow.LargeStringArray` (N,) of trimmed texts, null where there is none; pyarrow declares no types."""

_PLAIN = {".": r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$", ",": r"^[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?$"}
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
    if isinstance(dtype, np.dtype):
        if kind == "m":
            return np.asarray(cells.dt.total_seconds().to_numpy(np.float64))
        values = cells.to_numpy()
        return values.astype("datetime64[s]") if kind == "M" else _widest(values) if kind in "iufb" else None
    if kind in "iufb":
        if kind == "f":
            native = np.dtype(getattr(dtype, "numpy_dtype", np.float64))
            return _widest(cells.to_numpy(dtype=native, na_value=np.nan))
        if cells.isna().any():
            return np.asarray(cells.to_numpy(dtype=np.float64, na_value=np.nan))
        return _widest(cells.to_numpy(dtype=np.dtype({"i": "int64", "u": "uint64", "b": "bool"}[kind])))
    if kind == "M":
        moments = pa.chunked_array(pa.array(cells)).combine_chunks()
        local = pc.local_timestamp(moments) if getattr(moments.type, "tz", None) else moments
        return np.asarray(local.to_numpy(zero_copy_only=False).astype("datetime64[s]"))
    return None


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
    if values.dtype == np.float32:
        return _floats(pc.cast(pc.cast(pa.array(values), pa.string()), pa.float64()))
    if values.dtype == np.float16:
        distinct, codes = np.unique(values, return_inverse=True)
        return np.array([float(str(value)) for value in distinct], np.float64)[codes]
    return values.astype({"f": np.float64, "i": np.int64, "u": np.uint64, "b": np.bool_}[values.dtype.kind], copy=False)


def texts_of(cells: pd.Series) -> Texts:
    """Return the texts (N,) of an untyped column."""
    cells = _plain(cells)
    if cells.dtype == object:
        return _trimmed(_from_objects(cells.tolist()))
    try:
        return _trimmed(pa.array(cells, type=pa.large_string(), from_pandas=True))
    except (pa.ArrowException, TypeError, ValueError):
        return _trimmed(_from_objects(cells.astype(object).tolist()))


def _from_objects(cells: list[Any]) -> Texts:
    try:
        if not any(isinstance(cell, bytes) for cell in cells):
            return pa.array(cells, type=pa.large_string(), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError):
        pass  # not only texts: each is written as one below
    return pa.array([_written(cell) for cell in cells], type=pa.large_string())


def _written(cell: Any) -> str | None:
    text = cell.decode("utf-8", errors="replace") if isinstance(cell, bytes) else cell
    text = text if isinstance(text, str) else read_word(text)
    if text is None or _ASCII.fullmatch(text):
        return text
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")  # halves of surrogate pairs cannot be stored


def _trimmed(texts: Any) -> Texts:
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    texts = pc.utf8_trim_whitespace(texts)
    empty = pc.equal(pc.binary_length(texts), 0)
    return pc.if_else(empty, None, texts) if pc.any(empty).as_py() else texts


def distinct_texts(texts: Texts) -> tuple[list[str], NDArray[np.int64]]:
    """Return the distinct texts in the order of their first row, and how many cells hold each."""
    encoded = texts.dictionary_encode()
    codes = encoded.indices.drop_null().to_numpy()
    return encoded.dictionary.to_pylist(), np.bincount(codes, minlength=len(encoded.dictionary))


def by_distinct(texts: Texts, read: Callable[[str], Any], missing: Any, dtype: Any) -> NDArray[Any]:
    """Return `read` of each text (N,), computed once for each distinct one, and `missing` where there is none."""
    encoded = texts.dictionary_encode()
    values = np.empty(len(encoded.dictionary) + 1, dtype=dtype)
    values[:-1] = [read(text) for text in encoded.dictionary.to_pylist()]
    values[-1] = missing
    return np.asarray(values[encoded.indices.fill_null(-1).to_numpy()])


def plain_numbers(texts: Texts) -> NDArray[np.float64] | None:
    """Return texts as numbers (N,) if all are written plainly (`-1.5e3`, `nan`, `inf`); None otherwise."""
    try:
        return _floats(pc.cast(texts, pa.float64()))
    except pa.ArrowInvalid:
        return None


def numbers_of(texts: Texts, mark: str) -> NDArray[np.float64]:
    """Return texts as numbers (N,), NaN where they are none, by the rules of `cells.read_number`; infinities stay."""
    values = plain_numbers(texts) if mark == "." else None
    if values is not None:
        return values
    plain = pc.fill_null(pc.match_substring_regex(texts, _PLAIN[mark]), False)
    dotted = texts if mark == "." else pc.replace_substring(texts, ",", ".")
    values = _floats(pc.cast(pc.if_else(plain, dotted, None), pa.float64()))
    odd = pc.and_(pc.invert(plain), pc.is_valid(texts))
    values[odd.to_numpy(zero_copy_only=False)] = by_distinct(
        texts.filter(odd), lambda text: read_number(text, mark), np.nan, np.float64
    )
    return values


def _floats(numbers: Any) -> NDArray[np.float64]:
    return np.array(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)
