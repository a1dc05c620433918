"""A task of whose space some dimensions are held at a value, for a framework that can do nothing with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from netwright.spec.spaces import Choice, Point, Space, Value
from netwright.tasks.task import Task


def pinned(task: Task, values: Mapping[str, Value]) -> Task:
    """Return the task with every point held at these values, in those dimensions that its space has.

    >>> from netwright.tasks import TASKS
    >>> pinned(TASKS["tabular"], {"depth": 2}).default_network(100)["depth"]
    2
    """

    def space(preparation: Any, rows: int) -> Space:
        found = task.space(preparation, rows)
        return {name: Choice((values[name],)) if name in values else each for name, each in found.items()}

    def portfolio(preparation: Any, rows: int) -> tuple[Point, ...]:
        held = (_held(point, values) for point in task.portfolio(preparation, rows))
        return tuple({tuple(sorted(point.items())): point for point in held}.values())  # none stands there twice

    return replace(
        task,
        space=space,
        portfolio=portfolio,
        first_glance=lambda rows: _held(task.first_glance(rows), values),
        default_network=lambda rows: _held(task.default_network(rows), values),
    )


def _held(point: Point, values: Mapping[str, Value]) -> Point:
    return {name: values.get(name, value) for name, value in point.items()}
