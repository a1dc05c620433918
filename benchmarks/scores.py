"""Figures of test rows with their standard errors: one code for the answers of every contestant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LEAST = float(np.finfo(np.float32).eps)
"""The least that a probability of the truth counts as: some contestants answer in float32, some give exact zeros."""


class UnfitAnswers(Exception):
    """A contestant's answers do not fit the test rows."""


def score(answers: pd.DataFrame, truth: pd.Series, task: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return figures by name, and their standard errors.

    Args:
        answers: one column a class, named after its label, of probabilities; or one column of values.
        truth: the target of the same rows.
        task: binary, multiclass or regression.

    Raises:
        UnfitAnswers: if rows are missing, or answers are not numbers.
    """
    table = answers.to_numpy(np.float64)
    if len(table) != len(truth):
        raise UnfitAnswers(f"{len(table)} answers for {len(truth)} rows")
    if not np.isfinite(table).all():
        raise UnfitAnswers("answers that are not finite numbers")
    if task == "regression":
        return of_values(table[:, 0], truth.to_numpy(np.float64))
    return of_chances(table, [str(label) for label in answers.columns], truth.astype(str).to_numpy())


def of_chances(
    chances: NDArray[np.float64], labels: list[str], truth: NDArray[Any]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return accuracy of the likeliest class and log-loss; a true class that has no column had no chance."""
    places = {label: place for place, label in enumerate(labels)}
    true = np.array([places.get(label, -1) for label in truth])
    right = (chances.argmax(axis=1) == true).astype(np.float64)
    sums = np.maximum(chances.sum(axis=1), LEAST)
    own = np.where(true >= 0, chances[np.arange(len(true)), true] / sums, 0.0)
    losses = -np.log(np.clip(own, LEAST, 1.0))
    metrics = {"accuracy": float(right.mean()), "log_loss": float(losses.mean())}
    return metrics, {"accuracy": error_of_mean(right), "log_loss": error_of_mean(losses)}


def of_values(values: NDArray[np.float64], truth: NDArray[np.float64]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the RMSE; its error is the mean square's over twice the RMSE (delta method)."""
    squares = (values - truth) ** 2
    rmse = float(np.sqrt(squares.mean()))
    return {"rmse": rmse}, {"rmse": error_of_mean(squares) / (2 * rmse) if rmse else 0.0}


def error_of_mean(each: NDArray[np.float64]) -> float:
    """Return the standard error of a mean over rows."""
    return float(np.sqrt(each.var() / len(each)))
