"""What is to be predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from netwright.build.source.parts.cells import read_number, read_word

TARGET = ""
LABELS: tuple[Any, ...] = ()
WORDS = tuple((read_word(label) or str(label),) for label in LABELS)  # of each class: how it may be written
SHIFT, SPREAD = 0.0, 1.0  # mean and deviation of the target
MARK = "."  # of decimals
LOW, HIGH = 0.0, 1.0  # its range, which predictions do not leave


def class_numbers(rows: Sequence[Mapping[str, Any]], target: str = TARGET) -> np.ndarray:
    """Return the class of each row (N,), as its place in `LABELS`; -1 where it is unknown."""
    numbers = {word: number for number, words in enumerate(WORDS) for word in words}
    return np.array([numbers.get(read_word(row[target]) or str(row[target]), -1) for row in rows], np.int64)


def target_values(rows: Sequence[Mapping[str, Any]], target: str = TARGET) -> np.ndarray:
    """Return the target of each row (N,); NaN where it is unknown."""
    return np.array([read_number(row[target], MARK) for row in rows], np.float64)
