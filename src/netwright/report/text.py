"""A model in words, for a terminal of 80 columns."""

from __future__ import annotations

import textwrap

from netwright.model import Model
from netwright.report.numbers import METRIC_NAMES, count, duration, fitted, number
from netwright.result import Result
from netwright.spec.drawing import draw

SHOWN = 12  # lines of the leaderboard


def describe(model: Model) -> str:
    """Return the architecture, costs, leaderboard and the origin of the numbers."""
    cost = model.cost()
    networks = sum(next(iter(part.weights.values())).shape[0] for part in model.parts)
    target = model.preparation.schema.target
    lines = [
        f"{model.result.task.replace('_', ', ')}: predicts {target.name!r}"
        + (f", one of {len(target.labels)} classes" if target.labels else ""),
        f"{count(networks, 'network')} in {count(len(model.parts), 'design')}, {cost.parameters:,} parameters, "
        f"{cost.flops:,} floating-point operations a row",
        "",
    ]
    for part in sorted(model.parts, key=lambda part: -part.share):
        folds = next(iter(part.weights.values())).shape[0]
        lines += [f"share {part.share:.2f}, {count(folds, 'network')} of this design:", draw(part.candidate.network), ""]
    return "\n".join([*lines, headline(model.result), "", leaderboard(model.result), "", textwrap.fill(model.result.estimate, 80)])


def headline(result: Result) -> str:
    """Return the honest score with its interval, and the baselines, as a few lines."""
    name = METRIC_NAMES.get(result.metric, result.metric)
    lines = [f"{name} {number(result.score)} (95 % interval {number(result.score_low)} to {number(result.score_high)})"]
    lines += [f"  {baseline.name}: {number(baseline.score)}" for baseline in result.baselines]
    lines += [f"  on the test file: {number(value)} {METRIC_NAMES.get(key, key)}" for key, value in result.test_metrics.items()]
    return "\n".join(lines)


def leaderboard(result: Result, width: int = 80) -> str:
    """Return the best trials as a table of fixed width."""
    room = width - 47
    head = f"{'trial':>5}  {fitted('design', room)} {'score':>9} {'share':>6} {'seconds':>8}  from"
    lines = [
        f"{standing.trial:>5}  {fitted(standing.name, room)} {number(standing.score):>9} "
        f"{standing.weight or 0:>6.2f} {standing.seconds:>8.1f}  {standing.origin}"
        for standing in result.leaderboard[:SHOWN]
    ]
    rest = len(result.leaderboard) - SHOWN
    more = [f"       and {rest} more"] if rest > 0 else []
    ended = " (ended early)" if result.ended_early else ""
    foot = f"{count(result.trials, 'trial')}, {result.failed} failed, {duration(result.seconds)}{ended}"
    return "\n".join([head, *lines, *more, foot])
