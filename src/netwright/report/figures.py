"""The charts of a report, each with what it needs to be read; one that has nothing to show is left out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from netwright.events import BestImproved
from netwright.journal import TrialRecord
from netwright.report import axes, charts
from netwright.report.numbers import PERCENT, megabytes, metric_name, milliseconds, number, score
from netwright.result import FrontPoint, Result

SHOWN_CURVES = 12
SHOWN_BARS = 20
MOST_CONFUSED = 30  # classes up to which a confusion matrix can be read
MOST_STEPS = 400
MOST_POINTS = 150  # of one curve


@dataclass(frozen=True)
class Figures:
    """SVG text of each chart; None where there is nothing to show."""

    learning: Markup | None
    trials: Markup | None
    confusion: Markup | None
    reliability: Markup | None
    importance: Markup | None
    front: Markup | None


def figures_of(result: Result, bests: tuple[BestImproved, ...], trials: tuple[TrialRecord, ...]) -> Figures:
    """Return the charts of a run."""
    return Figures(
        learning=learning_curve(result, bests),
        trials=trial_curves(trials),
        confusion=confusion_matrix(result),
        reliability=reliability(result),
        importance=importance(result),
        front=front(result),
    )


def learning_curve(result: Result, bests: tuple[BestImproved, ...]) -> Markup | None:
    """Return the score of the best mix so far over the logarithm of time, and the honest score beside it."""
    bests = bests[-MOST_STEPS:]
    points = [(max(best.seconds, 0.1), best.score) for best in bests if math.isfinite(best.score + best.seconds)]
    if not points:
        return None
    x = axes.time_axis([*(seconds for seconds, _ in points), result.seconds], "time since the start (log scale)")
    written = axes.percent if result.metric in PERCENT else axes.plain
    y = axes.axis_of([*(value for _, value in points), result.score], metric_name(result.metric), written)
    guide = (result.score, f"honest score {score(result.score, result.metric)}")
    return charts.steps_chart(points, x, y, "Score of the best model so far over time", guide)


def trial_curves(trials: tuple[TrialRecord, ...]) -> Markup | None:
    """Return the validation loss of the best trials over the logarithm of the passes over the data."""
    ended = [(trial.loss, trial.curve) for trial in trials if trial.loss is not None and len(trial.curve) > 1]
    best = [curve for _, curve in sorted(ended, key=lambda pair: pair[0])[:SHOWN_CURVES]]
    curves = [_thinned([(float(max(1, epoch)), loss) for _, epoch, loss in curve]) for curve in best]
    losses = sorted(loss for curve in curves for _, loss in curve if math.isfinite(loss))
    if not losses:
        return None
    usual = losses[: max(2, math.ceil(0.95 * len(losses)))]  # the first passes would flatten all that follows
    y = axes.axis_of(usual, "loss on rows held out")
    curves = [[(epoch, loss) for epoch, loss in curve if loss <= y.high] for curve in curves]
    x = axes.log_axis([epoch for curve in curves for epoch, _ in curve], "passes over the data (log scale)")
    return charts.lines_chart(curves, x, y, "Loss of the best trials as they learn")


def _thinned(points: list[charts.Point]) -> list[charts.Point]:
    """Return some points of a curve, the last among them."""
    step = math.ceil(len(points) / MOST_POINTS)
    return points[::-1][::step][::-1]


def confusion_matrix(result: Result) -> Markup | None:
    """Return which classes are taken for which."""
    if not result.confusion or len(result.labels) > MOST_CONFUSED:
        return None
    return charts.heat_map(
        result.confusion, result.labels, "Confusion matrix: true classes by row, predicted by column"
    )


def reliability(result: Result) -> Markup | None:
    """Return how often it is right when it is how sure; for numbers, the true over the predicted ones."""
    if not result.reliability:
        return None
    if result.labels:
        x = axes.Axis(0, 1, "how sure the model was", written=axes.percent)
        y = axes.Axis(0, 1, "how often it was right", written=axes.percent)
        return charts.reliability_chart(result.reliability, x, y, "How often the model is right when it is how sure")
    points = [(predicted, true) for predicted, true, _ in result.reliability]
    values = [value for point in points for value in point]
    x, y = axes.axis_of(values, "predicted"), axes.axis_of(values, "true")
    return charts.scatter_chart(points, x, y, "True values over predicted ones")


def importance(result: Result) -> Markup | None:
    """Return the columns whose loss hurts most."""
    bars = [(name, lost) for name, lost in result.importance if lost > 0][:SHOWN_BARS]
    written = _points if result.metric in PERCENT else number
    return charts.bars_chart(bars, "Importance of columns", written) if bars else None


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"


def front(result: Result) -> Markup | None:
    """Return what other mixes of the run would score and cost: the score over the time of a row, discs by size."""
    points = [point for point in result.front if math.isfinite(point.score) and point.latency_ms > 0]
    if len(points) < 2:
        return None
    x = axes.log_axis([point.latency_ms for point in points], "milliseconds to predict one row (log scale)")
    written = axes.percent if result.metric in PERCENT else axes.plain
    y = axes.axis_of([point.score for point in points], metric_name(result.metric), written)
    discs = [(point.latency_ms, point.score, float(point.size_bytes), _told(point, result.metric)) for point in points]
    return charts.discs_chart(discs, x, y, "Score of smaller mixes over the time they take")


def _told(point: FrontPoint, metric: str) -> str:
    size, networks = megabytes(point.size_bytes), f"{point.networks} network{'s' * (point.networks != 1)}"
    return f"{score(point.score, metric)}, {milliseconds(point.latency_ms)}, {size}, {networks}"
