"""Mixing weights: right where the answer is known, guarded where rows are few, within the limits that were given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from netwright.metrics import METRICS
from netwright.select import ensemble
from netwright.select.ensemble import ROUNDS, doubt, select_weights
from netwright.select.room import Room

Calls = Callable[[Callable[[], object]], int]

CLASS_METRICS = ["accuracy", "log_loss", "roc_auc", "balanced_accuracy", "macro_f1"]


def candidates(
    seed: int, rows: int, count: int, classes: int = 3, errors: NDArray[np.float64] | None = None
) -> tuple[list[NDArray[np.float32]], NDArray[np.int64]]:
    """Return candidates' probabilities, each with an error of its own size, and the classes."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, classes, rows)
    sizes = generator.uniform(1, 3, count) if errors is None else errors
    logits = 2 * np.eye(classes)[truth] + sizes[:, None, None] * generator.normal(size=(count, rows, classes))
    powers = np.exp(logits)
    return list((powers / powers.sum(axis=2, keepdims=True)).astype(np.float32)), truth


@given(st.integers(0, 10_000), st.integers(1, 200), st.integers(1, 9), st.sampled_from(CLASS_METRICS))
@settings(max_examples=40, deadline=None)
def test_weights_are_shares(seed: int, rows: int, count: int, metric: str) -> None:
    """Weights are never negative and sum to one, for any number of rows and candidates."""
    predictions, truth = candidates(seed, rows, count)
    weights = select_weights(predictions, truth, metric)
    assert weights.shape == (count,)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("metric", CLASS_METRICS)
def test_a_mix_beats_its_best_member(metric: str) -> None:
    """Candidates that err apart are mixed, and the mix is better on fresh rows than the best of them alone."""
    errors = np.linspace(1, 3, 8)
    predictions, truth = candidates(1, 6_000, 8, errors=errors)
    seen, fresh = [p[:3_000] for p in predictions], [p[3_000:] for p in predictions]
    weights = select_weights(seen, truth[:3_000], metric)
    mixed = np.tensordot(weights, np.array(fresh), 1)
    assert (weights > 0).sum() > 1
    for judged in (METRICS["log_loss"], METRICS["accuracy"]):
        sign = 1 if judged.greater_is_better else -1
        best = max(sign * judged.function(truth[3_000:], prediction) for prediction in fresh)
        assert sign * judged.function(truth[3_000:], mixed) > best


@pytest.mark.parametrize(("metric", "name"), [("rmse", "rmse"), ("mae", "mae"), ("r2", "rmse")])
def test_numbers_are_mixed_near_the_optimum(metric: str, name: str) -> None:
    """For independent errors the squared-error weights are near those in inverse proportion to the variances."""
    generator = np.random.default_rng(0)
    truth = 1e6 + generator.normal(size=20_000)
    deviations = np.array([1.0, 2.0, 1.0, 8.0])
    predictions = [truth + deviation * generator.normal(size=20_000) for deviation in deviations]
    weights = select_weights(predictions, truth, metric)
    ideal = deviations**-2 / (deviations**-2).sum()
    assert weights == pytest.approx(ideal, abs=0.04)
    mixed = METRICS[name].function(truth, np.tensordot(weights, np.array(predictions), 1))
    assert mixed < 1.01 * METRICS[name].function(truth, np.tensordot(ideal, np.array(predictions), 1))


@pytest.mark.parametrize("rows", [183, 219, 265, 285])
def test_no_weight_is_above_one(rows: int) -> None:
    """By not even the last bit, as that of a lone candidate came out with these rows: no model file holds that."""
    generator = np.random.default_rng(rows)
    truth = generator.integers(0, 3, rows)
    powers = np.exp(4 * np.eye(3)[truth] + generator.normal(size=(rows, 3)))
    (weight,) = select_weights([(powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)], truth, "accuracy")
    assert weight <= 1.0 and weight == pytest.approx(1.0)


def test_a_hopeless_candidate_gets_nothing() -> None:
    """A candidate that predicts the opposite has no weight on a large table."""
    predictions, truth = candidates(2, 5_000, 3, 2)
    predictions.insert(0, 1 - predictions[0])
    assert select_weights(predictions, truth, "accuracy")[0] == 0


def test_the_order_of_candidates_does_not_matter() -> None:
    """The same candidates in another order get the same weights."""
    predictions, truth = candidates(3, 300, 9)
    order = np.random.default_rng(0).permutation(9)
    weights = select_weights(predictions, truth, "log_loss")
    assert select_weights([predictions[i] for i in order], truth, "log_loss") == pytest.approx(weights[order])


def test_twice_the_same_call_gives_the_same_bits() -> None:
    """Selection draws no random numbers."""
    predictions, truth = candidates(4, 30_000, 5)
    first, second = (select_weights(predictions, truth, "accuracy") for _ in range(2))
    assert first.tobytes() == second.tobytes()


@given(st.integers(0, 10_000), st.integers(10, 400), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_the_largest_size_is_kept(seed: int, rows: int, largest: int) -> None:
    """What is chosen fits into the largest size together, unless not even the smallest candidate does."""
    predictions, truth = candidates(seed, rows, 8)
    sizes = np.random.default_rng(seed).integers(1, 30, 8).tolist()
    room = Room(np.array(sizes, np.float64)[:, None], np.array([float(largest)]))
    weights = select_weights(predictions, truth, "log_loss", room=room)
    taken = sum(size for size, weight in zip(sizes, weights, strict=True) if weight > 0)
    assert taken <= largest or taken == min(sizes)
    assert weights.sum() == pytest.approx(1)


def test_every_resource_has_its_cap() -> None:
    """Of two resources, neither is overdrawn; who takes none of a resource is not kept out by it."""
    room = Room(np.array([[9.0, 0.0], [1.0, 8.0], [1.0, 1.0]]), np.array([10.0, 8.0]))
    assert room.open_to(np.array([True, False, False])).tolist() == [True, True, True]
    assert room.open_to(np.array([False, True, False])).tolist() == [True, True, False]
    assert room.greediness().tolist() == [0.9, 1.0, 0.125]
    assert Room.without_limits(2).open_to(np.array([True, False])).all()


def test_too_large_all_of_them() -> None:
    """If none fits, the smallest gets all the weight, since a model must be handed over."""
    predictions, truth = candidates(5, 100, 3)
    assert select_weights(
        predictions, truth, "accuracy", room=Room(np.array([[9.0], [5], [7]]), np.array([4.0]))
    ).tolist() == [0, 1, 0]


def test_predictions_that_are_not_finite_get_no_weight() -> None:
    """A candidate with one NaN is left out; if all are so, it is said."""
    predictions, truth = candidates(6, 100, 3)
    predictions[0][7] = np.nan
    weights = select_weights(predictions, truth, "log_loss")
    assert weights[0] == 0 and weights.sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="finite"):
        select_weights(predictions[:1], truth, "log_loss")


def test_huge_numbers_do_not_overflow() -> None:
    """Targets near the largest float are mixed as any other."""
    truth = np.linspace(0, 1e200, 50)
    with np.errstate(all="raise"):
        weights = select_weights([0.5 * truth, 1.5 * truth], truth, "rmse")
    assert (weights > 0).all() and weights.sum() == pytest.approx(1)


def test_doubt_falls_with_the_rows() -> None:
    """Small tables lean on the best few; large ones do not, and carry no network of hardly any weight."""
    shares = [doubt(rows) for rows in (1, 20, 60, 300, 3_000, 4_001, 100_000)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 0.5 and shares[-2:] == [0.0, 0.0]


def test_the_guard_helps_on_small_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """On 60 rows, weights drawn towards the best few do better on fresh rows than bare picks."""
    losses = []
    for seed in range(30):
        predictions, truth = candidates(seed, 60 + 3_000, 24, errors=np.linspace(1, 2, 24))
        seen, fresh = [p[:60] for p in predictions], np.array([p[60:] for p in predictions])
        for guard in (doubt, lambda rows: 0.0):
            monkeypatch.setattr(ensemble, "doubt", guard)
            weights = select_weights(seen, truth[:60], "log_loss")
            losses.append(METRICS["log_loss"].function(truth[60:], np.tensordot(weights, fresh, 1)))
    assert np.mean(losses[1::2]) - np.mean(losses[::2]) > 0.005


def test_it_is_fast(calls_of: Calls) -> None:
    """It runs after every trial: neither rows nor candidates are looped over in Python."""
    predictions, truth = candidates(0, 15_000, 30, 4)
    most = calls_of(lambda: select_weights(predictions, truth, "accuracy"))
    assert most < 100 * ROUNDS  # counted 1,600
    assert most < 1.5 * calls_of(
        lambda: select_weights([one[:5_000] for one in predictions], truth[:5_000], "accuracy")
    )
    assert most < 1.5 * calls_of(lambda: select_weights(predictions[:10], truth, "accuracy"))
