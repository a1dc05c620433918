"""Exports that several tests look at, each made once: to make one takes a process of its own, and seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from netwright.export.forms import find_form
from netwright.export.parity import Parity
from netwright.model import Model
from netwright.tasks import TASKS
from netwright.testing.models import untrained_model


@dataclass(frozen=True)
class Written:
    """An export of an untrained model of a task's own small data.

    Attributes:
        model: of two shapes of networks, or of one that predicts a number.
        asked: the rows without their answers.
        target: the column of these.
        folder: in which the export lies.
        parity: how near its answers are.
    """

    model: Model
    asked: pd.DataFrame
    target: str
    folder: Path
    parity: Parity


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Written]:
    """Return what gives an export by its form and a task; `price` is a number to predict from a table."""

    @cache
    def export(form: str, name: str) -> Written:
        if name == "price":
            data, answer = TASKS["tabular"].toy(0)
            data, target = data.drop(columns=[answer]), "price"
            data[target] = 1e6 + 2e4 * np.random.default_rng(0).normal(size=len(data))
            model = untrained_model(TASKS["tabular"], data, target, parts=1)
        else:
            data, target = TASKS[name].toy(0)
            model = untrained_model(TASKS[name], data, target, parts=2)
        folder = tmp_path_factory.mktemp(f"{form}-{name}")
        return Written(model, data.drop(columns=target), target, folder, find_form(form)(model, folder))

    return export
