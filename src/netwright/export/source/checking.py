"""Whether a written folder answers as its model does: it is run as a user would run it, in a process of its own."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.schema import Column
from netwright.errors import NoSource
from netwright.export.parity import Parity, Rows, compare
from netwright.export.worker import Worker, at_work
from netwright.model import Model

ASK = """
import json, sys
import numpy as np

sys.path.insert(0, sys.argv[1])
from model import load, predict

mix = load()
for line in sys.stdin:
    asked, told = json.loads(line)
    if asked.endswith(".npy"):
        rows = [{sys.argv[2]: image} for image in np.load(asked)]
    else:
        with open(asked, encoding="utf-8") as file:
            rows = json.load(file)
    np.save(told, predict(mix, rows))
    print("done", flush=True)
"""
"""Asks the folder of the first argument: each line names a file of rows, and where the answers go."""


def check(model: Model, files: Mapping[str, bytes]) -> Parity:
    """Return how near the answers of a folder are to those of PyTorch, on rows made up at random.

    Args:
        model: what was written.
        files: the content of the folder, by name.

    Raises:
        NoSource: if it does not run.
        UnequalExport: if its answers are not near enough.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "source"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        first = model.preparation.schema.used[0]
        words = [sys.executable, "-I", "-c", ASK, str(folder), first.name]
        with at_work(words, None, Path(place) / "said", _does_not_run) as program:
            return compare(model, partial(_answers, program, Path(place), first), "The source")


def _does_not_run(why: str) -> NoSource:
    return NoSource(f"what was written does not run ({why})")


def _answers(program: Worker, place: Path, first: Column, rows: Rows) -> NDArray[np.float64]:
    """Return the answers of the folder: probabilities (N, K), or values (N,).

    Args:
        program: at work on it.
        place: a folder for what passes between it and this process.
        first: the first column of the model, which may be of images.
        rows: that it is asked about.

    Raises:
        NoSource: if it does not run.
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
