"""Rows that networks learn from and rows that they are judged on: folds, or a share that is held out alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import netwright as nw
from netwright.data.splits import ALWAYS_LEARNT
from netwright.engine import bench as bench_module
from netwright.engine.cut import ENOUGH, FEWEST, FOLDS, MANY_ROWS, PARTS, Plan, cut, plan
from netwright.tasks import TASKS
from netwright.tasks.task import Loaded, Request
from netwright.train.pace import Pace

HELD_OUT = Plan(4, 1)


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    """Return the rows of a toy table."""
    table, target = TASKS["tabular"].toy(0)
    return TASKS["tabular"].load(Request(table, target, {}, "auto"))


@pytest.fixture
def held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a quarter of the rows be held out in every run, as where there is no time for folds."""
    monkeypatch.setattr(bench_module, "plan", lambda *given: HELD_OUT)


def of_candidates(rows: int, seconds: float | None, groups: int | None = None) -> Plan:
    """Return the plan for the first candidates of a table."""
    task = TASKS["tabular"]
    table, target = task.toy(0)
    preparation = task.prepare(task.load(Request(table, target, {}, "auto")), 0)
    candidates = [task.candidate(point, preparation) for point in task.portfolio(preparation, rows)[:6]]
    return plan(candidates, rows, rows if groups is None else groups, seconds, Pace())


def test_the_less_time_there_is_the_fewer_networks_learn() -> None:
    """With no time for three folds, one network a candidate learns."""
    plans = [of_candidates(20_000, seconds) for seconds in (1e6, 1e5, 1e4, 1e3, 100.0, 10.0, 1.0)]
    learning = [each.judged for each in plans]
    assert learning == sorted(learning, reverse=True)
    assert plans[0] == Plan.on_all(FOLDS[0]) and plans[-1] == Plan(FOLDS[0], 1)


def test_without_a_limit_of_time_rows_alone_decide() -> None:
    """So a fixed number of trials comes to the same model on any machine."""
    assert of_candidates(MANY_ROWS - 1, None) == Plan.on_all(FOLDS[0])
    assert of_candidates(100 * MANY_ROWS, None) == Plan.on_all(FOLDS[1])


def test_what_is_held_out_is_enough_to_tell_networks_apart() -> None:
    """In rows, and in groups of rows that are alike."""
    assert of_candidates(ENOUGH * FOLDS[0] - 1, 0.01) == Plan(FOLDS[1], 1)
    assert of_candidates(FEWEST * FOLDS[-1], 0.001) == Plan(FOLDS[-1], 1)
    assert of_candidates(FEWEST * FOLDS[-1] - 1, 0.001) == Plan.on_all(FOLDS[-1])
    assert of_candidates(20_000, 0.01, groups=30) == Plan.on_all(FOLDS[-1])  # of three or four voices nobody can tell


def test_folds_hold_each_row_once(loaded: Loaded) -> None:
    """Each is judged by the network that has not learnt from it."""
    made = cut(loaded, Plan.on_all(4), seed=0)
    assert len(made.splits) == 4 and np.array_equal(made.judged, np.arange(len(loaded.truth)))
    assert np.array_equal(made.parts, made.folds)
    for split, places in zip(made.splits, made.places, strict=True):
        assert np.array_equal(made.judged[places], split.valid)
        assert not {*split.train} & {*split.valid} and len(split.train) + len(split.valid) == len(loaded.truth)


def test_one_fold_held_out_is_judged_by_one_network_and_parted_for_the_choices(loaded: Loaded) -> None:
    """Groups are whole in what is learnt, in what is judged, and so in the parts."""
    made = cut(loaded, HELD_OUT, seed=0)
    (split,), (places,) = made.splits, made.places
    assert len(split.valid) == pytest.approx(len(loaded.truth) / 4, abs=3)
    assert np.array_equal(made.judged, split.valid) and np.array_equal(places, np.arange(len(split.valid)))
    assert np.array_equal(np.flatnonzero(made.folds == ALWAYS_LEARNT), split.train)
    assert not {*loaded.groups[split.train]} & {*loaded.groups[split.valid]}
    assert len(made.parts) == len(split.valid) and {*made.parts} == {*range(PARTS)}


@pytest.mark.usefixtures("held_out")
def test_a_run_that_holds_rows_out_is_told_so_and_can_be_gone_on_with(tmp_path: Path, irises: pd.DataFrame) -> None:
    """Its numbers are of the rows that were held out, in the result, a longer run, and what is picked later."""
    run = nw.fit(irises, "target", trials=2, out=tmp_path)
    judged = sum(map(sum, run.result.confusion))
    assert judged == pytest.approx(len(irises) / 4, abs=3)
    assert f"these {judged} rows" in run.result.estimate and "one network of each design" in run.result.estimate
    assert 0.8 < run.result.score <= run.result.score_high <= 1.0
    assert all(len(tensor) == 1 for part in run.model.parts for tensor in part.weights.values())

    more = nw.fit(irises, "target", trials=4, out=tmp_path)
    assert more.result.trials == 4 and sum(map(sum, more.result.confusion)) == judged
    assert nw.pick(tmp_path).result.score > 0.8


@pytest.mark.usefixtures("held_out")
def test_one_network_can_learn_from_a_mix_that_held_rows_out(tmp_path: Path, irises: pd.DataFrame) -> None:
    """It is judged on the same rows as the mix."""
    run = nw.fit(irises, "target", trials=2, single=True, out=tmp_path)
    (part,) = run.model.parts
    assert run.result.distilled and all(len(tensor) == 1 for tensor in part.weights.values())
    assert sum(map(sum, run.result.confusion)) == pytest.approx(len(irises) / 4, abs=3)
    assert run.result.score > 0.8


@pytest.mark.usefixtures("held_out")
@pytest.mark.parametrize("task", ["text", "tagging", "image"])
def test_every_task_can_hold_rows_out(task: str, tmp_path: Path) -> None:
    """Sentences stay whole, mistakes are shown of rows that were judged, numbers are of these."""
    table, target = TASKS[task].toy(0)
    run = nw.fit(table, target, task=task, trials=1, out=tmp_path)
    assert np.isfinite(run.result.score) and run.report.exists()


@pytest.mark.usefixtures("held_out")
def test_a_number_is_predicted_by_what_held_rows_out(tmp_path: Path) -> None:
    """And better than by the mean, which is that of the rows learnt from."""
    x = np.random.default_rng(0).normal(size=(400, 3))
    table = pd.DataFrame(x, columns=[*"abc"]).assign(y=x @ [1.0, 2.0, -1.0])
    run = nw.fit(table, "y", trials=2, out=tmp_path)
    usual = next(each.score for each in run.result.baselines if each.name.startswith("always"))
    assert run.result.score < 0.5 * usual
