"""Whether a written folder answers as its model does: it is run as a user would run it, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.schema import Column
from netwright.errors import NoSource
from netwright.export.parity import Parity, Rows, compare
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
        with _Program(folder, model.preparation.schema.used[0]) as program:
            return compare(model, program.answers, "The source")


class _Program:
    """A folder at work in a process of its own."""

    def __init__(self, folder: Path, column: Column) -> None:
        """Begin; column: the first of the model, which may be of images."""
        self._place, self._column = folder.parent, column
        self._said = (folder.parent / "said.txt").open("w+", encoding="utf-8")
        words = [sys.executable, "-I", "-c", ASK, str(folder), column.name]
        self._process = subprocess.Popen(  # noqa: S603 - our own program; what a model names stands in it as texts only
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True
        )

    def __enter__(self) -> _Program:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # it may be at work still, if someone wants to end
        self._process.communicate()
        self._said.close()

    def answers(self, rows: Rows) -> NDArray[np.float64]:
        """Return the answers of the folder: probabilities (N, K), or values (N,).

        Raises:
            NoSource: if it does not run.
        """
        asked, told = self._place / "rows.json", self._place / "answers.npy"
        if self._column.map_size is not None:
            asked = self._place / "images.npy"
            np.save(asked, rows.frame.columns[self._column.name])
        else:
            asked.write_text(json.dumps(_records(rows.table)), encoding="utf-8")
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended, and says why
            self._process.stdin.write(json.dumps([str(asked), str(told)]) + "\n")
            self._process.stdin.flush()
        if self._process.stdout.readline() != "done\n":
            self._process.wait()
            self._said.seek(0)
            why = (self._said.read().strip() or "it ended without a word").splitlines()[-1]
            raise NoSource(f"what was written does not run ({why})")
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
