"""What pyarrow does faster than Python, where it is installed: texts of columns, and regular text files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from netwright.data.cell_texts import PLAIN
from netwright.data.cells import read_number

NOT_TEXTS = (pa.ArrowException, TypeError, ValueError)
"""Errors of what is not all texts, or not all such that UTF-8 has."""


@dataclass(frozen=True)
class ArrowTexts:
    """Texts in a `pyarrow.LargeStringArray` (N,), null where there is none; pyarrow declares no types."""

    texts: Any

    @classmethod
    def of(cls, cells: Any) -> ArrowTexts:
        """Return cells without blanks around them, and none for those of blanks alone.

        Args:
            cells: texts, as a list or as a column of pandas.

        Raises:
            Exception: one of `NOT_TEXTS`.
        """
        return cls(_trimmed(pa.array(cells, type=pa.large_string(), from_pandas=True)))

    def __len__(self) -> int:
        return len(self.texts)

    def to_list(self) -> list[str | None]:
        """Return the texts."""
        return [*self.texts.to_pylist()]

    def first(self, row: int, letters: int) -> str | None:
        """Return the first letters of a text."""
        text: str | None = pc.utf8_slice_codeunits(self.texts[row], 0, letters).as_py()
        return text

    def encoded(self) -> tuple[list[str], NDArray[np.int64]]:
        """Return the distinct texts, and of each row which it is."""
        encoded = self.texts.dictionary_encode()
        return encoded.dictionary.to_pylist(), encoded.indices.fill_null(-1).to_numpy().astype(np.int64, copy=False)

    def plain_numbers(self) -> NDArray[np.float64] | None:
        """Return the numbers if all are written plainly."""
        try:
            return _floats(pc.cast(self.texts, pa.float64()))
        except pa.ArrowInvalid:
            return None

    def numbers(self, mark: str) -> NDArray[np.float64]:
        """Return the numbers by the rules of `cells.read_number`."""
        values = self.plain_numbers() if mark == "." else None
        if values is not None:
            return values
        plain = self._found(f"^(?:{PLAIN[mark]})$")
        dotted = self.texts if mark == "." else pc.replace_substring(self.texts, ",", ".")
        values = _floats(pc.cast(pc.if_else(plain, dotted, None), pa.float64()))
        odd = pc.and_(pc.invert(plain), pc.is_valid(self.texts))
        distinct, places = ArrowTexts(self.texts.filter(odd)).encoded()
        read = np.array([*(read_number(text, mark) for text in distinct), np.nan])
        values[odd.to_numpy(zero_copy_only=False)] = read[places]
        return values

    def moments(self) -> NDArray[np.datetime64] | None:
        """Return the moments if all are written as ISO 8601 has it."""
        try:  # thirty times faster than cell by cell
            return _seconds(pc.cast(self.texts, pa.timestamp("us")))
        except pa.ArrowInvalid:
            return None

    def matches(self, rule: str) -> NDArray[np.bool_]:
        """Return which texts a regular expression finds something in."""
        return np.asarray(self._found(rule).to_numpy(zero_copy_only=False))

    def _found(self, rule: str) -> Any:
        return pc.fill_null(pc.match_substring_regex(self.texts, rule), False)


def _trimmed(texts: Any) -> Any:
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    texts = pc.utf8_trim_whitespace(texts)
    empty = pc.equal(pc.binary_length(texts), 0)
    return pc.if_else(empty, None, texts) if pc.any(empty).as_py() else texts


def clock_times(moments: pd.Series) -> NDArray[np.datetime64]:
    """Return what the clocks on the spot showed (N,) datetime64[s], of a column of moments of Arrow's types."""
    found = pa.chunked_array(pa.array(moments)).combine_chunks()
    return _seconds(pc.local_timestamp(found) if getattr(found.type, "tz", None) else found)


def as_written(short: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return short floats (N,) as the numbers that they are written as, so that 0.1 stays 0.1."""
    return _floats(pc.cast(pc.cast(pa.array(short), pa.string()), pa.float64()))


def _floats(numbers: Any) -> NDArray[np.float64]:
    return np.array(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)


def _seconds(moments: Any) -> NDArray[np.datetime64]:
    return np.asarray(moments.to_numpy(zero_copy_only=False).astype("datetime64[s]"))


def read_regular(text: str, separator: str, quote: str, width: int) -> pd.DataFrame | None:
    """Return all rows of a delimited text, each cell the text that it is or missing; None if it is not regular.

    Args:
        text: with at least one line.
        separator: one letter.
        quote: the letter around cells that hold separators or line ends.
        width: cells of each row.
    """
    content = pa.py_buffer(text.encode("utf-8"))
    options = {
        "read_options": pa.csv.ReadOptions(
            autogenerate_column_names=True, use_threads=False, block_size=min(content.size + 1, 2**31 - 1)
        ),
        "parse_options": pa.csv.ParseOptions(delimiter=separator, quote_char=quote, newlines_in_values=True),
        "convert_options": pa.csv.ConvertOptions(
            column_types={f"f{place}": pa.large_string() for place in range(width)},
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=True,
        ),
    }
    try:
        rows = pa.csv.read_csv(content, **options)
    except (pa.ArrowException, ValueError):
        return None
    return rows.to_pandas() if rows.num_columns == width else None
