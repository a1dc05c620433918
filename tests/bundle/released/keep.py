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
from netwright.testing.models import untrained_model

ROWS = 12  # whose answers are kept


def main() -> None:
    """Fit one model of each task on its toy data, and keep it with some rows and its answers."""
    folder, wanted = Path(sys.argv[1]), sys.argv[2:] or [*TASKS, "number", "hindi", "long"]
    folder.mkdir(parents=True, exist_ok=True)
    for name, task in TASKS.items():
        if name not in wanted:
            continue
        data, target = task.toy(0)
        keep(folder, name, name, data.drop(columns="note") if name == "tabular" else data, target)  # texts are large
    if "hindi" in wanted:
        model = untrained_model(TASKS["text"], hindi(), "kind", parts=2, folds=1)  # the second reads pieces of words
        keep_model(folder, "hindi", "text", hindi(), model)
    if "long" in wanted:
        keep_model(folder, "long", "text", long(), untrained_model(TASKS["text"], long(), "kind", parts=1, folds=1))
    if "number" not in wanted:
        return
    data, _ = TASKS["tabular"].toy(0)
    numbers = data.drop(columns=["class", "note"])
    price = np.where(data["colour"] == "red", 10.0, 20.0) + data["open"]
    keep(folder, "number", "tabular", numbers.assign(price=price), "price")


def hindi() -> pd.DataFrame:
    """Return texts of a script whose letters carry marks, of two kinds."""
    words = ["हिन्दी", "भाषा", "अच्छी", "किताब", "पानी", "दिल्ली", "नमस्ते", "विद्यालय"]
    random = np.random.default_rng(0)
    kinds = random.integers(0, 2, 60)
    texts = [" ".join(random.choice(words[:5] if kind else words[3:], 7)) + "।" for kind in kinds]
    return pd.DataFrame({"text": texts, "kind": np.where(kinds, "one", "other")})


def long() -> pd.DataFrame:
    """Return texts of two kinds, in two scripts; of some of them runs of letters are taken of a part only."""
    words = ["over", "the", "hills", "and", "far", "away", "rivers", "flow", "slowly", "远山", "河流", "慢慢"]
    random = np.random.default_rng(0)
    kinds = random.integers(0, 2, 60)
    texts = [" ".join(random.choice(words[:8] if kind else words[4:], random.choice([5, 200]))) for kind in kinds]
    return pd.DataFrame({"text": texts, "kind": np.where(kinds, "one", "other")})


def keep(folder: Path, name: str, task: str, data: Any, target: str) -> None:
    """Keep what a short run makes of the data, as `NAME.nw` and `NAME.json`."""
    with tempfile.TemporaryDirectory() as out:
        stated = "regression" if name == "number" else task
        trials = 4 if task == "tagging" else 1  # the third is the first with a chain over the tags
        run = nw.fit(data, target, task=stated, trials=trials, single=True, pretrained="none", out=out)
        keep_model(folder, name, task, data, nw.load(run.bundle))


def keep_model(folder: Path, name: str, task: str, data: Any, model: nw.Model) -> None:
    """Write a model, and with the first rows of the data what it answers for them."""
    model.save(folder / f"{name}.nw")
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
