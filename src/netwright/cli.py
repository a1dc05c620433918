"""The command line: parses and prints, no more. Results go to standard output, everything else to standard error."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright._version import __version__
from netwright.budget import Budget, parse_duration, parse_limit
from netwright.clock import process_start
from netwright.ending import ending_early
from netwright.errors import BadKind, BadTrials, MissingExtra, NetwrightError, TimeAndTrials, TwoKinds
from netwright.extras import EXTRA_OF
from netwright.importing import without_collecting
from netwright.limits import make_limits, parse_memory, parse_size
from netwright.streams import errors, open_streams, put, put_json, say

if TYPE_CHECKING:
    from netwright.export.forms import LessPrecise
    from netwright.fitting import Run
    from netwright.model import Model
    from netwright.progress import LiveProgress, QuietProgress

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
OUT = Path("netwright-run")
INTERRUPTED = 130  # the exit status that shells give to what Ctrl-C ended

# Typer has no public name for it: older releases take it from click.
_Misuse: type[Exception] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "UsageError")

Data = Annotated[str, typer.Argument(help="A table (CSV, Parquet, …) or a folder of files.", show_default=False)]
ModelFile = Annotated[Path, typer.Argument(help="A model.nw that fit wrote.", show_default=False)]
MaxLatency = Annotated[str | None, typer.Option(help="What predicting one row may take: 1ms, 500us.")]
MaxSize = Annotated[str | None, typer.Option(help="What the model file may take: 2MB, 500kB.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, last, on standard output.")]


def main() -> None:
    """Run the command; errors that a user can mend become one or two sentences and an exit status."""
    open_streams()
    status = _run()
    gc.freeze()  # the interpreter's last collection would search all of PyTorch for cycles, which takes a second
    sys.exit(status)


def _run() -> int:
    """Return the exit status of the command that `sys.argv` holds."""
    try:
        return int(app(prog_name="netwright", standalone_mode=False) or 0)
    except NetwrightError as error:
        say(str(error))
        return error.exit_status
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRA_OF:
            raise
        missing = MissingExtra(package, EXTRA_OF[package])
        say(str(missing))
        return missing.exit_status
    except BrokenPipeError:
        return 1  # whoever read our output has gone
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except _Misuse as error:
        say(_misuse(error))
        return NetwrightError.exit_status


def _misuse(error: Any) -> str:
    """Return what is wrong with the words of a command, and where help is."""
    command = error.ctx.command_path if error.ctx else "netwright"
    said = error.format_message()
    return f"{said}{'' if said.endswith(('.', '?')) else '.'} See: {command} --help"


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Neural networks made to measure: a table, a target and a time limit in, one file that you own out."""
    if version:
        put(__version__)
    elif context.invoked_subcommand is None:
        put(context.get_help())


@app.command(epilog="Example: netwright fit penguins.csv --target species --time 60s")
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


@app.command(epilog="Example: netwright pick netwright-run --max-size 1MB")
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


@app.command(epilog="Example: netwright predict netwright-run/model.nw new.csv -o answers.csv")
def predict(
    model: ModelFile,
    data: Data,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="CSV, TSV, Parquet, JSONL or CoNLL, replaced if it is there.")
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of each class, or of each entity in JSONL.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Predict the target of each row of a table; without -o the answers go to standard output."""
    from netwright.answers import answer_table, check_format, write_table

    if output is not None:
        check_format(output, proba=proba)
    loaded = _load(model)
    answers = answer_table(loaded, loaded.task.read(data), proba=proba)
    if output is not None:
        write_table(answers, output)
    if as_json:
        values = {"rows": len(answers), "columns": [*answers.columns], "output": output and str(output.absolute())}
        put_json({**values, **({} if output else {"answers": answers.to_dict("records")})})
    elif output is None:
        put(answers.to_csv(index=False, lineterminator="\n").removesuffix("\n"))
    else:
        say(f"{len(answers):,} rows written to {output}")


@app.command(epilog="Example: netwright evaluate netwright-run/model.nw test.csv --json")
def evaluate(model: ModelFile, data: Data, as_json: Json = False) -> None:
    """Measure a model on rows whose target is known."""
    from netwright.evaluation import evaluate as measure
    from netwright.report.numbers import metric_name, score

    metrics = measure(_load(model), data)
    if as_json:
        put_json(metrics)
    else:
        for name, value in metrics.items():
            put(f"{metric_name(name):<28} {score(value, name):>12}")


@app.command(epilog="Example: netwright show netwright-run/model.nw")
def show(model: ModelFile, as_json: Json = False) -> None:
    """Show a model: its architecture, its costs, and where its numbers come from."""
    from netwright.report.text import describe

    loaded = _load(model)
    if as_json:
        cost = loaded.cost()
        parts = [{"share": part.share, "candidate": part.candidate.to_json()} for part in loaded.parts]
        result = loaded.result.to_json()
        put_json({"parameters": cost.parameters, "flops": cost.flops, "parts": parts, "result": result})
    else:
        put(describe(loaded))


@app.command(epilog="Example: netwright export netwright-run/model.nw --to onnx -o penguins-onnx")
def export(
    model: ModelFile,
    to: Annotated[
        str, typer.Option(help="onnx, source, keras, tensorflow, tflite, torch, openvino.", show_default=False)
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A folder; else named after the model and the form.")
    ] = None,
    framework: Annotated[str | None, typer.Option(help="Of source: torch or keras.", show_default="torch")] = None,
    quantize: Annotated[str | None, typer.Option(help="Less precision, in onnx: int8, float16, bfloat16.")] = None,
    max_loss: Annotated[float, typer.Option(min=0, help="Per cent of the score that this may cost.")] = 0.5,
    data: Annotated[str | None, typer.Option(help="Rows with the target to measure that on.")] = None,
    as_json: Json = False,
) -> None:
    """Write a model in a form that runs without Netwright, once its answers are seen to be the same."""
    from netwright.export.forms import find_form, find_precision

    path, write = output or model.with_name(f"{model.stem}-{to}"), find_form(to, framework)
    if quantize is not None:
        _export_less_precise(model, path, find_precision(to, quantize, data, max_loss / 100), as_json)
        return
    parity = write(_load(model), path)
    if as_json:
        put_json({"output": str(path.absolute()), **asdict(parity)})
    else:
        put(f"{path}\nanswers differ by at most {parity.difference:.1e} on {parity.rows:,} rows made up at random")


def _export_less_precise(file: Path, path: Path, write: LessPrecise, as_json: bool) -> None:
    from netwright.export.variants import variants_table

    loaded = _load(file)
    variants = write(loaded, path)
    if as_json:
        values = [one.to_json() for one in variants]
        put_json({"output": str(path.absolute()), "metric": loaded.result.metric, "variants": values})
    else:
        put(f"{variants_table(variants, loaded.result.metric)}\n\n{path} holds the last of these.")


@app.command(epilog="Example: netwright serve netwright-run/model.nw --port 8000")
def serve(
    model: ModelFile,
    host: Annotated[str, typer.Option(help="Where to listen; beyond this machine a token and TLS are needed.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=256, help="How many processes.")] = 1,
    token_file: Annotated[Path | None, typer.Option(help="A file with the token that a request has to carry.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="The certificate, a PEM file.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key, a PEM file without a password.")] = None,
    tls_elsewhere: Annotated[bool, typer.Option("--tls-elsewhere", help="A proxy in front ends TLS.")] = False,
    max_body: Annotated[str, typer.Option(help="What a request may hold: 8MiB, 500kB.")] = "8MiB",
    max_rows: Annotated[int, typer.Option(min=1, help="Rows of a request.")] = 10_000,
    max_time: Annotated[str, typer.Option(help="From the end of a request to the end of its answer.")] = "30s",
    max_wait: Annotated[str, typer.Option(help="What a request may take to arrive, large ones longer.")] = "10s",
    max_requests: Annotated[int, typer.Option(min=1, help="Requests that are answered at one time.")] = 256,
) -> None:
    """Serve a model over HTTP: JSON, CSV and files in, answers out, and a page at / to try it on."""
    from netwright.serve.limits import Limits
    from netwright.serve.run import Asked
    from netwright.serve.run import serve as serve_model

    body, seconds, wait = parse_size(max_body), parse_duration(max_time), parse_duration(max_wait)
    limits = Limits(int(body), max_rows, seconds, wait, max_requests)
    asked = Asked(host, port, workers, token_file, tls_cert, tls_key, tls_elsewhere)
    serve_model(model, asked, limits)


@app.command(epilog="Example: netwright doctor")
def doctor(as_json: Json = False) -> None:
    """Look at this machine: what it has, what is missing, and how to get it."""
    from netwright.doctor import as_text, examine

    facts = examine()
    if as_json:
        put_json({"facts": [asdict(fact) for fact in facts]})
    else:
        put(as_text(facts))


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


def _load(path: Path) -> Model:
    from netwright.model import load

    return load(path)


@contextmanager
def _progress(budget: Budget, metric: str) -> Iterator[LiveProgress | QuietProgress]:
    """Show what happens: drawn in place on a terminal, a few plain lines anywhere else."""
    from netwright.progress import LiveProgress, QuietProgress

    live = errors.is_terminal and not errors.is_dumb_terminal
    name = "score" if metric == "auto" else metric
    with LiveProgress(errors, budget, name) if live else QuietProgress(errors) as progress:
        yield progress
