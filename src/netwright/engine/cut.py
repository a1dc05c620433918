"""How rows are cut into those that networks learn from and those that they are judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netwright.data.schema import Outcome
from netwright.data.splits import Integers, held_out, split_folds
from netwright.spec.network import Candidate
from netwright.tasks.task import Loaded
from netwright.train.framework import Split
from netwright.train.pace import Pace

FOLDS = (8, 5, 4, 3)  # numbers of folds, the best first
PLANNED = 6  # candidates of the portfolio that there should be time for
CAUTION = 3.0  # times too long is the first guess of what a training takes: many stop early, wide ones go in bfloat16
MANY_ROWS = 6_000
ENOUGH = 300  # rows that tell designs apart
FEWEST = 100  # rows that do where there are no more: of a third of them
ENOUGH_GROUPS = 20  # likewise, of rows that are alike: as many voices, not as many recordings, tell
PARTS = 5  # of rows that are held out together, for choices that are made on the others of them


@dataclass(frozen=True)
class Plan:
    """Into how many folds rows are cut, and on how many of them networks are judged: on all, or on one alone."""

    folds: int
    judged: int

    @staticmethod
    def on_all(folds: int) -> Plan:
        """Return the plan of cross-validation."""
        return Plan(folds, folds)


@dataclass(frozen=True, eq=False)
class Cut:
    """Rows as they were cut.

    Attributes:
        folds: (N,) the fold of each row, from 0; `ALWAYS_LEARNT` for those that nobody is judged on.
        splits: for each fold the rows to learn from and to be judged on.
        parts: (J,) for each row that is judged on, in the order of their numbers, which part of these it is in: choices
            that concern it are made on the other parts. Its fold, or a fifth of the rows where one fold is held out.
    """

    folds: Integers
    splits: tuple[Split, ...]
    parts: Integers

    @cached_property
    def judged(self) -> Integers:
        """The numbers (J,) of the rows that networks are judged on, rising."""
        return np.flatnonzero(self.folds >= 0)

    @cached_property
    def choices(self) -> int:
        """How often what concerns a row is chosen: once a part, on the others."""
        return int(self.parts.max()) + 1

    @cached_property
    def places(self) -> tuple[Integers, ...]:
        """For each fold the places of its rows among those that are judged on."""
        return tuple(np.searchsorted(self.judged, split.valid) for split in self.splits)


def plan(candidates: Sequence[Candidate], rows: int, groups: int, seconds: float | None, pace: Pace) -> Plan:
    """Return the plan with the most folds for which there is time to train these candidates.

    With more folds each network sees more of the rows. On tables of 4,000 to 10,000 rows 8 folds were better than 4 or
    5 in the same minute, by 1 to 7 %, though fewer candidates were tried. Where there is no time for three, one network
    a candidate learns, from all rows but a share of them (docs/why/folds.md): three that are cut short are each worse,
    and so is their mean. Of few rows that share would not tell which candidate is better.

    Without a time limit nothing may hang on what a machine can do in a time: then rows decide.

    Args:
        candidates: that there should be time for.
        rows: N.
        groups: of rows that stay together.
        seconds: of all cores together.
        pace: tells what candidates take.
    """
    if seconds is None:
        return Plan.on_all(FOLDS[0] if rows < MANY_ROWS else FOLDS[1])
    for count in FOLDS:
        learnt = rows * (count - 1) // count
        if sum(pace.seconds(one, learnt, count, one.recipe.epochs) for one in candidates) <= CAUTION * seconds:
            return Plan.on_all(count)
    telling = (count for count in FOLDS if rows // count >= ENOUGH and groups // count >= ENOUGH_GROUPS)
    count = next(telling, FOLDS[-1])
    few = rows // count < FEWEST or groups // count < ENOUGH_GROUPS
    return Plan.on_all(count) if few else Plan(count, 1)


def cut(loaded: Loaded, planned: Plan, seed: int) -> Cut:
    """Return the rows as they are cut by a plan, or into as many folds as there are groups of rows.

    Args:
        loaded: the rows.
        planned: into how many folds.
        seed: of what is where.
    """
    outcome = loaded.schema.target.outcome
    count = min(planned.folds, len(np.unique(loaded.groups)))
    folds = split_folds(loaded.truth, loaded.groups, folds=count, outcome=outcome, seed=seed)
    if planned.judged < planned.folds:
        folds = held_out(folds)
    numbers = range(int(folds.max()) + 1)
    splits = tuple(Split(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in numbers)
    return Cut(folds, splits, folds if len(splits) > 1 else _parts(loaded, splits[0].valid, outcome, seed))


def _parts(loaded: Loaded, rows: Integers, outcome: Outcome, seed: int) -> Integers:
    """Return which part (n,) each of the rows is in, that are all judged by one network."""
    groups = loaded.groups[rows]
    count = min(PARTS, len(np.unique(groups)))
    return split_folds(loaded.truth[rows], groups, folds=count, outcome=outcome, seed=seed)
