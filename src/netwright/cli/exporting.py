"""The command that writes a model in another form."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netwright.cli.options import Json, ModelFile, load_model
from netwright.errors import NothingToQuantize
from netwright.streams import put, put_json

if TYPE_CHECKING:
    from netwright.export.forms import LessPrecise


def export(
    model: ModelFile,
    to: Annotated[
        str, typer.Option(help="onnx, source, keras, tensorflow, tflite, torch, openvino.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="A folder, where no file of yours is replaced; else named after model, form."
        ),
    ] = None,
    framework: Annotated[str | None, typer.Option(help="Of source: torch or keras.", show_default="torch")] = None,
    quantize: Annotated[str | None, typer.Option(help="Less precision, in onnx: int8; float16 for GPUs.")] = None,
    max_loss: Annotated[float, typer.Option(min=0, help="Per cent of the score that this may cost.")] = 0.5,
    data: Annotated[str | None, typer.Option(help="Rows with the target to measure that on.")] = None,
    as_json: Json = False,
) -> None:
    """Write a model in a form that runs without Netwright, once its answers are seen to be the same."""
    from netwright.export.forms import find_form, find_precision

    if data is not None and quantize is None:
        raise NothingToQuantize
    path, write = output or model.with_name(f"{model.stem}-{to}"), find_form(to, framework)
    if quantize is not None:
        _export_less_precise(model, path, find_precision(to, quantize, data, max_loss / 100), as_json)
        return
    parity = write(load_model(model), path)
    if as_json:
        put_json({"output": str(path.absolute()), **asdict(parity)})
    else:
        put(f"{path}\nanswers differ by at most {parity.difference:.1e} on {parity.rows:,} rows made up at random")


def _export_less_precise(file: Path, path: Path, write: LessPrecise, as_json: bool) -> None:
    from netwright.export.variants import variants_table

    loaded = load_model(file)
    variants = write(loaded, path)
    if as_json:
        values = [one.to_json() for one in variants]
        put_json({"output": str(path.absolute()), "metric": loaded.result.metric, "variants": values})
    else:
        put(f"{variants_table(variants, loaded.result.metric)}\n\n{path} holds the last of these.")
