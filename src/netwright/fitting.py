"""A run from its order to its files: rows, bench, search, model; or what is left of it where one was cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from netwright.data.findings import Finding
from netwright.engine.bench import Bench
from netwright.engine.carried import NOTHING
from netwright.engine.checkpoints import Checkpoints
from netwright.engine.pool import Pool
from netwright.engine.resuming import (
    JOURNAL,
    SHELF,
    carried_over,
    check_held,
    earlier_run,
    is_done,
)
from netwright.engine.run import search
from netwright.errors import CannotWrite, FailedDevice, NetwrightError, ShortOfMemory, UnwritableModel
from netwright.evaluation import evaluate
from netwright.events import (
    Event,
    Listener,
    MistakesFound,
    NotKept,
    ResourcesUsed,
    RunFinished,
    RunStarted,
)
from netwright.handover.examples import surest_mistakes
from netwright.handover.finish import SINGLE_SHARE, assemble, keeps, of_mixes
from netwright.intake.order import Order
from netwright.intake.preparing import prepared
from netwright.intake.rows import Rows, data_read, read_rows
from netwright.journal import Journal
from netwright.mix.shelf import Shelf, write_shelf
from netwright.model import Model, load
from netwright.report.html import write_report
from netwright.report.summary import summary_html
from netwright.report.text import architecture
from netwright.resources.budget import Budget
from netwright.resources.memory import peak_memory
from netwright.result import Result
from netwright.storage import check_place, make_folder, remove_file, remove_leftovers
from netwright.team.staff import team_of
from netwright.train.failures import in_words, of_the_device, short_of_memory

MODEL, REPORT = "model.nw", "report.html"


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
    with ExitStack() as records, ExitStack() as stack:  # the record is closed last: workers may tell until they end
        earlier = earlier_run(folder, order.settings, budget, fresh=order.fresh)
        if earlier is not None:
            records.enter_context(earlier)
            remove_leftovers(folder)
            Checkpoints(folder).sweep()
            if is_done(earlier, budget):
                return _finished(folder, earlier)
        team = stack.enter_context(team_of(order.staff, order.framework, budget))  # it comes while rows are read
        order = replace(order, framework=team.framework)
        before = None if earlier is None else earlier.data()
        rows = read_rows(order, budget, listener, before)
        read = data_read(order, rows, budget)
        check_held(before, read)
        journal = earlier or records.enter_context(_new_journal(folder))
        tell_all = _telling(journal, listener, budget)

        def tell(event: Event) -> None:
            tell_all((event,))

        if earlier is None:
            tell(RunStarted(order.settings))
        tell(read)
        team.meet(tell)
        bench = prepared(order, rows, budget, journal, tell, listener)
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
    if (folder / SHELF).exists():  # else they are all that a run which is given more time has of its trials
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


# --- the end ---------------------------------------------------------------------------------------------------------


def _hand_over(
    order: Order, rows: Rows, bench: Bench, pool: Pool, budget: Budget, tell: Listener, checkpoints: Checkpoints
) -> Model:
    """Write the model of the trials, and the trials that another can be chosen from; return it."""
    model, shelf = assemble(bench, pool, budget, single=order.single, limits=order.limits)
    if rows.tested is not None:
        model = replace(model, result=replace(model.result, test_metrics=evaluate(model, rows.tested)))
    model = replace(model, result=replace(model.result, seconds=budget.elapsed()))
    model.save(order.folder / MODEL)
    reason = _shelved(order.folder / SHELF, shelf, model.result)
    if reason:
        remove_file(order.folder / SHELF)  # that of an earlier end
        tell(NotKept(budget.elapsed(), reason))
    tell(MistakesFound(budget.elapsed(), surest_mistakes(bench, pool)))
    rows_on_disk = 0 if bench.more is None else bench.more.size
    tell(ResourcesUsed(budget.elapsed(), peak_memory(), order.memory.limit, checkpoints.most, rows_on_disk))
    remove_file(order.folder / REPORT)  # that of an earlier end, which would be taken for ours if we were killed now
    tell(RunFinished(budget.elapsed(), model.result))
    if not reason:
        checkpoints.clear()  # the trials that are kept to choose from are on the shelf now
    return model


def _shelved(path: Path, shelf: Shelf, result: Result) -> str:
    """Write the trials that another model can be chosen from; return why no file holds them, an empty text if one does.

    Of millions of rows with many classes their answers can be more than a file of this format may hold. The model is
    written by then, and the run comes to its end without them.

    Raises:
        CannotWrite: as of any file: once there is room, the same command ends the run.
    """
    try:
        write_shelf(path, shelf, of_mixes(result))
    except UnwritableModel as error:
        return f"Its trials are not kept to choose from. {error}"
    except MemoryError:
        return f"Its trials are not kept to choose from: memory did not suffice to write {path}."
    return ""
