"""Every network of every portfolio answers in ONNX Runtime as in PyTorch, with all that stands before and behind it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.build.torch import initial_weights
from netwright.data.reading import as_table
from netwright.export.onnx import write_onnx
from netwright.export.parity import BATCHES
from netwright.model import Model, Part
from netwright.spec.cost import is_trained
from netwright.tasks import TASKS
from netwright.tasks.task import Loaded, Preparation, Request

RELEASED = Path(__file__).parent.parent / "bundle" / "released" / "format-1"


@cache
def prepared(name: str) -> tuple[Loaded, Preparation]:
    """Return the toy data of a task and what is fitted on it."""
    task = TASKS[name]
    table, target = task.toy(0)
    loaded = task.load(Request(task.read(as_table(table)), target, {}, "auto"))
    return loaded, task.prepare(loaded, 0)


def places() -> Iterator[tuple[str, int]]:
    """Yield each task with each place of its portfolio."""
    for name, task in TASKS.items():
        loaded, preparation = prepared(name)
        yield from ((name, place) for place in range(len(task.portfolio(preparation, len(loaded.truth)))))


@pytest.mark.parametrize(("name", "place"), [*places()])
def test_an_untrained_network_is_the_same(tmp_path: Path, name: str, place: int) -> None:
    """Two networks of one shape, none of whose branches counts for nothing, calibrated."""
    task, (loaded, preparation) = TASKS[name], prepared(name)
    candidate = task.candidate(task.portfolio(preparation, len(loaded.truth))[place], preparation)
    weights = initial_weights(candidate.network, torch.from_numpy(preparation.quantiles), [1, 2])
    generator = np.random.default_rng(place)
    changed = {
        part: tensor.numpy() + generator.normal(0, 0.1, tensor.shape).astype(np.float32)
        if is_trained(part)
        else tensor.numpy()
        for part, tensor in weights.items()
    }
    result = nw.load(RELEASED / f"{name}.nw").result
    whole = preparation.for_networks((candidate.network,))
    model = Model(task, whole, (Part(candidate, changed, 1.0),), 1.3, result)
    parity = write_onnx(model, tmp_path)
    assert parity.difference < 2e-5 and parity.rows == sum(BATCHES)
