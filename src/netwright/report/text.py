"""A model in words, for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from netwright.report.numbers import (
    cells,
    count,
    duration,
    fitted,
    megabytes,
    metric_name,
    milliseconds,
    printable,
    score,
    shortened,
)
from netwright.result import Result
from netwright.spec.drawing import draw

if TYPE_CHECKING:
    from netwright.model import Model

SHOWN = 12  # lines of the leaderboard
NARROWEST = 8  # columns for the name of a design, in however narrow a terminal


def describe(model: Model) -> str:
    """Return the architecture, costs, leaderboard, smaller mixes and the origin of the numbers."""
    result = model.result
    parts = [headline(result), "", leaderboard(result), "", *smaller_mixes(result), _wrapped(result.estimate)]
    return "\n".join([architecture(model), *parts])


def smaller_mixes(result: Result) -> list[str]:
    """Return what other mixes of the run cost and lose, as the lines of a table; none where there are no others."""
    if len(result.front) < 2:
        return []
    rows = [("networks", shortened(result.metric, 17), "one row", "file")]
    rows += [
        (
            str(point.networks),
            score(point.score, result.metric),
            milliseconds(point.latency_ms),
            megabytes(point.size_bytes),
        )
        for point in result.front
    ]
    widths = [max(cells(row[place]) for row in rows) for place in range(4)]
    lines = ["  ".join(text.rjust(widths[place]) for place, text in enumerate(row)) for row in rows]
    return ["Mixes that netwright pick can choose:", *lines, ""]


def architecture(model: Model) -> str:
    """Return the task, the costs and the networks, each drawn as text; it ends with an empty line."""
    cost = model.cost()
    networks = sum(next(iter(part.weights.values())).shape[0] for part in model.parts)
    target = model.preparation.schema.target
    lines = [
        _wrapped(
            f"{model.result.task.replace('_', ', ')}: predicts {printable(target.name)!r}"
            + (f", one of {len(target.labels)} classes" if target.labels else "")
        ),
        _wrapped(
            f"{count(networks, 'network')} in {count(len(model.parts), 'design')}, "
            f"{cost.parameters:,} parameters, {cost.flops:,} floating-point operations a row"
        ),
        "",
    ]
    for part in sorted(model.parts, key=lambda part: -part.share):
        folds = next(iter(part.weights.values())).shape[0]
        title = f"share {part.share:.2f}, {count(folds, 'network')} of this design:"
        lines += [title, draw(part.candidate.network), ""]
    return "\n".join(lines)


def headline(result: Result) -> str:
    """Return the honest score with its interval, and what to compare it with, as a few lines."""
    low, high = score(result.score_low, result.metric), score(result.score_high, result.metric)
    name = printable(metric_name(result.metric))
    lines = [f"{name} {score(result.score, result.metric)} (95 % interval {low} to {high})"]
    lines += [f"  {printable(other.name)}: {score(other.score, result.metric)}" for other in result.baselines]
    tested = result.test_metrics.items()
    lines += [f"  on the test file: {printable(metric_name(key))} {score(value, key)}" for key, value in tested]
    if result.latency_ms is not None and result.size_bytes is not None:
        lines.append(f"  {milliseconds(result.latency_ms)} to predict one row, {megabytes(result.size_bytes)}")
    lines += [_wrapped(f"Not as asked: {sentence}") for sentence in result.missed]
    return "\n".join(lines)


def leaderboard(result: Result, width: int = 80) -> str:
    """Return the best trials as a table that is `width` columns wide at most; wide letters keep their columns straight.

    The name of a design gets what the numbers leave. Names come from a file that is not trusted: what would steer the
    terminal is replaced.
    """
    rows = [("trial", "design", shortened(result.metric, 17), "share", "time", "from")]
    rows += [
        (
            str(standing.trial),
            printable(standing.name),
            score(standing.score, result.metric),
            f"{standing.weight:.2f}" if standing.weight else "–",
            duration(standing.seconds),
            shortened(standing.origin, 12),
        )
        for standing in result.leaderboard[:SHOWN]
    ]
    widths = [max(cells(row[place]) for row in rows) for place in range(6)]
    rest = sum(widths) - widths[1] + 2 * (len(widths) - 1)
    widths[1] = max(NARROWEST, min(widths[1], width - rest))
    lines = [_line(row, widths) for row in rows]
    more = len(result.leaderboard) - SHOWN
    lines += [f"and {more} more"] if more > 0 else []
    ended = ", ended early" if result.ended_early else ""
    failed = f", {result.failed} failed" if result.failed else ""
    return "\n".join([*lines, f"{count(result.trials, 'trial')}{failed}, {duration(result.seconds)}{ended}"])


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    """Return the cells of a row, words at the left of their column and numbers at the right."""
    words = (1, 5)
    parts = [
        fitted(text, widths[place]) if place in words else text.rjust(widths[place]) for place, text in enumerate(row)
    ]
    return "  ".join(parts).rstrip()


def _wrapped(text: str) -> str:
    return textwrap.fill(printable(text), 80)
