"""How the outside steers a training, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.spec.network import Recipe

CHECKS = 32  # validations in a long training, up to twice as many; more cost time and find no better epoch
WORTH_SHOWING = 0.98  # of the loss when it was last shown: a score is not measured, nor sent for, for less
RUNGS = (0.25, 0.5)  # of the schedule, where trials that fall behind give their places to heirs of others

Folds = tuple[NDArray[np.float32], ...]
"""For each of S folds the predictions (V, K) for its validation rows, in their order."""


@dataclass(frozen=True, eq=False)
class Progress:
    """Told after each check.

    Attributes:
        epoch: passes made; epochs: passes that the schedule is laid out for.
        share: of the schedule that has gone, 0 to 1.
        losses: the mean validation loss of each trial (T,), by its place in the stack.
        best: the loss of the networks that are kept of each trial so far (T,); infinite before there are some.
        predictions: of each trial (T,) for each of S folds (V, K), by the networks that are kept of it so far; of a
            trial in training elsewhere, as they were when its loss last fell by what is worth showing.
    """

    epoch: int
    epochs: int
    share: float
    losses: tuple[float, ...]
    best: tuple[float, ...]
    predictions: tuple[Folds, ...] = ()


@dataclass(frozen=True)
class Heir:
    """A trial that takes the place of another in the stack, and goes on from the weights of a third.

    Attributes:
        place: of the trial that ends here.
        parent: the place of the trial whose weights and moments are inherited.
        recipe: how it goes on; its schedule, epochs, batch size and second moment are the stack's.
    """

    place: int
    parent: int
    recipe: Recipe


@dataclass(frozen=True)
class Trained:
    """What came of one trial.

    Attributes:
        weights: tensors (S, ...) by name, one network a fold.
        predictions: for each of S folds (V, K), in the order of its validation rows.
        loss: mean validation loss over folds; infinite when training diverged.
        steps: optimiser steps taken, those of its ancestors included.
    """

    weights: dict[str, NDArray[np.float32]]
    predictions: Folds
    loss: float
    steps: int


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A training at one moment: all that going on with it takes, so that it ends as if it had not been cut off.

    Attributes:
        arrays: by name: networks, optimiser, random numbers, what is kept of each network.
        numbers: where it stands, as plain JSON.
        ended: what came of trials whose places others took, with the place of each among the results.
    """

    arrays: Mapping[str, NDArray[Any]]
    numbers: Mapping[str, Any]
    ended: Mapping[int, Trained] = field(default_factory=dict)


@dataclass(frozen=True)
class Control:
    """How the outside steers a training.

    Attributes:
        time_used: share of the time allowed that has gone, 0 to 1; the schedule ends when it reaches 1. Constant 0
            where only the number of epochs counts.
        stop: whether to give up at once with what there is.
        report: told after every check.
        heirs: asked at each of the `RUNGS` of the schedule which trials end there, and who takes their places.
        ready: told before the first step by who needs long to get there, such as for a program to be compiled or
            read from the disk; the time allowed counts from then on.
        due: asked after every step whether a snapshot is to be made.
        keep: given it; also right after heirs came, whom no earlier one knows.
        lost: told that a worker was lost on the way, by whoever trains elsewhere: its name, the reason, and the epoch
            from which another one goes on.
    """

    time_used: Callable[[], float]
    stop: Callable[[], bool]
    report: Callable[[Progress], None]
    heirs: Callable[[Progress], Sequence[Heir]] = lambda progress: ()
    ready: Callable[[], None] = lambda: None
    due: Callable[[], bool] = lambda: False
    keep: Callable[[Snapshot], None] = lambda snapshot: None
    lost: Callable[[str, str, int], None] = lambda worker, reason, epoch: None
