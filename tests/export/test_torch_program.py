"""A model goes out as a program of PyTorch, which answers the same without Netwright."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from netwright.export.parity import BATCHES, MOST
from netwright.tasks import TASKS


@pytest.mark.parametrize("name", [*TASKS])
def test_plain_pytorch_answers_as_the_model_does(name: str, written: Callable[[str, str], Any]) -> None:
    """For each kind of data, at any number of rows."""
    made = written("torch", name)
    assert made.parity.difference < MOST and made.parity.rows >= sum(BATCHES)
    assert (made.folder / "model.pt2").is_file() and (made.folder / "about.json").is_file()


def test_numbers_are_answered_in_their_unit(written: Callable[[str, str], Any]) -> None:
    """A regression gives values."""
    assert written("torch", "price").parity.difference < MOST


def test_the_file_needs_no_netwright(written: Callable[[str, str], Any]) -> None:
    """Plain PyTorch reads it where Netwright cannot even be imported."""
    path = written("torch", "tabular").folder / "model.pt2"
    code = (
        "import sys; sys.modules['netwright'] = None\n"
        "import torch; print(type(torch.export.load(sys.argv[1])).__name__)"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "ExportedProgram", done.stderr
