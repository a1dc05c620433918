"""A model goes out as a program of PyTorch, which answers the same without Netwright."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netwright.export.parity import BATCHES, MOST
from netwright.export.torch_program import write_torch
from netwright.tasks import TASKS
from netwright.testing.models import untrained_model


@pytest.mark.parametrize("name", [*TASKS])
def test_plain_pytorch_answers_as_the_model_does(name: str, tmp_path: Path) -> None:
    """For each kind of data, at any number of rows."""
    parity = write_torch(untrained_model(TASKS[name], *TASKS[name].toy(0), parts=2), tmp_path)
    assert parity.difference < MOST and parity.rows >= sum(BATCHES)
    assert (tmp_path / "model.pt2").is_file() and (tmp_path / "about.json").is_file()


def test_numbers_are_answered_in_their_unit(tmp_path: Path) -> None:
    """A regression gives values."""
    data, target = TASKS["tabular"].toy(0)
    price = 1e6 + 2e4 * np.random.default_rng(0).normal(size=len(data))
    model = untrained_model(TASKS["tabular"], data.drop(columns=[target]).assign(price=price), "price", parts=1)
    assert write_torch(model, tmp_path).difference < MOST


def test_the_file_needs_no_netwright(tmp_path: Path) -> None:
    """Plain PyTorch reads it where Netwright cannot even be imported."""
    write_torch(untrained_model(TASKS["tabular"], *TASKS["tabular"].toy(0), parts=1), tmp_path)
    code = (
        "import sys; sys.modules['netwright'] = None\n"
        "import torch; print(type(torch.export.load(sys.argv[1])).__name__)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model.pt2")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "ExportedProgram", done.stderr
