"""What is looked at to tell the kind of a column: how much is missing, how much differs, and its numbers or words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.cell_texts import Texts
from netwright.data.cells import INFINITE_WORDS, MISSING_NUMBERS, is_missing, read_word
from netwright.data.columns import distinct_texts, texts_of, values_of

LOOKED_AT = 2_000  # distinct texts from which the kind of a column is told
_ZERO_FIRST = r"^0\d"
_ENDLESS = r"^[+-]?\d{16,}$"  # more digits than a float64 holds: a number of an account, not an amount


@dataclass(frozen=True)
class View:
    """A column as its kind is told from it.

    Attributes:
        rows: cells in all.
        missing: cells that hold nothing, in any kind of column.
        distinct: distinct values that are not missing.
        values: (N,) of a typed column, or of texts that are plainly written numbers; None for words.
        texts: (N,) of a column that has no type of its own; None for a typed one.
        words: at most `LOOKED_AT` distinct texts from all over the column, none missing; empty where `values` are.
        counts: the cells that hold each of the words.
    """

    rows: int
    missing: int
    distinct: int
    values: NDArray[Any] | None
    texts: Texts | None
    words: tuple[str, ...]
    counts: NDArray[np.int64]

    @property
    def filled(self) -> int:
        """The cells that hold something."""
        return self.rows - self.missing

    @property
    def number_words(self) -> tuple[list[str], NDArray[np.int64]]:
        """The words, and their counts, that would not be missing, or infinite, in a column of numbers."""
        blank = MISSING_NUMBERS | INFINITE_WORDS
        kept = [place for place, word in enumerate(self.words) if not is_missing(word, blank)]
        return [self.words[place] for place in kept], self.counts[kept]


_NONE = np.zeros(0, np.int64)


def view_of(cells: pd.Series) -> View:
    """Return what is seen of a column; its texts are told apart only where they are not plain numbers."""
    values = values_of(cells)
    if values is not None:
        return _view_of_values(values, None)
    texts = texts_of(cells)
    numbers = texts.plain_numbers()
    if numbers is not None and np.isfinite(numbers).any() and not _are_codes(texts, numbers):
        return _view_of_values(numbers, texts)
    return _view_of_words(texts)


def words_of(cells: pd.Series) -> View:
    """Return what is seen of a column if each cell is taken as a word, whatever its type."""
    values = values_of(cells)
    if values is None:
        return _view_of_words(texts_of(cells))
    distinct, counts = np.unique(values, return_counts=True)
    words = [
        (word, count) for value, count in zip(distinct, counts, strict=True) if (word := read_word(value)) is not None
    ]
    filled = sum(int(count) for _, count in words)
    sample = np.array([count for _, count in words], np.int64)
    return View(len(values), len(values) - filled, len(words), values, None, tuple(word for word, _ in words), sample)


def _are_codes(texts: Texts, numbers: NDArray[np.float64]) -> bool:
    """Return whether digits may be a code, which the words then tell: some have a zero in front, or too many digits."""
    with np.errstate(invalid="ignore"):
        if (numbers % 1 > 0).any():
            return False
    many = np.nanmax(np.abs(numbers)) >= 1e15
    return any(texts.matches(rule).any() for rule in (_ZERO_FIRST, *((_ENDLESS,) if many else ())))


def _view_of_values(values: NDArray[Any], texts: Texts | None) -> View:
    if values.dtype.kind == "f":
        present = values[~np.isnan(values)]
    elif values.dtype.kind == "M":
        present = values[~np.isnat(values)]
    else:
        present = values
    distinct = len(np.unique(present[np.isfinite(present)] if values.dtype.kind == "f" else present))
    return View(len(values), len(values) - len(present), distinct, values, texts, (), _NONE)


def _view_of_words(texts: Texts) -> View:
    words, counts = distinct_texts(texts)
    absent = [place for place, word in enumerate(words) if is_missing(word)]
    missing = len(texts) - int(counts.sum()) + int(counts[absent].sum())
    if absent:
        gone = set(absent)
        words = [word for place, word in enumerate(words) if place not in gone]
        counts = np.delete(counts, absent)
    step = max(1, len(words) // LOOKED_AT)
    return View(len(texts), missing, len(words), None, texts, tuple(words[::step]), counts[::step])
