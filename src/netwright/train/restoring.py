"""Whether a snapshot is one that a training can have made: a file with the right hashes may still hold anything.

Letters in shapes: T trial, S fold, M = T · S network, V validation row, K output.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import TrialError
from netwright.train.control import RUNGS, Snapshot, Trained

CHANGING = ("kept", "order", "population.random")  # arrays whose shape hangs on where the training stands
DRAWN = "population.noise.row."  # a row of random numbers (M, L), which is there once it was drawn


@dataclass(frozen=True)
class Extent:
    """How far a training can have come, and over what.

    Attributes:
        epochs: of the schedule; steps: of each.
        rows: N, in all; learnt: of each network in an epoch.
        valid: S validation rows, one number a fold.
        outputs: K.
        places: T.
    """

    epochs: int
    steps: int
    rows: int
    learnt: int
    valid: tuple[int, ...]
    outputs: int
    places: int


def check_snapshot(snapshot: Snapshot, begun: Snapshot, extent: Extent) -> None:
    """Refuse a snapshot that cannot be of this training, before anything is made as large as it says.

    Args:
        snapshot: to go on from, which is not trusted.
        begun: what the training itself makes before its first step.
        extent: how far it can have come.

    Raises:
        TrialError: if it is none.
    """
    fits = (
        _stands(snapshot.numbers, extent)
        and _held(snapshot, extent)
        and _like(snapshot.arrays, begun.arrays)
        and _lies_within(snapshot.arrays, extent)
        and all(_came_of_it(one, begun.arrays, extent) for one in snapshot.ended.values())
    )
    if not fits:
        raise TrialError("what was kept of its training cannot be gone on with")


def _stands(numbers: Mapping[str, Any], extent: Extent) -> bool:
    """Return whether the place is one that the training passes."""
    most = {"epoch": extent.epochs + 1, "number": extent.steps, "steps": extent.epochs * extent.steps}
    most["rungs"] = len(RUNGS)
    whole = all(type(numbers.get(name)) is int and 0 <= numbers[name] <= most[name] for name in most)
    share = numbers.get("share")
    return whole and isinstance(share, int | float) and math.isfinite(share) and share >= 0


def _held(snapshot: Snapshot, extent: Extent) -> bool:
    """Return whether each of the results is in training, in a place of its own, or has ended."""
    holders, results = snapshot.numbers.get("holders"), snapshot.numbers.get("results")
    if type(results) is not int or results != extent.places + len(snapshot.ended) or not isinstance(holders, list):
        return False
    turns = [*holders, *snapshot.ended]
    return len(holders) == extent.places and all(type(turn) is int for turn in turns) and {*turns} == {*range(results)}


def _like(arrays: Mapping[str, NDArray[Any]], begun: Mapping[str, NDArray[Any]]) -> bool:
    """Return whether the arrays are those that the training begins with, of the same shapes and types."""
    names = {name for name in arrays if name not in CHANGING and not name.startswith(DRAWN)}
    return (
        names == {name for name in begun if name not in CHANGING and not name.startswith(DRAWN)}
        and all(arrays[name].shape == begun[name].shape and arrays[name].dtype == begun[name].dtype for name in names)
        and arrays.keys() >= {"kept", "population.random"}
        and arrays["population.random"].dtype == np.uint8
    )


def _lies_within(arrays: Mapping[str, NDArray[Any]], extent: Extent) -> bool:
    """Return whether what changes its shape names rows that there are, and is as large as the training makes it."""
    networks = extent.places * len(extent.valid)
    kept, order = arrays["kept"], arrays.get("order")
    if kept.dtype != np.float32 or kept.shape not in ((), (networks, max(extent.valid), extent.outputs)):
        return False
    if any(
        array.shape[:1] != (networks,) or array.ndim != 2 for name, array in arrays.items() if name.startswith(DRAWN)
    ):
        return False
    if order is None:
        return True
    same = order.dtype == np.int64 and order.shape == (networks, extent.learnt)
    return same and bool((order >= 0).all() and (order < extent.rows).all())


def _came_of_it(one: Trained, begun: Mapping[str, NDArray[Any]], extent: Extent) -> bool:
    """Return whether a trial that has ended has the networks and the predictions of this training."""
    start, folds = "best.", len(extent.valid)
    wanted = {name.removeprefix(start): array for name, array in begun.items() if name.startswith(start)}
    return (
        {name: (array.shape, array.dtype) for name, array in one.weights.items()}
        == {name: ((folds, *array.shape[1:]), array.dtype) for name, array in wanted.items()}
        and _shapes(one.predictions) == [(rows, extent.outputs) for rows in extent.valid]
        and all(array.dtype == np.float32 for array in one.predictions)
    )


def _shapes(arrays: Sequence[NDArray[Any]]) -> list[tuple[int, ...]]:
    return [array.shape for array in arrays]
