"""Rows that are made up to compare answers on hold what is hard, and what is hard is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from netwright.build.graph import Graph
from netwright.data.schema import Kind
from netwright.data.sounds import decode
from netwright.errors import UnequalExport
from netwright.export.examples import EMPTY, FULL, LONG, example_table
from netwright.export.onnx import write_onnx
from netwright.inference import cells
from netwright.model import Model
from netwright.tasks import TASKS
from netwright.testing.models import untrained_model


def model_for(name: str) -> Model:
    """Return a model of a task that has learnt nothing."""
    return untrained_model(TASKS[name], *TASKS[name].toy(0), parts=1)


def of_kind(model: Model, kind: Kind) -> list[str]:
    """Return the names of the columns of a kind that a model uses."""
    return [column.name for column in model.preparation.schema.used if column.kind == kind]


def test_numbers_are_missing_far_infinite_and_as_large_as_can_be() -> None:
    """In each column of them."""
    model = model_for("tabular")
    table = example_table(model, 1_000, 0)
    names = of_kind(model, Kind.NUMERIC)
    assert names
    for name in names:
        numbers = table[name].to_numpy(np.float64)
        assert {np.inf, -np.inf} <= {*numbers} and np.isnan(numbers).any()
        assert np.abs(numbers[np.isfinite(numbers)]).max() == np.finfo(np.float64).max


def test_categories_are_missing_empty_odd_and_long() -> None:
    """Those that were never seen look like known ones too: a zero behind them is not shown."""
    model = model_for("tabular")
    table = example_table(model, 1_000, 0)
    names = of_kind(model, Kind.CATEGORICAL)
    assert names
    for name in names:
        found = {*table[name].dropna()}
        assert table[name].isna().any() and {"", "never seen", "\0"} <= found and max(map(len, found)) == LONG
        assert {one for one in found if one and one != "\0" and one.removesuffix("\0") in found - {one}}


@pytest.mark.parametrize("name", ["text", "tabular"])
def test_texts_are_missing_empty_and_odd(name: str) -> None:
    """A very long one stands among few, since many would be laid in step with it."""
    model = model_for(name)
    (column,) = of_kind(model, Kind.TEXT)
    many, two = (example_table(model, rows, 1)[column] for rows in (1_000, 2))
    assert {"", "\0", "before\0and behind"} <= {*many} and many.str.isspace().any() and many.isna().any()
    assert many.str.len().max() < 3_000 and two.str.len().max() > 0.9 * LONG


def test_tokens_are_missing_empty_odd_and_long() -> None:
    """As a file of columns may have them."""
    table = example_table(model_for("tagging"), 1_000, 0)
    assert {"", "\0"} <= {*table["token"]} and table["token"].str.len().max() == LONG and table["token"].isna().any()
    assert len(table) == 1_000 and table["sentence"].nunique() > 20


def test_images_are_black_and_white_and_sounds_silent_and_loud() -> None:
    """What has no contrast, and no more than silence, among others."""
    images = example_table(model_for("image"), 40, 0).iloc[:, 0]
    assert images[EMPTY].max() == 0 and images[FULL].min() == 255 and 0 < images[0].max() < 255
    sounds = [decode(sound)[0] for sound in example_table(model_for("audio"), 40, 0).iloc[:, 0]]
    assert not sounds[EMPTY].any() and np.abs(sounds[FULL]).max() > 0.99 and 0 < np.abs(sounds[0]).max() < 0.9


def test_a_graph_that_does_not_know_infinite_numbers_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is fed them as they are, and not as Netwright reads them."""

    def absent(graph: Graph, values: str) -> str:
        return graph.apply("IsNaN", values)

    monkeypatch.setattr(cells, "_absent", absent)
    with pytest.raises(UnequalExport):
        write_onnx(model_for("tabular"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_equal_seeds_make_equal_rows() -> None:
    """And others make others."""
    model = model_for("tabular")
    first, same, other = (example_table(model, 100, seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(first, same)
    assert not first.equals(other)
