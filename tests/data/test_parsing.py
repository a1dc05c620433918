"""Columns read by their kind."""

from __future__ import annotations

import decimal
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwright.data.frame import Frame
from netwright.data.inference import infer_schema
from netwright.data.parsing import parse_column, parse_frame, parse_target
from netwright.data.reading import read_table
from netwright.data.schema import Column, Kind, Outcome, Schema, Target
from netwright.errors import DataError, MissingColumns, MissingTarget

Calls = Callable[[Callable[[], object]], int]

ROWS = 40


def typed_table(seed: int = 0, rows: int = ROWS) -> pd.DataFrame:
    """Return a table with every kind of column and missing cells."""
    generator = np.random.default_rng(seed)
    holes = generator.random(rows) < 0.2
    return pd.DataFrame(
        {
            "float": np.where(holes, np.nan, generator.normal(size=rows) * 10.0 ** generator.integers(-9, 9, rows)),
            "integer": generator.integers(-9, 9, rows),
            "hole": np.where(holes, np.nan, generator.integers(0, 5, rows)),
            "short": generator.normal(size=rows).astype(np.float32),
            "boolean": generator.random(rows) < 0.5,
            "category": pd.Categorical(generator.choice(["色", "b c", "none"], rows)),
            "word": pd.Series(np.where(holes, None, generator.choice(["x", "y", "-"], rows))),
            "moment": pd.Timestamp("2024-01-31 10:00") + pd.to_timedelta(generator.integers(0, 10**8, rows), unit="s"),
            "note": [f"a note, of {generator.integers(10**6)} words" for _ in range(rows)],
            "y": generator.choice([0, 1, 2], rows),
        }
    )


def assert_equal(one: Frame, other: Frame) -> None:
    """Hold that two frames have the same cells."""
    assert list(one.columns) == list(other.columns) and one.rows == other.rows
    for name, cells in one.columns.items():
        others = other.columns[name]
        assert cells.dtype == others.dtype, name
        np.testing.assert_array_equal(cells, others, err_msg=name)


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as it comes back from a CSV file."""
    return pd.read_csv(io.StringIO(table.to_csv(index=False)), dtype=str, keep_default_na=False, na_values=[""])


@pytest.mark.parametrize("backend", ["numpy", "numpy_nullable", "pyarrow"])
def test_text_and_typed_cells_are_the_same(backend: Any) -> None:
    """A model fitted on a CSV file predicts the same from a typed frame of any backend, and the other way round."""
    typed = typed_table()
    text = as_text(typed)
    other = typed if backend == "numpy" else typed.convert_dtypes(dtype_backend=backend)
    for table in (text, typed):
        schema, _ = infer_schema(table, "y", kinds={}, task="auto")
        assert len(schema.used) == 9
        assert_equal(parse_frame(text, schema), parse_frame(other, schema))
        assert (
            parse_target(text, schema.target).tolist()
            == parse_target(other, schema.target).tolist()
            == typed["y"].tolist()
        )


def test_text_and_typed_tables_have_the_same_kinds() -> None:
    """What is inferred of a CSV file is what is inferred of the frame it was written from."""
    typed = typed_table()
    kinds = [
        [
            (column.name, column.kind, column.distinct)
            for column in infer_schema(table, "y", kinds={}, task="auto")[0].columns
        ]
        for table in (typed, as_text(typed))
    ]
    assert kinds[0] == kinds[1]


def test_one_row_is_read_like_many() -> None:
    """A row alone gives the cells that it gives among others, text and typed."""
    for table in (typed_table(), as_text(typed_table())):
        schema, _ = infer_schema(table, "y", kinds={}, task="auto")
        whole = parse_frame(table, schema)
        for row in (0, 7, ROWS - 1):
            assert_equal(parse_frame(table.iloc[[row]], schema), whole.take(np.array([row])))


def test_one_row_is_read_at_once(calls_of: Calls) -> None:
    """Twenty columns of one row cost few calls, and fewer than forty rows do."""
    table = pd.concat([typed_table().drop(columns="y").add_prefix(letter) for letter in "ab"], axis=1).assign(
        y=typed_table()["y"]
    )
    schema, _ = infer_schema(table, "y", kinds={}, task="auto")
    for many in (table, as_text(table)):
        one = many.iloc[[0]]
        calls = calls_of(lambda rows=one: parse_frame(rows, schema))
        assert calls < 10_000  # counted 1,700 typed and 2,700 as text, of pandas for the most part
        assert calls < calls_of(lambda rows=many: parse_frame(rows, schema))


def test_the_frame_of_the_caller_stays_as_it_is() -> None:
    """Nothing is written into the caller's table, and the cells read are our own."""
    table = typed_table()
    before = table.copy(deep=True)
    schema, _ = infer_schema(table, "y", kinds={}, task="auto")
    frame = parse_frame(table, schema)
    for cells in frame.columns.values():
        if cells.dtype == np.float64:
            cells[:] = 7.0
    pd.testing.assert_frame_equal(table, before)


def test_columns_may_come_in_any_order_and_company() -> None:
    """Order and further columns do not matter; the index neither."""
    table = typed_table()
    schema, _ = infer_schema(table, "y", kinds={}, task="auto")
    other = table[table.columns[::-1]].assign(more=1).set_index(pd.Index(range(ROWS, 0, -1)))
    assert_equal(parse_frame(other, schema), parse_frame(table, schema))


def test_all_missing_columns_are_named() -> None:
    """One error names every column that a file lacks, but none that is not used."""
    table = typed_table().assign(same=1)
    schema, _ = infer_schema(table, "y", kinds={}, task="auto")
    assert parse_frame(table.drop(columns=["y", "same"]), schema).rows == ROWS
    with pytest.raises(MissingColumns, match="'float', 'note'"):
        parse_frame(table.drop(columns=["float", "note", "same"]), schema)
    with pytest.raises(MissingTarget, match="'y'"):
        parse_target(table.drop(columns="y"), schema.target)


@pytest.mark.parametrize(
    "kind, form, cells, dtype",
    [
        (Kind.NUMERIC, ".", [1, None, 2.5, "3", "x", True, float("inf"), "1,000"], np.float64),
        (Kind.NUMERIC, ",", ["1,5", "1.000", None, 2.5], np.float64),
        (Kind.BOOLEAN, "", ["yes", 0, 1.0, None, "maybe", True], np.float64),
        (Kind.DATETIME, "day first", ["1/2/2024", None, pd.Timestamp("2024-03-04"), "x", 5], np.dtype("M8[s]")),
        (Kind.CATEGORICAL, "", [1, "1.0", None, "b", True, [1]], object),
        (Kind.CATEGORICAL, "3", [1, "001", None, "b"], object),
        (Kind.TEXT, "", ["a b", b"c", None, {"d": 1}], object),
    ],
)
def test_any_cell_in_any_column_is_read(kind: Kind, form: str, cells: list[Any], dtype: Any) -> None:
    """A cell that does not fit its column is missing, never an error, and missing cells are what `Frame` says."""
    column = Column("a", kind, False, 0.0, 1, form)
    found = parse_column(pd.Series(cells, dtype=object), column)
    assert found.dtype == dtype and len(found) == len(cells)
    assert pd.isna(found[cells.index(None)])
    typed: list[pd.Series] = [
        pd.Series([1.5, np.inf]),
        pd.Series([True, False]),
        pd.Series(pd.to_datetime(["2024-01-01"])),
    ]
    assert all(parse_column(other, column).dtype == dtype for other in typed)


def test_an_empty_selection_is_read() -> None:
    """No rows give no cells, in every kind."""
    schema, _ = infer_schema(typed_table(), "y", kinds={}, task="auto")
    for table in (typed_table(), as_text(typed_table())):
        assert all(len(cells) == 0 for cells in parse_frame(table.iloc[:0], schema).columns.values())


def test_numbers_with_their_dress_are_read() -> None:
    """Percent, currency and thousands give the bare number in a column."""
    schema = Schema((Column("a", Kind.NUMERIC, False, 0, 3, "."),), Target("y", Outcome.REGRESSION, ()))
    table = pd.DataFrame({"a": ["12%", "$1,234.50", "(7)", "n/a", "-"]})
    np.testing.assert_array_equal(parse_frame(table, schema).columns["a"], [12, 1234.5, -7, np.nan, np.nan])


@pytest.mark.parametrize("times", [1, 10])
def test_numbers_among_texts_with_a_decimal_comma_keep_their_values(times: int) -> None:
    """A workbook holds numbers, each an object of its own, where the CSV file that was learnt from had a comma."""
    cells = [1.5, 1.125, 1234.5, 3, None, "2,5", "1.125", np.float64(0.25), decimal.Decimal("1.125"), True, 10**400]
    found = parse_column(pd.Series(cells * times, dtype=object), Column("a", Kind.NUMERIC, False, 0.0, 9, ","))
    wanted = [1.5, 1.125, 1234.5, 3, np.nan, 2.5, 1125, 0.25, 1.125, np.nan, np.nan]
    np.testing.assert_array_equal(found, wanted * times)


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
@pytest.mark.parametrize("cells", [[True, False], [12345678901234567, 3]], ids=["truths", "wholes"])
def test_words_do_not_hang_on_whether_another_cell_is_missing(cells: list[Any], backend: Any) -> None:
    """A category that is learnt from a column with gaps is known in one without, and in a single row."""
    column = Column("a", Kind.CATEGORICAL, True, 0.0, 2)
    words = ["true", "false"] if cells[0] is True else ["12345678901234567", "3"]
    typed = pd.Series(cells).convert_dtypes(dtype_backend=backend)
    gaps = pd.Series([*cells, None] * 9, dtype=object).astype(typed.dtype)
    assert parse_column(gaps, column).tolist() == [*words, None] * 9
    assert parse_column(gaps[:3], column).tolist() == [*words, None]
    assert parse_column(typed, column).tolist() == words


def test_a_label_is_no_other_spelling_of_another_label() -> None:
    """True and 1 are one answer where only one of them is a label, and two where both are."""
    both = Target("y", Outcome.BINARY, ("1", "true"))
    assert parse_target(pd.DataFrame({"y": ["1", "true", "0", None]}), both).tolist() == [0, 1, -1, -1]
    truths = Target("y", Outcome.BINARY, (False, True))
    assert parse_target(pd.DataFrame({"y": ["1", "true", "0", "x"]}), truths).tolist() == [1, 1, 0, -1]


VALUES = {
    "float": st.floats(allow_infinity=False),
    "integer": st.integers(-(2**40), 2**40),
    "boolean": st.booleans(),
    "word": st.sampled_from(["a", "b", "漢字", "none", "x, y", 'quo"te', "3", "🙂", None]),
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(list(VALUES)))
def test_a_table_written_as_csv_is_read_as_it_was(tmp_path: Path, data: st.DataObject, name: str) -> None:
    """Any typed column comes back from a CSV file with the same cells, whichever of the two was learnt from."""
    cells = data.draw(st.lists(VALUES[name], min_size=12, max_size=30))
    typed = pd.DataFrame({"a": cells, "b": np.arange(len(cells)) % 7 / 3, "y": np.arange(len(cells)) % 2})
    typed.to_csv(tmp_path / "table.csv", index=False)
    text = read_table(tmp_path / "table.csv")
    for table in (text, typed):
        try:
            schema, _ = infer_schema(table, "y", kinds={}, task="auto")
        except DataError:
            continue
        assert_equal(parse_frame(text, schema), parse_frame(typed, schema))


def test_a_short_column_of_texts_is_read_like_a_long_one() -> None:
    """One row asked alone gives the words that it gives among many, whatever its type and spelling."""
    cells = ["red", " red ", "", "NA", None, "3.0", "True", "été", "\u3000x", float("nan"), "a\x1fb", "\x1c"]
    column = Column("c", Kind.CATEGORICAL, False, 0.0, 5)
    for series in (pd.Series(cells, dtype=object), pd.Series(cells, dtype="category"), pd.Series(cells, dtype="str")):
        long = parse_column(pd.concat([series] * 10, ignore_index=True), column)[: len(cells)]
        short = [parse_column(series.iloc[[place]], column)[0] for place in range(len(cells))]
        assert short == long.tolist()
