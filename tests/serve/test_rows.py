"""Rows of JSON: read by the kinds of the columns, whatever these are called; what is wrong names its column."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pandas as pd
import pytest

from netwright.data.frame import Frame
from netwright.data.parsing import parse_frame
from netwright.data.schema import Column, Kind, Outcome, Schema, Target
from netwright.serve.inputs import Input
from netwright.serve.problems import MOST_FAULTS, Refusal
from netwright.serve.rows import RowReader

INPUTS = (
    Input("size.of (cm)", Kind.NUMERIC),
    Input("class", Kind.CATEGORICAL, examples=("red", "blue")),
    Input("zip", Kind.CATEGORICAL, "5", ("01234",), numbers=True),
    Input("offen?", Kind.BOOLEAN),
    Input("c0", Kind.DATETIME, "day first"),
    Input("文", Kind.TEXT),
)
GOOD: dict[str, Any] = {"size.of (cm)": 1.5, "class": "red", "zip": 1234, "offen?": True}
GOOD |= {"c0": "31.12.2024", "文": "好"}
READER, WIDE = RowReader(INPUTS, most_rows=3), RowReader(INPUTS, most_rows=100)


def refused(body: bytes | str, *, many: bool = False) -> Refusal:
    """Return why a body is refused."""
    read = READER.many if many else READER.one
    with pytest.raises(Refusal) as found:
        read(body.encode() if isinstance(body, str) else body)
    return found.value


def row(**changes: Any) -> str:
    """Return a row as JSON, with cells changed by the places of their columns: `at0`, `at1`, …."""
    names = [each.name for each in INPUTS]
    return json.dumps(GOOD | {names[int(key[2:])]: value for key, value in changes.items()})


def as_parsed(given: list[dict[str, Any]]) -> Frame:
    """Return rows as the reader of tables has them."""
    columns = tuple(Column(each.name, each.kind, False, 0.0, 2, each.format) for each in INPUTS)
    return parse_frame(pd.DataFrame(given, dtype=object), Schema(columns, Target("y", Outcome.REGRESSION, ())))


def test_cells_are_read_as_those_of_a_table() -> None:
    """Whatever is in them: the same row gets the same answer as JSON and from a file."""
    odd: list[tuple[Any, ...]] = [
        (1.5, "red", 1234, True, "31.12.2024", "好"),
        (None, None, None, None, None, None),
        (-1e300, " red ", "01234", False, "2024-12-31T17:30:00Z", "  "),
        (7, "NA", 3.0, None, "NA", "n/a"),
        (0, "None", "x1", True, "1.2.2024 5:30 pm", "TRUE"),
        (2**60, "3.0", 98765, False, "", " \u3000a\u00a0"),
    ]
    given = [dict(zip(GOOD, cells, strict=True)) for cells in odd]
    frame, parsed = READER.frame(WIDE.many(json.dumps(given).encode())), as_parsed(given)
    assert frame.rows == parsed.rows == len(odd)
    for name, cells in parsed.columns.items():
        assert frame.columns[name].dtype == cells.dtype, name
        assert pd.Series(frame.columns[name]).equals(pd.Series(cells)), name


def test_other_columns_are_ignored_and_the_order_does_not_matter() -> None:
    """Also one that is called as a field inside of the reader is."""
    turned = dict(reversed(GOOD.items())) | {"id": 7, "c1": [1, {"deep": None}]}
    assert READER.frame(READER.one(json.dumps(turned).encode())).columns["class"].tolist() == ["red"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "1.5"),
        (0, True),
        (0, [1.5]),
        (0, {"a": 1}),
        (1, 7),
        (1, False),
        (2, [1234]),
        (2, True),
        (3, "yes"),
        (3, 1),
        (4, "tomorrow"),
        (4, 20241231),
        (4, "31.02.2024"),
        (5, 1.5),
    ],
)
def test_a_cell_of_the_wrong_type_names_its_column(place: int, value: Any) -> None:
    """With what it should be, and what it is."""
    refusal = refused(row(**{f"at{place}": value}))
    name = INPUTS[place].name
    assert refusal.status == 422
    assert [(fault.row, fault.column) for fault in refusal.faults] == [(None, name)]
    assert repr(name) in refusal.detail and INPUTS[place].wanted in refusal.detail


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_numbers_that_are_not_finite_are_refused(word: str) -> None:
    """JSON has none, and what overflows is none."""
    refusal = refused(row().replace("1.5", word, 1))
    assert refusal.status in (400, 422)
    assert refusal.status == 400 or refusal.faults[0].column == "size.of (cm)"


def test_a_number_of_very_many_digits_is_an_answer_or_a_refusal() -> None:
    """Neither a crash nor a number that is not finite."""
    for digits in (400, 5_000, 100_000):
        refusal = refused(row().replace("1.5", "9" * digits, 1))
        assert refusal.status in (400, 422)


def test_missing_columns_are_named_with_what_may_be_meant() -> None:
    """Each of them."""
    given = {"size.of(cm)": 1, "Class": "red", **{name: GOOD[name] for name in ("zip", "offen?", "c0")}}
    refusal = refused(json.dumps(given))
    assert [fault.column for fault in refusal.faults] == ["size.of (cm)", "class", "文"]
    assert "'size.of(cm)'" in refusal.faults[0].problem and "null" in refusal.detail


@pytest.mark.parametrize("body", ["", "{", "[1,]", "nul", "{'a': 1}", b"\xff", b'{"a": "\xff"}', r'{"a": "\ud800"}'])
def test_what_is_no_json_is_a_bad_request(body: bytes | str) -> None:
    """By status 400: nothing in it can be blamed."""
    assert refused(body).status == 400


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"size.of (cm)":[', '{"文":['])
def test_deep_nesting_is_refused(opening: str) -> None:
    """Before it reaches any limit of Python."""
    for many in (False, True):
        assert refused(opening * 200_000, many=many).status in (400, 422)


@pytest.mark.parametrize("body", ["1", "null", '"text"', "[]", "[[]]", "true"])
def test_a_row_is_an_object(body: str) -> None:
    """And nothing else."""
    assert refused(body).status == 422


def test_many_rows_are_a_list() -> None:
    """A fault says which row it is in; the first wrong row is enough."""
    assert READER.many(b"[]") == []
    assert len(READER.many(f"[{row()},{row()}]".encode())) == 2
    refusal = refused(f"[{row()},{row(at0='x', at1=3)},{row(at0='y')}]", many=True)
    assert [(fault.row, fault.column) for fault in refusal.faults] == [(1, "size.of (cm)"), (1, "class")]
    assert "row 1" in refusal.detail
    assert refused(row(), many=True).status == 422
    assert refused("[1]", many=True).faults[0].row == 0


def test_too_many_rows_are_too_much() -> None:
    """By a status of their own, however wrong they are."""
    refusal = refused(f"[{','.join([row()] * 4)}]", many=True)
    assert refusal.status == 413 and "3 rows" in refusal.detail


def test_the_schema_is_typed_by_the_columns() -> None:
    """Names, kinds, examples, and which cells are needed."""
    schema = READER.row.model_json_schema()
    properties = schema["properties"]
    assert [*properties] == [each.name for each in INPUTS] == schema["required"]
    types = {name: [each["type"] for each in cell["anyOf"]] for name, cell in properties.items()}
    assert types["size.of (cm)"] == ["number", "null"]
    assert types["class"] == types["c0"] == types["文"] == ["string", "null"]
    assert types["zip"] == ["string", "integer", "number", "null"]
    assert types["offen?"] == ["boolean", "null"]
    assert properties["class"]["examples"] == ["red", "blue"]
    assert json.dumps(schema)


def test_a_large_row_that_lacks_columns_is_not_copied_for_each() -> None:
    """Else a body of 16 MB would take gigabytes."""
    cells = b"0," * 200_000
    tracemalloc.start()
    try:
        refusal = refused(b'{"x":[' + cells + b"0]}")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(refusal.faults) == len(INPUTS)
    assert peak < 3 * len(cells), "a copy for each column would be more"


def test_columns_may_have_any_name() -> None:
    """Also those that mean something to pydantic, to JSON schema or to nobody."""
    names = [
        "",
        " ",
        "a\nb",
        '"q"',
        "x" * 5_000,
        "__class__",
        "model_config",
        "self",
        "c1",
        "null",
        "$ref",
        "a/b~c",
        "🦉",
    ]
    reader = RowReader(tuple(Input(name, Kind.NUMERIC) for name in names), 10)
    rows = reader.one(json.dumps({name: place for place, name in enumerate(names)}).encode())
    assert [cells[0] for cells in reader.frame(rows).columns.values()] == [*range(len(names))]
    assert reader.row.model_json_schema()["required"] == names


def test_names_that_may_be_meant_are_not_looked_for_without_end() -> None:
    """Thousands of columns that are missing beside thousands that nobody asked for."""
    reader = RowReader(tuple(Input(f"wanted {place}", Kind.NUMERIC) for place in range(3_000)), 10)
    given = {f"given {place}": 1 for place in range(3_000)}
    with pytest.raises(Refusal) as found:
        reader.one(json.dumps(given).encode())
    assert len(found.value.faults) == 3_000
    assert len(json.loads(found.value.body())["faults"]) == MOST_FAULTS
