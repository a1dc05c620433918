"""What every task must do: read its toy data, offer networks that train on it, and come back whole from a bundle."""

from __future__ import annotations

import json

import numpy as np

from netwright.spec.network import candidate_from_json
from netwright.spec.spaces import inside, sample
from netwright.tasks.task import Loaded, Preparation, Request, Task
from netwright.train.control import Control
from netwright.train.framework import Split
from netwright.train.losses import LOSSES
from netwright.train.rows import as_rows
from netwright.train.training import train_population


def check_task(task: Task) -> None:
    """Raise AssertionError unless the task keeps the promises of `tasks.task.Task`."""
    data, target = task.toy(0)
    loaded = task.load(Request(data, target, {}, "auto"))
    preparation = task.prepare(loaded, 0)
    features = preparation.encode(loaded.frame)
    assert len(features) == len(loaded.truth) == len(loaded.groups), "rows and truths are not as many"
    for name, array in features.arrays.items():
        assert np.isfinite(array).all(), f"a number of {name} is not finite"
    _check_points(task, preparation, len(loaded.truth))
    _check_learns(task, loaded, preparation)
    _check_restored(task, loaded, preparation)


def _check_points(task: Task, preparation: Preparation, rows: int) -> None:
    """Every point that can be asked for stands for a network, and that network for itself as JSON."""
    space = task.space(preparation, rows)
    generator = np.random.default_rng(0)
    fixed = (
        task.first_glance(rows),
        task.default_network(rows),
        *task.portfolio(preparation, rows),
    )
    assert all(set(point) == set(space) for point in fixed), "a fixed point lacks a dimension of the space"
    drawn = [sample(space, generator) for _ in range(20)]
    assert all(inside(space, point) for point in drawn), "a drawn point lies outside the space"
    for point in (*fixed, *drawn):
        candidate = task.candidate(point, preparation)
        assert candidate_from_json(json.dumps(candidate.to_json())) == candidate, (
            "a candidate changes on its way through JSON"
        )
        assert candidate.network.outputs == preparation.goal.outputs, (
            "a network has another number of outputs than the task"
        )
        assert preparation.accepts(candidate.network), "a network takes other features than there are"
        assert task.describe(point), "a point has no description"


def _check_learns(task: Task, loaded: Loaded, preparation: Preparation) -> None:
    """A few seconds of the first glance beat the same network untrained."""
    candidate = task.candidate(task.first_glance(len(loaded.truth)), preparation)
    rows = as_rows(preparation.encode(loaded.frame), preparation.goal.targets(loaded.truth), preparation.quantiles)
    half = np.arange(len(loaded.truth)) % 2 == 0
    splits = [Split(np.flatnonzero(half), np.flatnonzero(~half)), Split(np.flatnonzero(~half), np.flatnonzero(half))]
    losses = []
    for used in (1.0, 0.0):
        control = Control(lambda used=used: used, lambda: False, lambda progress: None)  # type: ignore[misc]
        loss = LOSSES[preparation.goal.loss]
        (trained,) = train_population(candidate.network, [candidate.recipe], rows, splits, loss, control, [0])
        losses.append(trained.loss)
        answers = preparation.goal.decode(trained.predictions[0])
        assert len(answers) == len(splits[0].valid), "predictions and rows are not as many"
    assert losses[1] < losses[0], "training made it no better"


def _check_restored(task: Task, loaded: Loaded, preparation: Preparation) -> None:
    documents = json.loads(json.dumps(preparation.documents()))
    restored = task.restore(documents, preparation.tensors())
    before, after = preparation.encode(loaded.frame), restored.encode(loaded.frame)
    assert restored.schema == preparation.schema, "the schema changed on its way through a bundle"
    for name, array in before.arrays.items():
        assert np.array_equal(array, after[name]), f"{name} features changed on their way through a bundle"
