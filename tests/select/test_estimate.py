"""The honest estimate sees no row in the choice that predicts it, and what the report draws of it adds up."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as oracle

from netwright.metrics import METRICS
from netwright.select import calibrate, ensemble
from netwright.select.calibrate import fit_temperature
from netwright.select.ensemble import blend, select_weights
from netwright.select.estimate import confusion_counts, estimate, reliability_bins, temperature_of
from netwright.select.room import Room


def guesses(seed: int, rows: int, count: int, classes: int = 2) -> tuple[list[NDArray[np.float64]], NDArray[np.int64]]:
    """Return candidates that know nothing: probabilities (N, K) and classes without any relation."""
    generator = np.random.default_rng(seed)
    return list(generator.dirichlet(np.ones(classes), (count, rows))), generator.integers(0, classes, rows)


def test_choosing_among_guesses_gains_nothing() -> None:
    """Among 40 candidates that guess, the best mix looks good on the rows it was chosen on; the estimate does not."""
    flattered, honest = [], []
    for seed in range(12):
        predictions, truth = guesses(seed, 100, 40)
        folds = np.arange(100) % 5
        mixed = np.tensordot(select_weights(predictions, truth, "accuracy"), np.array(predictions), 1)
        flattered.append(METRICS["accuracy"].function(truth, mixed))
        honest.append(estimate(predictions, truth, folds, METRICS["accuracy"], outcome="binary").score)
    assert np.mean(flattered) > 0.58
    assert np.mean(honest) == pytest.approx(0.5, abs=0.05)


def test_the_truth_of_a_fold_does_not_reach_its_predictions() -> None:
    """With other truth in one fold, the honest predictions of that fold stay the same, bit for bit."""
    predictions, truth = guesses(0, 90, 6, 3)
    folds = np.arange(90) % 3
    other = np.where(folds == 1, (truth + 1) % 3, truth)
    first, second = (
        estimate(predictions, known, folds, METRICS["log_loss"], outcome="multiclass") for known in (truth, other)
    )
    assert (first.predictions[folds == 1] == second.predictions[folds == 1]).all()
    assert not (first.predictions[folds != 1] == second.predictions[folds != 1]).all()


@pytest.mark.parametrize("most", [20_000, 50])
def test_rows_that_are_named_are_chosen_by_as_if_there_were_no_others(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights and temperature are those of a copy of these rows, bit for bit, whatever stands in the others."""
    monkeypatch.setattr(ensemble, "MOST_ROWS", most)
    monkeypatch.setattr(calibrate, "MOST_ROWS", most)
    predictions, truth = guesses(3, 400, 5, 3)
    among = np.flatnonzero(np.arange(400) % 4 != 1)
    copies = [prediction[among] for prediction in predictions]
    for prediction in predictions:
        prediction[1::4] = np.nan
    weights = select_weights(predictions, truth, "accuracy", among=among)
    assert (weights == select_weights(copies, truth[among], "accuracy")).all()
    wanted = fit_temperature(blend(copies, weights), truth[among])
    assert temperature_of(predictions, weights, truth, among) == wanted
    assert temperature_of(copies, weights, truth[among]) == wanted


def test_of_many_rows_nothing_is_copied_but_the_mix() -> None:
    """Thirty candidates of 150,000 rows take 72 MB: a copy of those of the other folds took as much for each fold."""
    predictions, truth = guesses(0, 150_000, 30)
    tracemalloc.start()
    estimate(predictions, truth, np.arange(len(truth)) % 4, METRICS["accuracy"], outcome="binary")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6


def test_it_is_near_what_fresh_rows_give() -> None:
    """For candidates with real knowledge the interval holds what the final mix scores on many fresh rows."""
    generator = np.random.default_rng(4)
    truth = generator.integers(0, 3, 20_800)
    logits = 1.5 * np.eye(3)[truth] + generator.normal(size=(8, len(truth), 3)) * np.linspace(1, 3, 8)[:, None, None]
    predictions = list(np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True))
    seen = [prediction[:800] for prediction in predictions]
    made = estimate(seen, truth[:800], np.arange(800) % 4, METRICS["accuracy"], outcome="multiclass", seed=1)
    weights = select_weights(seen, truth[:800], "accuracy")
    fresh = np.tensordot(weights, np.array(predictions)[:, 800:], 1)
    assert made.low <= METRICS["accuracy"].function(truth[800:], fresh) <= made.high
    assert made.low < made.score < made.high
    assert made.metrics["accuracy"] == made.score
    assert {"log_loss", "balanced_accuracy", "macro_f1"} <= set(made.metrics)
    assert made.predictions.sum(axis=1) == pytest.approx(np.ones(800))


def test_numbers() -> None:
    """A regression gets values, an rmse with an interval, and the other metrics of numbers."""
    generator = np.random.default_rng(0)
    truth = generator.normal(size=300)
    predictions = [(truth + deviation * generator.normal(size=300)).astype(np.float32) for deviation in (0.5, 0.6, 2)]
    made = estimate(predictions, truth, np.arange(300) % 3, METRICS["rmse"], outcome="regression")
    assert made.predictions.shape == (300,)
    assert made.low < made.score < made.high < 0.5
    assert set(made.metrics) == {"rmse", "mae", "r2"}


def test_the_size_limit_holds_in_every_fold() -> None:
    """Under a limit that only one bad, small candidate meets, the estimate is that candidate's score."""
    predictions, truth = guesses(1, 60, 3)
    predictions[0] = np.eye(2)[truth]
    made = estimate(
        predictions,
        truth,
        np.arange(60) % 3,
        METRICS["accuracy"],
        outcome="binary",
        room=Room(np.array([[9.0], [1.0], [9.0]]), np.array([5.0])),
    )
    assert made.score == METRICS["accuracy"].function(truth, predictions[1])


def test_one_fold_is_refused() -> None:
    """Without a second fold there is nothing to choose on."""
    predictions, truth = guesses(0, 20, 2)
    with pytest.raises(ValueError, match="two folds"):
        estimate(predictions, truth, np.zeros(20, np.int64), METRICS["accuracy"], outcome="binary")


@given(st.integers(0, 10_000), st.integers(1, 80), st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_confusion_equals_the_oracle(seed: int, rows: int, classes: int) -> None:
    """Counts are scikit-learn's, classes without rows included."""
    (probabilities,), truth = guesses(seed, rows, 1, classes)
    expected = oracle.confusion_matrix(truth, probabilities.argmax(axis=1), labels=np.arange(classes))
    assert (confusion_counts(truth, probabilities) == expected).all()


@given(st.integers(0, 10_000), st.integers(1, 300), st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_reliability_adds_up(seed: int, rows: int, classes: int) -> None:
    """Bins hold every row once, their shares give back the accuracy, and probabilities lie within their bin."""
    (probabilities,), truth = guesses(seed, rows, 1, classes)
    bins = reliability_bins(truth, probabilities)
    assert sum(count for _, _, count in bins) == rows
    right = sum(share * count for _, share, count in bins)
    assert right == pytest.approx((probabilities.argmax(axis=1) == truth).sum())
    said = [mean for mean, _, _ in bins]
    assert said == sorted(said) and 1 / classes - 1e-9 <= said[0] and said[-1] <= 1


def test_certainty_falls_into_the_last_bin() -> None:
    """A probability of exactly 1 does not fall off the end."""
    assert reliability_bins(np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]])) == ((1.0, 0.5, 2.0),)
