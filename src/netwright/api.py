"""The way in for Python: what a user says becomes an order, which is carried out."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright._version import __version__
from netwright.engine.digests import digest
from netwright.engine.resuming import SHELF, data_before
from netwright.errors import BadTrials, MissingBundle, NoKeptTrials, NotWithFramework, ReplacesTrials
from netwright.events import Listener
from netwright.fitting import Run, carry_out, faults_said_plainly
from netwright.intake.order import Order
from netwright.intake.sources import read_tables, without_group
from netwright.mix.affordable import within
from netwright.mix.choosing import best_mix
from netwright.mix.shelf import read_shelf
from netwright.model import Model
from netwright.resources.budget import Budget, parse_limit
from netwright.resources.limits import make_limits
from netwright.resources.memory import make_memory
from netwright.search import find_sampler
from netwright.storage import same_file
from netwright.tasks import find_task
from netwright.tasks.pinned import pinned
from netwright.tasks.task import BAD_FILES
from netwright.team.staff import make_staff
from netwright.train.framework import Framework
from netwright.train.frameworks import find_framework

if TYPE_CHECKING:
    import pandas as pd

OUT = "netwright-run"


@faults_said_plainly()
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
    memory: str | float | None = None,
    workers: int | None = None,
    cluster: str | None = None,
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
        memory: what the whole process may hold at its peak, such as `"4GB"`; None is 80 % of what the machine, or a
            container around it, has free. Of a table that does not fit, some rows are held and the others are read
            from disk as networks learn from them (docs/memory.md).
        workers: how many processes train, each one stack of networks at a time with one core; None trains in this
            process, on all cores. They take some seconds to start. What comes of a number of trials does not hang on
            how many there are.
        cluster: a Ray cluster that trains in their place: auto for the one of this machine (or that RAY_ADDRESS names),
            or HOST:PORT of its head. `workers` is then by default one a graphics card, or one a core without any.
            See docs/scaling.md.
        fresh: begin anew, in the place of whatever run `out` holds.
        listener: told what happens, from any thread, one event at a time.
        budget: made by a caller whose clock started earlier; instead of `time` and `trials`.

    Raises:
        NetwrightError: with one or two sentences on what is wrong, where, and what to do.
    """
    budget = budget or make_budget(time, trials)
    sampler = find_sampler(search)
    limits = make_limits(max_latency, max_size)
    staff = make_staff(workers, cluster, framework, device)
    trains = find_framework(framework, device if cluster is None else "cpu")  # a cluster has devices of its own
    lent = _lent(pretrained, trains)
    kinds = dict(kinds or {})
    allowed = make_memory(memory)
    earlier = data_before(Path(out), _named(data), fresh=fresh)
    tables = read_tables(data, target, test, task, memory=allowed, left=budget.left, seed=seed, before=earlier)
    table, target = tables.table, tables.target
    settings = {
        "data": _named(data),
        "data_digest": digest(data if tables.large or isinstance(data, str | Path) else table),
        "target": target,
        "time": budget.seconds,
        "trials": budget.trials,
        "task": task,
        "metric": metric,
        "search": sampler.name,
        "out": str(out),
        "seed": seed,
        "kinds": kinds,
        "test": None if test is None else _named(test),
        "test_digest": digest(test),
        "pretrained": str(lent),
        "group": group,
        "bad_files": bad_files,
        "single": single,
        "max_latency": max_latency,
        "max_size": max_size,
        "framework": trains.name,
        "device": trains.device if cluster is None else device,
        "device_asked": device,
        "memory": memory,
        "workers": workers,
        "cluster": cluster,
        "netwright": __version__,
        "python": platform.python_version(),
        **trains.versions(),
    }
    table, groups = without_group(table, target, group)
    found, outcome = find_task(task, table, target, kinds)
    order = Order(
        table=table,
        tested=tables.tested,
        large=tables.large,
        short_of=tables.short_of,
        sample=tables.sample,
        noticed=tables.findings,
        target=target,
        groups=groups,
        task=pinned(found, trains.pinned),
        outcome=outcome,
        kinds=kinds,
        bad_files=bad_files,
        metric=metric,
        sampler=sampler,
        seed=seed,
        framework=trains,
        staff=staff,
        pretrained=lent,
        single=single,
        limits=limits,
        memory=allowed,
        folder=Path(out),
        fresh=fresh,
        settings=settings,
    )
    return carry_out(order, budget, listener)


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


@faults_said_plainly()
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
    if same_file(path, folder / SHELF):
        raise ReplacesTrials(path)
    try:
        shelf, result = read_shelf(folder / SHELF)
    except MissingBundle as error:
        raise NoKeptTrials(folder) from error
    result = replace(result, test_metrics={}, importance=(), missed=())
    whole = best_mix(shelf, limits, result)
    model = within(shelf, limits, whole)
    model.save(path)
    return model
