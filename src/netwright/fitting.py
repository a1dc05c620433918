"""A run from its order to its files: rows, bench, search, model; or what is left of it where one was cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.bench import Bench, set_up, within_memory
from netwright.budget import Budget
from netwright.carried import NOTHING
from netwright.checkpoints import Checkpoints
from netwright.data.findings import Finding
from netwright.data.frame import Frame
from netwright.data.large import LargeTable, Sample
from netwright.data.needs import judged_rows
from netwright.errors import CannotWrite, FailedDevice, NetwrightError, ShortOfMemory
from netwright.errors.base import megabytes
from netwright.evaluation import evaluate, stretches, usable_test
from netwright.events import (
    BenchSet,
    DataRead,
    Event,
    FilesDecoded,
    Listener,
    MistakesFound,
    NotKept,
    ResourcesUsed,
    RowsEncoded,
    RunFinished,
    RunStarted,
)
from netwright.examples import surest_mistakes
from netwright.extended import trunk_of, with_trunk
from netwright.finish import SINGLE_SHARE, assemble, keeps, of_mixes
from netwright.journal import Journal
from netwright.limits import Limits
from netwright.machine import usable_cores
from netwright.memory import Memory, peak_memory
from netwright.metrics import Metric, find_metric
from netwright.model import Model, load
from netwright.pool import Pool
from netwright.report.html import write_report
from netwright.report.summary import summary_html
from netwright.report.text import architecture
from netwright.result import Result
from netwright.resuming import (
    JOURNAL,
    SHELF,
    carried_over,
    check_same,
    digest_of_bench,
    earlier_run,
    is_done,
)
from netwright.run import search
from netwright.search.sampler import Sampler
from netwright.shelf import write_shelf
from netwright.sources import grouped, without_group
from netwright.storage import check_place, make_folder, remove_file, remove_leftovers
from netwright.streamed import Streamed
from netwright.tasks.task import Loaded, Preparation, Request, Task
from netwright.team.staff import Staff, team_of
from netwright.train.failures import in_words, of_the_device, short_of_memory
from netwright.train.framework import Framework
from netwright.trunks import CPU

if TYPE_CHECKING:
    import pandas as pd

MODEL, REPORT = "model.nw", "report.html"
SAMPLED = 64  # rows whose encoding tells how long that of the test file takes


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        model: what it made.
        result: what came of it, in numbers.
        findings: what was noticed in the data.
        folder: where the bundle, the report and the journal lie.
        before: whether it had come to its end before it was asked for again, so that nothing was done.
        resources: what it took beside time: memory, and the disk; None where its record does not say.
    """

    model: Model
    result: Result
    findings: tuple[Finding, ...]
    folder: Path
    before: bool = False
    resources: ResourcesUsed | None = None

    @property
    def bundle(self) -> Path:
        """The model file."""
        return self.folder / MODEL

    @property
    def report(self) -> Path:
        """The report."""
        return self.folder / REPORT

    @property
    def journal(self) -> Path:
        """The record of the run."""
        return self.folder / JOURNAL

    def _repr_html_(self) -> str:
        return summary_html(self.result)


@dataclass(frozen=True, eq=False)  # frames have no equality of one bit
class Order:
    """What a run is to do, once all that the user said is understood.

    Attributes:
        table: what to learn from; tested: what to test on, or nothing.
        target: the column to predict.
        large: the whole of a table that memory does not hold, and the `sample` of it that `table` is; else None.
        noticed: what is to be told of how it was read.
        groups: what rows have in common that belong together; None where each is by itself.
        task: what kind of problem it is; outcome: what is asked of it.
        kinds: column → kind, where the user said so.
        bad_files: share of files that may be left out because they cannot be decoded.
        metric: name of what is measured.
        sampler: the way to search.
        seed: of everything random.
        framework: what trains; staff: who does, this process or workers.
        pretrained: where trained weights of others come from.
        single: whether one network is to be handed over.
        limits: what the model may cost.
        memory: that the run may take.
        folder: of results.
        fresh: whether to begin anew whatever is there.
        settings: all of this as plain JSON, by which a run knows itself again.
    """

    table: pd.DataFrame
    tested: pd.DataFrame | None
    large: LargeTable | None
    sample: Sample | None
    noticed: tuple[Finding, ...]
    target: str
    groups: pd.Series[Any] | None
    task: Task
    outcome: str
    kinds: Mapping[str, str]
    bad_files: float
    metric: str
    sampler: Sampler
    seed: int
    framework: Framework
    staff: Staff
    pretrained: str | Path
    single: bool
    limits: Limits
    memory: Memory
    folder: Path
    fresh: bool
    settings: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of a run, read and understood; `decoding`: the seconds that those to test on took.

    `sample`: of a large table, those of its rows that are held; `groups`: of these.
    """

    loaded: Loaded
    metric: Metric
    tested: pd.DataFrame | None
    decoding: float
    sample: Sample | None
    groups: pd.Series[Any] | None


def carry_out(order: Order, budget: Budget, listener: Listener | None) -> Run:
    """Do what is ordered, or what is left of it where an earlier run was cut off.

    Args:
        order: what to do.
        budget: the time for it.
        listener: told what happens, from any thread, one event at a time.

    Raises:
        NetwrightError: with one or two sentences on what is wrong, where, and what to do.
    """
    folder = order.folder
    for name in (MODEL, REPORT, SHELF):
        check_place(folder / name)  # now, and not after an hour
    with ExitStack() as stack:
        earlier = earlier_run(folder, order.settings, budget, fresh=order.fresh)
        if earlier is not None:
            stack.enter_context(earlier)
            remove_leftovers(folder)
            if is_done(earlier, budget):
                return _finished(folder, earlier)
        team = stack.enter_context(team_of(order.staff, order.framework, budget))  # it comes while rows are read
        order = replace(order, framework=team.framework)
        rows = _rows(order, budget, listener, None if earlier is None else earlier.data())
        journal = earlier or stack.enter_context(_new_journal(folder))
        tell_all = _telling(journal, listener, budget)

        def tell(event: Event) -> None:
            tell_all((event,))

        if earlier is None:
            tell(RunStarted(order.settings))
        tell(_data_read(order, rows, budget))
        team.meet(tell)
        bench = _bench(order, rows, budget, journal, tell, listener)
        checkpoints = Checkpoints(folder)
        pool = search(
            bench,
            budget,
            order.sampler,
            tell,
            limits=order.limits,
            kept_back=SINGLE_SHARE if order.single or order.limits else 0.0,
            needless=lambda pool: not order.single and keeps(bench, pool, budget, order.limits),
            carried=NOTHING if earlier is None else carried_over(journal, folder, bench),
            checkpoints=checkpoints,
            tell_all=tell_all,
        )
        model = _hand_over(order, rows, bench, pool, budget, tell, checkpoints)
        write_report(folder / REPORT, journal, description=architecture(model))
        resources = journal.resources()
    return Run(model, model.result, rows.loaded.findings, folder, resources=resources)


@contextmanager
def faults_said_plainly() -> Iterator[None]:
    """Turn into a sentence what no trial is to blame for: a memory that does not suffice, a card that does not compute.

    Raises:
        ShortOfMemory: of the computer, or of a graphics card.
        FailedDevice: in the place of what a framework says of a card.
    """
    try:
        yield
    except NetwrightError:
        raise
    except Exception as error:
        if short_of_memory(error):
            raise ShortOfMemory from error
        if of_the_device(error):
            raise FailedDevice(in_words(error)) from error
        raise


def _finished(folder: Path, journal: Journal) -> Run:
    """Return a run that came to its end before."""
    model, data = load(folder / MODEL), journal.data()
    Checkpoints(folder).clear()
    if not (folder / REPORT).exists():  # it was cut off while it was written
        write_report(folder / REPORT, journal, description=architecture(model))
    findings = () if data is None else tuple(Finding(**finding) for finding in data.findings)
    return Run(model, model.result, findings, folder, before=True, resources=journal.resources())


def _new_journal(folder: Path) -> Journal:
    """Return the record of a run that begins; what an earlier one left is removed: it does not belong to this one."""
    make_folder(folder)
    journal = Journal.create(folder / JOURNAL)  # first, since it sees that no other run is at work here
    remove_file(folder / SHELF)
    remove_leftovers(folder)
    Checkpoints(folder).clear()
    return journal


def _telling(journal: Journal, listener: Listener | None, budget: Budget) -> Callable[[Sequence[Event]], None]:
    """Return what takes events down and passes them on; a full disk is told of once, and does not end a run."""
    said = False

    def tell_all(events: Sequence[Event]) -> None:
        nonlocal said
        failure = ""
        try:
            journal.record_all(events)
        except CannotWrite as error:
            failure = str(error)
        if listener:
            for event in events:
                listener(event)
            if failure and not said:
                listener(NotKept(budget.elapsed(), failure))
        said = said or bool(failure)

    return tell_all


# --- rows ------------------------------------------------------------------------------------------------------------


def _rows(order: Order, budget: Budget, listener: Listener | None, before: DataRead | None) -> _Rows:
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
    return _Rows(loaded, metric, tested, decoding, sample, groups)


def _told_of_large(order: Order, loaded: Loaded) -> tuple[Finding, ...]:
    """Return what is told where memory does not hold a table."""
    if order.large is None:
        return ()
    held = f"{len(loaded.truth):,} of its {order.large.rows:,} rows, drawn at random, are held"
    if _streams(order):
        rest = "the others are read from disk as networks learn from them"
    elif order.staff.asked:
        rest = "only they are learnt from, since workers do not read rows from disk"
    elif order.framework.streams:
        rest = "only they are learnt from, since texts are not read from disk"
    else:
        rest = f"only they are learnt from, since --framework {order.framework.name} does not read rows from disk"
    text = (
        f"The table takes more memory than there is ({megabytes(order.memory.limit)} in all): {held}, and {rest}. "
        "Kinds and scales of columns, what is said of rows below, and the score are of those that are held."
    )
    return (Finding("larger_than_memory", None, text),)


def _streams(order: Order) -> bool:
    """Return whether rows that memory does not hold are learnt from."""
    return order.task.streams and order.framework.streams


def _tell_decoded(listener: Listener | None, budget: Budget, testing: bool, done: int, files: int) -> None:
    if listener:
        listener(FilesDecoded(budget.elapsed(), done, files, testing))


def _data_read(order: Order, rows: _Rows, budget: Budget) -> DataRead:
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


# --- the bench -------------------------------------------------------------------------------------------------------


def _bench(
    order: Order, rows: _Rows, budget: Budget, journal: Journal, tell: Listener, listener: Listener | None
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
    return replace(bench, writing=bench.writing + rows.decoding + encoding)


def _rest(
    order: Order, rows: _Rows, budget: Budget, journal: Journal, tell: Listener, listener: Listener | None
) -> Streamed | None:
    """Return the rows that memory does not hold; None where it holds all, or they are not learnt from."""
    if order.large is None or rows.sample is None or not _streams(order):
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


# --- the end ---------------------------------------------------------------------------------------------------------


def _hand_over(
    order: Order, rows: _Rows, bench: Bench, pool: Pool, budget: Budget, tell: Listener, checkpoints: Checkpoints
) -> Model:
    """Write the model of the trials, and the trials that another can be chosen from; return it."""
    model, shelf = assemble(bench, pool, budget, single=order.single, limits=order.limits)
    if rows.tested is not None:
        model = replace(model, result=replace(model.result, test_metrics=evaluate(model, rows.tested)))
    model = replace(model, result=replace(model.result, seconds=budget.elapsed()))
    model.save(order.folder / MODEL)
    write_shelf(order.folder / SHELF, shelf, of_mixes(model.result))
    tell(MistakesFound(budget.elapsed(), surest_mistakes(bench, pool)))
    rows_on_disk = 0 if bench.more is None else bench.more.size
    tell(ResourcesUsed(budget.elapsed(), peak_memory(), order.memory.limit, checkpoints.most, rows_on_disk))
    tell(RunFinished(budget.elapsed(), model.result))
    checkpoints.clear()  # the trials that are kept to choose from are on the shelf now
    return model
