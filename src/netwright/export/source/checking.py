"""Whether a written folder answers as its model does."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from netwright.build.keras_backends import installed_backends
from netwright.build.source.dialects import KERAS, Dialect
from netwright.errors import MissingExtra, NoSource
from netwright.export.asking import compare_on_cells
from netwright.export.parity import Parity
from netwright.model import Model

SETUP = """
import model

mix = model.load()


def predict(rows):
    return model.predict(mix, rows)
"""


def backends_of(dialect: Dialect) -> tuple[str, ...]:
    """Return what a folder is run on, one after the other: all backends of Keras but PyTorch, or that alone.

    Raises:
        MissingExtra: if the framework is not installed.
    """
    if dialect is not KERAS:
        return ("torch",)
    if find_spec("keras") is None:
        raise MissingExtra("keras", "jax")
    return tuple(name for name in installed_backends() if name != "torch") or ("torch",)


def check(model: Model, files: Mapping[str, bytes], backend: str = "torch") -> Parity:
    """Return how near the answers of a folder are to those of PyTorch, on rows made up at random.

    Args:
        model: what was written.
        files: the content of the folder, by name.
        backend: of Keras, where that is its framework.

    Raises:
        NoSource: if it does not run.
        UnequalExport: if its answers are not near enough.
    """
    return compare_on_cells(model, files, SETUP, "The source", _does_not_run, backend=backend)


def _does_not_run(why: str) -> NoSource:
    return NoSource(f"what was written does not run ({why})")
