"""How well a model does on rows whose answers are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.data.reading import read_table
from netwright.errors import NothingToEvaluate
from netwright.metrics import measure
from netwright.model import Model

if TYPE_CHECKING:
    import pandas as pd


def evaluate(model: Model, data: str | Path | pd.DataFrame) -> dict[str, float]:
    """Return every metric of the model's task by name, on the rows of `data` whose target is known.

    Raises:
        DataError: if the target or a needed column is missing, or no row has a known target.
    """
    table = read_table(data)
    truth: Any = model.task.parse_target(table, model.preparation.schema)
    known = np.flatnonzero(truth >= 0 if model.labels else np.isfinite(truth))
    if not len(known):
        raise NothingToEvaluate(model.preparation.schema.target.name)
    return measure(model.outcome, truth[known], model.answers(table.iloc[known]))
