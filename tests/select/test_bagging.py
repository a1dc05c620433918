"""What averaging gains is told by how much the members disagree."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.metrics import METRICS, metrics_for
from netwright.select.bagging import averaging_gain
from netwright.select.calibrate import apply_temperature, fit_temperature
from netwright.select.estimate import estimate, with_gain


def _members(generator: np.random.Generator, logits: np.ndarray, count: int, noise: float) -> np.ndarray:
    noisy = logits + noise * generator.normal(size=(count, *logits.shape))
    powers = np.exp(noisy)
    return powers / powers.sum(axis=2, keepdims=True)


def test_the_gain_in_squared_error_is_the_variance_of_the_members() -> None:
    """Krogh and Vedelsby's decomposition: what MSE falls by is the mean variance, whatever the truth is."""
    generator = np.random.default_rng(0)
    members = generator.normal(size=(4, 500))
    residuals = generator.normal(size=500)
    before = np.mean(np.square(residuals)) + members.var(axis=0).mean()
    gain = averaging_gain(METRICS["rmse"], members, residuals, 0)
    assert gain == pytest.approx(np.sqrt(np.mean(np.square(residuals))) - np.sqrt(before), rel=0.05)


@pytest.mark.parametrize("name", [metric.name for metric in metrics_for("binary")])
def test_the_gain_is_what_fresh_labels_show(name: str) -> None:
    """On labels drawn from the average, mean and members differ by about the gain, for every metric of classes."""
    generator = np.random.default_rng(1)
    members = _members(generator, 1.5 * generator.normal(size=(4_000, 2)), 5, 1.0)
    mean = members.mean(axis=0)
    truth = (generator.random(len(mean)) < mean[:, 1]).astype(np.int64)
    metric = METRICS[name]
    seen = metric.function(truth, mean) - np.mean([metric.function(truth, one) for one in members])
    assert averaging_gain(metric, members, None, 0) == pytest.approx(seen, abs=0.012)


def test_one_member_or_equal_ones_gain_nothing() -> None:
    """Where nothing is averaged, nothing is added."""
    members = _members(np.random.default_rng(2), np.zeros((50, 3)), 1, 1.0)
    assert averaging_gain(METRICS["accuracy"], members, None, 0) == 0.0
    assert averaging_gain(METRICS["log_loss"], np.repeat(members, 3, axis=0), None, 0) == pytest.approx(0.0, abs=1e-12)
    assert averaging_gain(METRICS["mae"], np.zeros((1, 9)), np.ones(9), 0) == 0.0


def test_a_moved_estimate_stays_possible_and_keeps_its_width() -> None:
    """Scores move towards better, all of them, the interval along with its score, and never past perfection."""
    generator = np.random.default_rng(3)
    logits = 2 * generator.normal(size=(300, 3))
    members = _members(generator, logits, 4, 1.5)
    truth = logits.argmax(axis=1)
    made = estimate([members[0], members[1]], truth, np.arange(300) % 3, METRICS["accuracy"], outcome="multiclass")
    moved = with_gain(made, METRICS["accuracy"], members, None, 0)
    assert made.score < moved.score <= 1
    assert moved.low - made.low == pytest.approx(moved.score - made.score)
    assert moved.high <= 1
    assert moved.metrics["accuracy"] == moved.score
    assert 0 <= moved.metrics["log_loss"] < made.metrics["log_loss"]
    assert moved.predictions is made.predictions


def test_the_interval_holds_the_score_of_averaged_networks() -> None:
    """In simulated worlds the moved interval holds the true score of the average about as often as it says.

    Each world has rows whose members see the logits with errors of their own; out of fold each row is predicted by
    one member, a new row by the mean of all. Both are calibrated by one temperature, as in a model.
    """
    covered, covered_before, worlds = 0, 0, 150
    metric = METRICS["log_loss"]
    for seed in range(worlds):
        generator = np.random.default_rng(seed)
        logits = 1.5 * generator.normal(size=(20_400, 2))
        members = _members(generator, logits + 0.5 * generator.normal(size=logits.shape), 5, 0.8)
        powers = np.exp(logits)
        truth = (generator.random(len(logits)) < powers[:, 1] / powers.sum(axis=1)).astype(np.int64)
        folds = np.arange(400) % 5
        out_of_fold = members[folds, np.arange(400)]
        temperature = fit_temperature(out_of_fold, truth[:400])
        made = estimate([out_of_fold], truth[:400], folds, metric, outcome="binary")
        seen = np.stack([apply_temperature(one, temperature) for one in members[:, :400]])
        moved = with_gain(made, metric, seen, None, 0)
        fresh = metric.function(truth[400:], apply_temperature(members[:, 400:].mean(axis=0), temperature))
        covered += moved.low <= fresh <= moved.high
        covered_before += made.low <= fresh <= made.high
    assert covered / worlds > 0.9
    assert covered > covered_before
