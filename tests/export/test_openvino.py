"""A model goes out in the form of OpenVINO, which answers the same without Netwright."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from netwright.errors import InTheWay, MissingExtra
from netwright.export.openvino import write_openvino
from netwright.export.parity import BATCHES, MOST
from netwright.tasks import TASKS
from netwright.testing.models import untrained_model

needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="OpenVINO is not installed")


@needs_openvino
@pytest.mark.parametrize("name", [*TASKS])
def test_plain_openvino_answers_as_the_model_does(name: str, tmp_path: Path) -> None:
    """For each kind of data, at any number of rows."""
    parity = write_openvino(untrained_model(TASKS[name], *TASKS[name].toy(0)), tmp_path / "made")
    assert parity.difference < MOST and parity.rows >= sum(BATCHES)
    assert {"model.bin", "model.xml", "about.json"} <= {path.name for path in (tmp_path / "made").iterdir()}


@needs_openvino
def test_numbers_are_answered_in_their_unit(tmp_path: Path) -> None:
    """A regression gives values; and a folder with other files stays as it is."""
    data, target = TASKS["tabular"].toy(0)
    price = 1e6 + 2e4 * np.random.default_rng(0).normal(size=len(data))
    model = untrained_model(TASKS["tabular"], data.drop(columns=[target]).assign(price=price), "price")
    assert write_openvino(model, tmp_path / "made").difference < MOST
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InTheWay, match="is in the way"):
        write_openvino(model, tmp_path)


@pytest.mark.skipif(find_spec("openvino") is not None, reason="OpenVINO is installed")
def test_without_openvino_the_extra_is_named(tmp_path: Path) -> None:
    """Before anything is made."""
    with pytest.raises(MissingExtra, match=r"netwright\[openvino\]"):
        write_openvino(untrained_model(TASKS["tabular"], *TASKS["tabular"].toy(0), parts=1), tmp_path)
