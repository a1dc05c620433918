"""Single cells."""

from __future__ import annotations

import datetime
import decimal
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.data.cells import (
    MISSING_NUMBERS,
    is_missing,
    read_code,
    read_number,
    read_truth,
    read_word,
    uses_decimal_comma,
)


@pytest.mark.parametrize(
    "text, number",
    [
        ("1,234.5", 1234.5),
        ("1,23,456", 123456.0),
        ("1 234 567", 1234567.0),
        ("1\u00a0234.5", 1234.5),
        ("1'234.50", 1234.5),
        ("-$1,200", -1200.0),
        ("$-5", -5.0),
        ("€ 12", 12.0),
        ("12 EUR", 12.0),
        ("USD 12", 12.0),
        ("¥1,000", 1000.0),
        ("₹1,23,456.7", 123456.7),
        ("99元", 99.0),
        ("(3)", -3.0),
        ("($1,234)", -1234.0),
        ("12%", 12.0),
        ("12.5 %", 12.5),
        ("1.5e-3", 0.0015),
        ("+7", 7.0),
        ("\u22125", -5.0),
        ("１２", 12.0),
        ("١٢٫٥", 12.5),
        (".5", 0.5),
        ("5.", 5.0),
    ],
)
def test_numbers_of_many_spellings_are_read(text: str, number: float) -> None:
    """Separators, currency, percent, brackets and digits of other scripts all give the number they stand for."""
    assert read_number(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "ABC123",
        "1.2.3",
        "1,2,3",
        "--5",
        "5-",
        "1_000",
        "0x10",
        "1,23",
        "0,123",
        "$",
        "%",
        "()",
        "",
        "inf",
        "1e999",
        "10 20",
    ],
)
def test_what_is_no_number_stays_none(text: str) -> None:
    """Part numbers, versions, lone signs and infinities are not taken for numbers."""
    assert math.isnan(read_number(text))


@pytest.mark.parametrize(
    "text, number", [("1.234,5", 1234.5), ("0,5", 0.5), ("1.234", 1234.0), ("12,5 %", 12.5), ("€1.000", 1000.0)]
)
def test_decimal_commas_are_read_where_the_column_has_them(text: str, number: float) -> None:
    """With the comma as decimal mark the point stands between thousands."""
    assert read_number(text, ",") == number


def test_typed_cells_are_numbers_too() -> None:
    """Python, numpy and decimal numbers are read as they are; missing ones are none."""
    assert (
        read_number(3)
        == read_number(np.int8(3))
        == read_number(decimal.Decimal("3.0"))
        == read_number(np.float32(3))
        == 3.0
    )
    assert read_number(np.True_) == 1.0
    assert all(
        math.isnan(read_number(cell)) for cell in (None, math.nan, pd.NA, pd.NaT, math.inf, datetime.date(2024, 1, 1))
    )


@pytest.mark.parametrize(
    "text", ["", " ", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "?", "#N/A", "<NA>", "NaT"]
)
def test_missing_spellings_are_missing_everywhere(text: str) -> None:
    """What never is an answer is missing in categories and numbers alike."""
    assert is_missing(text)
    assert read_word(text) is None


@pytest.mark.parametrize("text", ["none", "-", ".", "missing", "--"])
def test_doubtful_spellings_are_missing_among_numbers_and_answers_among_words(text: str) -> None:
    """'none' may be the answer to a question, but it is no number."""
    assert read_word(text) == text
    assert is_missing(text, MISSING_NUMBERS)


def test_every_spelling_that_pandas_takes_as_missing_is_missing() -> None:
    """Else a CSV file and the typed frame that pandas makes of it would give different answers."""
    from pandas._libs.parsers import STR_NA_VALUES

    assert [text for text in STR_NA_VALUES if not is_missing(text)] == []


def test_one_category_has_one_word_in_every_type() -> None:
    """3, 3.0 and '3' are one category, True and 'TRUE' another, '03' and 3 are not."""
    assert {read_word(cell) for cell in (3, 3.0, "3", " 3.0 ", np.int8(3), np.float32(3))} == {"3"}
    assert {read_word(cell) for cell in (True, np.True_, "True", "TRUE", "true")} == {"true"}
    assert read_word("03") == "03"


def test_codes_get_back_the_zeros_that_numbers_lose() -> None:
    """A postal code that some programme read as a number is found again."""
    assert read_code(1234.0, 5) == read_code("01234", 5) == "01234"
    assert read_code("B-12", 5) == "B-12"
    assert read_code(None, 5) is None


@pytest.mark.parametrize(
    "text, truth",
    [("yes", 1), ("No", 0), ("T", 1), ("是", 1), ("нет", 0), (True, 1), (0, 0), (1.0, 1), ("1", 1), (np.False_, 0)],
)
def test_truths_are_read_from_words_numbers_and_booleans(text: object, truth: int) -> None:
    """Yes and no of several languages, and 1 and 0."""
    assert read_truth(text) == truth


def test_other_words_are_no_truth() -> None:
    """2, maybe and missing are neither true nor false."""
    assert all(math.isnan(read_truth(cell)) for cell in (2, "maybe", "", None, math.nan))


@pytest.mark.parametrize(
    "cells, comma",
    [
        (["1,5", "2"], True),
        (["1,500", "2,300"], False),
        (["1,500", "2,3"], True),
        (["1.234,56"], True),
        (["0,125", "0,250"], True),
        (["1,500.5"], False),
        (["€ 3,5"], True),
        (["1,500"] * 99 + ["1,5"], False),
        ([], False),
    ],
)
def test_the_decimal_mark_is_told_from_the_cells(cells: list[str], comma: bool) -> None:
    """Two or four digits after the comma prove it decimal, three do not; a single slip proves nothing."""
    assert uses_decimal_comma(cells) is comma


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([".", ","]))
def test_every_float_survives_being_written(value: float, mark: str) -> None:
    """The text of a float is read back as that very float, by either mark."""
    assert read_number(repr(value).replace(".", mark), mark) == value


@given(st.text(max_size=12))
def test_no_text_breaks_a_reader(text: str) -> None:
    """Any text gives a finite number, a truth and a word, or none."""
    assert not math.isinf(read_number(text))
    assert math.isnan(read_truth(text)) or read_truth(text) in (0.0, 1.0)
    assert read_word(text) is None or read_word(read_word(text)) == read_word(text)


@pytest.mark.parametrize("mark", [".", ","])
def test_a_text_of_very_many_digits_is_told_at_once(mark: str) -> None:
    """That it is no number took the square of their number: for these, minutes."""
    assert math.isnan(read_number("1" * 200_000 + "x", mark))
    assert math.isnan(read_number("1" * 200_000, mark))  # it is infinite
    assert read_number("0" * 200_000 + f"1{mark}5", mark) == 1.5
