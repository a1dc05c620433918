"""The 95 % intervals hold the true score about as often as they say, and never claim certainty from few rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from netwright.metrics import METRICS, Metric
from netwright.select.clusters import values_of_groups, worth
from netwright.select.intervals import interval, mean_interval, wilson
from netwright.select.student import student

Array = NDArray[Any]
NAMES_OF_CLASSES = ["accuracy", "log_loss", "roc_auc", "balanced_accuracy", "macro_f1"]
NAMES_OF_NUMBERS = ["rmse", "mae", "r2"]


def classified(generator: np.random.Generator, rows: int) -> tuple[Array, Array]:
    """Draw two classes, one rarer, and probabilities that are a bit too sure."""
    logits = 3 * generator.normal(size=rows) - 1
    truth = (generator.random(rows) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    said = 1 / (1 + np.exp(-1.3 * (logits + generator.normal(size=rows))))
    return truth, np.stack([1 - said, said], axis=1)


def numbered(generator: np.random.Generator, rows: int) -> tuple[Array, Array]:
    """Draw values and predictions whose errors have rather heavy tails."""
    values = generator.normal(size=rows)
    return values + 0.5 * generator.standard_t(8, size=rows), values


def source_of(name: str) -> Callable[[np.random.Generator, int], tuple[Array, Array]]:
    """Return what draws rows for a metric."""
    return numbered if name in NAMES_OF_NUMBERS else classified


@pytest.mark.parametrize(("rows", "fewest"), [(50, 0.895), (500, 0.92)])
@pytest.mark.parametrize("name", NAMES_OF_CLASSES + NAMES_OF_NUMBERS)
def test_coverage(name: str, rows: int, fewest: float) -> None:
    """In 2,000 repetitions the interval holds the true score about 95 times in a hundred, missing on either side."""
    source, metric = source_of(name), METRICS[name]
    true = metric.function(*source(np.random.default_rng(0), 400_000))
    generator = np.random.default_rng(1)
    ends = np.array([interval(metric, *source(generator, rows), 0) for _ in range(2_000)])
    under, over = (true < ends[:, 0]).mean(), (true > ends[:, 1]).mean()
    assert fewest <= 1 - under - over <= 0.985  # chance in the count itself: 0.005, one standard deviation
    assert max(under, over) < 0.065


def in_groups(generator: np.random.Generator, groups: int, metric: str) -> tuple[Array, Array, Array]:
    """Draw groups of 1 to 19 rows, whose errors have a part in common."""
    numbers = np.repeat(np.arange(groups), generator.integers(1, 20, groups))
    rows = len(numbers)
    common, own = generator.normal(size=groups)[numbers], generator.normal(size=rows)
    if metric in NAMES_OF_NUMBERS:
        values = generator.normal(size=rows)
        return values + 0.4 * common + 0.4 * own, values, numbers
    logits = 2 * generator.normal(size=rows) - 1
    truth = (generator.random(rows) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    said = 1 / (1 + np.exp(-1.3 * (logits + 1.5 * common + 0.5 * own)))
    return truth, np.stack([1 - said, said], axis=1), numbers


@pytest.mark.parametrize(("groups", "fewest", "most"), [(8, 0.89, 1.0), (40, 0.905, 0.985)])
@pytest.mark.parametrize("name", NAMES_OF_CLASSES + NAMES_OF_NUMBERS)
def test_coverage_of_groups(name: str, groups: int, fewest: float, most: float) -> None:
    """Of rows that were drawn in groups, too, where an interval over rows would hold the true score less often.

    On few groups shares are told wider than need be, since little tells how alike the rows of a group are.
    """
    metric = METRICS[name]
    true = metric.function(*in_groups(np.random.default_rng(0), 40_000, name)[:2])
    generator = np.random.default_rng(1)
    held, by_rows = [], []
    for _ in range(1_000):
        truth, prediction, numbers = in_groups(generator, groups, name)
        for found, own in ((held, numbers), (by_rows, None)):
            low, high = interval(metric, truth, prediction, 0, own)
            found.append(low <= true <= high)
    assert fewest <= np.mean(held) <= most
    assert np.mean(by_rows) < np.mean(held) - 0.02


def test_few_mistakes_in_groups_are_not_taken_for_mistakes_of_rows() -> None:
    """Where a group is all right or all wrong, and few are wrong, the interval holds the true share all the same."""
    generator = np.random.default_rng(0)
    numbers = np.repeat(np.arange(50), 10)
    held = []
    for _ in range(2_000):
        truth = (generator.random(50) < 0.04).astype(np.int64)[numbers]  # the other class than is said
        low, high = interval(METRICS["accuracy"], truth, np.eye(2)[np.zeros(500, np.int64)], 0, numbers)
        held.append(low <= 0.96 <= high)
    assert np.mean(held) >= 0.92


def test_rows_of_one_kind_are_worth_their_groups() -> None:
    """Ten equal rows say what one says; rows that have nothing in common with their group say what they say alone."""
    generator = np.random.default_rng(0)
    means, numbers = generator.normal(size=400), np.repeat(np.arange(400), 10)
    equal = np.repeat(means - means.mean(), 10) / 4_000
    assert worth(equal, numbers) == pytest.approx(0.1, rel=0.02)
    apart = generator.normal(size=4_000)
    assert 0.8 < worth(apart - apart.mean(), numbers) <= 1
    assert worth(apart, None) == 1.0
    assert worth(np.zeros(4_000), numbers) == pytest.approx(0.1, rel=0.02)  # no mistake: nobody knows


def test_the_values_of_groups_have_the_cluster_robust_error() -> None:
    """And the mean of the rows, however many rows a group has."""
    generator = np.random.default_rng(0)
    numbers = np.repeat(np.arange(9), [1, 2, 3, 4, 5, 6, 7, 8, 9])
    values = generator.normal(size=45)
    found = values_of_groups(values, numbers)
    assert found.mean() == pytest.approx(values.mean())
    sums = np.array([np.sum(values[numbers == group] - values.mean()) for group in range(9)])
    assert stats.sem(found) == pytest.approx(math.sqrt(9 / 8 * np.sum(sums**2)) / 45)


@given(st.integers(0, 10_000), st.integers(3, 80), st.integers(2, 5), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_score_lies_inside(seed: int, rows: int, classes: int, all_right: bool, together: bool) -> None:
    """The interval is ordered, holds the score, and stays where the metric can lie."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), rows)
    truth = probabilities.argmax(axis=1) if all_right else generator.integers(0, classes, rows)
    for name in NAMES_OF_CLASSES:
        score = METRICS[name].function(truth, probabilities)
        if (name == "roc_auc" and classes > 2) or not math.isfinite(score):
            continue
        low, high = interval(METRICS[name], truth, probabilities, 0, np.arange(rows) // 2 if together else None)
        assert low - 1e-9 <= score <= high + 1e-9
        assert low >= 0 and (name == "log_loss" or high <= 1)


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "macro_f1", "roc_auc"])
def test_no_mistake_on_fifty_rows_is_not_certainty(name: str) -> None:
    """A perfect score on 50 rows has an interval that ends at 1 but begins clearly below."""
    truth = np.arange(50) % 2
    low, high = interval(METRICS[name], truth, np.eye(2)[truth], 0)
    assert high == pytest.approx(1)
    assert 0.8 < low < 0.97


def test_a_rare_class_makes_balanced_accuracy_less_sure() -> None:
    """With 3 of 200 rows in a class, balanced accuracy is far less sure than accuracy."""
    truth = (np.arange(200) < 3).astype(np.int64)
    widths = {}
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        low, high = interval(METRICS[name], truth, np.eye(2)[truth], 0)
        widths[name] = high - low
    assert min(widths["balanced_accuracy"], widths["macro_f1"]) > 5 * widths["accuracy"]


@pytest.mark.parametrize(("share", "rows"), [(0.0, 10), (0.3, 20), (0.95, 200), (1.0, 50)])
def test_wilson_is_the_oracles(share: float, rows: int) -> None:
    """Wilson's interval is that of scipy."""
    expected = stats.binomtest(round(share * rows), rows).proportion_ci(0.95, "wilson")
    assert wilson(share, rows) == pytest.approx((expected.low, expected.high), abs=1e-6)


@pytest.mark.parametrize(("freedom", "close"), [(1, 1e-6), (2, 1e-6), (3, 0.05), (9, 1e-3), (100, 1e-6)])
def test_students_factor_is_the_oracles(freedom: int, close: float) -> None:
    """The series for Student's t is near scipy's value from few rows on."""
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=close)


def test_without_skewness_it_is_students_interval() -> None:
    """For values that are symmetric about their mean, the interval of a mean is Student's."""
    values = np.concatenate([np.arange(20.0), -np.arange(20.0)])
    expected = stats.t.interval(0.95, 39, 0, stats.sem(values))
    assert mean_interval(values) == pytest.approx(expected, rel=1e-4)


def test_skewed_losses_reach_further_up() -> None:
    """One large loss among many small ones: the truth is likelier above the mean than below."""
    values = np.array([0.01] * 29 + [3.0])
    low, high = mean_interval(values)
    assert high - values.mean() > 2 * (values.mean() - low)
    assert low >= 0


def test_what_cannot_be_known_is_not_a_number() -> None:
    """A single value has no interval, and neither has a metric that is not defined."""
    assert all(math.isnan(end) for end in mean_interval(np.array([1.0])))
    one_class = np.zeros(5, np.int64)
    assert all(math.isnan(end) for end in interval(METRICS["roc_auc"], one_class, np.full((5, 2), 0.5), 0))


def test_any_other_metric_is_resampled() -> None:
    """A metric without a method of its own gets a bootstrap interval, the same for the same seed, near the true one."""

    def median_error(truth: Array, values: Array) -> float:
        return float(np.median(np.abs(truth - values)))

    metric = Metric("median_error", False, frozenset({"regression"}), median_error)
    truth, values = numbered(np.random.default_rng(0), 8_000)
    first, second = (interval(metric, truth, values, 3) for _ in range(2))
    assert first == second
    assert first[0] < median_error(truth, values) < first[1]
    true = median_error(*numbered(np.random.default_rng(9), 400_000))
    assert first[0] - 0.005 < true < first[1] + 0.005
    assert 0.01 < first[1] - first[0] < 0.05
    twice = interval(metric, np.repeat(truth, 4), np.repeat(values, 4), 3, np.repeat(np.arange(8_000), 4))
    assert twice[1] - twice[0] == pytest.approx(first[1] - first[0], rel=0.2)  # not half of it


def test_exact_numbers_are_certain() -> None:
    """Predictions without any error: rmse 0 and r2 1, with nothing around them."""
    values = np.arange(20.0)
    assert interval(METRICS["rmse"], values, values, 0) == (0, 0)
    assert interval(METRICS["r2"], values, values, 0) == (1, 1)


def test_entities_are_covered() -> None:
    """Sentences of five tokens with an entity in each, found at random: the true F1 lies inside as often as it says."""
    generator, metric = np.random.default_rng(0), METRICS["entity_f1"]

    def drawn(sentences: int) -> tuple[Array, Array]:
        truth = np.tile([0, 1, 2, 0, 0], (sentences, 1))
        said = truth.copy()
        said[generator.random(sentences) < 0.2, 2] = 0  # too short: a wrong one, and a missed one
        said[generator.random(sentences) < 0.1, 1:3] = 0  # missed
        said[generator.random(sentences) < 0.1, 4] = 1  # made up
        return truth.ravel(), np.eye(3)[said.ravel()]

    true = metric.function(*drawn(200_000))
    ends = [interval(metric, *drawn(100), seed=0) for _ in range(400)]
    assert np.mean([low <= true <= high for low, high in ends]) > 0.92
    low, high = interval(metric, *(part[:50] for part in (np.tile([1, 0], 25), np.eye(3)[np.tile([1, 0], 25)])), seed=0)
    assert low < 0.95 and high == 1.0
    ones, joined = np.tile([1, 0], 25), np.eye(3)[np.tile([1, 2], 25)]  # of two entities each, or of one that is wrong
    assert interval(metric, ones, joined, seed=0)[1] < 0.2
    assert interval(metric.within(np.arange(50)), ones, joined, seed=0)[0] > 0.5
