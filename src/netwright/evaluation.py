"""How well a model does on rows whose answers are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.files import Told, nobody
from netwright.data.folders import parted
from netwright.data.schema import Schema
from netwright.errors import BadFiles, DataError, NothingToEvaluate, UnfitTest
from netwright.metrics import measure, stretches_of
from netwright.model import Model
from netwright.tasks import Task
from netwright.tasks.task import frames

if TYPE_CHECKING:
    import pandas as pd


def evaluate(model: Model, data: str | Path | pd.DataFrame) -> dict[str, float]:
    """Return every metric of the model's task by name, on the rows of `data` whose target is known.

    Raises:
        DataError: if the target or a needed column is missing, or no row has a known target.
    """
    rest, part = parted(model.task.read(data))
    table = rest if part is None else part  # of a folder with parts, those to be tested on
    rows, truth = known_rows(model.task, model.preparation.schema, table)
    answers = model.answers(table)[rows]  # of all: a token's neighbours need not be known
    return measure(model.outcome, truth, answers, stretches(model.task, table, rows))


def stretches(task: Task, table: pd.DataFrame, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return which of some rows (n,) of a table follow each other in one sequence; None where each is on its own."""
    return None if task.sequences is None else stretches_of(task.sequences(table), rows)


def usable_test(task: Task, schema: Schema, table: pd.DataFrame, bad_files: float, told: Told = nobody) -> pd.DataFrame:
    """Return a table to judge a model of these columns on, before time is spent on the model.

    Images and sounds that cannot be decoded are left out, as of those that are learnt from.

    Args:
        task: that the model is of.
        schema: its columns.
        table: the rows.
        bad_files: the share of files that may be left out.
        told: how many files are decoded, while they are.

    Raises:
        UnfitTest: if the target or a needed column is missing, no row has a known target, or too many files are bad.
    """
    try:
        rows, _ = known_rows(task, schema, table)
        many = any(column.map_size is not None for column in schema.used)
        table = table.iloc[rows] if many else table
        for _ in frames(task, table if many else table.iloc[rows[:1]], schema, told):
            pass  # what was decoded is not kept: it may be more than memory holds
    except BadFiles as error:
        if len(error.places) > bad_files * len(table) or len(error.places) == len(table):
            raise UnfitTest(error) from error
        return table.iloc[np.setdiff1d(np.arange(len(table)), error.places)]  # labels of rows need not be unique
    except DataError as error:
        raise UnfitTest(error) from error
    return table


def known_rows(task: Task, schema: Schema, table: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return the rows (n,) whose target is known, and their truth (n,): class numbers or values.

    Raises:
        DataError: if there is no target, or none is known.
    """
    truth: Any = task.parse_target(table, schema)
    rows = np.flatnonzero(truth >= 0 if schema.target.labels else np.isfinite(truth))
    if not len(rows):
        raise NothingToEvaluate(schema.target.name)
    return rows, truth[rows]
