"""The bench that the trials of a run share: rows encoded, folds cut, memory and time planned."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from netwright.bench import Bench, set_up, within_memory
from netwright.budget import Budget
from netwright.data.frame import Frame
from netwright.digests import digest_of_bench
from netwright.events import (
    BenchSet,
    Listener,
    RowsEncoded,
)
from netwright.extended import trunk_of, with_trunk
from netwright.intake import Rows, streamed_from_disk
from netwright.journal import Journal
from netwright.machine import usable_cores
from netwright.order import Order
from netwright.resuming import check_same
from netwright.streamed import Streamed
from netwright.tasks.task import Preparation
from netwright.train.framework import Framework
from netwright.trunks import CPU

SAMPLED = 64  # rows whose encoding tells how long that of the test file takes


def prepared(
    order: Order, rows: Rows, budget: Budget, journal: Journal, tell: Listener, listener: Listener | None
) -> Bench:
    """Prepare the rows for trials: in the way of an earlier run, if this one goes on with it.

    Raises:
        CannotGoOn: if that cannot be done.
    """
    before = journal.bench()
    looking, training = (before.looking, before.training) if before else _planned(budget, order.framework)
    trunk = partial(
        with_trunk,
        task=order.task,
        loaded=rows.loaded,
        pretrained=order.pretrained,
        seconds=looking,
        chosen=before.trunk if before else None,
        device=order.framework.sight,
    )
    rest = _rest(order, rows, budget, journal, tell, listener)
    bench = set_up(order.task, rows.loaded, rows.metric, order.framework, order.seed, training, trunk, rest)
    bench = within_memory(bench, order.memory.room, order.memory.left)
    lent = trunk_of(bench.preparation)
    made = BenchSet(budget.elapsed(), looking, training, lent, digest_of_bench(bench))
    check_same(before, made)
    tell(made)
    if rows.tested is None:
        return bench
    # The rows to test on are read once more at the end.
    encoding = len(rows.tested) * _seconds_a_row(bench.preparation, rows.loaded.frame, budget)
    return replace(bench, tested=len(rows.tested), testing=rows.decoding + encoding)


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
