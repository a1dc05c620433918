"""The rows of a run, read and understood, and what is told of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from netwright.data.findings import Finding
from netwright.data.large import Sample
from netwright.data.needs import judged_rows
from netwright.errors.base import megabytes
from netwright.evaluation import stretches, usable_test
from netwright.events import DataRead, FilesDecoded, Listener
from netwright.intake.order import Order
from netwright.intake.sources import MEMORY, grouped, without_group
from netwright.metrics import Metric, find_metric
from netwright.resources.budget import Budget
from netwright.tasks.task import Loaded, Request

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a run.

    Attributes:
        loaded: those to learn from.
        metric: that results are measured by.
        tested: those to test on; None without any.
        decoding: seconds that these took.
        sample: of a large table, those of its rows that are held.
        groups: of these.
    """

    loaded: Loaded
    metric: Metric
    tested: pd.DataFrame | None
    decoding: float
    sample: Sample | None
    groups: pd.Series[Any] | None


def read_rows(order: Order, budget: Budget, listener: Listener | None, before: DataRead | None) -> Rows:
    """Read the rows to learn from and to test on; before: what an earlier run read that this one goes on with."""
    learnt, judged = (partial(_tell_decoded, listener, budget, testing) for testing in (False, True))
    table, sample, groups = order.table, order.sample, order.groups
    request = Request(
        table=table,
        target=order.target,
        kinds=order.kinds,
        outcome=order.outcome,
        bad_files=order.bad_files,
        told=learnt,
        left=budget.left,
        files=None if before is None else before.files,
        room=order.memory.room,
    )
    loaded = order.task.load(request)
    if order.large is not None and sample is not None and before is None:
        # How many classes there are is known now, and so what an answer for a row takes.
        most = judged_rows(order.large, order.memory.room, max(1, len(loaded.schema.target.labels)))
        if most < len(sample.numbers):
            sample = order.large.sample(most, order.seed)
            table, groups = without_group(sample.table, order.target, None if groups is None else str(groups.name))
            loaded = order.task.load(replace(request, table=table))
    loaded = grouped(loaded, groups)
    findings = (*_told_of_large(order, loaded), *order.noticed, *loaded.findings)
    loaded = replace(loaded, findings=findings)
    read, tested = budget.elapsed(), order.tested
    if tested is not None:
        tested = usable_test(order.task, loaded.schema, tested, order.bad_files, judged)
    decoding = budget.elapsed() - read
    metric = find_metric(order.metric, loaded.schema.target.outcome)
    metric = metric.within(stretches(order.task, table, loaded.places))
    return Rows(loaded, metric, tested, decoding, sample, groups)


def _told_of_large(order: Order, loaded: Loaded) -> tuple[Finding, ...]:
    """Return what is told of a table that takes too much."""
    if order.large is None:
        return ()
    held = f"{len(loaded.truth):,} of its {order.large.rows:,} rows, drawn at random, are held"
    if streamed_from_disk(order):
        rest = "the others are read from disk as networks learn from them"
    elif order.staff.asked:
        rest = "only they are learnt from, since workers do not read rows from disk"
    elif order.framework.streams:
        rest = "only they are learnt from, since texts are not read from disk"
    else:
        rest = f"only they are learnt from, since --framework {order.framework.name} does not read rows from disk"
    short = f"{order.short_of} than there is"
    if order.short_of == MEMORY:
        short += f" ({megabytes(order.memory.limit)} in all)"
    text = (
        f"The table takes more {short}: {held}, and {rest}. "
        "Kinds and scales of columns, what is said of rows below, and the score are of those that are held."
    )
    return (Finding(f"short_of_{order.short_of}", None, text),)


def streamed_from_disk(order: Order) -> bool:
    """Return whether rows that are not held in memory are learnt from."""
    return order.task.streams and order.framework.streams


def _tell_decoded(listener: Listener | None, budget: Budget, testing: bool, done: int, files: int) -> None:
    if listener:
        listener(FilesDecoded(budget.elapsed(), done, files, testing))


def data_read(order: Order, rows: Rows, budget: Budget) -> DataRead:
    """Return what is told of the rows, and what a later run needs to know to read them again."""
    loaded = rows.loaded
    return DataRead(
        seconds=budget.elapsed(),
        schema=loaded.schema.to_json(),
        findings=tuple(finding.to_json() for finding in loaded.findings),
        rows=len(loaded.truth),
        columns=loaded.columns,
        files=loaded.files,
        large=None if order.large is None else order.large.rows,
        drawn=None if rows.sample is None else len(rows.sample.numbers),
    )
