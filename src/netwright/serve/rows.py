"""Rows as JSON: their schema, made from the columns of a model, and the cells that are in them.

The rows are read by pydantic from the bytes: deep nesting, numbers that are none and halves of letters are refused
there, and nothing of a request becomes an object that was not asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, TypeAdapter, ValidationError, create_model

from netwright.data.cells import is_missing, read_code, read_word
from netwright.data.dates import read_date
from netwright.data.frame import Frame
from netwright.data.schema import Kind
from netwright.errors import nearest
from netwright.serve.inputs import Input
from netwright.serve.problems import Fault, Refusal

SHOWN = 60  # letters of a value that is refused
_CONFIG = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)
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
        self.row: type[BaseModel] = create_model("Row", __config__=_CONFIG, __doc__=_ROW_WORDS, **fields)
        listed = Annotated[list[self.row], Field(max_length=most_rows), FailFast()]  # type: ignore[name-defined]
        self._one, self._many = TypeAdapter(self.row), TypeAdapter[Any](listed)
        self._most_rows = most_rows

    def one(self, body: bytes) -> list[BaseModel]:
        """Return the row that a JSON object is, in a list.

        Raises:
            Refusal: if it is none.
        """
        try:
            return [self._one.validate_json(body)]
        except ValidationError as error:
            raise self._refusal(error, ()) from None

    def many(self, body: bytes) -> list[BaseModel]:
        """Return the rows that a JSON list of objects holds; none for an empty one.

        Raises:
            Refusal: if one of them cannot be read, or there are too many.
        """
        try:
            found: list[BaseModel] = self._many.validate_json(body)
            return found
        except ValidationError as error:
            raise self._refusal(error, None) from None

    def frame(self, rows: Sequence[BaseModel]) -> Frame:
        """Return the cells of rows, read by the kinds of their columns as `data.parsing` reads those of a table.

        A data frame in between would take longer than to predict the rows.
        """
        values = [vars(row) for row in rows]
        found = {
            each.name: _cells([row[f"c{place}"] for row in values], each) for place, each in enumerate(self.inputs)
        }
        return Frame(found, len(values))

    def _refusal(self, error: ValidationError, at: tuple[int, ...] | None) -> Refusal:
        """Return what a client is told; `at` is where the row lies in the body, None for somewhere in a list."""
        found = error.errors(include_url=False, include_context=False)
        first = found[0]
        if first["type"] == "json_invalid":
            return Refusal(400, f"The body is not JSON that can be read: {first['msg'].partition(': ')[2]}.")
        if first["type"] == "too_long":
            return Refusal(413, f"A request may have {self._most_rows:,} rows at most. Send the rest in another one.")
        faults = []
        for each in found:
            location = each["loc"]
            row = int(location[0]) if at is None and location else None
            inside = location[1:] if row is not None else location
            faults.append(self._fault(row, inside, each["type"], each["input"]))
        faults = list({(fault.row, fault.column): fault for fault in faults}.values())
        return Refusal(422, faults[0].problem, tuple(faults))

    def _fault(self, row: int | None, inside: tuple[int | str, ...], kind: str, given: Any) -> Fault:
        where = "" if row is None else f" in row {row}, counted from 0,"
        if not inside:
            wanted = "an object of columns" if row is not None or kind != "list_type" else "a list of rows"
            return Fault(row, None, f"The body{where} should be {wanted}, but is {_shown(given)}.")
        name = str(inside[0])
        if kind == "missing":
            known = [key for key in given if isinstance(key, str)] if isinstance(given, dict) else []
            others = [key for key in known if key not in {each.name for each in self.inputs}]
            hint = nearest(name, others)
            return Fault(row, name, f"The column {name!r}{where} is missing.{hint} Where nothing is known, send null.")
        wanted = next((each.wanted for each in self.inputs if each.name == name), "something else")
        return Fault(row, name, f"The column {name!r}{where} should be {wanted}, but is {_shown(given)}.")


_ROW_WORDS = "One row of the table that the model was fitted on. Cells may be null; other columns are ignored."


def _field(each: Input) -> tuple[Any, Any]:
    """Return the type and the schema of a column."""
    kinds: dict[Kind, Any] = {Kind.NUMERIC: float | None, Kind.BOOLEAN: bool | None}
    annotation = kinds.get(each.kind, str | int | float | None if each.numbers else str | None)
    if each.kind == Kind.DATETIME:
        annotation = Annotated[annotation, AfterValidator(_date_check(each.format))]
    examples = list(each.examples) or None
    return annotation, Field(alias=each.name, title=each.name, description=_described(each), examples=examples)


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
