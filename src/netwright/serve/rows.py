"""Rows as JSON: their schema, made from the columns of a model, and the cells that are in them.

The rows are read by pydantic from the bytes: deep nesting, numbers that are none and halves of letters are refused
there, and nothing of a request becomes an object that was not asked for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, TypeAdapter, ValidationError, create_model

from netwright.data.cells import is_missing, read_code, read_word
from netwright.data.dates import read_date
from netwright.data.frame import Frame
from netwright.data.schema import Kind
from netwright.serve.inputs import Input
from netwright.serve.problems import Fault, Refusal
from netwright.serve.refusing import SHORT, UNSEEN, faults_of, general_refusal, lacking, place_of

SHOWN = 60  # letters of a value that is refused
NO_MOMENT = np.datetime64("NaT", "s")
MOST_BITS = 1_000  # of a whole number that is shown


class RowReader:
    """Reads rows of JSON and says what is wrong with them by the names of the columns.

    Attributes:
        row: the pydantic model of a row. Columns may have any name, so its fields are called `c0`, `c1`, … and have
            the names of the columns as aliases.
    """

    def __init__(self, inputs: tuple[Input, ...], most_rows: int) -> None:
        self.inputs = inputs
        fields: dict[str, Any] = {f"c{place}": _field(each) for place, each in enumerate(inputs)}
        config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False, json_schema_extra=_all_required)
        self.row: type[BaseModel] = create_model("Row", __config__=config, __doc__=_ROW_WORDS, **fields)
        listed = Annotated[list[self.row], Field(max_length=most_rows), FailFast()]  # type: ignore[name-defined]
        self._one, self._many = TypeAdapter(self.row), TypeAdapter[Any](listed)
        self._most_rows = most_rows
        self._wanted = {each.name: each.wanted for each in inputs}

    def one(self, body: bytes) -> list[BaseModel]:
        """Return the row that a JSON object is, in a list.

        Raises:
            Refusal: if it is none.
        """
        try:
            rows = [self._one.validate_json(body)]
        except ValidationError as error:
            raise self._refusal(error, body, listed=False) from None
        return self._complete(rows, body, listed=False)

    def many(self, body: bytes) -> list[BaseModel]:
        """Return the rows that a JSON list of objects holds; none for an empty one.

        Raises:
            Refusal: if one of them cannot be read, or there are too many.
        """
        try:
            rows = self._many.validate_json(body)
        except ValidationError as error:
            raise self._refusal(error, body, listed=True) from None
        return self._complete(rows, body, listed=True)

    def _complete(self, rows: list[BaseModel], body: bytes, *, listed: bool) -> list[BaseModel]:
        """Return rows, none of which lacks a column.

        pydantic would say so too, with a copy of the whole row for each column that it lacks.

        Raises:
            Refusal: if one does; its columns are named, with the names that may be meant.
        """
        place = next((place for place, row in enumerate(rows) if len(row.model_fields_set) < len(self.inputs)), None)
        if place is None:
            return rows
        given = json.loads(body) if len(body) <= SHORT else {}
        others = (key for key in (given[place] if listed and given else given) if key not in self._wanted)
        fields = rows[place].model_fields_set
        absent = [each.name for number, each in enumerate(self.inputs) if f"c{number}" not in fields]
        raise lacking(absent, others, place if listed else None)

    def frame(self, rows: Sequence[BaseModel]) -> Frame:
        """Return the cells of rows, read by the kinds of their columns as `data.parsing` reads those of a table.

        A data frame in between would take longer than to predict the rows.
        """
        values = [vars(row) for row in rows]
        found = {
            each.name: _cells([row[f"c{place}"] for row in values], each) for place, each in enumerate(self.inputs)
        }
        return Frame(found, len(values))

    def _refusal(self, error: ValidationError, body: bytes, *, listed: bool) -> Refusal:
        """Return what a client is told of a body that is no row, or no list of rows."""
        found = faults_of(error, body)
        general = general_refusal(found[0], self._most_rows, "rows")
        if general is not None:
            return general
        faults = []
        for each in found:
            location = each["loc"]
            row = int(location[0]) if listed and location else None
            inside = location[1:] if row is not None else location
            faults.append(self._fault(row, inside, each.get("input", UNSEEN), listed=listed))
        faults = list(
            {(fault.row, fault.column): fault for fault in faults}.values()
        )  # a union has one for each member
        return Refusal(422, faults[0].problem, tuple(faults))

    def _fault(self, row: int | None, inside: tuple[int | str, ...], given: Any, *, listed: bool) -> Fault:
        but = "" if given is UNSEEN else f", but is {_shown(given)}"
        if not inside:
            wanted = "a list of rows" if listed and row is None else "an object of columns"
            return Fault(row, None, f"The body{place_of(row)} should be {wanted}{but}.")
        name = str(inside[0])
        return Fault(row, name, f"The column {name!r}{place_of(row)} should be {self._wanted[name]}{but}.")


_ROW_WORDS = "One row of the table that the model was fitted on. Cells may be null; other columns are ignored."


def _field(each: Input) -> tuple[Any, Any]:
    """Return the type and the schema of a column."""
    kinds: dict[Kind, Any] = {Kind.NUMERIC: float | None, Kind.BOOLEAN: bool | None}
    annotation = kinds.get(each.kind, str | int | float | None if each.numbers else str | None)
    if each.kind == Kind.DATETIME:
        annotation = Annotated[annotation, AfterValidator(_date_check(each.format))]
    examples = list(each.examples) or None
    # The null by default is never taken: a row that lacks the column is refused by `RowReader`.
    return annotation, Field(None, alias=each.name, title=each.name, description=_described(each), examples=examples)


def _all_required(schema: dict[str, Any]) -> None:
    """Say in the schema of a row what `RowReader` asks for: every column, without a default."""
    schema["required"] = [*schema["properties"]]
    for cell in schema["properties"].values():
        del cell["default"]


def _described(each: Input) -> str:
    match each.kind:
        case Kind.CATEGORICAL:
            return "A category; what the model has not seen is allowed, and is one of the rare ones to it."
        case Kind.DATETIME:
            return f"A date or time, as in the data the model learnt from ({each.format}), or as ISO 8601 has it."
        case Kind.TEXT:
            return "Free text."
        case kind:
            return {Kind.NUMERIC: "A number.", Kind.BOOLEAN: "A truth value."}.get(kind, "")


def _cells(cells: list[Any], each: Input) -> NDArray[Any]:
    """Return the cells (N,) of a column, see `Frame`."""
    match each.kind:
        case Kind.NUMERIC | Kind.BOOLEAN:
            return np.array(cells, np.float64)  # null becomes NaN
        case Kind.DATETIME:
            words = (read_word(cell) for cell in cells)
            moments = [NO_MOMENT if word is None else read_date(word, each.format) for word in words]
            return np.array(moments, "datetime64[s]")
        case Kind.CATEGORICAL if each.format:
            width = int(each.format)
            return _objects([read_code(cell, width) for cell in cells])
        case _:
            return _objects([read_word(cell) for cell in cells])


def _objects(cells: list[str | None]) -> NDArray[Any]:
    found = np.empty(len(cells), dtype=object)
    found[:] = cells
    return found


def _date_check(order: str) -> Any:
    """Return a check that a cell is a date, or missing."""

    def check(cell: Any) -> Any:
        if not is_missing(cell) and np.isnat(read_date(str(cell), order)):
            raise ValueError("no date")
        return cell

    return check


def _shown(given: Any) -> str:
    """Return a value of a request in a few letters."""
    if isinstance(given, dict | list):
        return "an object" if isinstance(given, dict) else "a list"
    if given is None or isinstance(given, bool):
        return {None: "null", True: "true", False: "false"}[given]
    if isinstance(given, int) and given.bit_length() > MOST_BITS:
        return "a number of too many digits"
    text = repr(given)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
