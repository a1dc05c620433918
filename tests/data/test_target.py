"""What a target asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from netwright.data.parsing import parse_target
from netwright.data.schema import Label, Outcome, Target
from netwright.data.target import infer_target
from netwright.errors import (
    ConstantTarget,
    DataError,
    NotANumber,
    TooFewRows,
    TooManyClasses,
    UnknownTask,
    WordyTarget,
    WrongClassCount,
)

ROWS = 60


def cycle(*cells: Any, rows: int = ROWS) -> list[Any]:
    """Return the cells repeated to `rows`."""
    return [cells[place % len(cells)] for place in range(rows)]


def series(cells: Sequence[Any], dtype: Any = object) -> pd.Series:
    """Return a target column."""
    return pd.Series(list(cells), dtype=dtype, name="y")


def truth_of(cells: pd.Series, target: Target) -> Any:
    """Return what the cells say."""
    return parse_target(cells.to_frame(), target)


@pytest.mark.parametrize(
    "cells, dtype, labels",
    [
        (cycle("b", "a", "NA"), object, ("a", "b")),
        (cycle("none", "some"), object, ("none", "some")),
        (cycle("貓", "狗", "🐟"), object, ("狗", "貓", "🐟")),
        (cycle("1", "10", "2"), object, (1, 2, 10)),
        (cycle("1.0", "0.0"), object, (0, 1)),
        (cycle("01", "02"), object, ("01", "02")),
        (cycle("0.5", "1.5"), object, ("0.5", "1.5")),
        (cycle("True", "False"), object, ("False", "True")),
        (cycle("yes", "no"), object, ("no", "yes")),
        (cycle(True, False), bool, (False, True)),
        (cycle(True, False, None), "boolean", (False, True)),
        (cycle(True, False, None), object, (False, True)),
        (cycle(3, 1, 2), np.int64, (1, 2, 3)),
        (cycle(-1, 1), "Int64", (-1, 1)),
        (cycle(1.0, 0.0, None), np.float64, (0.0, 1.0)),
        (cycle(0.5, 1.5), np.float64, (0.5, 1.5)),
        (cycle("b", "a", None), "category", ("a", "b")),
        (cycle(2, 1), "category", (1, 2)),
    ],
)
def test_classes_keep_their_type_and_are_sorted(cells: list[Any], dtype: Any, labels: tuple[Label, ...]) -> None:
    """Labels are of the type that the user gave them, numbers by value; missing rows are told and belong to none."""
    target, findings = infer_target(series(cells, dtype), "auto")
    assert target.labels == labels and [type(label) for label in target.labels] == [type(label) for label in labels]
    assert target.outcome == (Outcome.BINARY if len(labels) == 2 else Outcome.MULTICLASS)
    truth = truth_of(series(cells, dtype), target)
    missing = sum(cell is None or cell == "NA" for cell in cells)
    assert (truth == -1).sum() == missing and set(truth[truth >= 0]) == set(range(len(labels)))
    assert bool(findings) == bool(missing)


@pytest.mark.parametrize(
    "cells, dtype",
    [
        (np.arange(ROWS) * 0.5, np.float64),
        (np.arange(ROWS) % 30, np.int64),
        (cycle(*range(20)), np.int64),
        ([str(place) for place in range(ROWS)], object),
        ([f"{place},5" for place in range(ROWS)], object),
        ([f"$1,{place:03}" for place in range(ROWS)], object),
        ([str(place) for place in range(ROWS - 1)] + ["about 9"], object),
    ],
)
def test_amounts_are_numbers(cells: Any, dtype: Any) -> None:
    """Fractions, and whole numbers that are many, are amounts, whether typed or written."""
    target, _ = infer_target(series(cells, dtype), "auto")
    assert target.outcome == Outcome.REGRESSION and target.labels == ()
    assert np.isfinite(truth_of(series(cells, dtype), target)).sum() >= ROWS - 1


def test_whole_numbers_are_classes_where_few_and_frequent() -> None:
    """Twenty values in a hundred rows are classes; in fewer rows, or with a twenty-first, they are amounts."""
    assert infer_target(series(cycle(*range(20), rows=100), np.int64), "auto")[0].outcome == Outcome.MULTICLASS
    assert infer_target(series(cycle(*range(20), rows=80), np.int64), "auto")[0].outcome == Outcome.REGRESSION
    assert infer_target(series(cycle(*range(21), rows=500), np.int64), "auto")[0].outcome == Outcome.REGRESSION


@pytest.mark.parametrize(
    "task, outcome",
    [
        ("classification", Outcome.MULTICLASS),
        ("multiclass", Outcome.MULTICLASS),
        ("regression", Outcome.REGRESSION),
    ],
)
def test_the_task_overrules(task: str, outcome: Outcome) -> None:
    """What the user asks for is done where it can be."""
    assert infer_target(series(cycle(1.5, 2.5, 3.5), np.float64), task)[0].outcome == outcome


def test_scores_are_amounts_though_they_are_few() -> None:
    """More than ten whole numbers that become more frequent, and then less, are an age or a score, not names."""
    bell = [place for place, count in enumerate([5, 9, 14, 20, 33, 50, 41, 30, 22, 11, 6]) for _ in range(count)]
    assert infer_target(series(bell, np.int64), "auto")[0].outcome == Outcome.REGRESSION
    flat = cycle(*range(11), rows=220)
    assert infer_target(series(flat, np.int64), "auto")[0].outcome == Outcome.MULTICLASS
    assert infer_target(series(bell, np.int64).astype("category"), "auto")[0].outcome == Outcome.MULTICLASS


def test_the_decimal_mark_is_kept_for_later_files() -> None:
    """A file of one row is read as the file of the fit was, though it could be read otherwise."""
    target, _ = infer_target(series([f"{place},25" for place in range(ROWS)]), "auto")
    assert truth_of(series(["1,234"]), target).tolist() == [1.234]
    assert truth_of(series([1.5], np.float64), target).tolist() == [1.5]


def test_classes_of_one_row_are_told() -> None:
    """Rare classes stay, with a word on each."""
    target, findings = infer_target(series(["a", "b"] * 20 + ["c"]), "auto")
    assert target.labels == ("a", "b", "c")
    assert [finding.kind for finding in findings] == ["rare_class"] and "'c': 1" in findings[0].message


def test_unreadable_amounts_are_told() -> None:
    """A slip of the pen costs its row, not the run."""
    _, findings = infer_target(series([str(place) for place in range(ROWS)] + ["about 9", "NA"]), "auto")
    assert {finding.kind for finding in findings} == {"mixed_types", "missing_target"}
    assert any("row 61: 'about 9'" in finding.message for finding in findings)


@pytest.mark.parametrize("labels", [(False, True), (0, 1), (0.0, 1.0)])
def test_truths_are_found_in_any_writing(labels: tuple[Label, ...]) -> None:
    """A model fitted on 0 and 1 is evaluated on a file with False and True, and the other way round."""
    target = Target("y", Outcome.BINARY, labels)
    for cells in (["0", "1"], ["False", "TRUE"], [0, 1], [False, True], [0.0, 1.0]):
        assert truth_of(series(cells), target).tolist() == [0, 1]


def test_unknown_labels_are_minus_one() -> None:
    """A label that the fit never saw has no class number."""
    assert truth_of(series(["a", "z", None]), Target("y", Outcome.BINARY, ("a", "b"))).tolist() == [0, -1, -1]


@pytest.mark.parametrize(
    "cells, dtype, task, error",
    [
        (cycle("a"), object, "auto", ConstantTarget),
        (cycle(1.0), np.float64, "regression", ConstantTarget),
        (cycle("1", "1.0"), object, "regression", ConstantTarget),
        (cycle(None), object, "auto", TooFewRows),
        (cycle(np.nan, np.inf), np.float64, "auto", TooFewRows),
        (cycle("a", "b", rows=9), object, "auto", TooFewRows),
        (["1", "2", "3", "4", "5", "6", "7", "8", "9", "x"], object, "regression", DataError),
        (cycle("a", "b"), object, "regression", NotANumber),
        (cycle(True, False), bool, "regression", NotANumber),
        (cycle("a", "b", "c"), object, "binary", WrongClassCount),
        ([f"w{place}" for place in range(ROWS)], object, "auto", WordyTarget),
        ([f"w{place % 1500}" for place in range(6000)], object, "auto", TooManyClasses),
        (pd.date_range("2024-01-01", periods=ROWS), "datetime64[ns]", "auto", WordyTarget),
        (cycle("a", "b"), object, "clasification", UnknownTask),
    ],
)
def test_what_cannot_be_learnt_is_refused(cells: Any, dtype: Any, task: str, error: type[Exception]) -> None:
    """Each impossible target has its own error, which names the column or the choice."""
    with pytest.raises(error, match=r"'y'|Did you mean 'classification'"):
        infer_target(series(cells, dtype), task)


def test_numbers_whose_squares_are_none_are_refused() -> None:
    """Their deviation was infinite, and no model file holds that."""
    with pytest.raises(WordyTarget, match="beyond 1e\\+150"):
        infer_target(pd.Series([1e200, -1e300, *range(20)], name="price"), "regression")
    found, _ = infer_target(pd.Series([1e149, *range(20)], name="price"), "regression")
    assert found.outcome == Outcome.REGRESSION
