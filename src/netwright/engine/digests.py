"""What tells data, and rows that are ready for trials, from others: a run knows itself again by it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.engine.bench import Bench


def digest(data: str | Path | pd.DataFrame | NDArray[Any] | None) -> str | None:
    """Return what tells data from others: of a file its bytes, of a folder the names, sizes and times of its files."""
    if data is None:
        return None
    if isinstance(data, pd.DataFrame):
        return _digest_of_frame(data)
    if isinstance(data, np.ndarray):
        head = f"{data.shape} {data.dtype}".encode()
        return hashlib.sha256(head + np.ascontiguousarray(data).tobytes()).hexdigest()
    path = Path(data)
    try:
        if path.is_file():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        files = [(file, file.stat()) for file in sorted(path.rglob("*")) if file.is_file()]
    except (OSError, ValueError):
        return None  # whoever reads it says what is wrong with it
    lines = (f"{file.relative_to(path)}\0{status.st_size}\0{status.st_mtime_ns}" for file, status in files)
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def _digest_of_frame(frame: pd.DataFrame) -> str:
    whole = hashlib.sha256(repr([*zip(frame.columns, frame.dtypes, strict=True)]).encode(errors="replace"))
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        try:
            whole.update(pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes())
        except TypeError:  # images, lists: nothing that has a hash
            for cell in column:
                whole.update(cell.tobytes() if isinstance(cell, np.ndarray) else repr(cell).encode(errors="replace"))
    return whole.hexdigest()


def digest_of_bench(bench: Bench) -> str:
    """Return what tells the rows, their preparation and the folds from others."""
    whole = hashlib.sha256(bench.cut.folds.tobytes())
    whole.update(json.dumps(bench.preparation.documents(), sort_keys=True, default=str).encode(errors="replace"))
    for name, array in sorted(bench.preparation.tensors().items()):
        whole.update(name.encode(errors="replace"))
        whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()
