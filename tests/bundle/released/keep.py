"""Makes a small model of every task, to be kept for as long as Netwright reads model files.

    python tests/bundle/released/keep.py tests/bundle/released/format-2 tagging

Names of tasks behind the folder stand for these alone: of others the format is an older one. It is run once for each
version of the format, when that is released. `test_released.py` loads what lies here and asks for the same answers to
the same rows. The rows are made up; they are of nobody.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import netwright as nw
from netwright.tasks import TASKS

ROWS = 12  # whose answers are kept


def main() -> None:
    """Fit one model of each task on its toy data, and keep it with some rows and its answers."""
    folder, wanted = Path(sys.argv[1]), sys.argv[2:] or [*TASKS, "number"]
    folder.mkdir(parents=True, exist_ok=True)
    for name, task in TASKS.items():
        if name not in wanted:
            continue
        data, target = task.toy(0)
        keep(folder, name, name, data.drop(columns="note") if name == "tabular" else data, target)  # texts are large
    if "number" not in wanted:
        return
    data, _ = TASKS["tabular"].toy(0)
    numbers = data.drop(columns=["class", "note"])
    price = np.where(data["colour"] == "red", 10.0, 20.0) + data["open"]
    keep(folder, "number", "tabular", numbers.assign(price=price), "price")


def keep(folder: Path, name: str, task: str, data: Any, target: str) -> None:
    """Write `NAME.nw`, and `NAME.json` with the first rows of the data and what the model answers for them."""
    with tempfile.TemporaryDirectory() as out:
        stated = "regression" if name == "number" else task
        trials = 4 if task == "tagging" else 1  # the third is the first with a chain over the tags
        run = nw.fit(data, target, task=stated, trials=trials, single=True, pretrained="none", out=out)
        model = nw.load(run.bundle)
        (folder / f"{name}.nw").write_bytes(run.bundle.read_bytes())
    rows = TASKS[task].read(data).iloc[:ROWS]
    columns = {column: [as_json(cell) for cell in rows[column]] for column in rows.columns}
    kept = {"columns": columns, "answers": np.round(model.answers(rows), 6).tolist()}
    (folder / f"{name}.json").write_text(json.dumps(kept) + "\n")
    print(f"{name}: {(folder / f'{name}.nw').stat().st_size:,} bytes")


def as_json(cell: Any) -> Any:
    """Return a cell as JSON can hold it."""
    match cell:
        case bytes():
            return {"bytes": base64.b64encode(cell).decode()}
        case np.ndarray():
            return {"shape": cell.shape, "pixels": base64.b64encode(cell.tobytes()).decode()}
        case pd.Timestamp():
            return cell.isoformat()
        case np.generic():
            return as_json(cell.item())
    return None if isinstance(cell, float) and cell != cell else cell


def as_cell(value: Any) -> Any:
    """Return a cell from what `as_json` made of it; a date stays a text."""
    match value:
        case {"bytes": content}:
            return base64.b64decode(content)
        case {"shape": shape, "pixels": content}:
            return np.frombuffer(base64.b64decode(content), np.uint8).reshape(shape)
    return value


if __name__ == "__main__":
    main()
