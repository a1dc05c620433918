"""Constants that are too long to stand in the source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

HERE = Path(__file__).parent


def read_constants() -> dict[str, Any]:
    """Return the longer constants, which stand in a file beside this one."""
    return json.loads((HERE / "preprocess.json").read_text(encoding="utf-8"))


STORED: dict[str, Any] = {}


def stored(column: str, part: str) -> Any:
    """Return a longer constant of a column."""
    return STORED["columns"][column][part]


def read_arrays() -> dict[str, np.ndarray]:
    """Return the arrays, which stand in a file beside this one."""
    return load_file(HERE / "preprocess.safetensors")


ARRAYS: dict[str, np.ndarray] = {}
