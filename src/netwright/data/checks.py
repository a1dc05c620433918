"""What is odd about a table as a whole: leaks, repeats, very many columns. Told, never silently acted on."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.findings import Finding
from netwright.data.frame import Frame
from netwright.data.leaks import find_leaks
from netwright.data.schema import Schema
from netwright.data.splits import row_groups

MANY_COLUMNS = 1_000
MOST_NAMED = 10  # repeated columns that get a finding each


def check_table(frame: Frame, schema: Schema, truth: NDArray[Any]) -> tuple[Finding, ...]:
    """Return what is odd about the rows to learn from.

    Args:
        frame: their cells.
        schema: their columns.
        truth: (N,) class numbers or values, none missing.
    """
    first = np.unique(row_groups(frame), return_index=True)[1]
    findings = [
        *_repeated_rows(frame.rows - len(first)),
        *find_leaks(frame, truth, schema.target.outcome, first.astype(np.int64)),
        *_repeated_columns(frame),
    ]
    if len(frame.columns) > MANY_COLUMNS:
        text = f"The table has {len(frame.columns)} columns; networks are made narrower so that they fit into memory."
        findings.append(Finding("many_columns", None, text))
    return tuple(findings)


def _repeated_rows(count: int) -> list[Finding]:
    if not count:
        return []
    what = "1 row repeats another" if count == 1 else f"{count} rows repeat another"
    text = f"{what}; repeats are kept together in one fold, so that nothing is judged on what it learnt."
    return [Finding("duplicate_rows", None, text)]


def _repeated_columns(frame: Frame) -> list[Finding]:
    """Return the columns that hold, cell by cell, what a column before them holds."""
    first: dict[Hashable, str] = {}
    twins = []
    for name, cells in frame.columns.items():
        before = first.setdefault(_content(cells), name)
        if before != name:
            twins.append((name, before))
    findings = [
        Finding("duplicate_columns", name, f"Column {name!r} holds the same as {before!r}; both are used.")
        for name, before in twins[:MOST_NAMED]
    ]
    if len(twins) > MOST_NAMED:
        text = f"{len(twins) - MOST_NAMED} more columns hold the same as another. All are used."
        findings.append(Finding("duplicate_columns", None, text))
    return findings


def _content(cells: NDArray[Any]) -> Hashable:
    """Return a key that is equal for equal columns: a hash of 64 bits, so that no copy is kept."""
    if cells.dtype == object:
        return "words", hash(tuple(cells.tolist()))
    return cells.dtype.str, hash((cells + 0.0 if cells.dtype.kind == "f" else cells).tobytes())  # -0.0 is 0.0
