"""Every network of every portfolio answers in ONNX Runtime as in PyTorch, with all that stands before and behind it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import onnxruntime
import pytest

from netwright.build.pretrained import installed_weights
from netwright.data.reading import as_table
from netwright.export.onnx import write_onnx
from netwright.export.parity import BATCHES
from netwright.pretrained.extended import extend
from netwright.pretrained.trunks import BACKBONE, image_trunk
from netwright.tasks import TASKS
from netwright.tasks.task import Loaded, Preparation, Request
from netwright.testing.models import model_of


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
    """Of every portfolio, calibrated."""
    task, (loaded, preparation) = TASKS[name], prepared(name)
    candidate = task.candidate(task.portfolio(preparation, len(loaded.truth))[place], preparation)
    parity = write_onnx(model_of(task, preparation, [candidate], seed=place), tmp_path)
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
    parity = write_onnx(model_of(task, preparation, [task.candidate(point, preparation)]), tmp_path)
    assert parity.difference < 1e-4 and parity.rows == sum(BATCHES)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [one.name for one in session.get_inputs()] == ["image"]
    assert (tmp_path / "predict.py").is_file()
