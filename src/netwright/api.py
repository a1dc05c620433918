"""The way in for Python: from a table to a model, read like a table of contents."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright._version import __version__
from netwright.bench import set_up
from netwright.budget import Budget, parse_limit
from netwright.carried import NOTHING
from netwright.checkpoints import Checkpoints
from netwright.choosing import best_mix, within
from netwright.data.findings import Finding
from netwright.data.folders import CLASS, column_of_folder, parted
from netwright.data.frame import Frame
from netwright.data.groups import check_groups, kept_together
from netwright.data.tagged import TAG, is_tagged
from netwright.errors import (
    BadTrials,
    CannotWrite,
    GroupOfTarget,
    NoClasses,
    NoKeptTrials,
    NoTarget,
    NotWithFramework,
    OneGroup,
    ReplacesTrials,
    UnequalLengths,
    UnknownColumn,
    nearest,
)
from netwright.evaluation import evaluate, stretches, usable_test
from netwright.events import (
    BenchSet,
    DataRead,
    Event,
    FilesDecoded,
    Listener,
    MistakesFound,
    NotKept,
    RunFinished,
    RunStarted,
)
from netwright.examples import surest_mistakes
from netwright.extended import trunk_of, with_trunk
from netwright.finish import SINGLE_SHARE, assemble, keeps, of_mixes
from netwright.journal import Journal
from netwright.limits import make_limits
from netwright.machine import usable_cores
from netwright.metrics import find_metric
from netwright.model import Model, load
from netwright.report.html import write_report
from netwright.report.summary import summary_html
from netwright.report.text import architecture
from netwright.result import Result
from netwright.resuming import (
    JOURNAL,
    SHELF,
    carried_over,
    check_same,
    digest,
    digest_of_bench,
    earlier_run,
    is_done,
)
from netwright.run import search as try_candidates
from netwright.search import find_sampler
from netwright.shelf import read_shelf, write_shelf
from netwright.storage import make_folder
from netwright.tasks import find_task, reader
from netwright.tasks.pinned import pinned
from netwright.tasks.task import BAD_FILES, Loaded, Preparation, Request
from netwright.train.framework import Framework
from netwright.train.frameworks import find_framework

if TYPE_CHECKING:
    import pandas as pd

OUT = "netwright-run"
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
    """

    model: Model
    result: Result
    findings: tuple[Finding, ...]
    folder: Path
    before: bool = False

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


def fit(
    data: str | Path | pd.DataFrame | NDArray[np.uint8],
    target: str | Sequence[Any] | NDArray[Any] | None = None,
    *,
    time: str | float | None = "60s",
    task: str = "auto",
    metric: str = "auto",
    out: str | Path = OUT,
    search: str = "auto",
    seed: int = 0,
    trials: int | None = None,
    kinds: Mapping[str, str] | None = None,
    group: str | None = None,
    test: str | Path | pd.DataFrame | None = None,
    pretrained: str | Path = "auto",
    bad_files: float = BAD_FILES,
    single: bool = False,
    max_latency: str | None = None,
    max_size: str | None = None,
    framework: str = "torch",
    device: str = "auto",
    fresh: bool = False,
    listener: Listener | None = None,
    budget: Budget | None = None,
) -> Run:
    """Design, train, select and save a network for a table, for images or for sounds.

    Args:
        data: a CSV, TSV, Parquet, JSON lines or Excel file; a folder of images or sounds, with one folder a class or
            with parts `train`, `val` and `test` that are built so; a pandas frame; or images (N, H, W) or (N, H, W, C)
            of uint8.
        target: the column to predict; nothing for a folder of files; for an array of images the N labels or numbers.
        time: wall clock, such as `"60s"` or `"5m"`, everything included; `"+5m"` adds to the limit of the run in `out`.
            Ignored when `trials` is given.
        task: auto, classification, binary, multiclass or regression; with `image_`, `audio_`, `text_`, `tagging_`
            or `tabular_` in front, or these words alone, where the kind of the data is not to be found out.
        metric: what to choose by and report; auto is accuracy for classes and rmse for a number.
        out: the folder for model.nw, report.html and journal.sqlite. Where it holds a run of the same data and settings
            that was cut off, that run is gone on with: its trials are neither lost nor repeated, and the time that it
            spent counts. One that had come to its end is given back as it is, unless more time or trials are given.
        search: the way to search: auto, evolution, local, mixed, random or tpe; auto is evolution.
        seed: every random number comes from it.
        trials: a number of trials instead of a time; two runs then give the same model, bit for bit.
        kinds: column → kind, where the inferred one is wrong.
        group: a column that says which rows belong together, such as the person that each is of: they are learnt
            from or judged on together, so the estimate and its interval are for groups never seen. It is no input.
        test: a file, folder or frame with the target, for metrics on rows that nothing else has seen.
        pretrained: weights that others have trained, for networks to build on: a file for images, a folder for texts;
            auto takes those of a package that is installed, none takes no notice of them. hub fetches the usual ones
            from huggingface.co (or takes them from the cache of an earlier time), hub:OWNER/NAME those of another
            repository with the same architecture.
        bad_files: share of images or sounds that may be left out because they cannot be decoded.
        single: hand over one network, trained on the answers of the mix, in place of the mix.
        max_latency: what predicting one row in a running process may take, such as `"1ms"`, measured on this machine.
        max_size: what the model file may take, such as `"2MB"`. Where the mix passes a limit, a smaller mix or one
            network that learnt from it is handed over; the result says if even that passes it.
        framework: what trains networks: torch, or Keras on tensorflow or jax, which is slower and needs no PyTorch
            (docs/frameworks.md says what else it does without). A process can hold Keras on one of the two only.
        device: where PyTorch trains networks: cpu, cuda, cuda:1; auto is a CUDA graphics card where there is one. The
            model predicts on the processor.
        fresh: begin anew, in the place of whatever run `out` holds.
        listener: told what happens, from any thread, one event at a time.
        budget: made by a caller whose clock started earlier; instead of `time` and `trials`.

    Raises:
        NetwrightError: with one or two sentences on what is wrong, where, and what to do.
    """
    budget = budget or make_budget(time, trials)
    sampler = find_sampler(search)
    limits = make_limits(max_latency, max_size)
    trains = find_framework(framework, device)
    pretrained = _lent(pretrained, trains)
    folder = Path(out)
    table, target, tested = _tables(data, target, test, task)
    table, cells = _without_group(table, target, group)
    chosen, asked = find_task(task, table, target, kinds or {})
    chosen = pinned(chosen, trains.pinned)
    settings = {
        "data": _named(data),
        "data_digest": digest(data),
        "target": target,
        "time": budget.seconds,
        "trials": budget.trials,
        "task": task,
        "metric": metric,
        "search": sampler.name,
        "out": str(folder),
        "seed": seed,
        "kinds": dict(kinds or {}),
        "test": None if test is None else _named(test),
        "test_digest": digest(test),
        "pretrained": str(pretrained),
        "group": group,
        "bad_files": bad_files,
        "single": single,
        "max_latency": max_latency,
        "max_size": max_size,
        "framework": trains.name,
        "device": trains.device,
        "netwright": __version__,
        "python": platform.python_version(),
        **trains.versions(),
    }
    with ExitStack() as stack:
        earlier = earlier_run(folder, settings, budget, fresh=fresh)
        if earlier is not None:
            stack.enter_context(earlier)
            if is_done(earlier, budget):
                return _finished(folder, earlier)
        learnt, judged = (partial(_tell_decoded, listener, budget, testing) for testing in (False, True))
        files = None if earlier is None else earlier.files()
        request = Request(table, target, kinds or {}, asked, bad_files, learnt, budget.left, files)
        loaded = _grouped(chosen.load(request), cells)
        read = budget.elapsed()
        if tested is not None:
            tested = usable_test(chosen, loaded.schema, tested, bad_files, judged)
        decoding = budget.elapsed() - read
        outcome = loaded.schema.target.outcome
        measured = find_metric(metric, outcome).within(stretches(chosen, table, loaded.places))
        checkpoints = Checkpoints(folder)
        if earlier is None:
            make_folder(folder)
            (folder / SHELF).unlink(missing_ok=True)  # of an earlier run: its trials do not belong to this one
            checkpoints.clear()
        journal = earlier or stack.enter_context(Journal.create(folder / JOURNAL))

        tell = _telling(journal, listener, budget)

        if earlier is None:
            tell(RunStarted(settings))
        findings = tuple(finding.to_json() for finding in loaded.findings)
        rows = len(loaded.truth)
        tell(DataRead(budget.elapsed(), loaded.schema.to_json(), findings, rows, loaded.columns, loaded.files))
        before = journal.bench()
        looking, training = (before.looking, before.training) if before else _planned(budget, trains)
        trunk = partial(
            with_trunk,
            task=chosen,
            loaded=loaded,
            pretrained=pretrained,
            seconds=looking,
            chosen=before.trunk if before else None,
        )
        bench = set_up(chosen, loaded, measured, trains, seed, training, trunk)
        lent = trunk_of(bench.preparation)
        made = BenchSet(budget.elapsed(), looking, training, lent, digest_of_bench(bench))
        check_same(before, made)
        tell(made)
        if tested is not None:  # it is read once more at the end
            encoding = len(tested) * _seconds_a_row(bench.preparation, loaded.frame, budget)
            bench = replace(bench, writing=bench.writing + decoding + encoding)
        pool = try_candidates(
            bench,
            budget,
            sampler,
            tell,
            limits=limits,
            kept_back=SINGLE_SHARE if single or limits else 0.0,
            needless=lambda pool: not single and keeps(bench, pool, budget, limits),
            carried=NOTHING if earlier is None else carried_over(journal, folder, bench),
            checkpoints=checkpoints,
        )
        model, shelf = assemble(bench, pool, budget, single=single, limits=limits)
        if tested is not None:
            model = replace(model, result=replace(model.result, test_metrics=evaluate(model, tested)))
        model = replace(model, result=replace(model.result, seconds=budget.elapsed()))
        model.save(folder / MODEL)
        write_shelf(folder / SHELF, shelf, of_mixes(model.result))
        tell(MistakesFound(budget.elapsed(), surest_mistakes(bench, pool)))
        tell(RunFinished(budget.elapsed(), model.result))
        checkpoints.clear()  # the trials that are kept to choose from are on the shelf now
        write_report(folder / REPORT, journal, description=architecture(model))
    return Run(model, model.result, loaded.findings, folder)


def _telling(journal: Journal, listener: Listener | None, budget: Budget) -> Listener:
    """Return what takes events down and passes them on; a full disk is told of once, and does not end a run."""
    said = False

    def tell(event: Event) -> None:
        nonlocal said
        failure = ""
        try:
            journal.record(event)
        except CannotWrite as error:
            failure = str(error)
        if listener:
            listener(event)
            if failure and not said:
                listener(NotKept(budget.elapsed(), failure))
        said = said or bool(failure)

    return tell


def _planned(budget: Budget, framework: Framework) -> tuple[float | None, float | None]:
    """Return the seconds of all cores that there are for a trained trunk, and for training; None without a limit."""
    if budget.seconds is None:
        return None, None
    return usable_cores() * budget.left(), framework.cores * budget.left()


def _finished(folder: Path, journal: Journal) -> Run:
    """Return a run that came to its end before."""
    model, data = load(folder / MODEL), journal.data()
    Checkpoints(folder).clear()
    if not (folder / REPORT).exists():  # it was cut off while it was written
        write_report(folder / REPORT, journal, description=architecture(model))
    findings = () if data is None else tuple(Finding(**finding) for finding in data.findings)
    return Run(model, model.result, findings, folder, before=True)


def _tell_decoded(listener: Listener | None, budget: Budget, testing: bool, done: int, files: int) -> None:
    if listener:
        listener(FilesDecoded(budget.elapsed(), done, files, testing))


def _lent(pretrained: str | Path, framework: Framework) -> str | Path:
    """Return where trained weights of others come from: PyTorch alone reads them.

    Raises:
        NotWithFramework: if some are asked for, and another framework trains.
    """
    if framework.name == "torch" or pretrained == "none":
        return pretrained
    if pretrained != "auto":
        raise NotWithFramework(f"--pretrained {pretrained}", framework.name)
    return "none"


def _seconds_a_row(preparation: Preparation, frame: Frame, budget: Budget) -> float:
    """Return what a row takes from cells to features when the model is asked, by a few of those learnt from."""
    some = frame.take(np.arange(min(SAMPLED, frame.rows)))
    preparation.encode(some)  # what is made at first use counts once
    begun = budget.elapsed()
    preparation.encode(some)
    return (budget.elapsed() - begun) / some.rows


def _tables(
    data: str | Path | pd.DataFrame | NDArray[Any],
    target: str | Sequence[Any] | NDArray[Any] | None,
    test: str | Path | pd.DataFrame | None,
    task: str,
) -> tuple[pd.DataFrame, str, pd.DataFrame | None]:
    """Return the table to learn from, the column to predict, and the table to test on if there is one.

    Raises:
        DataError: if one of them cannot be read, or nobody said what to predict.
    """
    table, part = parted(reader(task, data)(data))
    if isinstance(data, np.ndarray) and target is not None and not isinstance(target, str):
        if len(target) != len(table):
            raise UnequalLengths(len(table), len(target))
        table, target = table.assign(**{CLASS: [*target]}), CLASS
    if target is None and column_of_folder(table) and CLASS in table.columns:
        target = CLASS
        if table[CLASS].isna().all():
            raise NoClasses(data)
    if target is None and is_tagged(table) and TAG in table.columns:
        target = TAG
    if not isinstance(target, str):
        raise NoTarget
    if test is None:
        return table, target, part
    rest, judged = parted(reader(task, test)(test))
    return table, target, rest if judged is None else judged


def _without_group(table: pd.DataFrame, target: str, group: str | None) -> tuple[pd.DataFrame, pd.Series[Any] | None]:
    """Return the table without the column of groups, and that column.

    Raises:
        SettingError: if there is no such column beside the target.
    """
    if group is None:
        return table, None
    if group == target:
        raise GroupOfTarget(group)
    if group not in table.columns:
        raise UnknownColumn(group, nearest(group, [*table.columns]))
    return table.drop(columns=group), table[group]


def _grouped(loaded: Loaded, cells: pd.Series[Any] | None) -> Loaded:
    """Return the rows with those kept together that have equal cells.

    Raises:
        OneGroup: if that is all of them.
    """
    if cells is None:
        return loaded
    own = cells.iloc[loaded.places]
    groups, words = kept_together(loaded.groups, own), own.map(str).nunique()
    if groups.max() == 0 or words < 2:
        raise OneGroup(str(cells.name))
    findings = (*loaded.findings, *check_groups(groups, loaded.truth, loaded.schema.target))
    return replace(loaded, groups=groups, findings=findings, drawn_together=True)


def _named(data: str | Path | pd.DataFrame | NDArray[Any]) -> str:
    return str(data) if isinstance(data, str | Path) else "a data frame"


def make_budget(time: str | float | None, trials: int | None) -> Budget:
    """Return the budget that a time limit or a number of trials stands for, beginning now.

    Raises:
        SettingError: if the time is no duration, or the number of trials is not positive.
    """
    if trials is not None:
        if trials < 1:
            raise BadTrials(trials)
        return Budget(trials=trials)
    seconds, added = (None, False) if time is None else parse_limit(time)
    return Budget(seconds=seconds, added=added)


def pick(
    run: str | Path,
    *,
    max_latency: str | None = None,
    max_size: str | None = None,
    out: str | Path | None = None,
) -> Model:
    """Choose another model from a finished run, without training, and save it.

    Args:
        run: the folder that `fit` wrote.
        max_latency: as for `fit`.
        max_size: as for `fit`.
        out: the file, which is replaced if it is there, but for the run's own trials; by default `picked.nw` in the
            folder.

    Raises:
        NetwrightError: with one or two sentences on what is wrong, where, and what to do.
    """
    limits = make_limits(max_latency, max_size)
    folder = Path(run)
    path = folder / "picked.nw" if out is None else Path(out)
    if path.resolve() == (folder / SHELF).resolve():
        raise ReplacesTrials(path)
    if not (folder / SHELF).exists():
        raise NoKeptTrials(folder)
    shelf, result = read_shelf(folder / SHELF)
    result = replace(result, test_metrics={}, importance=(), missed=())
    whole = best_mix(shelf, limits, result)
    model = within(shelf, limits, whole)
    model.save(path)
    return model
