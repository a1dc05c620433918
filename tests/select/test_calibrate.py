"""Temperature scaling finds the temperature that was put in, changes no answer, and stays calm on few rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from netwright.metrics import METRICS
from netwright.select.calibrate import (
    RANGE,
    apply_temperature,
    fit_temperature,
    spread_rows,
)


def calibrated(seed: int, rows: int, classes: int = 4) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return probabilities (N, K) that hold, and classes drawn from them."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(classes, 0.5), rows)
    truth = (probabilities.cumsum(axis=1) > generator.random((rows, 1))).argmax(axis=1)
    return probabilities, truth


@pytest.mark.parametrize("made", [0.5, 1.0, 2.0])
def test_the_temperature_is_found(made: float) -> None:
    """Of probabilities that were made too sure or too shy, the temperature that undoes it is found."""
    probabilities, truth = calibrated(0, 20_000)
    spoilt = apply_temperature(probabilities, 1 / made)
    assert fit_temperature(spoilt, truth) == pytest.approx(made, rel=0.03)


def test_it_lowers_the_log_loss_of_fresh_rows() -> None:
    """What is fitted on some rows helps on others."""
    probabilities, truth = calibrated(1, 4_000)
    spoilt = apply_temperature(probabilities, 0.5)
    temperature = fit_temperature(spoilt[:400], truth[:400])
    loss = METRICS["log_loss"].function
    assert loss(truth[400:], apply_temperature(spoilt[400:], temperature)) < loss(truth[400:], spoilt[400:]) - 0.1


@given(st.integers(0, 10_000), st.integers(1, 12), st.booleans())
@settings(max_examples=40, deadline=None)
def test_few_rows_move_it_little(seed: int, rows: int, all_right: bool) -> None:
    """A dozen rows, all right or at random, cannot push the temperature to an end of its range."""
    probabilities, truth = calibrated(seed, rows)
    temperature = fit_temperature(probabilities, probabilities.argmax(axis=1) if all_right else truth)
    assert 0.4 < temperature < 2.5


def test_certain_and_wrong() -> None:
    """A probability of exactly 0 for the true class gives a finite temperature over 1, within the range."""
    probabilities = np.tile([1.0, 0.0], (50, 1))
    truth = np.arange(50) % 2
    temperature = fit_temperature(probabilities, truth)
    assert 1 < temperature <= RANGE[1]
    scaled = apply_temperature(probabilities, temperature)
    assert np.isfinite(scaled).all() and (scaled > 0).all()


@given(st.integers(0, 10_000), st.floats(0.1, 10))
@settings(max_examples=40, deadline=None)
def test_it_changes_no_answer(seed: int, temperature: float) -> None:
    """Rows still sum to one and the most probable class stays, float32 or float64."""
    probabilities, _ = calibrated(seed, 30)
    for kind in (np.float32, np.float64):
        scaled = apply_temperature(probabilities.astype(kind), temperature)
        assert scaled.sum(axis=1) == pytest.approx(np.ones(30))
        assert (scaled.argmax(axis=1) == probabilities.astype(kind).argmax(axis=1)).all()


def test_one_changes_nothing() -> None:
    """A temperature of 1 gives the very same probabilities, exact zeros too."""
    probabilities = np.array([[0.0, 1.0], [0.3, 0.7]])
    assert (apply_temperature(probabilities, 1.0) == probabilities).all()


@given(st.integers(0, 3_000), st.integers(1, 100))
@settings(max_examples=40, deadline=None)
def test_rows_are_spread_evenly(rows: int, most: int) -> None:
    """A part of the rows is different, in order, within range and no more than was asked."""
    chosen = spread_rows(rows, most)
    assert len(chosen) == min(rows, most)
    assert (np.diff(chosen) > 0).all()
    assert not len(chosen) or chosen[-1] < rows
    assert np.array_equal(chosen, spread_rows(rows, most))
    ends = np.arange(len(chosen) + 1) * rows // max(1, len(chosen))  # one of each stretch
    assert (ends[:-1] <= chosen).all() and (chosen < ends[1:]).all()


@pytest.mark.parametrize(("rows", "most", "turns"), [(40_000, 20_000, 2), (1_000_000, 20_000, 50), (24_000, 12_000, 4)])
def test_rows_that_take_turns_are_all_among_the_spread_ones(rows: int, most: int, turns: int) -> None:
    """Classes that alternate, or things that are read one after the other, each about as often as any other."""
    shares = np.bincount(spread_rows(rows, most) % turns, minlength=turns) / most
    assert shares == pytest.approx(np.full(turns, 1 / turns), rel=0.25)
