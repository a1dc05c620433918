"""The command line: parses and prints, no more. Results go to standard output, everything else to standard error."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from netwright._version import __version__
from netwright.budget import Budget, parse_duration
from netwright.clock import process_start
from netwright.errors import BadKind, BadTrials, MissingExtra, NetwrightError

if TYPE_CHECKING:
    from netwright.api import Run
    from netwright.model import Model

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
_errors = Console(stderr=True)

Data = Annotated[str, typer.Argument(help="A CSV, TSV, Parquet, JSON lines or Excel file.", show_default=False)]
ModelFile = Annotated[Path, typer.Argument(help="A model.nw that fit wrote.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, last, on standard output.")]


def main() -> None:
    """Run the command; errors that a user can mend become one or two sentences and an exit status."""
    try:
        app(standalone_mode=True)
    except NetwrightError as error:
        _errors.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        sys.exit(1)  # whoever read our output has gone


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Neural networks made to measure: a table, a target and a time limit in, one file that you own out."""
    if version:
        print(__version__)
        raise typer.Exit


@app.command(epilog="Example: netwright fit penguins.csv --target species --time 60s")
def fit(
    data: Data,
    target: Annotated[str, typer.Option(help="The column to predict.", show_default=False)],
    time: Annotated[str, typer.Option(help="Wall clock, everything included: 60s, 5m, 2h.")] = "60s",
    task: Annotated[str, typer.Option(help="auto, classification, binary, multiclass, regression.")] = "auto",
    metric: Annotated[str, typer.Option(help="What to choose by and report.")] = "auto",
    out: Annotated[Path, typer.Option(help="The folder for model.nw, report.html, journal.sqlite.")] = Path("netwright-run"),
    seed: Annotated[int, typer.Option(min=0, help="Every random number comes from it.")] = 0,
    trials: Annotated[int | None, typer.Option(help="A number of trials instead of a time: repeatable.")] = None,
    kind: Annotated[list[str] | None, typer.Option(metavar="COL=KIND", help="Overrule a column's kind.")] = None,
    test: Annotated[str | None, typer.Option(help="A file with the target that nothing else sees.")] = None,
    as_json: Json = False,
) -> None:
    """Design, train, select and save a network for a table."""
    if trials is not None and trials < 1:
        raise BadTrials(trials)
    limit = parse_duration(time) if trials is None else None
    budget = Budget(seconds=limit, trials=trials, started=process_start())
    kinds = dict(_kind(text) for text in kind or [])
    with _ending_early(budget), _progress(budget, metric) as progress:
        run = _api("fit")(
            data,
            target,
            task=task,
            metric=metric,
            out=out,
            seed=seed,
            kinds=kinds,
            test=test,
            listener=progress.listen,
            budget=budget,
        )
    _print_run(run, as_json)


def _print_run(run: Run, as_json: bool) -> None:
    from netwright.report.text import headline, leaderboard

    result = run.result
    if result.ended_early:
        _errors.print("Ended early, as asked; this is the best so far.")
    if as_json:
        values = {"task": result.task, "metric": result.metric, "score": result.score}
        values |= {"score_low": result.score_low, "score_high": result.score_high, "seconds": result.seconds}
        values |= {"trials": result.trials, "failed": result.failed}
        values |= {"model": str(run.bundle.absolute()), "report": str(run.report.absolute())}
        _print_json({**values, **({"test": result.test_metrics} if result.test_metrics else {})})
        return
    print(f"{headline(result)}\n\n{leaderboard(result)}\n\nmodel   {run.bundle}\nreport  {run.report}")


@app.command(epilog="Example: netwright predict netwright-run/model.nw new.csv -o answers.csv --proba")
def predict(
    model: ModelFile,
    data: Data,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="CSV, TSV, Parquet or JSON lines.")] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Add the probability of each class.")] = False,
    as_json: Json = False,
) -> None:
    """Predict the target of each row of a table."""
    from netwright.answers import answer_table, write_table
    from netwright.data.reading import read_table

    answers = answer_table(_load(model), read_table(data), proba=proba)
    if output is not None:
        write_table(answers, output)
    if as_json:
        _print_json({"rows": len(answers), "output": str(output.absolute()) if output else None, "columns": [*answers.columns]})
    elif output is None:
        answers.to_csv(sys.stdout, index=False)
    else:
        _errors.print(f"{len(answers):,} rows written to {output}", markup=False, highlight=False)


@app.command(epilog="Example: netwright evaluate netwright-run/model.nw test.csv --json")
def evaluate(model: ModelFile, data: Data, as_json: Json = False) -> None:
    """Measure a model on rows whose target is known."""
    from netwright.evaluation import evaluate as measure
    from netwright.report.numbers import METRIC_NAMES, number

    metrics = measure(_load(model), data)
    if as_json:
        _print_json(metrics)
    else:
        for name, value in metrics.items():
            print(f"{METRIC_NAMES.get(name, name):<28} {number(value):>12}")


@app.command(epilog="Example: netwright show netwright-run/model.nw")
def show(model: ModelFile, as_json: Json = False) -> None:
    """Show a model: its architecture, its costs, and where its numbers come from."""
    from netwright.report.text import describe

    loaded = _load(model)
    if as_json:
        cost = loaded.cost()
        parts = [{"share": part.share, "candidate": part.candidate.to_json()} for part in loaded.parts]
        result = loaded.result.to_json()
        _print_json({"parameters": cost.parameters, "flops": cost.flops, "parts": parts, "result": result})
    else:
        print(describe(loaded))


@app.command(epilog="Example: netwright doctor")
def doctor(as_json: Json = False) -> None:
    """Look at this machine: what it has, what is missing, and how to get it."""
    from netwright.doctor import examine

    facts = examine()
    if as_json:
        _print_json({"facts": [asdict(fact) for fact in facts]})
        return
    for fact in facts:
        print(f"{'ok  ' if fact.good else 'miss'} {fact.name:<14} {fact.value}")
        if fact.remedy:
            print(f"                    {fact.remedy}")


def _print_json(values: Any) -> None:
    print(json.dumps(values, ensure_ascii=False))


def _kind(text: str) -> tuple[str, str]:
    """Return (column, kind) of `COL=KIND`; the column's name may hold the sign too."""
    name, sign, kind = text.rpartition("=")
    if not sign or not name:
        raise BadKind(text)
    return name, kind


def _load(path: Path) -> Model:
    from netwright.model import load

    return load(path)


def _api(name: str) -> Any:
    """Return a function of the API; without the packages that training needs, say how to get them."""
    try:
        from netwright import api
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("netwright"):
            raise
        raise MissingExtra(error.name, "train") from error
    return getattr(api, name)


@contextmanager
def _progress(budget: Budget, metric: str) -> Iterator[Any]:
    from netwright.progress import LiveProgress, QuietProgress

    shown = LiveProgress(_errors, budget, "score" if metric == "auto" else metric) if _errors.is_terminal else QuietProgress(_errors)
    with shown as progress:
        yield progress


@contextmanager
def _ending_early(budget: Budget) -> Iterator[None]:
    """Ctrl-C or SIGTERM asks for the best so far; a second one ends at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        if budget.ended_early:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        budget.end()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
