"""Whether a written folder answers cells as its model does: it is run as a user would, in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.schema import Column
from netwright.export.answering import started
from netwright.export.parity import Parity, Rows, compare
from netwright.export.worker import Failed, Worker
from netwright.model import Model

ASK = """
import json, sys
import numpy as np

{setup}

for line in sys.stdin:
    asked, told = json.loads(line)
    if asked.endswith(".npy"):
        rows = [{{sys.argv[1]: image}} for image in np.load(asked)]
    else:
        with open(asked, encoding="utf-8") as file:
            rows = json.load(file)
    np.save(told, predict(rows))
    print("done", flush=True)
"""
"""Each line names a file of rows, and where the answers go. The first argument is the first column of the model."""


def compare_on_cells(
    model: Model,
    files: Mapping[str, bytes],
    setup: str,
    form: str,
    failed: Failed,
    *,
    arguments: tuple[str, ...] = (),
    backend: str = "torch",
) -> Parity:
    """Return how near the answers of a folder are to those of PyTorch, on cells made up at random.

    Args:
        model: what was written.
        files: the Python files of the folder and what they read, by name.
        setup: Python lines that define `predict(rows)` with them.
        form: what is compared, in the sentence of an error.
        failed: what is raised if it does not run.
        arguments: of the program, behind the name of the first column.
        backend: of Keras.

    Raises:
        UnequalExport: if its answers are not near enough.
    """
    first = model.preparation.schema.used[0]
    programs = {"ask_for_answers.py": ASK.format(setup=setup).encode(), **files}
    with started(programs, [first.name, *arguments], backend, failed) as (program, place):
        return compare(model, partial(_answers, program, place, first), form)


def _answers(program: Worker, place: Path, first: Column, rows: Rows) -> NDArray[np.float64]:
    """Return the answers of the folder: probabilities (N, K), or values (N,).

    Args:
        program: at work on it.
        place: a folder for what passes between it and this process.
        first: the first column of the model, which may be of images.
        rows: that it is asked about.
    """
    asked, told = place / "rows.json", place / "answers.npy"
    if first.map_size is not None:
        asked = place / "images.npy"
        np.save(asked, rows.frame.columns[first.name])
    else:
        asked.write_text(json.dumps(_records(rows.table)), encoding="utf-8")
    program.ask(json.dumps([str(asked), str(told)]), "done")
    return np.asarray(np.load(told, allow_pickle=False), np.float64)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON has them, with None where nothing is."""
    columns = {str(name): _plain(table[name]) for name in table.columns}
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _plain(cells: pd.Series) -> list[Any]:
    if cells.dtype.kind == "M":
        moments = cells.to_numpy().astype("datetime64[s]")
        return [None if np.isnat(moment) else str(moment) for moment in moments]
    return [None if cell is None or cell != cell else cell for cell in cells.tolist()]
