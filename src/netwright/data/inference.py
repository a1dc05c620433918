"""What the columns of a table hold, and what its target asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from netwright.data.cells import (
    FALSE_WORDS,
    MISSING_NUMBERS,
    TRUE_WORDS,
    is_missing,
    read_number,
    read_word,
    uses_decimal_comma,
)
from netwright.data.dates import find_order
from netwright.data.findings import Finding
from netwright.data.parsing import read_numbers
from netwright.data.schema import Column, Kind, Schema
from netwright.data.target import infer_target
from netwright.errors import MissingTarget, NoInputs, UnknownColumn, UnknownKind, nearest

LOOKED_AT = 2_000  # distinct cells from which the kind of a text column is told
SURE = 0.95  # share of cells that must be numbers or dates: a few slips of the pen are findings, not words
CATEGORIES = 50  # distinct texts that are categories whatever their length
WORDS = 3.0  # mean words of free text
UNSPACED = 12.0  # mean length of free text in scripts that put no space between words


def infer_schema(
    table: pd.DataFrame, target: str, *, kinds: Mapping[str, str], task: str
) -> tuple[Schema, tuple[Finding, ...]]:
    """Return the columns and the target of a table, and what was noticed on the way.

    Args:
        table: as read.
        target: the column to predict.
        kinds: column → kind, where the user said so.
        task: auto, classification, binary, multiclass or regression.

    Raises:
        DataError: if the target cannot be predicted or nothing is left to predict it from.
        SettingError: if `kinds` names a column or kind that does not exist.
    """
    if target not in table.columns:
        raise MissingTarget(target, nearest(target, table.columns))
    _check_kinds(kinds, table)
    if len(table.columns) == 1:
        raise NoInputs(f"the target {target!r} is its only column")
    found, findings = infer_target(table[target], task)
    columns = tuple(
        _stated(table[name], name, kinds[name]) if name in kinds else infer_column(table[name], name)
        for name in table.columns
        if name != target
    )
    schema = Schema(columns, found)
    if not schema.used:
        raise NoInputs("every column is constant or an identifier; state the kind of one by --kind to use it")
    return schema, (*findings, *(finding for column in columns for finding in _noticed(table[column.name], column)))


def _check_kinds(kinds: Mapping[str, str], table: pd.DataFrame) -> None:
    for name, kind in kinds.items():
        if name not in table.columns:
            raise UnknownColumn(name, nearest(name, table.columns))
        if kind not in tuple(Kind):
            raise UnknownKind(kind, tuple(Kind))


def _stated(cells: pd.Series, name: str, kind: str) -> Column:
    view = _View.of(cells)
    formats = {Kind.NUMERIC: view.mark, Kind.DATETIME: find_order(view.sample, 0.5) or "compact"}
    return Column(name, Kind(kind), True, view.missing, view.distinct, formats.get(Kind(kind), ""))


@dataclass(frozen=True)
class _View:
    """A column as its kind is told from it: share missing, distinct values, and a sample of distinct texts."""

    missing: float
    distinct: int
    sample: list[str]
    mark: str

    @staticmethod
    def of(cells: pd.Series) -> _View:
        distinct = pd.unique(cells.dropna())
        texts = [text for cell in _spread(distinct) if (text := _text(cell)) is not None]
        missing = int(cells.isna().sum())
        odd = [cell for cell in distinct if isinstance(cell, str) and is_missing(cell)] if cells.dtype.kind not in "iufbM" else []
        if odd:
            missing += int(cells.isin(odd).sum())
        return _View(missing / len(cells), len(distinct) - len(odd), texts, "," if uses_decimal_comma(texts) else ".")


def _spread(distinct: Any) -> list[Any]:
    """Return at most `LOOKED_AT` of the distinct values, from all over the column."""
    step = max(1, len(distinct) // LOOKED_AT)
    return list(distinct[::step])


def _text(cell: Any) -> str | None:
    return cell if isinstance(cell, str) and not is_missing(cell) else read_word(cell)


def infer_column(cells: pd.Series, name: str) -> Column:
    """Return what a column holds.

    Typed columns keep their type. Of text: one value is constant; true and false words are boolean; `SURE` of the cells
    numbers, numeric; dates, datetime; few distinct texts, categorical; many of several words, free text; texts or whole
    numbers that differ in every row, an identifier; other texts, categorical.
    """
    view = _View.of(cells)
    kind, form = _kind_of(cells, view, name)
    return Column(name, kind, False, view.missing, view.distinct, form)


def _kind_of(cells: pd.Series, view: _View, name: str) -> tuple[Kind, str]:
    if view.distinct == 0 or (view.distinct == 1 and view.missing == 0):
        return Kind.CONSTANT, ""
    typed = cells.dtype
    if isinstance(typed, pd.DatetimeTZDtype) or typed.kind == "M":
        return Kind.DATETIME, "year first"
    if isinstance(typed, pd.CategoricalDtype):
        return Kind.CATEGORICAL, ""
    words = {text.strip().lower() for text in view.sample}
    if typed.kind == "b" or (view.distinct <= 4 and words <= TRUE_WORDS | FALSE_WORDS and len(words) <= 2):
        return Kind.BOOLEAN, ""
    if typed.kind in "iuf":
        return (Kind.IDENTIFIER, "") if _numbers_rows(cells, view, name) else (Kind.NUMERIC, ".")
    candidates = [text for text in view.sample if text.strip().lower() not in MISSING_NUMBERS]
    numbers = [read_number(text, view.mark) for text in candidates]
    if candidates and np.isfinite(numbers).sum() >= SURE * len(numbers):
        return (Kind.IDENTIFIER, "") if _numbers_rows(cells, view, name) else (Kind.NUMERIC, view.mark)
    order = find_order(view.sample, SURE)
    return (Kind.DATETIME, order) if order else (_kind_of_texts(view, len(cells)), "")


def _kind_of_texts(view: _View, rows: int) -> Kind:
    if view.distinct <= CATEGORIES and view.distinct < 0.5 * rows:
        return Kind.CATEGORICAL
    words = float(np.mean([len(text.split()) for text in view.sample]))
    length = float(np.mean([len(text) for text in view.sample]))
    unspaced = float(np.mean([sum(ord(letter) > 0x2E80 for letter in text) for text in view.sample]))
    if (words >= WORDS or unspaced >= UNSPACED or (unspaced >= 4 and length >= 8)) and view.distinct > CATEGORIES // 2:
        return Kind.TEXT
    filled = rows * (1 - view.missing)
    return Kind.IDENTIFIER if view.distinct >= 0.95 * filled and rows >= 20 else Kind.CATEGORICAL


def _numbers_rows(cells: pd.Series, view: _View, name: str) -> bool:
    """Return whether a numeric column numbers its rows: all different, whole, and steadily rising or called an id."""
    if view.missing or view.distinct < max(20, len(cells)):
        return False
    values = read_numbers(cells, view.mark)
    steps = np.diff(values)
    if not np.isfinite(values).all() or (values != np.round(values)).any():
        return False
    words = name.lower().replace("-", "_").replace(" ", "_").split("_")
    return bool((steps == 1).all()) or (any(word in ("id", "uuid", "index", "rownum", "key") for word in words))


def _noticed(cells: pd.Series, column: Column) -> list[Finding]:
    name = column.name
    if column.kind == Kind.CONSTANT:
        what = "has no values" if column.distinct == 0 else "has one value only"
        return [Finding("constant", name, f"Column {name!r} {what}; it is not used.")]
    if column.kind == Kind.IDENTIFIER and not column.stated:
        text = f"Column {name!r} is different in every row, like an identifier; it is not used. To use it, state its kind."
        return [Finding("identifier", name, text)]
    if column.kind != Kind.NUMERIC:
        return []
    return _noticed_numbers(cells, column)


def _noticed_numbers(cells: pd.Series, column: Column) -> list[Finding]:
    findings = []
    if cells.dtype.kind == "f" and (infinite := int(np.isinf(cells.to_numpy(np.float64, na_value=np.nan)).sum())):
        text = f"Column {column.name!r} has {infinite} infinite values; they are taken as missing."
        findings.append(Finding("infinite", column.name, text))
    if cells.dtype.kind in "iufb":
        return findings
    values = read_numbers(cells, column.format)
    unread = np.flatnonzero(~np.isfinite(values) & ~cells.isna().to_numpy())
    words = [place for place in unread if not is_missing(cells.iloc[int(place)], MISSING_NUMBERS)]
    if words:
        example = str(cells.iloc[int(words[0])])
        text = (
            f"Column {column.name!r} holds numbers, but {len(words)} cells are none (row {words[0] + 1}: {example[:40]!r}); "
            "they are taken as missing."
        )
        findings.append(Finding("mixed_types", column.name, text))
    return findings
