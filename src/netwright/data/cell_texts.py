"""The trimmed texts of a column, and what is asked of them: one idea, kept in two ways.

`data.arrow` keeps them as Arrow arrays, in nanoseconds a cell; `data.python_texts` as Python's own texts, where pyarrow
is not installed. Both give the same.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

PLAIN = {
    ".": r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?",
    ",": r"[+-]?(?:\d+(?:,\d*)?|,\d+)(?:[eE][+-]?\d+)?",
}
"""What a plainly written number is, by its decimal mark; digits are those of ASCII.

Each text matches in one way only, as in `data.cells`: else one of many digits would take the square of their number."""


class Texts(Protocol):
    """The texts (N,) of a column, without blanks around them; None where a cell holds nothing."""

    def __len__(self) -> int:
        """Return N."""

    def to_list(self) -> list[str | None]:
        """Return the texts."""

    def first(self, row: int, letters: int) -> str | None:
        """Return the first letters of a text."""

    def encoded(self) -> tuple[list[str], NDArray[np.int64]]:
        """Return the distinct texts in the order of their first row, and of each row (N,) which it is; -1 for none."""

    def plain_numbers(self) -> NDArray[np.float64] | None:
        """Return the numbers (N,) if all are written plainly (`-1.5e3`, `nan`, `inf`), NaN for none; None otherwise."""

    def numbers(self, mark: str) -> NDArray[np.float64]:
        """Return the numbers (N,) by the rules of `cells.read_number`, NaN for what is none; infinities may stay."""

    def moments(self) -> NDArray[np.datetime64] | None:
        """Return the moments (N,) datetime64[s] if all are written as ISO 8601 has it; None where there is no telling.

        What comes of a text is what `dates.read_date` makes of it; this is a faster way where there is one.
        """

    def matches(self, rule: str) -> NDArray[np.bool_]:
        """Return which texts (N,) a regular expression finds something in; its digits are those of ASCII."""
