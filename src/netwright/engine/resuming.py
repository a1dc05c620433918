"""Going on with a run that was cut off, or that is given more time, by repeating its command."""

from __future__ import annotations

import json
import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from netwright.engine.bench import Bench, Trial
from netwright.engine.carried import Carried
from netwright.engine.checkpoints import Checkpoints, Saved, SavedStack
from netwright.engine.stacks import candidate_of
from netwright.errors import BundleError, CannotGoOn, DifferentRun, MissingJournal, NothingToAddTo, OutputError
from netwright.events import BenchSet, DataRead, Proposed, RowsStreamed, TeamStarted, Told
from netwright.journal import Journal, TrialRecord
from netwright.mix.shelf import read_shelf
from netwright.resources.budget import Budget
from netwright.search.desk import MOST_OF_LANE, MOST_OPEN, Ticket, check_steps, tickets_of
from netwright.spec.blocks import ImageInput
from netwright.spec.network import Network
from netwright.team.link import MOST_WORKERS

JOURNAL, SHELF = "journal.sqlite", "trials.nw"
PACKAGES = ("netwright", "python", "torch", "keras", "tensorflow", "jax")
# Settings that may differ when a run goes on.
FREE = ("time", "trials", "out", "device_asked", "memory", "workers", "cluster", *PACKAGES)
DATA = {"data_digest": "data", "test_digest": "test"}
LESS_MEMORY = "memory does not hold as many of its rows as it held; allow more by --memory"
NEARLY = 0.9  # of its limit: a run that gave up after that has come to its end
ROUNDING = 1e-3  # beyond 1 that a probability of the shorter types may be


def data_before(folder: Path, data: str, *, fresh: bool) -> DataRead | None:
    """Return what the run that the folder holds had read; None where there is none, or one is to begin anew.

    It is asked before data is read, since of a table that are not held in memory the same rows are to be held again.
    What a run of data with another name had read is none of this one's concern: it will be refused.
    """
    if fresh:
        return None
    try:
        with Journal.open(folder / JOURNAL) as journal:
            return journal.data() if journal.settings().get("data") == data else None
    except OutputError:
        return None  # whoever goes on with it says what is wrong


def earlier_run(folder: Path, settings: Mapping[str, Any], budget: Budget, *, fresh: bool) -> Journal | None:
    """Return the record of the run that the folder holds, open to go on with it; nothing where one is to begin.

    The time that it spent counts from now on.

    Args:
        folder: of results.
        settings: of this run.
        budget: is told what was spent.
        fresh: whether to begin anew whatever is there.

    Raises:
        DifferentRun: if it is one of other data or settings.
        NothingToAddTo: if time is to be added, and there is none.
        OutputError: if another run is writing there now, or the record cannot be read.
    """
    journal = None if fresh else _found(folder)
    if journal is None:
        if budget.added:
            raise NothingToAddTo(folder)
        return None
    try:
        found = differences(journal.settings(), settings)
        if found:
            raise DifferentRun(folder, found)
        budget.carry(journal.spent(), journal.limit())
    except BaseException:
        journal.close()
        raise
    return journal


def _found(folder: Path) -> Journal | None:
    try:
        journal = Journal.go_on(folder / JOURNAL)
    except MissingJournal:
        return None
    try:
        begun = bool(journal.settings()) and journal.data() is not None and not journal.in_vain
    except BaseException:
        journal.close()
        raise
    if begun:
        return journal
    journal.close()  # it was cut off before anything was done, or all failed, which may now be otherwise
    return None


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return in what two runs are not the same, as parts of a sentence."""
    told = []
    before, now = (json.loads(json.dumps(one, default=str)) for one in (before, now))  # as the record keeps them
    for name in sorted({*before, *now} - {*FREE}):
        old, new = before.get(name), now.get(name)
        if old == new or (name == "device" and "auto" in (old, new)):  # of a cluster, whose devices are its own
            continue
        if name not in DATA:
            named = name if name in now else repr(name)  # as a record that was forged may have it
            told.append(f"its {named} is {old!r}, not {new!r}")
        elif before.get(DATA[name]) == now.get(DATA[name]):
            told.append(f"what is in {now[DATA[name]]} has changed since")
    if (before.get("trials") is None) != (now.get("trials") is None):
        told.append("one ends after a time and the other after a number of trials")
    return told


def check_held(before: DataRead | None, now: DataRead) -> None:
    """Refuse to go on with trials of more rows than memory holds now, before anything is recorded of these.

    Raises:
        CannotGoOn: if so.
    """
    if before is not None and (before.drawn, before.files) != (now.drawn, now.files):
        raise CannotGoOn(LESS_MEMORY)


def check_same(before: BenchSet | None, now: BenchSet) -> None:
    """Refuse to go on with trials of rows that were prepared in another way.

    Raises:
        CannotGoOn: if so, as after an update of Netwright or of the trained weights of others.
    """
    if before is not None and before.digest != now.digest:
        raise CannotGoOn("its rows are prepared in another way than they were, as by another version")


def is_done(journal: Journal, budget: Budget) -> bool:
    """Return whether a run came to its end and has no time or trials left.

    One that gave up has what was left then, as when a graphics card had gone, which may be back.
    """
    result = journal.result() if journal.finished else None
    if result is None:
        return False
    if budget.trials is not None:
        return result.trials + result.failed >= budget.trials
    limit = journal.limit() or 0.0
    early = result.ended_early or (bool(journal.given_up()) and result.seconds < NEARLY * limit)
    return not early and budget.seconds is not None and budget.seconds <= limit


def _has_same_rows(before: RowsStreamed | None, bench: Bench) -> bool:
    """Return whether as many rows are learnt from as before: at the end of a run fewer may have been read again."""
    written = 0 if before is None else before.written
    return written == (0 if bench.more is None else len(bench.more))


def most_open(team: TeamStarted | None) -> int:
    """Return how many trials may have been in training at one time, by the workers that a record tells of.

    >>> most_open(None), most_open(TeamStarted(1.0, 1_000, "a cluster"))
    (4096, 64000)
    """
    return max(MOST_OPEN, MOST_OF_LANE * min(MOST_WORKERS, 0 if team is None else team.workers))


def carried_over(journal: Journal, folder: Path, bench: Bench) -> Carried:
    """Return what an earlier run came to: its finished trials, and what its search handed out and heard.

    Args:
        journal: the record of it. Neither that nor any file beside it is trusted: a folder may come from anywhere.
        folder: of results.
        bench: what trials share.

    Raises:
        CannotGoOn: if the search is none that this one could go on with.
        DamagedJournal: if the record is damaged.
    """
    steps = journal.search()
    rows = len(bench.truth)
    try:
        check_steps(steps, bench.space, bench.first_points(portfolio=True), most_open(journal.team()))
    except ValueError as error:
        raise CannotGoOn(str(error)) from error
    tickets = tickets_of(steps)
    records = {record.trial: record for record in journal.trials() if record.trial in tickets}
    alive = {number for number, record in records.items() if record.status != "failed"}
    saved = Checkpoints(folder).read(alive, rows)
    shelf = {number: one for number, one in _on_shelf(folder, records).items() if number not in saved}
    kept = {number: one for number, one in {**shelf, **saved}.items() if _fits(one, bench)}
    finished = {number for number, record in records.items() if record.status == "finished"}
    if journal.settings().get("trials") is not None:
        kept = _whole(kept, steps, {*records} - alive | finished)
    return Carried(
        steps=steps,
        trials=tuple(_trial(tickets[number], one) for number, one in sorted(kept.items())),
        dropped=tuple(
            _dropped(tickets[number], records[number], bench)
            for number in sorted(finished - {*kept})
            if _has_numbers(records[number])
        ),
        failures={n: str(record.reason) for n, record in records.items() if record.status == "failed"},
        running=frozenset(number for number, record in records.items() if record.status == "running"),
        stacks=_going_on(Checkpoints(folder), {n: tickets[n] for n in alive - finished - {*kept}}, bench)
        if _has_same_rows(journal.streamed(), bench)
        else (),
        curve=tuple((best.seconds, best.score) for best in journal.curve() if math.isfinite(best.seconds + best.score)),
    )


def _whole(kept: Mapping[int, Saved], steps: Sequence[Proposed | Told], ended: Container[int]) -> dict[int, Saved]:
    """Return kept trials but for those of a stack that was killed while it was kept: it is trained again as it was.

    What is left of it would be a smaller stack, which comes to other last digits.

    Args:
        kept: by number.
        steps: of the search.
        ended: numbers of trials whose end is recorded.
    """
    broken = set[int]()
    for step in steps:
        if isinstance(step, Proposed) and step.asked:
            open_ = {number for number, _, _ in step.trials if number not in ended}
            if not open_ <= {*kept}:
                broken |= open_
    return {number: one for number, one in kept.items() if number not in broken}


def _fits(one: Saved, bench: Bench) -> bool:
    """Return whether a trial that was read from a file is one of these rows and folds."""
    goal, folds = bench.preparation.goal, len(bench.splits)
    shape = (len(bench.truth), *goal.decode(np.zeros((1, goal.outputs), np.float32)).shape[1:])
    answers = one.predictions
    return (
        bench.preparation.accepts(one.candidate.network)
        and one.folds == folds
        and all(len(tensor) == folds for tensor in one.weights.values())
        and answers.shape == shape
        and answers.dtype.kind == "f"
        and bool(np.isfinite(answers).all())
        and (answers.ndim == 1 or (answers.min() >= 0 and answers.max() <= 1 + ROUNDING))
    )


def _going_on(checkpoints: Checkpoints, tickets: Mapping[int, Ticket], bench: Bench) -> tuple[SavedStack, ...]:
    """Return the stacks that are to be gone on with.

    Args:
        checkpoints: where they lie.
        tickets: of trials that had begun and came to no end, by number.
        bench: what trials share.
    """
    found, taken = [], set[int]()
    for stack in checkpoints.read_stacks(tickets):
        if {*stack.tickets} <= {*tickets} - taken and _is_of(stack, tickets, bench):
            found.append(stack)
            taken |= {*stack.tickets}
    return tuple(found)


def _is_of(stack: SavedStack, tickets: Mapping[int, Ticket], bench: Bench) -> bool:
    """Return whether the trials of a stack are trained as their points say."""
    designs = [candidate_of(bench, tickets[n].proposal.point, inherits=stack.inherits) for n in stack.tickets]
    return stack.batch_size <= designs[0].recipe.batch_size and all(
        own.recipe == design.recipe and _of_one_size(own.network) == _of_one_size(design.network)
        for own, design in zip(stack.candidates, designs, strict=True)
    )


def _of_one_size(network: Network) -> Network:
    """Return a network without the size of its images: that of a trunk is chosen by how fast the machine is."""
    first = network.blocks[0]
    if not isinstance(first, ImageInput):
        return network
    return replace(network, blocks=(replace(first, height=1, width=1), *network.blocks[1:]))


def _trial(ticket: Ticket, one: Saved) -> Trial:
    return Trial(ticket, one.candidate, one.weights, one.folds, one.predictions, one.score, one.loss, one.seconds)


def _has_numbers(record: TrialRecord) -> bool:
    """Return whether all is there that is told of a trial whose weights are gone."""
    numbers = (record.score, record.loss, record.duration)
    return all(number is not None and math.isfinite(number) for number in numbers)


def _dropped(ticket: Ticket, record: TrialRecord, bench: Bench) -> Trial:
    """Return a finished trial of which only the numbers are left."""
    candidate = candidate_of(bench, ticket.proposal.point)
    score, loss, seconds = record.score or 0.0, record.loss or 0.0, record.duration or 0.0
    return Trial(ticket, candidate, {}, len(bench.splits), np.empty(0), score, loss, seconds)


def _on_shelf(folder: Path, records: Mapping[int, TrialRecord]) -> dict[int, Saved]:
    """Return the trials that a finished run kept to choose from."""
    try:
        shelf, _ = read_shelf(folder / SHELF)
    except BundleError:
        return {}  # a run that did not finish has none
    found = {}
    for kept in shelf.kept:
        record = records.get(kept.trial)
        if record is not None and record.status == "finished" and _has_numbers(record):
            numbers = (record.score or 0.0, record.loss or 0.0, record.duration or 0.0)
            weights = {name: np.array(tensor, np.float32) for name, tensor in kept.weights.items()}
            folds = len(next(iter(weights.values())))
            found[kept.trial] = Saved(kept.trial, kept.candidate, weights, folds, kept.predictions, *numbers)
    return found
