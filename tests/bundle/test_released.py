"""Models that earlier versions wrote are read for ever, and answer as they did."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from keep import as_cell

import netwright as nw
from netwright.bundle import read_manifest
from netwright.tasks import TASKS

RELEASED = Path(__file__).parent / "released"
FILES = sorted(RELEASED.glob("format-*/*.nw"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_released_model_answers_as_it_did(file: Path) -> None:
    """To a ten-thousandth of a probability, whatever computes it by now."""
    kept = json.loads(file.with_suffix(".json").read_text())
    rows = pd.DataFrame({name: [as_cell(cell) for cell in cells] for name, cells in kept["columns"].items()})
    np.testing.assert_allclose(nw.load(file).answers(rows), np.array(kept["answers"]), atol=1e-4, rtol=1e-4)


def test_a_file_of_each_format_holds_what_came_with_it() -> None:
    """Of version 2 a chain over tags, of 3 words with marks, of 4 words apart; the folders tell the format."""
    assert all(read_manifest(file).format == int(file.parent.name.removeprefix("format-")) for file in FILES)
    model = nw.load(RELEASED / "format-2" / "tagging.nw")
    assert any(part.candidate.network.chained for part in model.parts)
    assert not any(part.candidate.network.chained for part in nw.load(RELEASED / "format-1" / "tagging.nw").parts)
    texts = nw.load(RELEASED / "format-3" / "hindi.nw").preparation
    assert texts.documents()["preprocess"]["marked"] is True and not texts.own.vocabulary.reading.apart
    assert nw.load(RELEASED / "format-4" / "long.nw").preparation.own.vocabulary.reading.apart


def test_every_task_is_among_them() -> None:
    """And a model of a number beside those of classes."""
    assert {file.stem for file in FILES if file.parent.name == "format-1"} == {*TASKS, "number"}
