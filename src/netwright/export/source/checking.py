"""Whether a written folder answers as its model does."""

from __future__ import annotations

from collections.abc import Mapping

from netwright.errors import NoSource
from netwright.export.asking import compare_on_cells
from netwright.export.parity import Parity
from netwright.model import Model

SETUP = """
import model

mix = model.load()


def predict(rows):
    return model.predict(mix, rows)
"""


def check(model: Model, files: Mapping[str, bytes]) -> Parity:
    """Return how near the answers of a folder are to those of PyTorch, on rows made up at random.

    Args:
        model: what was written.
        files: the content of the folder, by name.

    Raises:
        NoSource: if it does not run.
        UnequalExport: if its answers are not near enough.
    """
    return compare_on_cells(model, files, SETUP, "The source", _does_not_run)


def _does_not_run(why: str) -> NoSource:
    return NoSource(f"what was written does not run ({why})")
