"""A few rows are read together, out of one table of all their cells: each cell as its column alone gives it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from netwright.data import parsing
from netwright.data.columns import FEW
from netwright.data.frame import Frame
from netwright.data.parsing import MOST_CATEGORIES, parse_column, parse_frame
from netwright.data.schema import Column, Kind, Outcome, Schema, Target

ROWS = 4 * FEW
DATES = pd.to_datetime(["2024-05-17 12:30", None, "1969-12-31", "2100-02-28 23:59:59"], format="ISO8601")


def _repeated(*cells: Any) -> list[Any]:
    return [cells[row % len(cells)] for row in range(ROWS)]


def odd_table() -> pd.DataFrame:
    """Return a table of a column of each type that pandas has, with its extremes, and of texts of every spelling."""
    return pd.DataFrame(
        {
            "float64": _repeated(1.5, np.nan, np.inf, -np.inf, -0.0, 1e300, 5e-324, 0.1),
            "float32": np.array(_repeated(0.1, np.nan, np.inf, 3e38), np.float32),
            "float16": np.array(_repeated(0.1, np.nan, -np.inf, 6e4), np.float16),
            "other order": np.array(_repeated(1.5, np.nan, np.inf), ">f8"),
            "int8": np.array(_repeated(-128, 127, 0), np.int8),
            "int64": np.array(_repeated(2**63 - 1, -(2**63), 2**53 + 1), np.int64),
            "uint64": np.array(_repeated(2**64 - 1, 2**63 + 1025, 0), np.uint64),
            "complex": np.array(_repeated(1 + 2j, 3.0), np.complex128),
            "bool": _repeated(True, False),
            "numbers and truths": pd.Series(_repeated(True, 1.5, None, "yes", "0", float("inf")), dtype=object),
            "whole numbers of any size": pd.Series(_repeated(10**30, 5, -7), dtype=object),
            "numbers of numpy": pd.Series(_repeated(np.float32(0.1), np.int8(3), np.float64(np.inf)), dtype=object),
            "numbers as text": _repeated("1.5", " 12% ", "$1,234.50", "(7)", "", "NA", "inf", "1e400", "x", "٣"),
            "commas": pd.Series(_repeated("1,5", "1.000", None, 2.5), dtype=object),
            "words": _repeated("red", " red ", "", "NA", None, "3.0", "True", "été", "\u3000x", "a\x1fb", "007"),
            "anything": pd.Series(
                _repeated("a", None, pd.NA, b"c", [1], {"d": 1}, Decimal("1.5"), pd.NaT), dtype=object
            ),
            "few categories": pd.Categorical(_repeated("a", "b c", None, "色", "None")),
            "categories of numbers": pd.Categorical(_repeated(3, 1, None)),
            "categories of floats": pd.Categorical(_repeated(0.5, np.inf, None)),
            "many categories": pd.Categorical([f" key {row} " for row in range(ROWS)], [*_names(), "unseen"]),
            "integers with holes": pd.array(_repeated(1, None, 2**62), "Int64"),
            "floats with holes": pd.array(_repeated(0.1, None, 2.0), "Float32"),
            "truths with holes": pd.array(_repeated(True, None, False), "boolean"),
            "texts of pandas": pd.array(_repeated("a", None, "1.5"), "string"),
            "moments": _repeated(*DATES),
            "moments somewhere": pd.Series(_repeated(*DATES)).dt.tz_localize("Asia/Kolkata"),
            "durations": pd.to_timedelta(_repeated(1.5, None, 1e6), unit="s"),
            "periods": pd.PeriodIndex(_repeated("2024-05", None, "1999-12"), freq="M"),
            "mostly nothing": pd.arrays.SparseArray(_repeated(0.0, 0.0, 2.5, np.nan)),
            **{name: np.arange(ROWS) + place for place, name in enumerate(NUMBERS)},
            "dates as text": _repeated("2024-05-17", "17/5/2024", "x", None, "20240517"),
        }
    )


def _names() -> list[str]:
    return [f" key {row} " for row in range(max(ROWS, MOST_CATEGORIES))]


KINDS = [
    (Kind.NUMERIC, "."),
    (Kind.NUMERIC, ","),
    (Kind.BOOLEAN, ""),
    (Kind.DATETIME, "day first"),
    (Kind.CATEGORICAL, ""),
    (Kind.CATEGORICAL, "3"),
    (Kind.TEXT, ""),
]


NUMBERS = ("one", "two", "three", "four")  # so many that all cells are read together


def _schema(table: pd.DataFrame, kind: Kind, form: str = "") -> Schema:
    numbers = dict.fromkeys(NUMBERS, (Kind.NUMERIC, "."))
    kinds = {name: numbers.get(name, (kind, form)) for name in table.columns}
    columns = tuple(Column(name, kind, False, 0.0, 2, form) for name, (kind, form) in kinds.items())
    return Schema(columns, Target("y", Outcome.BINARY, ("a", "b")))


def assert_same_bytes(one: Frame, other: Frame) -> None:
    """Hold that two frames have the same cells, to the last bit and type."""
    assert list(one.columns) == list(other.columns) and one.rows == other.rows
    for name, cells in one.columns.items():
        others = other.columns[name]
        assert cells.dtype == others.dtype and cells.shape == others.shape, name
        if cells.dtype == object:
            assert [(type(cell), cell) for cell in cells] == [(type(cell), cell) for cell in others], name
        else:
            assert cells.tobytes() == others.tobytes(), name


@pytest.mark.filterwarnings("ignore:Could not infer format")
@pytest.mark.parametrize("rows", [0, 1, 3, FEW])
@pytest.mark.parametrize(("kind", "form"), KINDS)
def test_a_few_rows_are_read_as_their_columns_alone(kind: Kind, form: str, rows: int) -> None:
    """Columns of every type, each read as every kind: the cells are what the column by itself gives."""
    table = odd_table()
    schema = _schema(table, kind, form)
    for first in range(0, ROWS - rows, 5):
        part = table.iloc[first : first + rows]
        alone = {column.name: parse_column(part[column.name], column) for column in schema.used}
        assert_same_bytes(parse_frame(part, schema), Frame(alone, rows))


@pytest.mark.parametrize(("kind", "form"), KINDS)
def test_a_few_rows_are_read_like_many(kind: Kind, form: str) -> None:
    """And what they are among many."""
    table = odd_table().drop(columns="truths with holes")  # numbers where one is missing, truths where none is
    schema = _schema(table, kind, form)
    whole = parse_frame(table, schema)
    for place in range(0, ROWS, 3):
        assert_same_bytes(parse_frame(table.iloc[place : place + 1], schema), whole.take(np.array([place])))


@pytest.mark.parametrize(("kind", "form"), KINDS)
def test_types_of_arrow_are_read_as_their_columns_alone(kind: Kind, form: str) -> None:
    """Those that pandas keeps in Arrow, whose cells are other objects."""
    pytest.importorskip("pyarrow")
    part = pd.DataFrame(
        {
            "integers": pd.array([1, None, 2**62], "int64[pyarrow]"),
            "floats": pd.array([0.1, None, np.inf], "float[pyarrow]"),
            "truths": pd.array([True, None, False], "bool[pyarrow]"),
            "texts": pd.array([" a ", None, "1.5"], "string[pyarrow]"),
            "moments": pd.array([*DATES[:3]], "timestamp[us][pyarrow]"),
            **{name: [1, 2, 3] for name in NUMBERS},
        }
    )
    schema = _schema(part, kind, form)
    alone = {column.name: parse_column(part[column.name], column) for column in schema.used}
    assert_same_bytes(parse_frame(part, schema), Frame(alone, 3))


def test_pandas_is_not_asked_for_columns_of_numbers_and_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what takes time: one table of all cells gives them; only what is of another type is asked for by name."""
    table = odd_table()[[*NUMBERS, "words", "few categories", "moments"]].iloc[[0]]
    asked: list[str] = []
    alone = parsing.parse_column
    monkeypatch.setattr(
        parsing, "parse_column", lambda cells, column: asked.append(column.name) or alone(cells, column)
    )
    parse_frame(table, _schema(table, Kind.CATEGORICAL))
    assert asked == ["moments"]


def test_many_categories_are_not_made_into_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a row that was cut out of a long table with names as categories: pandas would make all of them anew."""
    seen: list[list[str]] = []
    whole = pd.DataFrame.to_numpy

    def to_numpy(table: pd.DataFrame, *given: Any, **named: Any) -> Any:
        seen.append(list(table.columns))
        return whole(table, *given, **named)

    monkeypatch.setattr(pd.DataFrame, "to_numpy", to_numpy)
    table = odd_table().iloc[:1]
    frame = parse_frame(table, _schema(table, Kind.CATEGORICAL))
    assert seen == [[name for name in table.columns if name != "many categories"]]
    assert frame.columns["many categories"].tolist() == ["key 0"]


def test_the_cells_are_our_own() -> None:
    """Nothing is written into the caller's rows, and no column into another."""
    table = odd_table()[["float64", "int8", "int64", "uint64"]].iloc[[0, 2]]
    before = table.copy(deep=True)
    frame = parse_frame(table, _schema(table, Kind.NUMERIC))
    frame.columns["int8"][:] = 7.0
    assert frame.columns["int64"].tolist() == [float(2**63 - 1), float(2**53 + 1)]
    pd.testing.assert_frame_equal(table, before)
