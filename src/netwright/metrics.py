"""What results are measured by. Numpy alone.

Every metric takes the truth and the prediction of N rows: class numbers (N,) with probabilities (N, K), or values (N,)
with values (N,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.entities import best_tags, entity_counts
from netwright.errors import UnknownMetric

Array = NDArray[Any]


@dataclass(frozen=True)
class Metric:
    """One way to measure.

    Attributes:
        name: its id.
        greater_is_better: which way it goes.
        outcomes: the outcomes it can be asked of: binary, multiclass, regression, tags.
        function: (truth, prediction) → number; NaN where it is not defined.
        per_row: (truth, prediction) → (N,), where the metric is the mean of these; None where it is not a mean.
        ordered: whether it hangs on which rows stand beside each other: it then also takes `stretches`.
        stretches: (N,) of the rows that it is to be asked of, see `stretches_of`; None where all are one.
    """

    name: str
    greater_is_better: bool
    outcomes: frozenset[str]
    function: Callable[..., float]
    per_row: Callable[[Array, Array], Array] | None = None
    ordered: bool = False
    stretches: Array | None = field(default=None, compare=False)

    def within(self, stretches: Array | None) -> Metric:
        """Return the metric for rows (N,) that lie in these stretches: nothing reaches over the end of one."""
        function = partial(self.function, stretches=stretches) if self.ordered else self.function
        return replace(self, function=function, stretches=stretches)

    def among(self, rows: Array) -> Metric:
        """Return the metric for some of its rows (n,), by their numbers."""
        return self if self.stretches is None else self.within(self.stretches[rows])


def stretches_of(sequences: Array, rows: Array) -> Array:
    """Return the number of the stretch (n,) of each of some rows: those that follow each other in one sequence.

    Args:
        sequences: (N,) the number of the sequence, such as a sentence, that each row is of.
        rows: (n,) the places of some of them, rising.
    """
    cut = (np.diff(sequences[rows]) != 0) | (np.diff(rows) != 1)
    return np.concatenate([np.zeros(min(1, len(rows)), np.int64), np.cumsum(cut)])


def _hits(truth: Array, prediction: Array) -> Array:
    """Return 1 where the most probable class is the true one; of equal probabilities the first counts."""
    return np.asarray(prediction.argmax(axis=1) == truth, np.float64)


def _negative_logs(truth: Array, prediction: Array) -> Array:
    """Return -ln of the true class's probability, clipped to its type's precision as scikit-learn does."""
    tiny = np.finfo(prediction.dtype).eps
    own = np.clip(prediction[np.arange(len(truth)), truth], tiny, 1 - tiny)
    return np.asarray(-np.log(own.astype(np.float64)))


def _absolute_errors(truth: Array, prediction: Array) -> Array:
    return np.asarray(np.abs(truth - prediction), np.float64)


def _mean_of(per_row: Callable[[Array, Array], Array]) -> Callable[[Array, Array], float]:
    return lambda truth, prediction: float(per_row(truth, prediction).mean())


def _balanced_accuracy(truth: Array, prediction: Array) -> float:
    """Mean recall over the classes that occur in the truth."""
    hits = _hits(truth, prediction)
    counts = np.bincount(truth)
    recalls = np.bincount(truth, weights=hits, minlength=len(counts))[counts > 0] / counts[counts > 0]
    return float(recalls.mean())


def _macro_f1(truth: Array, prediction: Array) -> float:
    """Mean F1, 2 TP / (2 TP + FP + FN), over the classes that are true or predicted at least once."""
    classes, chosen = prediction.shape[1], prediction.argmax(axis=1)
    found = np.bincount(truth[chosen == truth], minlength=classes)
    named = np.bincount(truth, minlength=classes) + np.bincount(chosen, minlength=classes)
    return float(np.mean(2 * found[named > 0] / named[named > 0]))


def entities_of(truth: Array, prediction: Array, stretches: Array | None = None) -> tuple[Array, Array, Array]:
    """Return what `entities.entity_counts` does of the most probable tags that mark entities, by chances (N, K).

    None reaches from one stretch (N,) of tokens, such as a sentence, into the next.
    """
    first = np.ones(len(truth), np.bool_)
    first[1:] = False if stretches is None else np.diff(stretches) != 0
    return entity_counts(truth, best_tags(prediction, first), first)


def _entity_f1(truth: Array, prediction: Array, stretches: Array | None = None) -> float:
    """Micro F1 of entities, 2 TP / (2 TP + FP + FN); NaN where there is none, true or predicted."""
    found, said, true = entities_of(truth, prediction, stretches)
    named = float(said.sum() + true.sum())
    return 2 * float(found.sum()) / named if named else float("nan")


def _roc_auc(truth: Array, prediction: Array) -> float:
    """Area under the receiver operating characteristic by mean ranks (Mann and Whitney 1947); NaN for one class."""
    positive = truth == 1
    count = int(positive.sum())
    if count in (0, len(truth)):
        return float("nan")
    _, inverse, sizes = np.unique(prediction[:, 1], return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    ranks = (ends - (sizes - 1) / 2)[inverse]
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(truth) - count)))


def _rmse(truth: Array, prediction: Array) -> float:
    """Root of the mean squared error, in the unit of the target."""
    return float(np.sqrt(np.mean(np.square(truth - prediction))))


def _r2(truth: Array, prediction: Array) -> float:
    """Share of the variance explained; NaN where the truth does not vary."""
    spread = float(np.sum(np.square(truth - truth.mean())))
    return 1 - float(np.sum(np.square(truth - prediction))) / spread if spread > 0 else float("nan")


_CLASSES = frozenset({"binary", "multiclass"})
_TAGS = frozenset({"tags"})
_NUMBER = frozenset({"regression"})

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("entity_f1", True, _TAGS, _entity_f1, ordered=True),
        Metric("accuracy", True, _CLASSES | _TAGS, _mean_of(_hits), _hits),
        Metric("log_loss", False, _CLASSES | _TAGS, _mean_of(_negative_logs), _negative_logs),
        Metric("roc_auc", True, frozenset({"binary"}), _roc_auc),
        Metric("balanced_accuracy", True, _CLASSES, _balanced_accuracy),
        Metric("macro_f1", True, _CLASSES, _macro_f1),
        Metric("rmse", False, _NUMBER, _rmse),
        Metric("mae", False, _NUMBER, _mean_of(_absolute_errors), _absolute_errors),
        Metric("r2", True, _NUMBER, _r2),
    )
}


def metrics_for(outcome: str) -> tuple[Metric, ...]:
    """Return the metrics that can be asked of an outcome (of `data.schema.Outcome`), the default first."""
    return tuple(metric for metric in METRICS.values() if outcome in metric.outcomes)


def default_metric(outcome: str) -> Metric:
    """Return the metric when none is asked for: accuracy for classes, rmse for a number, entity F1 for tags."""
    return metrics_for(outcome)[0]


def find_metric(name: str, outcome: str) -> Metric:
    """Return the metric by name; `auto` is accuracy for classes, rmse for a number and entity F1 for tags.

    Raises:
        UnknownMetric: if there is none of that name for that outcome.
    """
    if name == "auto":
        return default_metric(outcome)
    known = {metric.name: metric for metric in metrics_for(outcome)}
    if name not in known:
        raise UnknownMetric(name, outcome, tuple(known))
    return known[name]


def measure(outcome: str, truth: Array, prediction: Array, stretches: Array | None = None) -> dict[str, float]:
    """Return every metric of the outcome by name; those that are not defined here are left out.

    Entities of a type never seen are missed ones; metrics of single tokens leave theirs out, as of unknown classes.

    Args:
        outcome: of `data.schema.Outcome`.
        truth: (N,) class numbers, for tags also those of types beyond the K that are predicted, or values.
        prediction: (N, K) probabilities or (N,) values.
        stretches: (N,) as of `Metric.within`.
    """
    known = np.ones(len(truth), np.bool_) if prediction.ndim == 1 else truth < prediction.shape[1]
    values = {}
    for metric in metrics_for(outcome):
        if metric.ordered:
            values[metric.name] = metric.within(stretches).function(truth, prediction)
        elif known.any():
            values[metric.name] = metric.function(truth[known], prediction[known])
    return {name: value for name, value in values.items() if np.isfinite(value)}
