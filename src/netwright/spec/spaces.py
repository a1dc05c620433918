"""Search spaces as data: named dimensions, a point in them, and how to draw one or change one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Value = str | int | float
Point = Mapping[str, Value]


@dataclass(frozen=True)
class Choice:
    """One of `values`. `stackable`: points that differ here only still have networks of one shape."""

    values: tuple[Value, ...]
    stackable: bool = False


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, evenly in its logarithm if `log`."""

    low: float
    high: float
    log: bool = False
    stackable: bool = False


Dimension = Choice | Range
Space = Mapping[str, Dimension]

STEP = 0.25  # of a range, one standard deviation of a mutation: most stay near, some cross half of it


def sample(space: Space, generator: np.random.Generator) -> dict[str, Value]:
    """Return a point drawn evenly from the space."""
    return {name: _draw(dimension, generator) for name, dimension in space.items()}


def mutate(
    space: Space, point: Point, generator: np.random.Generator, *, stackable_only: bool = False
) -> dict[str, Value]:
    """Return `point` with one or two of its dimensions changed.

    Args:
        space: the dimensions.
        point: where to start.
        generator: the source of randomness.
        stackable_only: change only dimensions that keep the shape of the network.
    """
    names = [name for name, dimension in space.items() if dimension.stackable or not stackable_only]
    changed = generator.choice(len(names), size=min(len(names), 1 + int(generator.random() < 0.5)), replace=False)
    return {**point, **{names[i]: _move(space[names[i]], point[names[i]], generator) for i in changed}}


def _draw(dimension: Dimension, generator: np.random.Generator) -> Value:
    if isinstance(dimension, Choice):
        return dimension.values[int(generator.integers(len(dimension.values)))]
    return _at(dimension, float(generator.random()))


def _move(dimension: Dimension, value: Value, generator: np.random.Generator) -> Value:
    if isinstance(dimension, Choice):
        others = [other for other in dimension.values if other != value]
        return others[int(generator.integers(len(others)))] if others else value
    place = _place(dimension, float(value)) + STEP * float(generator.standard_normal())
    return _at(dimension, min(1.0, max(0.0, place)))


def _at(dimension: Range, share: float) -> float:
    if dimension.log:
        return math.exp(math.log(dimension.low) + share * (math.log(dimension.high) - math.log(dimension.low)))
    return dimension.low + share * (dimension.high - dimension.low)


def _place(dimension: Range, value: float) -> float:
    if dimension.log:
        return (math.log(value) - math.log(dimension.low)) / (math.log(dimension.high) - math.log(dimension.low))
    return (value - dimension.low) / (dimension.high - dimension.low)
