"""Dates and times as features."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.data.moments import MomentEncoding, days_of, place_in

MOMENTS = st.lists(st.integers(-(2**62), 2**62) | st.integers(0, 2 * 10**9), min_size=0, max_size=40).map(
    lambda seconds: np.array([np.datetime64("NaT", "s"), *seconds][len(seconds) % 2 :], "datetime64[s]")
)


def moments(*texts: str) -> np.ndarray:
    """Return moments."""
    return np.array(texts, "datetime64[s]")


def test_days_are_counted_with_their_fraction() -> None:
    """Day 0 is the first of 1970, and noon is half a day."""
    assert days_of(moments("1970-01-02T12:00", "1969-12-31")).tolist() == [1.5, -1.0]
    assert np.isnan(days_of(moments("NaT"))).all()


@pytest.mark.parametrize("cycle, place", [("year", 365), ("month", 30), ("week", 2), ("day", 3_723)])
def test_places_in_cycles(cycle: str, place: int) -> None:
    """The last day of a leap year, a Tuesday, three seconds past 1:02."""
    assert place_in(cycle, moments("2024-12-31T01:02:03")).tolist() == [place]  # type: ignore[arg-type]


def test_days_before_1970_have_their_weekday() -> None:
    """The last of 1969 was a Wednesday, and 6 in the morning is 6 in the morning."""
    assert place_in("week", moments("1969-12-31T06:00")).tolist() == [3]
    assert place_in("day", moments("1969-12-31T06:00")).tolist() == [6 * 3600]


def test_what_comes_round_is_near() -> None:
    """Points on a circle: the last and the first day of a year are neighbours, and summer is far from both."""
    fitted = MomentEncoding.fit(moments(*(f"2023-{month:02}-{month + 3:02}" for month in range(1, 13))))
    assert fitted.cycles == ("year", "month", "week")
    plain = np.stack(fitted.encode(moments("2023-12-31", "2024-01-01", "2023-07-01")).plain, axis=1)
    year = plain[:, :2]
    assert np.linalg.norm(year[0] - year[1]) < 0.05
    assert np.linalg.norm(year[0] - year[2]) > 1.9


def test_weekends_are_flagged() -> None:
    """Saturday and Sunday, but not Friday."""
    fitted = MomentEncoding.fit(moments("2024-01-01", "2024-01-02"))
    piece = fitted.encode(moments("2024-01-05", "2024-01-06", "2024-01-07", "NaT"))
    assert any(view.tolist() == [0, 1, 1, 0] for view in piece.plain)


def test_what_does_not_vary_is_no_feature() -> None:
    """Times of day have no year, and dates have no hours."""
    assert MomentEncoding.fit(moments("1970-01-01T10:00", "1970-01-01T11:00")).cycles == ("day",)
    assert "day" not in MomentEncoding.fit(moments("2024-01-01", "2024-02-02")).cycles
    assert MomentEncoding.fit(moments("2001-01-01", "2001-01-01")).cycles == ()


def test_missing_moments_are_flagged_and_else_nothing() -> None:
    """A missing moment is in the middle of everything, and said to be missing."""
    fitted = MomentEncoding.fit(moments("2024-01-01", "2024-05-05", "NaT"))
    piece = fitted.encode(moments("NaT"))
    assert [view.tolist() for view in piece.numeric] == [[0]]
    assert [view.tolist() for view in piece.plain][-1] == [1]
    assert all(view.tolist() == [0] for view in piece.plain[:-1])


@given(MOMENTS, MOMENTS)
def test_no_moment_breaks_the_features(fitted: np.ndarray, seen: np.ndarray) -> None:
    """Whatever moments, up to the ends of time, features are finite and within ±3."""
    piece = MomentEncoding.fit(fitted).encode(seen)
    for view in (*piece.numeric, *piece.plain):
        assert view.dtype == np.float32
        assert view.shape == seen.shape
        assert (np.abs(view) <= 3).all()
