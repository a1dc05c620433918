"""The schema as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.data.schema import DATE_ORDERS, Column, Kind, Outcome, Schema, Target
from netwright.errors import UnreadableDocument

FORMATS = {
    Kind.NUMERIC: (".", ","),
    Kind.DATETIME: DATE_ORDERS,
    Kind.CATEGORICAL: ("", "5"),
    Kind.IMAGE: ("28x28x1", "9x128x3"),
    Kind.SOUND: ("64x100 of 10000us to 8000Hz",),
}

COLUMNS = st.sampled_from(list(Kind)).flatmap(
    lambda kind: st.builds(
        Column,
        name=st.text(max_size=5).map(lambda name: "a" + name),
        kind=st.just(kind),
        stated=st.booleans(),
        missing=st.floats(0, 1),
        distinct=st.integers(0, 10**9),
        format=st.sampled_from(FORMATS.get(kind, ("",))),
    )
)
LABELS = st.one_of(
    st.just((False, True)),
    st.lists(st.integers(-(2**53), 2**53), min_size=2, max_size=5, unique=True).map(tuple),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=5, unique=True).map(tuple),
    st.lists(st.text(max_size=4), min_size=2, max_size=5, unique=True).map(tuple),
)
TARGETS = st.one_of(
    st.just(Target("y", Outcome.REGRESSION, (), ",")),
    LABELS.map(lambda labels: Target("y", Outcome.BINARY if len(labels) == 2 else Outcome.MULTICLASS, labels)),
)


@given(st.lists(COLUMNS, max_size=4, unique_by=lambda column: column.name), TARGETS)
def test_a_schema_survives_json(columns: list[Column], target: Target) -> None:
    """Written and read back it is equal, and its labels are of the same type."""
    schema = Schema(tuple(columns), target)
    again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert again == schema
    assert [type(label) for label in again.target.labels] == [type(label) for label in target.labels]


GOOD: dict[str, Any] = Schema(
    (Column("a", Kind.NUMERIC, False, 0.0, 3, "."), Column("d", Kind.DATETIME, False, 0.0, 3, "day first")),
    Target("y", Outcome.BINARY, (0, 1)),
).to_json()


def with_column(**changes: Any) -> dict[str, Any]:
    """Return the good document with its first column changed."""
    return {**GOOD, "columns": [{**GOOD["columns"][0], **changes}, *GOOD["columns"][1:]]}


def with_target(**changes: Any) -> dict[str, Any]:
    """Return the good document with its target changed."""
    return {**GOOD, "target": {**GOOD["target"], **changes}}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {**GOOD, "more": 1},
        {"columns": GOOD["columns"]},
        {**GOOD, "columns": {}},
        {**GOOD, "columns": GOOD["columns"] * 2},
        with_column(kind="number"),
        with_column(missing=2.0),
        with_column(missing=float("nan")),
        with_column(distinct=-1),
        with_column(distinct="3"),
        with_column(name="y"),
        with_column(name=3),
        with_column(format="day first"),
        with_column(kind="categorical", format="999999999"),
        with_column(kind="datetime", format="any"),
        with_column(kind="datetime", format=""),
        with_column(more=1),
        with_target(labels=[0]),
        with_target(labels=[0, 0]),
        with_target(labels=[0, None]),
        with_target(labels=[]),
        with_target(outcome="regression"),
        with_target(outcome="other"),
        with_target(format=","),
    ],
)
def test_any_other_document_is_refused(document: Any) -> None:
    """Wrong shapes, unknown kinds and ways to read, and parts that do not agree are refused by one error."""
    assert Schema.from_json(GOOD)
    with pytest.raises(UnreadableDocument, match="schema"):
        Schema.from_json(document)
