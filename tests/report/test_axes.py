from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.report.axes import Axis, axis_of, log_axis, time_axis

VALUES = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=5)


@settings(max_examples=300, deadline=None)
@given(VALUES, st.sampled_from([axis_of, log_axis, time_axis]))
def test_any_values_have_an_axis(values: list[float], make: object) -> None:
    """Whatever the values, the axis has an extent, its ticks are few, rising and within it, and each has a text."""
    assert callable(make)
    axis: Axis = make(values, "x")
    ticks = axis.ticks()
    assert math.isfinite(axis.low) and math.isfinite(axis.high) and axis.low < axis.high
    assert len(ticks) <= 7 and ticks == sorted(set(ticks))
    assert all(0 <= axis.share(value) <= 1 for value in (*ticks, *filter(math.isfinite, values)))
    assert all(axis.written(tick) for tick in ticks)


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (axis_of([0.0, 1.0], "x"), ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (axis_of([76.3, 86.1], "x"), ["76", "78", "80", "82", "84", "86"]),
        (log_axis([1.0, 1000.0], "x"), ["1", "3", "10", "30", "100", "300", "1,000"]),
        (time_axis([0.9, 58.0], "x"), ["1 s", "2 s", "5 s", "10 s", "20 s", "30 s"]),
        (time_axis([20.0, 7380.0], "x"), ["20 s", "1 min", "5 min", "20 min", "1 h"]),
    ],
)
def test_ticks_are_round(axis: Axis, ticks: list[str]) -> None:
    """Ticks are the values that a person would choose, and are written plainly."""
    assert [axis.written(tick) for tick in axis.ticks()] == ticks


def test_equal_ratios_are_equal_steps() -> None:
    """On a logarithmic axis 10 lies halfway from 1 to 100; values beyond the ends lie at the ends."""
    axis = log_axis([1.0, 100.0], "x")
    assert axis.share(10.0) == pytest.approx(0.5)
    assert (axis.share(0.0001), axis.share(1e9)) == (0.0, 1.0)


def test_the_smallest_numbers_have_an_axis_too() -> None:
    """Around the least float there is no round step; the axis then shows where it begins."""
    axis = log_axis([5e-324], "x")
    assert axis.ticks() == [axis.low]
