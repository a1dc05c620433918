"""Every metric is what scikit-learn says it is, also where there is little to measure."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as oracle

from netwright.data.tags import iob2_labels, spans_of
from netwright.errors import SettingError
from netwright.metrics import METRICS, default_metric, find_metric, measure, metrics_for, stretches_of

seeds = st.integers(0, 2**32 - 1)


def classified(seed: int, rows: int, classes: int, coarse: bool) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return truth (N,) and probabilities (N, K); coarse ones hold many ties and exact zeros."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(classes, 0.4), rows)
    if coarse:
        probabilities = generator.multinomial(4, probabilities) / 4
    return generator.integers(0, classes, rows), probabilities


@given(seeds, st.integers(1, 60), st.integers(2, 5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_metrics_of_classes_equal_the_oracle(seed: int, rows: int, classes: int, coarse: bool) -> None:
    """Accuracy, log-loss, balanced accuracy and macro F1 agree with scikit-learn, classes absent or not."""
    truth, probabilities = classified(seed, rows, classes, coarse)
    chosen = probabilities.argmax(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "accuracy": oracle.accuracy_score(truth, chosen),
            "log_loss": oracle.log_loss(truth, probabilities, labels=np.arange(classes)),
            "balanced_accuracy": oracle.balanced_accuracy_score(truth, chosen),
            "macro_f1": oracle.f1_score(truth, chosen, average="macro", zero_division=0),
        }
    for name, value in expected.items():
        assert METRICS[name].function(truth, probabilities) == pytest.approx(value, abs=1e-12), name


@given(seeds, st.integers(1, 60), st.booleans())
@settings(max_examples=60, deadline=None)
def test_area_equals_the_oracle(seed: int, rows: int, coarse: bool) -> None:
    """ROC AUC agrees with scikit-learn, ties too, and is NaN where there is one class."""
    truth, probabilities = classified(seed, rows, 2, coarse)
    value = METRICS["roc_auc"].function(truth, probabilities)
    if len(np.unique(truth)) < 2:
        assert math.isnan(value)
    else:
        assert value == pytest.approx(oracle.roc_auc_score(truth, probabilities[:, 1]), abs=1e-12)


@given(seeds, st.integers(2, 60), st.floats(1e-6, 1e6))
@settings(max_examples=60, deadline=None)
def test_metrics_of_numbers_equal_the_oracle(seed: int, rows: int, scale: float) -> None:
    """Rmse, mae and r2 agree with scikit-learn at any scale of the target."""
    generator = np.random.default_rng(seed)
    truth = scale * generator.normal(size=rows)
    values = truth + scale * generator.normal(size=rows)
    assert METRICS["rmse"].function(truth, values) == pytest.approx(oracle.root_mean_squared_error(truth, values))
    assert METRICS["mae"].function(truth, values) == pytest.approx(oracle.mean_absolute_error(truth, values))
    assert METRICS["r2"].function(truth, values) == pytest.approx(oracle.r2_score(truth, values))


def test_float32_is_clipped_as_the_oracle_does() -> None:
    """A float32 probability of exactly 0 counts as float32's precision, not as float64's."""
    truth, probabilities = np.array([0, 1]), np.array([[0.0, 1.0], [0.25, 0.75]], np.float32)
    value = METRICS["log_loss"].function(truth, probabilities)
    assert value == pytest.approx(oracle.log_loss(truth, probabilities), rel=1e-6)
    assert value == pytest.approx((-math.log(2**-23) - math.log(0.75)) / 2)


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.per_row])
def test_a_mean_is_the_mean_of_its_rows(name: str) -> None:
    """Where a metric gives values per row, their mean is the metric."""
    metric = METRICS[name]
    truth, prediction = classified(3, 40, 3, False)
    if "regression" in metric.outcomes:
        prediction = prediction[:, 0]
    assert metric.per_row is not None
    rows = metric.per_row(truth, prediction)
    assert rows.shape == (40,)
    assert metric.function(truth, prediction) == pytest.approx(float(rows.mean()))


@pytest.mark.parametrize("outcome", ["binary", "multiclass", "regression"])
def test_one_row_is_no_error(outcome: str) -> None:
    """One row gives finite metrics; those that need more are left out rather than invented."""
    single = {"binary": ([1], [[0.2, 0.8]]), "multiclass": ([2], [[0.2, 0.2, 0.6]]), "regression": ([2.0], [2.5])}
    truth, prediction = single[outcome]
    values = measure(outcome, np.array(truth), np.array(prediction))
    assert values and all(math.isfinite(value) for value in values.values())
    assert "r2" not in values and "roc_auc" not in values


def test_area_is_for_two_classes_only() -> None:
    """ROC AUC is offered for binary targets, not for others."""
    assert "roc_auc" in [metric.name for metric in metrics_for("binary")]
    assert "roc_auc" not in [metric.name for metric in metrics_for("multiclass")]


def test_auto_is_accuracy_or_rmse() -> None:
    """Without a wish, classes are judged by accuracy and numbers by rmse."""
    assert [find_metric("auto", outcome).name for outcome in ("binary", "multiclass", "regression")] == [
        "accuracy",
        "accuracy",
        "rmse",
    ]
    assert default_metric("regression").name == "rmse"


def test_the_directions() -> None:
    """Errors and losses are better when smaller; all else when greater."""
    assert {name for name, metric in METRICS.items() if not metric.greater_is_better} == {"log_loss", "rmse", "mae"}


@pytest.mark.parametrize(
    ("name", "outcome", "hint"), [("acuracy", "binary", "accuracy"), ("rmsee", "regression", "rmse")]
)
def test_a_misspelt_metric_is_refused_with_a_hint(name: str, outcome: str, hint: str) -> None:
    """An unknown metric is refused in a sentence that names it and the nearest one."""
    with pytest.raises(SettingError, match=f"(?s){name}.*Did you mean '{hint}'"):
        find_metric(name, outcome)


def test_a_metric_for_another_outcome_is_refused() -> None:
    """A metric of numbers cannot judge classes, and the sentence lists those that can."""
    with pytest.raises(SettingError, match=r"rmse.*balanced_accuracy"):
        find_metric("rmse", "multiclass")


def test_entity_f1_counts_whole_entities() -> None:
    """Against the spans of the tags themselves, on random tags; as conlleval counts them."""
    labels, generator = iob2_labels(["B-A", "B-B", "B-C"]), np.random.default_rng(0)
    for _ in range(200):
        truth, said = (generator.choice(7, 30, p=[0.4, *[0.1] * 6]) for _ in range(2))
        said = np.where(generator.random(30) < 0.6, truth, said)
        own, found = (
            {(s.first, s.last, s.kind) for s in spans_of([labels[tag] for tag in tags])} for tags in (truth, said)
        )
        expected = 2 * len(own & found) / (len(own) + len(found))
        assert METRICS["entity_f1"].function(truth, np.eye(7)[said]) == pytest.approx(expected)
    assert np.isnan(METRICS["entity_f1"].function(np.zeros(5, int), np.eye(3)[np.zeros(5, int)]))


def test_entities_of_a_type_never_seen_are_missed() -> None:
    """They lower F1, whatever is predicted there; single tokens of theirs are left out of the other metrics."""
    truth, said = np.array([1, 0, 3, 4, 0]), np.eye(3)[[1, 0, 0, 0, 0]]
    found = measure("tags", truth, said)
    assert found["entity_f1"] == pytest.approx(2 / 3) and found["accuracy"] == 1.0
    assert measure("tags", truth[2:4], said[2:4]) == {"entity_f1": 0.0}


def test_no_entity_reaches_into_the_next_sentence() -> None:
    """Nor over a token that is left out: what begins a stretch begins an entity, though its tag says otherwise."""
    truth, said = np.array([0, 1, 1, 0]), np.eye(3)[[0, 1, 2, 0]]
    metric = METRICS["entity_f1"]
    assert metric.function(truth, said) == 0.0
    assert metric.within(np.array([0, 0, 1, 1])).function(truth, said) == 1.0
    assert measure("tags", truth, said, np.array([0, 0, 1, 1]))["entity_f1"] == 1.0
    assert METRICS["accuracy"].within(np.array([0, 0, 1, 1])).function(truth, said) == 0.75
    sentences = np.array([4, 4, 4, 4, 2, 2, 4])
    assert stretches_of(sentences, np.array([0, 1, 3, 4, 5, 6])).tolist() == [0, 0, 1, 2, 2, 3]
    assert stretches_of(sentences, np.zeros(0, int)).tolist() == []
