"""Columns of any pandas type as arrays."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.data.cells import read_number
from netwright.data.columns import by_distinct, distinct_texts, texts_of, values_of

NUMBERS = [1, 0, 1]


@pytest.mark.parametrize(
    "dtype", ["int8", "uint16", "int64", "Int64", "int64[pyarrow]", "float32", "Float64", "double[pyarrow]"]
)
def test_typed_numbers_keep_their_values(dtype: str) -> None:
    """Every numeric type gives the same numbers."""
    values = values_of(pd.Series(NUMBERS, dtype=dtype))
    assert values is not None and values.tolist() == NUMBERS


@pytest.mark.parametrize("dtype", ["Int64", "int64[pyarrow]", "Float64", "boolean", "bool[pyarrow]"])
def test_missing_cells_of_nullable_types_are_nan(dtype: str) -> None:
    """A column that knows pd.NA gives floats with NaN."""
    values = values_of(pd.Series([1, None, 0], dtype=dtype))
    assert values is not None and np.array_equal(values, [1.0, np.nan, 0.0], equal_nan=True)


def test_short_floats_are_the_numbers_that_they_are_written_as() -> None:
    """0.1 in 32 bits is 0.1, as it would be in a CSV file."""
    values = values_of(pd.Series([0.1, np.nan, 1e-3], dtype=np.float32))
    assert values is not None and np.array_equal(values, [0.1, np.nan, 1e-3], equal_nan=True)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.to_datetime(["2024-03-01 12:00:00", None])),
        pd.Series(pd.to_datetime(["2024-03-01 12:00:00", None]).tz_localize("Asia/Tokyo")),
        pd.Series(pd.to_datetime(["2024-03-01 12:00:00", None])).astype("datetime64[ms]"),
        pd.Series([pa.scalar(1709294400, pa.timestamp("s")).as_py(), None], dtype=pd.ArrowDtype(pa.timestamp("ms"))),
        pd.Series(pd.to_datetime(["2024-03-01 12:00:00", None]).tz_localize("Asia/Tokyo")).astype(
            pd.ArrowDtype(pa.timestamp("us", tz="Asia/Tokyo"))
        ),
        pd.Series([datetime.datetime(2024, 3, 1, 12), None], dtype=pd.ArrowDtype(pa.timestamp("ns"))),
        pd.Series(pd.PeriodIndex(["2024-03-01 12:00", None], freq="h")),
        pd.Series(pd.Categorical(pd.to_datetime(["2024-03-01 12:00:00", None]))),
    ],
)
def test_typed_moments_are_clock_times_in_seconds(column: pd.Series) -> None:
    """Every type of moment gives what the clock on the spot showed."""
    values = values_of(column)
    assert values is not None and values.dtype == "datetime64[s]"
    assert [str(value) for value in values] == ["2024-03-01T12:00:00", "NaT"]


def test_arrow_dates_are_moments() -> None:
    """A date without a time is its midnight."""
    values = values_of(pd.Series([datetime.date(2024, 3, 1), None], dtype=pd.ArrowDtype(pa.date32())))
    assert values is not None and [str(value) for value in values] == ["2024-03-01T00:00:00", "NaT"]


@pytest.mark.parametrize("rows", [2, 40])
@pytest.mark.parametrize("unit", ["", "s", "ns"])
def test_durations_are_seconds(unit: str, rows: int) -> None:
    """A column of durations is a column of numbers, whoever keeps it, in whatever unit, and however short it is."""
    cells = pd.Series(pd.to_timedelta(["1min", None] * (rows // 2)))
    values = values_of(cells.astype(pd.ArrowDtype(pa.duration(unit))) if unit else cells)
    assert values is not None and np.array_equal(values, [60.0, np.nan] * (rows // 2), equal_nan=True)


def test_categories_and_sparse_columns_are_what_they_stand_for() -> None:
    """A pandas category of numbers is numbers, of texts texts."""
    assert np.array_equal(values_of(pd.Series(pd.Categorical([3, None, 1]))), [3, np.nan, 1], equal_nan=True)  # type: ignore[arg-type]
    assert texts_of(pd.Series(pd.Categorical(["b", None, "a"]))).to_list() == ["b", None, "a"]
    assert np.array_equal(values_of(pd.Series(pd.arrays.SparseArray([0, 0, 2]))), [0, 0, 2])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "dtype", [object, "str", "string", "string[pyarrow]", "category", pd.ArrowDtype(pa.large_string())]
)
def test_texts_of_every_type_are_trimmed(dtype: object) -> None:
    """Blanks around a text go, and nothing is left of a text of blanks."""
    cells = pd.Series([" a b ", "", None, "\u3000漢字\u00a0", "🙂"], dtype=dtype)  # type: ignore[call-overload]
    assert values_of(cells) is None
    assert texts_of(cells).to_list() == ["a b", None, None, "漢字", "🙂"]


def test_objects_of_any_kind_become_texts() -> None:
    """A column of mixed objects is read as the texts that they print as; nothing is refused."""
    cells = [1, 2.0, 2.5, True, None, np.nan, pd.NA, pd.NaT, b"bytes", decimal.Decimal("1.50"), [1, 2], {"a": 1}]
    cells += [datetime.date(2024, 1, 2), pd.Timestamp("2024-01-02 03:04"), "\ud800", b"\xff"]
    found = texts_of(pd.Series(cells, dtype=object)).to_list()
    assert found[:10] == ["1", "2", "2.5", "true", None, None, None, None, "bytes", "1.50"]
    assert found[10:14] == ["[1, 2]", "{'a': 1}", "2024-01-02", "2024-01-02 03:04:00"]
    assert all(isinstance(text, str) for text in found[14:])


def test_each_distinct_text_is_read_once() -> None:
    """Reading is as cheap as the distinct texts are few."""
    seen: list[str] = []
    texts = texts_of(pd.Series(["a", "b", "a", None]))
    values = by_distinct(texts, lambda text: seen.append(text) or len(seen), -1, np.int64)  # type: ignore[func-returns-value]
    assert values.tolist() == [1, 2, 1, -1] and seen == ["a", "b"]
    words, counts = distinct_texts(texts)
    assert words == ["a", "b"] and counts.tolist() == [2, 1]


NUMBER_TEXTS = st.one_of(
    st.text(alphabet="0123456789.,eE+-%$() '", max_size=8),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["NA", "inf", "1,234", "1.234,5", "", "x", "nan", "١٢", "-", "1e400"]),
)


@given(st.lists(NUMBER_TEXTS, min_size=1, max_size=12), st.sampled_from([".", ","]))
def test_whole_columns_are_read_as_single_cells_are(cells: list[str], mark: str) -> None:
    """The fast way over a column and the rule for one cell agree on every text."""
    found = texts_of(pd.Series(cells, dtype=object)).numbers(mark)
    found[~np.isfinite(found)] = np.nan
    assert np.array_equal(found, [read_number(cell, mark) for cell in cells], equal_nan=True)
