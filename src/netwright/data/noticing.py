"""What is odd about one column, in a sentence for its user: what was seen, and what is done about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.data.cell_texts import Texts
from netwright.data.cells import INFINITE_WORDS, MISSING_NUMBERS, is_missing, read_number
from netwright.data.columns import by_distinct
from netwright.data.dates import is_ambiguous, read_dates
from netwright.data.findings import Finding
from netwright.data.schema import Column, Kind
from netwright.data.views import View

SHOWN = 40  # letters of an example
MOST_TOLD = 20  # columns with one kind of oddity that get a sentence each
MOSTLY = 0.5  # share of cells that are numbers from which a column of words is worth a remark


def notice(column: Column, view: View) -> tuple[Finding, ...]:
    """Return what is odd about a column. Row 1 is the first below the header."""
    match column.kind:
        case Kind.CONSTANT if not column.stated:
            return (_constant(column, view),)
        case Kind.IDENTIFIER if not column.stated:
            text = f"Column {column.name!r} is different in every row, like an identifier; it is not used."
            return (Finding("identifier", column.name, f"{text} To use it, state its kind."),)
        case Kind.NUMERIC:
            return _numbers(column, view)
        case Kind.DATETIME:
            return _moments(column, view)
        case Kind.CATEGORICAL | Kind.TEXT if not column.stated:
            return _words(column, view)
        case _:
            return ()


def gather(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings, those of one kind that are too many to be read gathered in one at the end."""
    told: list[Finding] = []
    more: dict[str, list[str]] = {}
    for finding in findings:
        if sum(other.kind == finding.kind for other in told) < MOST_TOLD:
            told.append(finding)
        else:
            more.setdefault(finding.kind, []).append(repr(finding.column))
    for kind, names in more.items():
        listed = ", ".join(names[:MOST_TOLD]) + (" and more" if len(names) > MOST_TOLD else "")
        text = f"The same ({kind.replace('_', ' ')}) goes for {len(names)} more columns: {listed}."
        told.append(Finding(kind, None, text))
    return tuple(told)


def _constant(column: Column, view: View) -> Finding:
    if view.distinct:
        text = f"Column {column.name!r} has the same value in every row; it is not used."
        return Finding("constant", column.name, text)
    return Finding("all_missing", column.name, f"Column {column.name!r} has no values; it is not used.")


def _numbers(column: Column, view: View) -> tuple[Finding, ...]:
    assert view.values is not None
    found = []
    unread = _unread_numbers(view.texts, view.values) if view.texts is not None else np.zeros(view.rows, bool)
    infinite = np.isinf(view.values)
    if view.texts is not None and unread.any():
        endless = by_distinct(view.texts, lambda text: text.lower() in INFINITE_WORDS, False, bool)
        infinite, unread = infinite | endless, unread & ~endless
    if infinite.any():
        row = int(infinite.argmax()) + 1
        what = "1 infinite value" if infinite.sum() == 1 else f"{infinite.sum()} infinite values, the first"
        text = f"Column {column.name!r} has {what} in row {row}; infinite is taken as missing."
        found.append(Finding("infinite", column.name, text))
    if view.texts is not None and unread.any():
        found.append(_slips(column, "numbers", view.texts, unread))
    return tuple(found)


def _unread_numbers(texts: Texts, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which texts are neither numbers nor a spelling of missing (N,)."""
    blank = ~np.isfinite(values)
    if not blank.any():
        return blank
    return blank & _is_something(texts)


def _is_something(texts: Texts) -> NDArray[np.bool_]:
    """Return which texts are no spelling of missing (N,)."""
    return ~by_distinct(texts, lambda text: is_missing(text, MISSING_NUMBERS), True, bool)


def _moments(column: Column, view: View) -> tuple[Finding, ...]:
    if view.texts is None:
        return ()
    found = []
    unread = np.isnat(read_dates(view.texts, column.format)) & _is_something(view.texts)
    if unread.any():
        found.append(_slips(column, "dates", view.texts, unread))
    if is_ambiguous(view.words, column.format):
        text = (
            f"Column {column.name!r} holds dates such as {view.words[0]!r} that do not tell day from month; they are "
            f"read {column.format}. Write them as 2024-12-31 if that is wrong."
        )
        found.append(Finding("ambiguous_dates", column.name, text))
    return tuple(found)


def _slips(column: Column, what: str, texts: Texts, unread: NDArray[np.bool_]) -> Finding:
    cells = "1 cell is none" if unread.sum() == 1 else f"{unread.sum()} cells are none"
    text = f"Column {column.name!r} holds {what}, but {cells} ({_example(texts, unread)}): taken as missing."
    return Finding("mixed_types", column.name, text)


def _words(column: Column, view: View) -> tuple[Finding, ...]:
    words, counts = view.number_words
    if view.texts is None or column.format or not words:
        return ()
    read = np.isfinite([read_number(word) for word in words])
    if not read.any() or read.all() or counts[read].sum() < MOSTLY * counts.sum():
        return ()
    known = {word for word, number in zip(words, read, strict=True) if not number}
    others = by_distinct(view.texts, lambda text: text in known, False, bool)
    what = (
        f"holds numbers and words ({others.sum()} cells of words, such as {_example(view.texts, others)}); it is read "
        f"as {column.kind}. If it should be numbers, state its kind: words are then missing."
    )
    return (Finding("mixed_types", column.name, f"Column {column.name!r} {what}"),)


def _example(texts: Texts, which: NDArray[np.bool_]) -> str:
    row = int(which.argmax())
    return f"row {row + 1}: {texts.first(row, SHOWN)!r}"
