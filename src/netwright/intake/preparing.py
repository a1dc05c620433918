"""The bench that the trials of a run share: rows encoded, folds cut, memory and time planned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from netwright.data.frame import Frame
from netwright.engine.bench import Bench, set_up, within_memory
from netwright.engine.checkpoints import Checkpoints
from netwright.engine.digests import digest_of_bench
from netwright.engine.resuming import check_same
from netwright.errors import NotLookedAgain
from netwright.events import (
    BenchSet,
    Listener,
    NotKept,
    RowsEncoded,
)
from netwright.intake.order import Order
from netwright.intake.rows import Rows, streamed_from_disk
from netwright.intake.streamed import Streamed
from netwright.journal import Journal
from netwright.pretrained.extended import seen_in, trunk_of, with_trunk
from netwright.pretrained.trunks import CPU
from netwright.resources.budget import Ask, Budget
from netwright.resources.machine import usable_cores
from netwright.tasks.task import Loaded, Preparation
from netwright.train.framework import Framework

LOOKING_SHARE = 0.6  # of the time left, after which a trunk that was to look at all rows in a third of that is given up
SAMPLED = 64  # rows whose encoding tells how long that of the test file takes


def prepared(
    order: Order, rows: Rows, budget: Budget, journal: Journal, tell: Listener, listener: Listener | None
) -> Bench:
    """Prepare the rows for trials: in the way of an earlier run, if this one goes on with it.

    Where the end comes while a trained trunk looks at all rows, a run that begins goes on without one.

    Raises:
        CannotGoOn: if that cannot be done.
        NotLookedAgain: if the end comes so in one that goes on, whose trials learnt from what the trunk sees.
    """
    before = journal.bench()
    looking, training = (before.looking, before.training) if before else _planned(budget, order.framework)
    checkpoints = Checkpoints(order.folder)
    seen = checkpoints.read_seen(len(rows.loaded.truth)) if before and before.trunk else None
    sight = _Sight(order, rows.loaded, budget, looking, before, seen)
    rest = _rest(order, rows, budget, journal, tell, listener)
    bench = set_up(order.task, rows.loaded, rows.metric, order.framework, order.seed, training, sight.added, rest)
    bench = within_memory(bench, order.memory.room, order.memory.left)
    lent = trunk_of(bench.preparation)
    made = BenchSet(budget.elapsed(), looking, training, lent, digest_of_bench(bench), sight.left_out)
    check_same(before, made)
    found = seen_in(bench.preparation)
    if found is not None and seen is None and (failure := checkpoints.keep_seen(found)):
        tell(NotKept(budget.elapsed(), failure))
    tell(made)
    if rows.tested is None:
        return bench
    # The rows to test on are read once more at the end.
    encoding = len(rows.tested) * _seconds_a_row(bench.preparation, rows.loaded.frame, budget)
    return replace(bench, tested=len(rows.tested), testing=rows.decoding + encoding)


class _CutShort(Exception):
    """The end came while a trained trunk looked at the rows; its text says why, as the end of a sentence."""


@dataclass
class _Sight:
    """What a trained trunk sees in the rows of a run.

    Attributes:
        order: what the run is to do.
        loaded: the rows.
        budget: the time for it.
        seconds: that there were for the whole of it when the trunk was chosen, see `with_trunk`.
        before: how an earlier run prepared the rows, which this one goes on with; None without one.
        seen: what the trunk saw then; None where nobody knows.
        left_out: why there is none, once that is so since the end came while it looked.
    """

    order: Order
    loaded: Loaded
    budget: Budget
    seconds: float | None
    before: BenchSet | None
    seen: NDArray[np.float32] | None
    left_out: str = ""

    def added(self, preparation: Preparation) -> Preparation:
        """Return a preparation with the trunk, if there is one.

        Raises:
            NotLookedAgain: see `prepared`.
        """
        try:
            return with_trunk(
                preparation,
                self.order.task,
                self.loaded,
                self.order.pretrained,
                self.seconds,
                self.before.trunk if self.before else None,
                self.order.framework.sight,
                _asking(self.budget, again=self.before is not None),
                self.seen,
            )
        except _CutShort as error:
            if self.before is not None:
                raise NotLookedAgain from error
            self.left_out = str(error)
            return preparation


def _asking(budget: Budget, *, again: bool) -> Ask:
    """Return what raises `_CutShort` when a trunk is to look no further.

    Args:
        budget: of the run.
        again: whether trials have learnt from what it sees: then it is given all the time that there is.
    """
    begun, left = budget.elapsed(), budget.left()

    def ask() -> None:
        if budget.ended_early:
            raise _CutShort("the run was asked to end while it looked")
        if budget.left() <= 0:
            raise _CutShort("the time was over while it looked")
        if not again and budget.elapsed() - begun > LOOKING_SHARE * left:
            raise _CutShort("it took three times as long as planned, and the rest of the time is for training")

    return ask


def _rest(
    order: Order, rows: Rows, budget: Budget, journal: Journal, tell: Listener, listener: Listener | None
) -> Streamed | None:
    """Return the rows that are not held in memory; None where it holds all, or they are not learnt from."""
    if order.large is None or rows.sample is None or not streamed_from_disk(order):
        return None
    before = journal.streamed()
    return Streamed(
        table=order.large,
        numbers=rows.sample.numbers,
        groups=rows.groups,
        task=order.task,
        folder=order.folder,
        seed=order.seed,
        budget=budget,
        tell=tell,
        told=partial(_tell_encoded, listener, budget),
        read=None if before is None else before.read,
        before=0 if before is None else before.written,
        hasty=any(record.status == "finished" for record in journal.trials()),
    )


def _tell_encoded(listener: Listener | None, budget: Budget, done: int, rows: int) -> None:
    if listener:
        listener(RowsEncoded(budget.elapsed(), done, rows))


def _planned(budget: Budget, framework: Framework) -> tuple[float | None, float | None]:
    """Return the seconds of all cores that there are for a trained trunk, and for training; None without a limit."""
    if budget.seconds is None:
        return None, None
    looking = 1 if framework.sight != CPU else usable_cores()
    return looking * budget.left(), framework.computing * budget.left()


def _seconds_a_row(preparation: Preparation, frame: Frame, budget: Budget) -> float:
    """Return what a row takes from cells to features when the model is asked, by a few of those learnt from."""
    some = frame.take(np.arange(min(SAMPLED, frame.rows)))
    preparation.encode(some)  # what is made at first use counts once
    begun = budget.elapsed()
    preparation.encode(some)
    return (budget.elapsed() - begun) / some.rows
