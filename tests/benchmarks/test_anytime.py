"""The area under the learning curve, by hand."""

from __future__ import annotations

import doctest
import math

import anytime
import pytest
from anytime import area, quality, when


def test_the_examples_in_the_text_are_right() -> None:
    """The file lies where doctests are not collected."""
    assert doctest.testmod(anytime).failed == 0


def test_time_begins_at_0_and_ends_at_1() -> None:
    """The same shape for every limit: the first twentieth takes more than a fifth of it."""
    assert when(0.0, 60.0) == 0 and when(60.0, 60.0) == pytest.approx(1)
    assert when(1.0, 20.0) == pytest.approx(when(60.0, 1200.0)) == pytest.approx(math.log(2) / math.log(21))


def test_the_area_is_that_of_the_steps() -> None:
    """Nothing before the first result, the last one until the end, and what comes after the limit is too late."""
    first, second = when(3.0, 60.0), when(20.0, 60.0)
    expected = 0.5 * (second - first) + 0.9 * (1 - second)
    assert area([(3.0, 0.5), (20.0, 0.9)], 60.0) == pytest.approx(expected)
    assert area([(3.0, 0.5), (20.0, 0.9), (61.0, 1.0)], 60.0) == pytest.approx(expected)
    assert area([], 60.0) == 0 and area([(60.0, 1.0)], 60.0) == 0


def test_the_sooner_the_larger() -> None:
    """And a result that gets worse costs."""
    assert area([(1.0, 0.8)], 60.0) > area([(2.0, 0.8)], 60.0)
    assert area([(1.0, 0.8), (2.0, 0.7)], 60.0) < area([(1.0, 0.8)], 60.0)


def test_metrics_become_numbers_from_0_to_1() -> None:
    """Errors in relation to the usual answer, never below 0."""
    assert quality("accuracy", 0.7, 0.5) == 0.7
    assert quality("roc_auc", 0.4, 0.5) == 0
    assert quality("log_loss", 0.3, 0.6) == pytest.approx(0.5)
    assert quality("rmse", 9.0, 8.0) == 0 and quality("rmse", 0.0, 0.0) == 1
    with pytest.raises(ValueError, match="no quality is defined for the metric 'mape'"):
        quality("mape", 1.0, 1.0)
