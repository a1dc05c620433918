"""What a model asks for, column by column, with examples: for the schema of requests and for the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from netwright.data.categories import CategoryEncoding
from netwright.data.cells import read_number
from netwright.data.dates import EPOCHS
from netwright.data.moments import MomentEncoding
from netwright.data.numeric import NumberEncoding, PairEncoding
from netwright.data.schema import Column, Kind
from netwright.model import Model

MOST_EXAMPLES = 20  # levels of a category that are shown, the most frequent first
LONGEST_EXAMPLE = 200  # letters
DIGITS = 4  # of a number that serves as an example

_COUNTED = {*EPOCHS, "compact", "year alone"}  # dates that are written as numbers


@dataclass(frozen=True)
class Input:
    """A column that the model sees.

    Attributes:
        name: of the column.
        kind: what it holds.
        format: how texts are read, see `data.schema.Column`.
        examples: usual values as JSON has them: the median of numbers, the most frequent levels of categories.
        complete: whether the examples are all the levels that the model knows.
        numbers: whether a number may stand where a text does: categories and dates that are written in digits.
    """

    name: str
    kind: Kind
    format: str = ""
    examples: tuple[Any, ...] = ()
    complete: bool = False
    numbers: bool = False

    @property
    def wanted(self) -> str:
        """What a cell has to be, in words."""
        match self.kind:
            case Kind.NUMERIC:
                return "a number or null"
            case Kind.BOOLEAN:
                return "true, false or null"
            case Kind.DATETIME:
                return "a date or time as text such as 2024-12-31T17:30:00, or null"
            case _:
                return "a text, a number or null" if self.numbers else "a text or null"


def inputs_of(model: Model) -> tuple[Input, ...]:
    """Return the columns that a model sees, in the order of the table that it was fitted on.

    To a model that tags tokens, rows are cut from a text here: that is its only input.
    """
    if model.task.sequences is not None:
        return (Input("text", Kind.TEXT),)
    encodings = _encodings(model)
    return tuple(_input(column, encodings.get(column.name)) for column in model.preparation.schema.used)


def _encodings(model: Model) -> Mapping[str, Any]:
    """Return the fitted encodings by column; none where the rows are no table."""
    own = model.preparation.own
    table = getattr(own, "table", own)  # texts stand in a table with further inputs
    return getattr(getattr(table, "encoder", None), "columns", {})


def _input(column: Column, encoding: Any) -> Input:
    match encoding:
        case CategoryEncoding(levels=levels):
            shown = tuple(level for level in levels[:MOST_EXAMPLES] if len(level) <= LONGEST_EXAMPLE)
            numbers = bool(levels) and all(np.isfinite(read_number(level)) for level in levels[:MOST_EXAMPLES])
            return Input(column.name, column.kind, column.format, shown, len(shown) == len(levels), numbers)
        case PairEncoding() if column.kind == Kind.BOOLEAN:
            return Input(column.name, column.kind, examples=(True, False), complete=True)
        case PairEncoding(low=low, high=high):
            return Input(column.name, column.kind, column.format, (_short(low), _short(high)))
        case NumberEncoding(centre=centre):
            return Input(column.name, column.kind, column.format, (_short(centre),))
        case MomentEncoding(centre=days):
            numbers = column.format in _COUNTED
            return Input(column.name, column.kind, column.format, _moment(days), numbers=numbers)
        case _:
            return Input(column.name, column.kind, column.format)


def _short(value: float) -> float | int:
    """Return a number with few digits; a whole one without a fraction.

    >>> _short(0.123456), _short(7.0), _short(123456.0)
    (0.1235, 7, 123456)
    """
    if value.is_integer() and abs(value) < 2**53:
        return int(value)
    return float(f"{value:.{DIGITS}g}")


def _moment(days: float) -> tuple[str, ...]:
    """Return days since 1970 as a date, with the time of day if there is one; nothing where no calendar reaches."""
    seconds = round(days * 86_400)
    if abs(seconds) > 10**11:
        return ()
    text = str(np.datetime64(seconds, "s"))
    return (text.removesuffix("T00:00:00"),)
