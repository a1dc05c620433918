"""What commands have in common: options and arguments that mean the same in each, and how a model is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from netwright.model import Model

Data = Annotated[str, typer.Argument(help="A table (CSV, Parquet, …) or a folder of files.", show_default=False)]
ModelFile = Annotated[Path, typer.Argument(help="A model.nw that fit wrote.", show_default=False)]
MaxLatency = Annotated[str | None, typer.Option(help="What predicting one row may take: 1ms, 500us.")]
MaxSize = Annotated[str | None, typer.Option(help="What the model file may take: 2MB, 500kB.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, last, on standard output.")]


def load_model(path: Path) -> Model:
    """Return the model that a file holds."""
    from netwright.model import load

    return load(path)
