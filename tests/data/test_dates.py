"""Dates and times."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.data.columns import texts_of
from netwright.data.dates import EPOCHS, ORDERS, find_order, is_ambiguous, moments_of_numbers, read_date, read_dates
from netwright.data.schema import DATE_ORDERS


@pytest.mark.parametrize(
    "text, order, moment",
    [
        ("2024-01-05", "year first", "2024-01-05T00:00:00"),
        ("2024/1/5 7:08", "year first", "2024-01-05T07:08:00"),
        ("2024-01-05T10", "year first", "2024-01-05T10:00:00"),
        ("2024-01-05T10:11:12.345+02:00", "year first", "2024-01-05T10:11:12"),
        ("2024-01-05 10:11:12Z", "year first", "2024-01-05T10:11:12"),
        ("2024年1月5日", "year first", "2024-01-05T00:00:00"),
        ("2024-01", "year first", "2024-01-01T00:00:00"),
        ("31.12.2024", "day first", "2024-12-31T00:00:00"),
        ("31/12/99 11:59 pm", "day first", "1999-12-31T23:59:00"),
        ("12/31/24", "month first", "2024-12-31T00:00:00"),
        ("5 Jan 2024", "month named", "2024-01-05T00:00:00"),
        ("January 5th, 2024", "month named", "2024-01-05T00:00:00"),
        ("Fri, 05 Jan 2024 10:00:00 GMT", "month named", "2024-01-05T10:00:00"),
        ("5-JAN-24", "month named", "2024-01-05T00:00:00"),
        ("5 ſep 2024", "month named", "2024-09-05T00:00:00"),
        ("13:45", "time of day", "1970-01-01T13:45:00"),
        ("12:30 a.m.", "time of day", "1970-01-01T00:30:00"),
    ],
)
def test_orders_are_found_and_read(text: str, order: str, moment: str) -> None:
    """Each usual way to write a date is told and read."""
    assert find_order([text], 1.0) == order
    assert str(read_date(text, order)) == moment


@pytest.mark.parametrize(
    "text", ["2024-13-01", "2024-02-30", "31/31/2024", "24:00", "1.2.3", "may", "foo 2024", "20240131", "2024", ""]
)
def test_what_is_no_date_is_none(text: str) -> None:
    """Impossible days, versions, words and digits alone are no dates unless the user says so."""
    assert find_order([text], 1.0) is None


@pytest.mark.parametrize(
    "text, order, moment",
    [
        ("20240131", "compact", "2024-01-31T00:00:00"),
        ("2024", "year alone", "2024-01-01T00:00:00"),
        ("1700000000", "epoch seconds", "2023-11-14T22:13:20"),
        ("1700000000000", "epoch milliseconds", "2023-11-14T22:13:20"),
    ],
)
def test_digits_are_dates_where_the_user_says_so(text: str, order: str, moment: str) -> None:
    """Eight digits, years and counts since 1970 are read in a column that is stated to hold dates, typed or not."""
    assert find_order([text], 1.0, stated=True) == order
    assert str(read_date(text, order)) == moment
    assert str(moments_of_numbers(np.array([float(text)]), order)[0]) == moment


def test_the_order_is_that_of_most_cells() -> None:
    """Days beyond 12 decide, however few they are."""
    assert find_order(["03/04/2024"] * 3 + ["04/30/2024"], 0.7) == "month first"
    assert find_order(["03/04/2024", "30/04/2024"], 0.95) == "day first"


def test_a_column_that_fits_both_orders_is_ambiguous() -> None:
    """Only a day beyond 12 tells the order."""
    assert is_ambiguous(["03/04/2024"], "day first")
    assert not is_ambiguous(["03/04/2024", "30/04/2024"], "day first")
    assert not is_ambiguous(["2024-03-04"], "year first")


def test_the_schema_knows_every_order() -> None:
    """A bundle may name the orders that are read here, and no others."""
    assert (*ORDERS, *EPOCHS) == DATE_ORDERS


@given(st.lists(st.datetimes(min_value=datetime.datetime(1000, 1, 1)), min_size=1, max_size=5), st.booleans())
def test_columns_are_read_as_single_cells_are(moments: list[datetime.datetime], plain: bool) -> None:
    """The fast way for ISO 8601 and the rule for one cell agree, to the second."""
    cells = [str(moment) for moment in moments] + ([] if plain else ["2024/1/5"])
    found = read_dates(texts_of(pd.Series(cells)), "year first")
    assert found.tolist() == [read_date(cell, "year first").item() for cell in cells]
    assert found[0].item() == moments[0].replace(microsecond=0)


@given(st.text(alphabet="0123456789-/.: TZJanapm年月日", max_size=16), st.sampled_from(DATE_ORDERS))
def test_no_text_breaks_the_reader(text: str, order: str) -> None:
    """Any text is a moment or none, in every order, alone and in a column."""
    moment = read_date(text, order)
    column = read_dates(texts_of(pd.Series([text], dtype=object)), order)[0]
    assert moment.dtype == "datetime64[s]" and (moment == column or (np.isnat(moment) and np.isnat(column)))


@pytest.mark.parametrize("order", DATE_ORDERS)
def test_a_date_before_very_many_blanks_is_told_at_once(order: str) -> None:
    """That it is none took the square of their number, or the third power: for these, hours."""
    for start in ("2024-01-01 10:00", "5 Jan 2024 10:00", "10:00", "01/02/2024"):
        assert np.isnat(read_date(f"{start}{' ' * 100_000}x", order))
