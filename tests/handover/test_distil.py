"""One network answers nearly as the whole model does, and what it loses is told honestly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from netwright.data.features import Features
from netwright.data.stretches import POSITIONS
from netwright.engine.bench import Bench, set_up
from netwright.engine.run import search
from netwright.errors import TrialError
from netwright.handover import distil as module
from netwright.handover.distil import Student, distil
from netwright.handover.finish import assemble
from netwright.metrics import METRICS, find_metric
from netwright.model import Model
from netwright.resources.budget import Budget
from netwright.search import SAMPLERS
from netwright.spec.costs import weight_shapes
from netwright.tasks import TASKS
from netwright.tasks.task import Request
from netwright.train.torch import Torch

TASK = TASKS["tabular"]


def _taught(target: str) -> tuple[Bench, Model, Student]:
    table, column = TASK.toy(0)
    loaded = TASK.load(Request(table, target or column, {}, "auto"))
    bench = set_up(TASK, loaded, find_metric("auto", loaded.schema.target.outcome), Torch(), seed=0)
    budget = Budget(trials=2)
    pool = search(bench, budget, SAMPLERS["evolution"], lambda event: None)
    model = assemble(bench, pool, budget)[0]
    candidate = TASK.candidate(TASK.first_glance(len(loaded.truth)), bench.preparation)
    return bench, model, distil(bench, model, candidate, lambda: 0.0, seed=1)


@pytest.fixture(scope="module")
def classes() -> tuple[Bench, Model, Student]:
    """Return a model of three classes and its student."""
    return _taught("")


def test_a_student_is_one_network_of_the_given_design(classes: tuple[Bench, Model, Student]) -> None:
    """Its weights have the shapes of its spec, once."""
    _, _, student = classes
    wanted = weight_shapes(student.candidate.network)
    assert {name: tensor.shape for name, tensor in student.weights.items()} == {
        name: (1, *shape) for name, shape in wanted.items()
    }


def test_a_student_of_classes_is_nearly_as_good_as_its_teacher(classes: tuple[Bench, Model, Student]) -> None:
    """Out of fold it loses little log-loss, and is far better than the shares of the classes."""
    bench, model, student = classes
    loss = METRICS["log_loss"].function(bench.loaded.truth, student.predictions)
    assert loss < model.result.metrics["log_loss"] + 0.15
    assert loss < 0.8 * np.log(3)
    np.testing.assert_allclose(student.predictions.sum(axis=1), 1, atol=1e-5)


def test_a_student_of_numbers_is_nearly_as_good_as_its_teacher() -> None:
    """Values come back in the unit of the target."""
    bench, model, student = _taught("size")
    assert METRICS["rmse"].function(bench.loaded.truth, student.predictions) < 1.2 * model.result.metrics["rmse"]


def test_a_student_that_fails_does_not_cost_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mix is handed over in its place, and a sentence says so."""

    def failing(*given: object) -> Student:
        raise TrialError("the loss was not a number: training diverged")

    monkeypatch.setattr("netwright.handover.finish.distil", failing)
    table, column = TASK.toy(0)
    loaded = TASK.load(Request(table, column, {}, "auto"))
    bench = set_up(TASK, loaded, find_metric("auto", loaded.schema.target.outcome), Torch(), seed=0)
    budget = Budget(trials=2)
    pool = search(bench, budget, SAMPLERS["evolution"], lambda event: None)
    model, _ = assemble(bench, pool, budget, single=True)
    assert not model.result.distilled
    assert len(model.result.missed) == 1 and "diverged" in model.result.missed[0]
    assert model.result.metrics["log_loss"] < np.log(3)


def test_the_labels_of_a_fold_do_not_reach_its_student(
    classes: tuple[Bench, Model, Student], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With other truth in one fold, the lessons of that fold's student stay the same, and those of others change."""
    bench, model, _ = classes
    inside = bench.cut.folds == 1
    other = replace(bench.loaded, truth=np.where(inside, (bench.loaded.truth + 1) % 3, bench.loaded.truth))
    lessons = []
    for loaded in (bench.loaded, other):
        found = module._lessons(replace(bench, loaded=loaded), model, 0)
        lessons.append([found.targets[split.train] for split in found.splits])
    assert np.array_equal(lessons[0][1], lessons[1][1])
    assert not np.array_equal(lessons[0][0], lessons[1][0])


@pytest.mark.parametrize("most", [20, 1_000])
def test_rows_that_follow_each_other_are_taught_together(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole sentences, from all over the table; all of them where they are few."""
    monkeypatch.setattr(module, "MOST_ROWS", most)
    lengths = np.array([3, 1, 5, 4] * 15)
    positions = np.arange(lengths.sum()) + np.repeat(np.arange(len(lengths)), lengths)
    sentence = np.repeat(np.arange(len(lengths)), lengths)
    rows = module._taught(Features({POSITIONS: positions[:, None].astype(np.int32)}))
    some, counts = np.unique(sentence[rows], return_counts=True)
    assert np.array_equal(counts, lengths[some])
    assert np.array_equal(rows, np.unique(rows))
    assert len(rows) == len(sentence) if most > len(sentence) else 10 <= len(rows) <= 40 and some.max() > 40
