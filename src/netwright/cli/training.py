"""The commands that make a model: fit, and pick from what a run has kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netwright.cli.clock import process_start
from netwright.cli.ending import ending_early
from netwright.cli.options import Data, Json, MaxLatency, MaxSize
from netwright.errors import BadKind, BadTrials, TimeAndTrials, TwoKinds
from netwright.importing import without_collecting
from netwright.resources.budget import Budget, parse_limit
from netwright.resources.limits import make_limits, parse_memory
from netwright.streams import errors, put, put_json, say

if TYPE_CHECKING:
    from netwright.cli.progress import LiveProgress, QuietProgress
    from netwright.fitting import Run

OUT = Path("netwright-run")


def fit(
    data: Data,
    target: Annotated[str | None, typer.Option(help="The column to predict.", show_default=False)] = None,
    time: Annotated[
        str | None,
        typer.Option(help="Wall clock, everything included: 60s, 5m; +5m for an earlier run.", show_default="60s"),
    ] = None,
    task: Annotated[
        str,
        typer.Option(help="auto, a kind of data (image, audio, text, tagging, tabular) or of answer (regression, …)."),
    ] = "auto",
    metric: Annotated[str, typer.Option(help="What to report, and to choose by as near as can be.")] = "auto",
    search: Annotated[str, typer.Option(help="How: auto, evolution, local, mixed, random, tpe.")] = "auto",
    out: Annotated[
        Path,
        typer.Option(help="The folder of results. A run in it that was cut off is gone on with by repeating this."),
    ] = OUT,
    seed: Annotated[int, typer.Option(min=0, help="Every random number comes from it.")] = 0,
    trials: Annotated[int | None, typer.Option(help="A number of trials instead of a time: repeatable.")] = None,
    kind: Annotated[list[str] | None, typer.Option(metavar="COL=KIND", help="Overrule a column's kind.")] = None,
    text: Annotated[list[str] | None, typer.Option(metavar="COL", help="A column that holds free text.")] = None,
    group: Annotated[str | None, typer.Option(metavar="COL", help="Rows alike here are judged together.")] = None,
    test: Annotated[str | None, typer.Option(help="A file with the target that nothing else sees.")] = None,
    pretrained: Annotated[
        str, typer.Option(help="Trained weights for images, texts: a path, hub, auto or none.")
    ] = "auto",
    bad_files: Annotated[float, typer.Option(min=0, max=1, help="Share of files that may be unreadable.")] = 0.1,
    single: Annotated[bool, typer.Option("--single", help="One network that learns from the mix of many.")] = False,
    max_latency: MaxLatency = None,
    max_size: MaxSize = None,
    framework: Annotated[
        str, typer.Option(help="What trains: torch, tensorflow, jax; only the first needs PyTorch.")
    ] = "torch",
    device: Annotated[str, typer.Option(help="Where PyTorch trains: auto, cpu, cuda, cuda:1.")] = "auto",
    memory: Annotated[
        str | None,
        typer.Option(
            help="What the process may hold: 4GB, 500MB; larger tables are read from disk.",
            show_default="80 % of what is free",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="How many processes, or Ray actors, train.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="A Ray cluster that trains: auto, or HOST:PORT of its head.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, in the place of an earlier run.")] = False,
    as_json: Json = False,
) -> None:
    """Design, train, select and save a network for a table, or for a folder of images or sounds by class."""
    if trials is not None and time is not None:
        raise TimeAndTrials
    if trials is not None and trials < 1:
        raise BadTrials(trials)
    limit, added = parse_limit(time or "60s") if trials is None else (None, False)
    make_limits(max_latency, max_size)  # refused at once, before PyTorch is imported
    if memory is not None:
        parse_memory(memory)
    budget = Budget(seconds=limit, trials=trials, started=process_start(), added=added)
    kinds = _kinds(kind or [], text or [])
    with _progress(budget, metric) as progress, ending_early(budget, lambda: progress.reading):
        with without_collecting():
            from netwright import api

        run = api.fit(
            data,
            target,
            task=task,
            metric=metric,
            search=search,
            out=out,
            seed=seed,
            kinds=kinds,
            group=group,
            test=test,
            pretrained=pretrained,
            bad_files=bad_files,
            single=single,
            max_latency=max_latency,
            max_size=max_size,
            framework=framework,
            device=device,
            memory=memory,
            workers=workers,
            cluster=cluster,
            fresh=fresh,
            listener=progress.listen,
            budget=budget,
        )
    _print_run(run, as_json)


def _print_run(run: Run, as_json: bool) -> None:
    from netwright.report.text import headline, leaderboard

    result = run.result
    if run.before:
        say("This run had come to its end before. --time +1m goes on with it, --fresh begins anew.")
    if result.ended_early:
        say("Ended early, as asked; this is the best so far.")
    if as_json:
        values = {"task": result.task, "metric": result.metric, "score": result.score}
        values |= {"score_low": result.score_low, "score_high": result.score_high, "seconds": result.seconds}
        values |= {"trials": result.trials, "failed": result.failed}
        values |= {"latency_ms": result.latency_ms, "size_bytes": result.size_bytes, "missed": list(result.missed)}
        if run.resources is not None:
            used = run.resources
            values |= {"memory_bytes": used.memory, "disk_bytes": used.checkpoints + used.rows}
        values |= {"model": str(run.bundle.absolute()), "report": str(run.report.absolute())}
        put_json({**values, **({"test": result.test_metrics} if result.test_metrics else {})})
        return
    put(f"{headline(result)}\n\n{leaderboard(result)}\n\nmodel   {run.bundle}\nreport  {run.report}")


def _kinds(stated: list[str], texts: list[str]) -> dict[str, str]:
    """Return the kinds by column that --kind and --text say."""
    kinds: dict[str, str] = {}
    for name, kind in (*map(_kind, stated), *((name, "text") for name in texts)):
        if kinds.setdefault(name, kind) != kind:
            raise TwoKinds(name, kinds[name], kind)
    return kinds


def _kind(text: str) -> tuple[str, str]:
    """Return (column, kind) of `COL=KIND`; the column's name may hold the sign too."""
    name, sign, kind = text.rpartition("=")
    if not sign or not name:
        raise BadKind(text)
    return name, kind


@contextmanager
def _progress(budget: Budget, metric: str) -> Iterator[LiveProgress | QuietProgress]:
    """Show what happens: drawn in place on a terminal, a few plain lines anywhere else."""
    from netwright.cli.progress import LiveProgress, QuietProgress

    live = errors.is_terminal and not errors.is_dumb_terminal
    name = "score" if metric == "auto" else metric
    with LiveProgress(errors, budget, name) if live else QuietProgress(errors) as progress:
        yield progress


def pick(
    run: Annotated[Path, typer.Argument(help="The folder that fit wrote.", show_default=False)],
    max_latency: MaxLatency = None,
    max_size: MaxSize = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The file, replaced if it is there; else picked.nw in the folder."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Choose another model from a finished run, by what it may cost, without training."""
    from netwright import api
    from netwright.report.text import headline

    path = output or run / "picked.nw"
    result = api.pick(run, max_latency=max_latency, max_size=max_size, out=path).result
    if as_json:
        values = {"metric": result.metric, "score": result.score, "score_low": result.score_low}
        values |= {"score_high": result.score_high, "latency_ms": result.latency_ms, "size_bytes": result.size_bytes}
        put_json({**values, "missed": list(result.missed), "model": str(path.absolute())})
    else:
        put(f"{headline(result)}\n\nmodel   {path}")
