"""Permutation importance finds what a model leans on, keeps to its time, and takes every kind of column."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from netwright.data.frame import Frame
from netwright.select.importance import permutation_importance

ROWS = 400


@pytest.fixture
def table() -> Frame:
    """A table with columns of each kind of cell, with missing ones."""
    generator = np.random.default_rng(0)
    return Frame(
        {
            "strong": generator.normal(size=ROWS),
            "weak": generator.normal(size=ROWS),
            "unused": np.where(generator.random(ROWS) < 0.5, np.nan, 1.0),
            "day": np.array("2024-01-01", "datetime64[s]") + np.arange(ROWS),
            "word": np.array([None, "是", "no"], dtype=object)[generator.integers(0, 3, ROWS)],
        },
        ROWS,
    )


def predict(frame: Frame) -> NDArray[np.float64]:
    """Lean on two numbers and on one word."""
    said = np.array([cell == "是" for cell in frame.columns["word"]], np.float64)
    return np.asarray(3 * frame.columns["strong"] + frame.columns["weak"] + 4 * said)


def score_of(frame: Frame) -> Callable[[NDArray[np.float64]], float]:
    """Return the negative mean squared distance from the predictions for the table as it is."""
    truth = predict(frame)
    return lambda answers: -float(np.mean((answers - truth) ** 2))


def test_the_order_is_what_the_model_leans_on(table: Frame) -> None:
    """What weighs most comes first, and what is not used loses exactly nothing."""
    found = permutation_importance(predict, table, score_of(table), seed=0, more_time=lambda: True)
    assert [name for name, _ in found][:3] == ["strong", "word", "weak"]
    assert dict(found)["unused"] == 0 == dict(found)["day"]
    assert dict(found)["strong"] == pytest.approx(18, rel=0.25)  # 2 * 3^2 times the variance, which is one


def test_the_table_stays_as_it_was(table: Frame) -> None:
    """Shuffling works on copies."""
    before = {name: cells.copy() for name, cells in table.columns.items()}
    permutation_importance(predict, table, score_of(table), seed=0, more_time=lambda: True)
    assert all((before[name] == table.columns[name]).all() for name in ("strong", "day", "word"))


def test_the_seed_decides(table: Frame) -> None:
    """The same seed gives the same numbers, another one others."""
    runs = [permutation_importance(predict, table, score_of(table), seed=s, more_time=lambda: True) for s in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_it_stops_when_the_time_is_over(table: Frame) -> None:
    """Columns that were not reached are left out; every column comes once before any comes again."""
    for allowed in range(12):
        answers = [True] * allowed
        found = permutation_importance(predict, table, score_of(table), seed=0, more_time=partial(_next_of, answers))
        assert len(found) == min(5, max(0, allowed - 1))


def _next_of(answers: list[bool]) -> bool:
    return answers.pop() if answers else False
