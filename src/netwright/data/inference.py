"""What the columns of a table hold, and what its target asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from netwright.data.cells import FALSE_WORDS, TRUE_WORDS, read_number, uses_decimal_comma
from netwright.data.columns import values_of
from netwright.data.dates import find_order
from netwright.data.findings import Finding
from netwright.data.noticing import gather, notice
from netwright.data.parsing import read_moments, read_truths
from netwright.data.schema import WIDEST_CODE, Column, Kind, Schema
from netwright.data.target import infer_target
from netwright.data.views import View, view_of, words_of
from netwright.errors import KindOfTarget, MissingTarget, NoInputs, UnknownColumn, UnknownKind, UnreadableKind, nearest

KINDS = tuple(kind for kind in Kind if kind not in (Kind.IMAGE, Kind.SOUND))  # that a column of a table can have
SURE = 0.95  # share of distinct texts that must be numbers or dates: a few slips of the pen are findings, not words
SURE_OF_CELLS = 0.99  # or this share of the cells, where few distinct numbers repeat
CATEGORIES = 50  # distinct texts that are categories whatever their length
WORDS = 3.0  # mean words of free text
# Of a script without spaces: Thai, Lao, Tibetan, Burmese, Khmer, Chinese, Japanese, Korean.
_UNSPACED_LETTER = re.compile("[\u0e00-\u109f\u1780-\u17ff\u2e80-\ud7ff\U00020000-\U0003ffff]")
UNSPACED = 12.0  # mean length of free text in scripts that put no space between words
REPEATED = 0.05  # distinct texts per row below which even sentences are categories, such as the answers of a form
FEWEST_NUMBERED = 20  # rows: with fewer, amounts may differ in every row by chance
GAP = 3.0  # mean step of rising whole numbers up to which they number the rows of a table that lost some of them
YEARS = (1800, 2100)  # one row a year is not a row number
_GLANCE = 100
_IDENTIFIES = frozenset(
    ["id", "ids", "uuid", "guid", "index", "idx", "rownum", "rowid", "rownumber", "key", "pk", "编号", "序号", "номер"]
)


@dataclass(frozen=True)
class _Found:
    """A column, what was seen of it, and what is odd about it."""

    column: Column
    findings: tuple[Finding, ...]


def infer_schema(
    table: pd.DataFrame, target: str, *, kinds: Mapping[str, str], task: str
) -> tuple[Schema, tuple[Finding, ...]]:
    """Return the columns and the target of a table, and what was noticed on the way.

    Args:
        table: as read; its column names are different texts.
        target: the column to predict.
        kinds: column → kind, where the user said so.
        task: auto, classification, binary, multiclass or regression.

    Raises:
        DataError: if the target cannot be predicted or nothing is left to predict it from.
        SettingError: if `kinds` names a column or kind that does not exist, or the task is none.
    """
    if target not in table.columns:
        raise MissingTarget(target, nearest(target, table.columns))
    check_kinds(kinds, table, target)
    if len(table.columns) == 1:
        raise NoInputs(f"the target {target!r} is its only column")
    found, findings = infer_target(table[target], task)
    names = [name for name in table.columns if name != target]
    inputs = [
        _stated(table[name], name, kinds[name]) if name in kinds else _inferred(table[name], name) for name in names
    ]
    columns = _agree_on_marks(table, [entry.column for entry in inputs])
    schema = Schema(tuple(columns), found)
    if not schema.used:
        raise NoInputs("every column is constant or an identifier; state the kind of one by --kind to use it")
    return schema, (*findings, *gather([finding for entry in inputs for finding in entry.findings]))


def check_kinds(kinds: Mapping[str, str], table: pd.DataFrame, target: str) -> None:
    """See that what the user stated is of columns and kinds that there are.

    Raises:
        SettingError: if a column or a kind does not exist, or the column is the target.
    """
    for name, kind in kinds.items():
        if name not in table.columns:
            raise UnknownColumn(name, nearest(name, table.columns))
        if kind not in KINDS:
            raise UnknownKind(kind, KINDS)
        if name == target:
            raise KindOfTarget(name)


def _stated(cells: pd.Series, name: str, kind: str) -> _Found:
    """Return a column of the kind that the user stated.

    Raises:
        UnreadableKind: if not one of its cells can be read that way.
    """
    typed = values_of(cells)
    if kind == Kind.NUMERIC and typed is not None and typed.dtype.kind != "M":  # its words would take seconds
        view = _as_numbers(view_of(cells), ".")
        column = Column(name, Kind.NUMERIC, True, view.missing / view.rows, view.distinct, ".")
        return _Found(column, notice(column, view))
    view = words_of(cells)
    form = ""
    if kind == Kind.NUMERIC:
        form = "," if uses_decimal_comma(list(view.words)) else "."
        view = _as_numbers(view_of(cells), form)
    elif kind == Kind.DATETIME:
        form = find_order(view.words, 0.5, stated=True) or "year first"
        view = replace(view, values=read_moments(cells, form))
    elif kind == Kind.BOOLEAN:
        view = replace(view, values=read_truths(cells))
    if kind in (Kind.NUMERIC, Kind.DATETIME, Kind.BOOLEAN) and view.words:
        assert view.values is not None
        unread = np.isnan(view.values) if view.values.dtype.kind == "f" else np.isnat(view.values)
        if unread.all():
            raise UnreadableKind(name, kind, view.words[0])
    column = Column(name, Kind(kind), True, view.missing / view.rows, view.distinct, form)
    return _Found(column, notice(column, view))


def infer_column(cells: pd.Series, name: str) -> Column:
    """Return what a column holds.

    Typed columns keep their type; a pandas category is categorical. Of text: one value is constant; true and false
    words are boolean; digits of one length with zeros in front are codes, and so categorical; `SURE` of the texts
    numbers, numeric; dates, datetime; few distinct texts, categorical; many of several words, free text; texts or
    whole numbers that differ in every row, an identifier; other texts, categorical. Whole numbers stay numeric however
    few they are: their order is worth more than what an embedding could learn.
    """
    return _inferred(cells, name).column


def _inferred(cells: pd.Series, name: str) -> _Found:
    if isinstance(cells.dtype, pd.CategoricalDtype) and cells.dtype.categories.dtype.kind != "M":
        view = words_of(cells)
        kind, form = Kind.CONSTANT if _is_constant(view) else Kind.CATEGORICAL, ""
    else:
        view = view_of(cells)
        boolean = getattr(cells.dtype, "kind", "O") == "b"
        kind, form, view = (
            _kind_of_values(view, name, boolean) if view.values is not None else _kind_of_words(view, name)
        )
    column = Column(name, kind, False, view.missing / view.rows, view.distinct, form)
    return _Found(column, notice(column, view))


def _is_constant(view: View) -> bool:
    """Return whether a column says nothing; one value here and there may say something by being there."""
    return view.distinct == 0 or (view.distinct == 1 and view.missing == 0)


def _kind_of_values(view: View, name: str, boolean: bool) -> tuple[Kind, str, View]:
    assert view.values is not None
    if _is_constant(view) and not (view.values.dtype.kind == "f" and view.distinct and np.isinf(view.values).any()):
        return Kind.CONSTANT, "", view
    if view.values.dtype.kind == "M":
        return Kind.DATETIME, "year first", view
    if boolean:
        return Kind.BOOLEAN, "", view
    return (Kind.IDENTIFIER, "", view) if _numbers_rows(view, name) else (Kind.NUMERIC, ".", view)


def _kind_of_words(view: View, name: str) -> tuple[Kind, str, View]:
    if _is_constant(view):
        return Kind.CONSTANT, "", view
    if view.distinct <= 6 and {word.lower() for word in view.words} <= TRUE_WORDS | FALSE_WORDS and _is_boolean(view):
        return Kind.BOOLEAN, "", view
    width = _code_width(view)
    if width:
        unique = view.distinct == view.filled >= FEWEST_NUMBERED
        return (Kind.IDENTIFIER, "", view) if unique else (Kind.CATEGORICAL, str(width), view)
    mark = "," if uses_decimal_comma(list(view.words)) else "."
    if _are_numbers(view, mark):
        read = _as_numbers(view, mark)
        return (Kind.IDENTIFIER, "", read) if _numbers_rows(read, name) else (Kind.NUMERIC, mark, read)
    order = find_order(view.words, SURE)
    return (Kind.DATETIME, order, view) if order else (_kind_of_texts(view), "", view)


def _is_boolean(view: View) -> bool:
    """Return whether true and false words answer one question: `n` and `no` say the same, `n` and `f` need not."""
    initials = {(word.lower() in TRUE_WORDS, word[0].lower()) for word in view.words}
    truths = {truth for truth, _ in initials}
    return len(initials) == len(truths) and (len(truths) == 2 or view.distinct == 1)


def _code_width(view: View) -> int:
    """Return the number of digits of a column of codes such as 01234, 0 if it is none."""
    widths = {len(word) for word in view.words}
    if len(widths) != 1 or not all(word.isdecimal() and word.isascii() for word in view.words):
        return 0
    width = widths.pop()
    return width if 2 <= width <= WIDEST_CODE and any(word[0] == "0" for word in view.words) else 0


def _are_numbers(view: View, mark: str) -> bool:
    words, counts = view.number_words
    if not words or (len(words) > _GLANCE and not _share(words[:_GLANCE], mark) > 0.5):
        return False
    if any(len(word) > 15 and word.isdecimal() for word in words):  # more digits than a float64 holds
        return False
    read = np.isfinite([read_number(word, mark) for word in words])
    return bool(read.any()) and (read.mean() >= SURE or counts[read].sum() >= SURE_OF_CELLS * counts.sum())


def _share(words: list[str], mark: str) -> float:
    return float(np.isfinite([read_number(word, mark) for word in words]).mean())


def _as_numbers(view: View, mark: str) -> View:
    """Return the view of a column with its cells read as numbers."""
    values = view.values
    if values is None:
        assert view.texts is not None
        values = view.texts.numbers(mark)
    if values.dtype.kind == "M":
        values = np.full(view.rows, np.nan)
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    return replace(view, values=values, missing=view.rows - int(finite.sum()), distinct=len(np.unique(values[finite])))


def _kind_of_texts(view: View) -> Kind:
    if view.distinct <= CATEGORIES and view.distinct < 0.5 * view.filled:
        return Kind.CATEGORICAL
    words = float(np.mean([len(text.split()) for text in view.words]))
    length = float(np.mean([len(text) for text in view.words]))
    unspaced = float(np.mean([len(_UNSPACED_LETTER.findall(text)) for text in view.words]))
    sentences = words >= WORDS or unspaced >= UNSPACED or (unspaced >= 4 and length >= 8)
    if sentences and view.distinct > max(CATEGORIES // 2, REPEATED * view.filled):
        return Kind.TEXT
    unique = view.distinct >= SURE * view.filled and view.filled >= FEWEST_NUMBERED
    return Kind.IDENTIFIER if unique else Kind.CATEGORICAL


def _numbers_rows(view: View, name: str) -> bool:
    """Return whether a numeric column numbers its rows: all different, whole, and steadily rising or called an id."""
    values = view.values
    if values is None or view.distinct < view.rows or view.rows < FEWEST_NUMBERED or values.dtype.kind == "b":
        return False
    if not np.isfinite(values).all() or (values % 1 != 0).any():
        return False
    values = values.astype(np.float64)
    words = re.split(r"[^\w]+|_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name))
    if any(word.lower() in _IDENTIFIES for word in words):
        return True
    if values.min() >= YEARS[0] and values.max() <= YEARS[1]:
        return False
    steps = np.diff(values)
    return bool((steps > 0).all() and steps.mean() <= GAP)


def _agree_on_marks(table: pd.DataFrame, columns: list[Column]) -> list[Column]:
    """Return the columns with `1.250` read as 1250 where other columns of the table have decimal commas.

    By itself such a column may be either; but nobody writes both marks in one table.
    """
    marks = {column.format for column in columns if column.kind == Kind.NUMERIC and not column.stated}
    if "," not in marks:
        return columns
    return [
        replace(column, format=",")
        if column.kind == Kind.NUMERIC
        and column.format == "."
        and not column.stated
        and _is_grouped(view_of(table[column.name]))
        else column
        for column in columns
    ]


def _is_grouped(view: View) -> bool:
    """Return whether every point in the texts of a column may be one between thousands, and some are."""
    if view.texts is None:
        return False
    dotted = view.texts.matches(r"\.")
    grouped = view.texts.matches(r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$")
    return bool(dotted.any()) and bool((dotted == grouped).all())
