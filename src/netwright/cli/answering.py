"""The commands that ask a model: predict, evaluate, and serve for whoever asks over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netwright.cli.options import Data, Json, ModelFile, load_model
from netwright.resources.budget import parse_duration
from netwright.resources.limits import parse_size
from netwright.streams import put, put_json, say


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
    loaded = load_model(model)
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


def evaluate(model: ModelFile, data: Data, as_json: Json = False) -> None:
    """Measure a model on rows whose target is known."""
    from netwright.evaluation import evaluate as measure
    from netwright.report.numbers import metric_name, score

    metrics = measure(load_model(model), data)
    if as_json:
        put_json(metrics)
    else:
        for name, value in metrics.items():
            put(f"{metric_name(name):<28} {score(value, name):>12}")


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
