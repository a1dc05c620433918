"""What columns hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.data.inference import infer_column, infer_schema
from netwright.data.parsing import parse_frame, parse_target
from netwright.data.schema import Column, Kind, Schema
from netwright.errors import (
    DataError,
    KindOfTarget,
    MissingTarget,
    NetwrightError,
    NoInputs,
    UnknownColumn,
    UnknownKind,
    UnreadableKind,
)

ROWS = 60


def column_of(cells: Sequence[Any], name: str = "a", dtype: Any = object) -> Column:
    """Return what is inferred of cells."""
    return infer_column(pd.Series(cells, dtype=dtype), name)


def cycle(*cells: Any, rows: int = ROWS) -> list[Any]:
    """Return the cells repeated to `rows`."""
    return [cells[place % len(cells)] for place in range(rows)]


@pytest.mark.parametrize(
    "cells, kind, form",
    [
        (cycle("1", "2", "3"), Kind.NUMERIC, "."),
        (cycle("0", "1"), Kind.NUMERIC, "."),
        (cycle("1.5", "2,000.5", "NA"), Kind.NUMERIC, "."),
        (cycle("1,5", "2", "1.000,25"), Kind.NUMERIC, ","),
        (cycle("1.500.000", "950.000", "80", "€ -2.000"), Kind.NUMERIC, ","),
        (cycle("10.168.100.200", "192.168.0.1"), Kind.CATEGORICAL, ""),
        (cycle("$ 1", "€ 2", "(3)"), Kind.NUMERIC, "."),
        (cycle("12 %", "3.5 %"), Kind.NUMERIC, "."),
        (cycle("1e-3", "inf", "2"), Kind.NUMERIC, "."),
        (cycle("yes", "no", ""), Kind.BOOLEAN, ""),
        (cycle("True", "false"), Kind.BOOLEAN, ""),
        (cycle("是", "否"), Kind.BOOLEAN, ""),
        (cycle("yes", "y"), Kind.CATEGORICAL, ""),
        (cycle("Yes", "y", "NO", "n"), Kind.BOOLEAN, ""),
        (cycle("f", "n", "y"), Kind.CATEGORICAL, ""),
        (cycle("red", "green", "none"), Kind.CATEGORICAL, ""),
        (cycle("北京", "上海", "廣州"), Kind.CATEGORICAL, ""),
        (cycle("🙂", "🙁"), Kind.CATEGORICAL, ""),
        (cycle("01234", "98765", "00501"), Kind.CATEGORICAL, "5"),
        (cycle("1", "2", "3", "4 or more"), Kind.CATEGORICAL, ""),
        (cycle("x", ""), Kind.CATEGORICAL, ""),
        (cycle("2024-01-01", "2024-02-03"), Kind.DATETIME, "year first"),
        (cycle("31/12/2024", "01/02/2024"), Kind.DATETIME, "day first"),
        (cycle("12/31/2024", "01/02/2024"), Kind.DATETIME, "month first"),
        (cycle("3 May 2024", "4 June 2024"), Kind.DATETIME, "month named"),
        (cycle("x"), Kind.CONSTANT, ""),
        (cycle("", "NA"), Kind.CONSTANT, ""),
        (cycle("7", "7.0"), Kind.CONSTANT, ""),
        ([f"{place * 7 % 61} + {place} of them" for place in range(ROWS)], Kind.TEXT, ""),
        ([f"這是第{place}個很好的產品" for place in range(ROWS)], Kind.TEXT, ""),
        ([f"สินค้าชิ้นที่{place}นี้ดีมากเลย" for place in range(ROWS)], Kind.TEXT, ""),
        ([f"X-{place * 7919 % 1000:04}" for place in range(ROWS)], Kind.IDENTIFIER, ""),
        ([str(place + 1) for place in range(ROWS)], Kind.IDENTIFIER, ""),
        ([str(place * 2 + 10) for place in range(ROWS)], Kind.IDENTIFIER, ""),
        ([f"{place:05}" for place in range(ROWS)], Kind.IDENTIFIER, ""),
        ([f"4929{place * 7919 % 10**9:014}" for place in range(ROWS)], Kind.IDENTIFIER, ""),
        ([str(1950 + place) for place in range(ROWS)], Kind.NUMERIC, "."),
        ([str(place * 7919 % 1000) for place in range(ROWS)], Kind.NUMERIC, "."),
        ([str(place * 0.37) for place in range(ROWS)], Kind.NUMERIC, "."),
    ],
)
def test_kinds_of_text_columns(cells: list[str], kind: Kind, form: str) -> None:
    """The kind and the way to read it are told from the texts alone."""
    column = column_of(cells)
    assert (column.kind, column.format) == (kind, form)
    assert not column.stated


@pytest.mark.parametrize(
    "cells, dtype, kind",
    [
        (cycle(0, 1), np.int64, Kind.NUMERIC),
        (cycle(True, False), bool, Kind.BOOLEAN),
        (cycle(True, None), "boolean", Kind.BOOLEAN),
        (cycle(True, None, False), object, Kind.BOOLEAN),
        (cycle(1.5, None), np.float64, Kind.NUMERIC),
        (range(ROWS), np.int64, Kind.IDENTIFIER),
        (np.arange(ROWS) * 0.5 + 0.1, np.float64, Kind.NUMERIC),
        (cycle(1, 2), "category", Kind.CATEGORICAL),
        (cycle("1", "2"), "category", Kind.CATEGORICAL),
        (cycle(pd.Timestamp("2024-01-01"), pd.Timestamp("2025-01-01")), "datetime64[ns]", Kind.DATETIME),
        (cycle(3.0), np.float32, Kind.CONSTANT),
        (cycle(None), np.float64, Kind.CONSTANT),
        (cycle(None), object, Kind.CONSTANT),
        (cycle([1], [2]), object, Kind.CATEGORICAL),
    ],
)
def test_typed_columns_keep_their_type(cells: Sequence[Any], dtype: Any, kind: Kind) -> None:
    """A type says more than the values do."""
    assert column_of(list(cells), dtype=dtype).kind == kind


def test_a_name_may_tell_an_identifier() -> None:
    """Unsorted whole numbers that all differ are an identifier if they are called one, an amount otherwise."""
    cells = [str(place * 7919 % 1000) for place in range(ROWS)]
    assert {column_of(cells, name).kind for name in ("PassengerId", "customer_id", "ID", "编号")} == {Kind.IDENTIFIER}
    assert {column_of(cells, name).kind for name in ("paid", "video", "width")} == {Kind.NUMERIC}


def test_missing_and_distinct_are_counted() -> None:
    """Missing is the share that the kind reads as nothing; distinct counts what is left."""
    column = column_of(cycle("1", "2", "-", "", "1.0"))
    assert (column.kind, column.missing, column.distinct) == (Kind.NUMERIC, 0.4, 2)
    column = column_of(cycle("a", "-", "NA", "b"))
    assert (column.kind, column.missing, column.distinct) == (Kind.CATEGORICAL, 0.25, 3)


def table_of(**columns: Sequence[Any]) -> pd.DataFrame:
    """Return a table with a target of two classes."""
    return pd.DataFrame(
        {**{name: pd.Series(cells, dtype=object) for name, cells in columns.items()}, "y": cycle("u", "v")}
    )


def findings_of(table: pd.DataFrame, **kinds: str) -> dict[tuple[str, str | None], str]:
    """Return the messages of what is noticed."""
    _, findings = infer_schema(table, "y", kinds=kinds, task="auto")
    return {(finding.kind, finding.column): finding.message for finding in findings}


def test_slips_among_numbers_are_told_with_their_row() -> None:
    """Up to one in twenty may be no number; the message counts them and shows the first."""
    cells = [str(place * 1.5) for place in range(ROWS)]
    cells[6] = "about 9"
    message = findings_of(table_of(a=cells))["mixed_types", "a"]
    assert "1 cell is none" in message and "row 7: 'about 9'" in message


def test_words_among_numbers_are_told_too() -> None:
    """A column that is mostly numbers, but read as categories, is remarked on."""
    cells = cycle("1", "2", "3", "4 or more")
    assert "row 4: '4 or more'" in findings_of(table_of(a=cells, b=cycle("1", "2")))["mixed_types", "a"]


def test_slips_among_dates_are_told() -> None:
    """A date that cannot be is missing, and said to be."""
    cells = [f"2024-01-{place % 28 + 1:02} {place // 28:02}:00" for place in range(ROWS)]
    cells[2] = "2024-02-31"
    assert "row 3: '2024-02-31'" in findings_of(table_of(a=cells))["mixed_types", "a"]


def test_ambiguous_dates_are_told() -> None:
    """Where no day is beyond 12 the order is a guess, and the user may know better."""
    assert "read day first" in findings_of(table_of(a=cycle("01/02/2024", "03/04/2024")))["ambiguous_dates", "a"]


@pytest.mark.parametrize("cells", [cycle("1", "inf", "3"), cycle("1", "-Infinity", "3", "$2"), cycle(1.0, np.inf, 3.0)])
def test_infinities_are_told(cells: list[Any]) -> None:
    """Infinite values are missing, and said to be, in texts and typed columns."""
    found = findings_of(table_of(a=cells))
    assert "in row 2" in found["infinite", "a"] and ("mixed_types", "a") not in found


def test_unused_columns_are_told() -> None:
    """Constant, empty and identifier columns are left out with a word on each."""
    found = findings_of(table_of(a=cycle("1", "2"), b=cycle("x"), c=cycle(""), d=list(range(ROWS))))
    assert set(found) == {("constant", "b"), ("all_missing", "c"), ("identifier", "d")}


def test_many_findings_of_a_kind_are_gathered() -> None:
    """Hundreds of constant columns get a few sentences, not hundreds."""
    table = pd.concat(
        [table_of(a=cycle("1", "2")), pd.DataFrame({f"c{place}": cycle("x") for place in range(90)})], axis=1
    )
    _, findings = infer_schema(table, "y", kinds={}, task="auto")
    assert len(findings) == 21 and "70 more columns: 'c20'" in findings[-1].message


def test_stated_kinds_overrule() -> None:
    """What the user says is done, and recorded as said."""
    table = table_of(a=cycle("1", "2"), b=list(range(ROWS)), c=cycle("20240131", "20240201"), d=cycle("x"))
    kinds = {"a": "categorical", "b": "numeric", "c": "datetime", "d": "text"}
    schema, findings = infer_schema(table, "y", kinds=kinds, task="auto")
    assert {column.name: str(column.kind) for column in schema.columns} == kinds
    assert all(column.stated for column in schema.columns) and not findings
    frame = parse_frame(table, schema)
    assert str(frame.columns["c"][0]) == "2024-01-31T00:00:00" and frame.columns["a"][0] == "1"


@pytest.mark.parametrize("kind", ["numeric", "datetime", "boolean"])
def test_a_stated_kind_that_reads_nothing_is_refused(kind: str) -> None:
    """Words can be made neither numbers, dates nor truths."""
    with pytest.raises(UnreadableKind, match=f"column 'a' can be read as {kind}.*'red'"):
        infer_schema(table_of(a=cycle("red", "blue")), "y", kinds={"a": kind}, task="auto")


def test_decimal_commas_of_one_column_settle_the_others() -> None:
    """1.250 is 1250 where other columns write 3,5; by itself it is 1.25."""
    prices, lengths = cycle("1.250", "980", "2.000"), cycle("3,5", "4,75")
    schema, _ = infer_schema(table_of(a=prices, b=lengths), "y", kinds={}, task="auto")
    assert parse_frame(table_of(a=prices, b=lengths), schema).columns["a"][:3].tolist() == [1250, 980, 2000]
    schema, _ = infer_schema(table_of(a=prices), "y", kinds={}, task="auto")
    assert parse_frame(table_of(a=prices), schema).columns["a"][:3].tolist() == [1.25, 980, 2]


@pytest.mark.parametrize(
    "target, kinds, error, words",
    [
        ("Y", {}, MissingTarget, "Did you mean 'y'"),
        ("nothing like it", {}, MissingTarget, "--target"),
        ("y", {"weigth": "numeric"}, UnknownColumn, "Did you mean 'weight'"),
        ("y", {"weight": "number"}, UnknownKind, "categorical"),
        ("y", {"weight": "categorial"}, UnknownKind, "Did you mean 'categorical'"),
        ("y", {"y": "numeric"}, KindOfTarget, "--task"),
    ],
)
def test_wrong_names_are_refused(target: str, kinds: dict[str, str], error: type[NetwrightError], words: str) -> None:
    """A name that does not exist is answered by the nearest that does."""
    with pytest.raises(error, match=words):
        infer_schema(table_of(weight=cycle(1, 2)), target, kinds=kinds, task="auto")


def test_tables_without_inputs_are_refused() -> None:
    """A target alone, or with columns that say nothing, cannot be learnt."""
    with pytest.raises(NoInputs, match="only column"):
        infer_schema(table_of(), "y", kinds={}, task="auto")
    with pytest.raises(NoInputs, match="constant or an identifier"):
        infer_schema(table_of(a=cycle("x"), b=range(ROWS)), "y", kinds={}, task="auto")


def test_headers_of_any_script_are_columns() -> None:
    """Names are text, whatever the script."""
    schema, _ = infer_schema(
        table_of(**{"色 🙂": cycle("紅", "藍"), "حجم": cycle("١", "٢")}), "y", kinds={}, task="auto"
    )
    assert [(column.name, column.kind) for column in schema.columns] == [
        ("色 🙂", Kind.CATEGORICAL),
        ("حجم", Kind.NUMERIC),
    ]


CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            "NA",
            "1",
            "2.5",
            "1,5",
            "1.234,5",
            "-",
            "yes",
            "no",
            "2024-01-02",
            "31/12/2024",
            "x",
            "inf",
            "007",
            "%",
            "é",
        ]
    ),
    st.text(max_size=6),
    st.integers().map(str),
    st.floats().map(repr),
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_table_of_texts_breaks_inference(data: st.DataObject) -> None:
    """Any table is understood or refused by one of our errors; what is understood is read, and survives JSON."""
    rows = data.draw(st.sampled_from([1, 10, 25]))
    columns = {name: data.draw(st.lists(CELLS, min_size=rows, max_size=rows)) for name in ("a", "b", "y")}
    table = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})
    task = data.draw(st.sampled_from(["auto", "classification", "regression"]))
    try:
        schema, _ = infer_schema(table, "y", kinds={}, task=task)
    except DataError as error:
        assert str(error)
        return
    again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert again == schema
    frame, truth = parse_frame(table, again), parse_target(table, again.target)
    assert all(len(cells) == rows for cells in frame.columns.values()) and len(truth) == rows
    assert truth.dtype != np.float64 or not np.isinf(truth).any()
    assert {int(number) for number in truth if number >= 0} == set(
        range(len(schema.target.labels))
    ) or truth.dtype == np.float64
    one = parse_frame(table.iloc[[0]], again)
    for name, cells in frame.columns.items():
        first, alone = cells[0], one.columns[name][0]
        assert first == alone or (first != first and alone != alone)
