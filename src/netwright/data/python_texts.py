"""The texts of a column as Python's own: where pyarrow is not installed, and for a few rows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netwright.data.cell_texts import PLAIN
from netwright.data.cells import read_number

_PLAIN = {mark: re.compile(rule, re.ASCII) for mark, rule in PLAIN.items()}
_NUMBER = re.compile(rf"{PLAIN['.']}|[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?", re.ASCII)


@dataclass(frozen=True)
class PythonTexts:
    """Texts in a tuple (N,)."""

    texts: tuple[str | None, ...]

    @classmethod
    def of(cls, cells: Iterable[str | None]) -> PythonTexts:
        """Return the cells without blanks around them, and None for those of blanks alone."""
        return cls(tuple((cell.strip() or None) if cell is not None else None for cell in cells))

    def __len__(self) -> int:
        return len(self.texts)

    def to_list(self) -> list[str | None]:
        """Return the texts."""
        return [*self.texts]

    def first(self, row: int, letters: int) -> str | None:
        """Return the first letters of a text."""
        text = self.texts[row]
        return None if text is None else text[:letters]

    def encoded(self) -> tuple[list[str], NDArray[np.int64]]:
        """Return the distinct texts, and of each row which it is."""
        numbers: dict[str | None, int] = {}
        for text in self.texts:
            if text is not None:
                numbers.setdefault(text, len(numbers))
        distinct = [text for text in numbers if text is not None]
        return distinct, np.array([numbers.get(text, -1) for text in self.texts], np.int64)

    def plain_numbers(self) -> NDArray[np.float64] | None:
        """Return the numbers if all are written plainly."""
        distinct, places = self.encoded()
        if not all(map(_NUMBER.fullmatch, distinct)):
            return None
        return np.asarray(np.array([*map(float, distinct), np.nan])[places])

    def numbers(self, mark: str) -> NDArray[np.float64]:
        """Return the numbers by the rules of `cells.read_number`."""
        plain = self.plain_numbers() if mark == "." else None
        if plain is not None:
            return plain
        distinct, places = self.encoded()
        return np.asarray(np.array([*(_number(text, mark) for text in distinct), np.nan])[places])

    def moments(self) -> NDArray[np.datetime64] | None:
        """Return the moments if all are written as ISO 8601 has it."""
        distinct, places = self.encoded()
        if not all(map(_MOMENT.fullmatch, distinct)):
            return None
        try:
            return np.asarray(np.array([*distinct, "NaT"], "datetime64[s]")[places])
        except ValueError:  # such as the 30th of February
            return None

    def matches(self, rule: str) -> NDArray[np.bool_]:
        """Return which texts a regular expression finds something in."""
        search = re.compile(rule, re.ASCII).search
        return np.array([text is not None and bool(search(text)) for text in self.texts], bool)


def _number(text: str, mark: str) -> float:
    return float(text.replace(",", ".")) if _PLAIN[mark].fullmatch(text) else read_number(text, mark)
