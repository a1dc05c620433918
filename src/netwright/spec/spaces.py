"""Search spaces as data: named dimensions, a point in them, and how to draw one or change one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Value = str | int | float
Point = Mapping[str, Value]


@dataclass(frozen=True)
class Choice:
    """One of `values`.

    Attributes:
        values: a value that stands twice is drawn twice as often.
        stackable: whether points that differ here only still have networks of one shape.
        given: another dimension and the value of it under which this one means anything; None where it always does.
        kinds: whether networks of two values have so little in common that one that is good says more of its own kind.
    """

    values: tuple[Value, ...]
    stackable: bool = False
    given: tuple[str, Value] | None = None
    kinds: bool = False


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, evenly in its logarithm if `log`; the rest as for `Choice`."""

    low: float
    high: float
    log: bool = False
    stackable: bool = False
    given: tuple[str, Value] | None = None


Dimension = Choice | Range
Space = Mapping[str, Dimension]

STEP = 0.25  # of a range, one standard deviation of a mutation: most stay near, some cross half of it


def inside(space: Space, point: Mapping[str, Any]) -> bool:
    """Return whether a point has every dimension of the space and no other, with a value that it allows."""
    return set(point) == set(space) and all(allows(dimension, point[name]) for name, dimension in space.items())


def kind_of(space: Space, point: Point) -> tuple[Value, ...]:
    """Return what kind of network a point stands for: its values in the dimensions that tell kinds apart."""
    return tuple(point[name] for name, one in space.items() if isinstance(one, Choice) and one.kinds)


def allows(dimension: Dimension, value: Any) -> bool:
    """Return whether a dimension has a value; a number at an end of a range may be off by rounding."""
    if isinstance(dimension, Choice):
        return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in dimension.values)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return dimension.low * (1 - 1e-9) <= value <= dimension.high * (1 + 1e-9)


def sample(space: Space, generator: np.random.Generator) -> dict[str, Value]:
    """Return a point drawn evenly from the space."""
    return {name: _draw(dimension, generator) for name, dimension in space.items()}


def mutate(
    space: Space, point: Point, generator: np.random.Generator, *, stackable_only: bool = False
) -> dict[str, Value]:
    """Return `point` with one or two of its dimensions changed, of those that mean anything there.

    Args:
        space: the dimensions.
        point: where to start.
        generator: the source of randomness.
        stackable_only: change only dimensions that keep the shape of the network.
    """
    names = _variable(space, point, stackable_only=stackable_only)
    if not names:
        return dict(point)
    changed = generator.choice(len(names), size=min(len(names), 1 + int(generator.random() < 0.5)), replace=False)
    return {**point, **{names[i]: _move(space[names[i]], point[names[i]], generator) for i in changed}}


def neighbours(space: Space, point: Point, *, stackable_only: bool = False) -> list[dict[str, Value]]:
    """Return every point that is one small step away from `point`, in one dimension.

    A step is `STEP` of a range up or down, the next number of a choice up or down, or any other word of a choice.

    Args:
        space: the dimensions.
        point: where to start.
        stackable_only: step only in dimensions that keep the shape of the network.
    """
    return [
        {**point, name: value}
        for name in _variable(space, point, stackable_only=stackable_only)
        for value in _steps(space[name], point[name])
    ]


def _variable(space: Space, point: Point, *, stackable_only: bool) -> list[str]:
    """Return the dimensions that can be changed at a point so that it stands for something else."""

    def varies(dimension: Dimension) -> bool:
        named, value = dimension.given or ("", None)
        several = isinstance(dimension, Range) or len(set(dimension.values)) > 1
        return several and (dimension.given is None or point[named] == value)

    return [
        name for name, dimension in space.items() if varies(dimension) and (dimension.stackable or not stackable_only)
    ]


def _steps(dimension: Dimension, value: Value) -> list[Value]:
    if isinstance(dimension, Range):
        here = place(dimension, float(value))
        shares = (max(0.0, here - STEP), min(1.0, here + STEP))
        return [at(dimension, share) for share in shares if abs(share - here) > 1e-9]
    others = [other for other in dict.fromkeys(dimension.values) if other != value]
    numbers = [other for other in others if not isinstance(other, str)]
    if isinstance(value, str) or len(numbers) < len(others):
        return others
    below, above = [n for n in numbers if n < value], [n for n in numbers if n > value]
    return [*([max(below)] if below else []), *([min(above)] if above else [])]


def _draw(dimension: Dimension, generator: np.random.Generator) -> Value:
    if isinstance(dimension, Choice):
        return dimension.values[int(generator.integers(len(dimension.values)))]
    return at(dimension, float(generator.random()))


def _move(dimension: Dimension, value: Value, generator: np.random.Generator) -> Value:
    if isinstance(dimension, Choice):
        others = [other for other in dimension.values if other != value]
        return others[int(generator.integers(len(others)))] if others else value
    moved = place(dimension, float(value)) + STEP * float(generator.standard_normal())
    return at(dimension, min(1.0, max(0.0, moved)))


def at(dimension: Range, share: float) -> float:
    """Return the number that lies at a share of the range, from 0 to 1."""
    if dimension.log:
        return math.exp(math.log(dimension.low) + share * (math.log(dimension.high) - math.log(dimension.low)))
    return dimension.low + share * (dimension.high - dimension.low)


def place(dimension: Range, value: float) -> float:
    """Return at which share of the range a number lies, from 0 to 1."""
    if dimension.log:
        return (math.log(value) - math.log(dimension.low)) / (math.log(dimension.high) - math.log(dimension.low))
    return (value - dimension.low) / (dimension.high - dimension.low)
