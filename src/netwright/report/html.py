"""The report: one page of HTML that needs nothing else, made from the journal alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from netwright.journal import Journal, TrialRecord
from netwright.report import charts
from netwright.report.numbers import METRIC_NAMES, count, duration, number
from netwright.result import Result
from netwright.storage import replace_file

SHOWN_CURVES = 12
SHOWN_COLUMNS = 300
SHOWN_BARS = 20

_templates = Environment(
    loader=PackageLoader("netwright.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_templates.filters.update(number=number, duration=duration)
_templates.globals.update(count=count)


def write_report(path: Path, journal: Journal, *, description: str) -> None:
    """Write the report of a finished run, all or nothing.

    Args:
        path: the HTML file.
        journal: the record of the run.
        description: the architecture in words.

    Raises:
        CannotWrite: if it cannot be written there.
        NotAJournal: if the record is damaged.
        ValueError: if the run did not finish.
    """
    result, data = journal.result(), journal.data()
    if result is None or data is None:
        raise ValueError("a report is made of a finished run")
    trials = journal.trials()
    page = _templates.get_template("report.html").render(
        result=result,
        metric=METRIC_NAMES.get(result.metric, result.metric),
        metric_names=METRIC_NAMES,
        words=_in_words(result, data["schema"]["target"]["name"]),
        data=data,
        columns=data["schema"]["columns"][:SHOWN_COLUMNS],
        settings=journal.settings(),
        failed=[trial for trial in trials if trial.status == "failed"],
        description=description,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        charts=_charts(result, journal, trials),
    )
    replace_file(path, lambda file: file.write(page.encode()) and None)


def _in_words(result: Result, target: str) -> str:
    """Return what the score means for someone who would use the model."""
    if result.metric == "accuracy":
        return (
            f"Of 100 new rows like these, it would name {target} rightly in about {100 * result.score:.0f} "
            f"(between {100 * result.score_low:.0f} and {100 * result.score_high:.0f})."
        )
    if result.metric in ("rmse", "mae"):
        return f"On new rows like these, it would miss {target} by about {number(result.score)}, typically."
    return f"On new rows like these, the {METRIC_NAMES.get(result.metric, result.metric)} would be about {number(result.score)}."


def _charts(result: Result, journal: Journal, trials: tuple[TrialRecord, ...]) -> dict[str, Markup | None]:
    name = METRIC_NAMES.get(result.metric, result.metric)
    return {
        "learning": _learning(journal, result, name),
        "trials": _trial_curves(trials),
        "confusion": charts.heat_map(result.confusion, result.labels, "Confusion matrix") if result.confusion else None,
        "reliability": _reliability(result),
        "importance": charts.bars_chart(result.importance[:SHOWN_BARS], "Importance of columns") if result.importance else None,
    }


def _learning(journal: Journal, result: Result, name: str) -> Markup | None:
    points = [(max(best.seconds, 0.1), best.score) for best in journal.curve()]
    if not points:
        return None
    seconds = charts.axis_of([seconds for seconds, _ in points] + [result.seconds], "seconds since the start", log=True)
    return charts.steps_chart(points, seconds, charts.axis_of([score for _, score in points], name), "Best so far over time")


def _trial_curves(trials: tuple[TrialRecord, ...]) -> Markup | None:
    """Return the validation loss of the best trials over their share of the epochs."""
    finished = sorted((trial for trial in trials if trial.loss is not None and len(trial.curve) > 1), key=lambda t: t.loss or 0)
    curves = [[(float(epoch), loss) for _, epoch, loss in trial.curve] for trial in finished[:SHOWN_CURVES]]
    if not curves:
        return None
    losses = sorted(loss for curve in curves for _, loss in curve)
    usual = losses[: max(2, int(0.97 * len(losses)))]  # the first checks of a bad start would flatten all the rest
    epochs = charts.axis_of([epoch for curve in curves for epoch, _ in curve], "passes over the data")
    return charts.lines_chart(curves, epochs, charts.axis_of(usual, "validation loss"), "Validation loss of the best trials")


def _reliability(result: Result) -> Markup | None:
    if not result.reliability:
        return None
    points = [(a, b) for a, b, _ in result.reliability]
    if result.labels:
        axes = charts.Axis(0, 1, "how sure it was"), charts.Axis(0, 1, "how often it was right")
        return charts.scatter_chart(points, *axes, "Reliability")
    values = [value for point in points for value in point]
    axes = charts.axis_of(values, "predicted"), charts.axis_of(values, "true")
    return charts.scatter_chart(points, *axes, "Predicted and true values")


def summary_html(result: Result) -> str:
    """Return a small table for notebooks."""
    return _templates.get_template("summary.html").render(result=result, metric=METRIC_NAMES.get(result.metric, result.metric))


def summary_values(result: Result) -> dict[str, Any]:
    """Return the numbers that the command prints as JSON."""
    return {
        "task": result.task,
        "metric": result.metric,
        "score": result.score,
        "score_low": result.score_low,
        "score_high": result.score_high,
        "seconds": result.seconds,
        "trials": result.trials,
        "failed": result.failed,
    }
