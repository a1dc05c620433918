"""What is odd about a table as a whole: leaks, repeats, rare things. Told, never silently acted on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.findings import Finding
from netwright.data.frame import Frame
from netwright.data.schema import Outcome, Schema
from netwright.data.splits import row_groups

LOOKED_AT = 4_000  # rows
BINS = 64  # that a column of numbers is cut into to see whether it alone tells the target
LEAK_ACCURACY = 0.995
LEAK_R2 = 0.998
MANY_COLUMNS = 1_000


def check_table(frame: Frame, schema: Schema, truth: NDArray[Any]) -> tuple[Finding, ...]:
    """Return what is odd about the rows to learn from.

    Args:
        frame: their cells.
        schema: their columns.
        truth: (N,) class numbers or values.
    """
    findings = [*_repeats(frame), *_leaks(frame, schema, truth)]
    if len(frame.columns) > MANY_COLUMNS:
        text = f"The table has {len(frame.columns)} columns; networks are made narrower so that they fit into memory."
        findings.append(Finding("many_columns", None, text))
    return tuple(findings)


def _repeats(frame: Frame) -> list[Finding]:
    repeated = frame.rows - len(np.unique(row_groups(frame)))
    if not repeated:
        return []
    text = f"{repeated} rows repeat another row; repeats are kept together in one fold, so that none is judged on what it learnt."
    return [Finding("duplicate_rows", None, text)]


def _leaks(frame: Frame, schema: Schema, truth: NDArray[Any]) -> list[Finding]:
    """Return the columns that predict the target nearly perfectly, each alone, on rows held out."""
    step = max(1, frame.rows // LOOKED_AT)
    truth = truth[::step]
    if len(truth) < 40:
        return []
    learn = np.random.default_rng(0).random(len(truth)) < 0.5  # a leak shows on any split: this one is always the same
    findings = []
    for name, cells in frame.columns.items():
        sure = _alone(_codes(cells[::step], learn), truth, learn, schema.target.outcome)
        if sure is not None:
            text = (
                f"Column {name!r} alone predicts the target almost perfectly ({sure}). It is used; if it would not be known "
                "when predicting, leave it out of the data."
            )
            findings.append(Finding("leak", name, text))
    return findings


def _codes(cells: NDArray[Any], learn: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return cells as numbers of bins or categories."""
    if cells.dtype == object:
        texts = np.array(["\0" if cell is None else cell for cell in cells])
        return np.unique(texts, return_inverse=True)[1]
    values = cells.astype(np.float64)
    edges = np.unique(np.nanquantile(values[learn], np.linspace(0, 1, BINS + 1))) if np.isfinite(values[learn]).any() else [0.0]
    return np.where(np.isnan(values), 0, 1 + np.searchsorted(edges, values)).astype(np.int64)


def _alone(codes: NDArray[np.int64], truth: NDArray[Any], learn: NDArray[np.bool_], outcome: Outcome) -> str | None:
    """Return how well a bin's usual answer on one half tells the other half, where that is suspiciously well."""
    size = int(codes.max()) + 1
    if outcome == Outcome.REGRESSION:
        return _alone_number(codes, truth, learn, size)
    classes = int(truth.max()) + 1
    table = np.bincount(codes[learn] * classes + truth[learn], minlength=size * classes).reshape(size, classes)
    usual = np.where(table.sum(axis=1) > 0, table.argmax(axis=1), -1)
    accuracy = float((usual[codes[~learn]] == truth[~learn]).mean())
    plain = float(np.bincount(truth[~learn]).max() / (~learn).sum())
    return f"accuracy {accuracy:.3f}" if accuracy >= LEAK_ACCURACY and plain < 0.95 else None


def _alone_number(codes: NDArray[np.int64], truth: NDArray[Any], learn: NDArray[np.bool_], size: int) -> str | None:
    """As `_alone`, by the mean of each bin; bins are fine enough for r² near 1 where a column is the target in disguise."""
    counts = np.bincount(codes[learn], minlength=size)
    means = np.bincount(codes[learn], weights=truth[learn], minlength=size) / np.maximum(counts, 1)
    errors = np.square(truth[~learn] - means[codes[~learn]])
    r2 = 1 - float(errors.mean() / max(float(truth[~learn].var()), 1e-300))
    return f"r² {r2:.4f}" if r2 >= LEAK_R2 else None
