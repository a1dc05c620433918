"""Odd cells are read alike by Netwright, by the programs beside a graph, and by exported source."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

import netwright as nw
from netwright.build.source.parts import cells as source
from netwright.data import cells as rules
from netwright.data.dates import read_date
from netwright.data.parsing import parse_column
from netwright.data.schema import DATE_ORDERS, Column, Kind

COMPANION = Path(nw.__file__).parent / "export" / "companion"

ODD = [
    *("", " ", "NA", "n/a", "None", "none", "nan", "-NaN", "NULL", "<NA>", "NaT", "?", "#N/A N/A", "1.#IND", "#REF!"),
    *("TRUE", "True", "true", "tRuE", "yes", "Y", "on", "oui", "Ja", "はい", "no", "off", "нет", "1", "0", "1.0", "2"),
    *("3", "3.0", "3.00", "-3.0", "+3.0", "3.10", "007", "042.0", "1e3", "1E+3", "-.5", "5.", ".", "-", "--", "+-1"),
    *(
        "1,234.5",
        "1.234,5",
        "1,5",
        "12,34,567",
        "1 234",
        "1\u202f234,5",
        "1\u00a0234",
        "1'234.5",
        "1,23",
        "0,001",
        "1,2,3",
    ),
    *(
        "$ 12",
        "12 €",
        "USD 5",
        "5 USD",
        "-$5",
        "$-5",
        "- 5 kr.",
        "(3)",
        "($1,234.50)",
        "12 %",
        "12٪",
        "−7",
        "１２",
        "١٢٫٥",
        "½",
    ),
    *("abc 12", "12 abc", "12kg", "v1.2.3", "1_000", "0x10", "inf", "-Infinity", "1e400", "many", "a,b", "1-2"),
    *(
        "2024-03-01",
        "2024-3-1",
        "2024/03/01 7:08",
        "2024-01-05T10:11:12.345+02:00",
        "2024-02-30",
        "2024年1月5日",
        "2024-01",
    ),
    *("31/12/2024", "12/31/2024", "1.2.03", "28-02-1999 5:30 pm", "28-02-69", "28-02-68", "31/31/2024", "1/2/3/4"),
    *("5 Jan 2024", "January 5th, 2024", "Fri, 05 Jan 2024 10:00:00 GMT", "5-JAN-24", "Mar 2001", "may", "5 Foo 2024"),
    *(
        "13:45",
        "12:30 a.m.",
        "24:00",
        "20240131",
        "20241331",
        "2024",
        "1700000000",
        "1700000000.9",
        "-1",
        "1e12",
        "nan ",
    ),
    *(" padded ", "\ttab\t", "\u3000漢字\u00a0", "Größe", "🙂", "two\nlines", "3.0\n", "x" * 200),
]
"""Cells as people, spreadsheets and programs write them."""


@pytest.fixture(scope="module")
def companion() -> Iterator[ModuleType]:
    """Return `cells.py` as it lies beside a graph, with the files that it imports."""
    before = set(sys.modules)
    sys.path.insert(0, str(COMPANION))
    try:
        yield import_module("cells")
    finally:
        sys.path.remove(str(COMPANION))
        for name in {"cells", "numerals", "moments"} - before:
            sys.modules.pop(name, None)


def read(cell: str, kind: Kind, form: str) -> object:
    """Return what Netwright reads in a cell of a column."""
    column = Column("c", kind, False, 0.0, 2, form)
    (found,) = parse_column(pd.Series([cell], dtype=object), column)
    return found


@pytest.mark.parametrize("cell", ODD)
def test_numbers_are_read_alike(companion: ModuleType, cell: str) -> None:
    """By both decimal marks."""
    for mark in (".", ","):
        expected = rules.read_number(cell, mark)
        np.testing.assert_equal(read(cell, Kind.NUMERIC, mark), expected)
        np.testing.assert_equal(source.read_number(cell, mark), expected)
        np.testing.assert_equal(companion.fed([cell], "numeric", mark)[0, 0], expected)


@pytest.mark.parametrize("cell", ODD)
def test_truths_are_read_alike(companion: ModuleType, cell: str) -> None:
    """In every language."""
    expected = rules.read_truth(cell)
    np.testing.assert_equal(read(cell, Kind.BOOLEAN, ""), expected)
    np.testing.assert_equal(source.read_truth(cell), expected)
    np.testing.assert_equal(companion.fed([cell], "boolean", "")[0, 0], expected)


@pytest.mark.parametrize("cell", ODD)
def test_words_and_codes_are_read_alike(companion: ModuleType, cell: str) -> None:
    """Of which nothing is left where a cell is missing."""
    expected = rules.read_word(cell)
    assert read(cell, Kind.CATEGORICAL, "") == source.read_word(cell) == expected
    assert companion.fed([cell], "categorical", "")[0, 0] == companion.word(cell) == (expected or "")
    for width in (3, 5):
        expected = rules.read_code(cell, width)
        assert read(cell, Kind.CATEGORICAL, str(width)) == source.read_code(cell, width) == expected
        assert companion.fed([cell], "categorical", str(width))[0, 0] == (expected or "")


@pytest.mark.parametrize("cell", ODD)
def test_moments_are_read_alike(companion: ModuleType, cell: str) -> None:
    """In each order that people write, and as counts since 1970."""
    for order in DATE_ORDERS:
        expected = read_date(cell, order)
        for found in (read(cell, Kind.DATETIME, order), source.read_moment(cell, order)):
            assert np.array_equal(np.array([found]), np.array([expected]), equal_nan=True), order
        assert companion.fed([cell], "datetime", order)[0, 0] == expected.astype(np.int64), order
