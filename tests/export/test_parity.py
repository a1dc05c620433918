"""Every network of every portfolio answers in ONNX Runtime as in PyTorch, with all that stands before and behind it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

import netwright as nw
from netwright.build.pretrained import installed_weights
from netwright.build.torch import initial_weights
from netwright.data.reading import as_table
from netwright.export.onnx import write_onnx
from netwright.export.parity import BATCHES
from netwright.extended import extend
from netwright.model import Model, Part
from netwright.spec.cost import is_trained
from netwright.spec.network import Candidate
from netwright.tasks import TASKS, Task
from netwright.tasks.task import Loaded, Preparation, Request
from netwright.trunks import BACKBONE, image_trunk

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


def model_of(task: Task, preparation: Preparation, candidate: Candidate, seed: int) -> Model:
    """Return a model of two untrained networks of one shape, none of whose branches counts for nothing."""
    weights = initial_weights(candidate.network, torch.from_numpy(preparation.quantiles), [1, 2])
    generator = np.random.default_rng(seed)
    changed = {
        part: tensor.numpy() + generator.normal(0, 0.1, tensor.shape).astype(np.float32)
        if is_trained(part)
        else tensor.numpy()
        for part, tensor in weights.items()
    }
    result = nw.load(RELEASED / f"{task.name}.nw").result
    whole = preparation.for_networks((candidate.network,))
    return Model(task, whole, (Part(candidate, changed, 1.0),), 1.3, result)


@pytest.mark.parametrize(("name", "place"), [*places()])
def test_an_untrained_network_is_the_same(tmp_path: Path, name: str, place: int) -> None:
    """Of every portfolio, calibrated."""
    task, (loaded, preparation) = TASKS[name], prepared(name)
    candidate = task.candidate(task.portfolio(preparation, len(loaded.truth))[place], preparation)
    parity = write_onnx(model_of(task, preparation, candidate, place), tmp_path)
    assert parity.difference < 2e-5 and parity.rows == sum(BATCHES)


def test_a_network_that_learns_from_a_trunk_is_the_same(tmp_path: Path) -> None:
    """The trunk is a part of the graph, which takes pixels alone."""
    task, (loaded, inner) = TASKS["image"], prepared("image")
    path = installed_weights(BACKBONE)
    assert path is not None
    trunk = image_trunk(path, loaded.frame.columns["image"], None)
    preparation = extend(inner, loaded.frame, trunk)
    points = task.portfolio(preparation, len(loaded.truth))
    (point, *_) = (one for one in points if one["body"] == "frozen")
    parity = write_onnx(model_of(task, preparation, task.candidate(point, preparation), 0), tmp_path)
    assert parity.difference < 1e-4 and parity.rows == sum(BATCHES)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [one.name for one in session.get_inputs()] == ["image"]
    assert (tmp_path / "predict.py").is_file()
