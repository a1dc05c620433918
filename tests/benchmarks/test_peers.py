"""What a contest of peers comes to: ranks, ties within an error, failures, and figures of the test rows."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import util
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def script(name: str) -> ModuleType:
    """Return a benchmark's file as a module; benchmarks are scripts, not a package."""
    specification = util.spec_from_file_location(f"benchmarks_{name}", FOLDER / f"{name}.py")
    assert specification is not None and specification.loader is not None
    module = util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses look their annotations up there
    specification.loader.exec_module(module)
    return module


standings, scores = script("standings"), script("scores")


def line(name: str, peer: str, accuracy: float | None, error: float = 0.01) -> object:
    """Return a run on a set of classes; None is a failure."""
    run = standings.Line(name, "tabular_binary", peer, 60.0, 0, 2, "2026-01-01", "--time", {})
    if accuracy is None:
        return replace(run, failed="MemoryError")
    figures = {"accuracy": accuracy, "log_loss": 1 - accuracy}
    costs = {"wall_s": 60.0, "fit_peak_mb": 500.0, "model_bytes": 1_000_000, "row_ms": 1.0}
    return replace(run, metrics=figures, errors=dict.fromkeys(figures, error), **costs)


def test_ties_share_their_mean_rank_and_failures_rank_last() -> None:
    """Two equals at the top have 1.5 each; two failures share the last two places."""
    assert standings.ranks([0.1, 0.1, 0.3]) == [1.5, 1.5, 3.0]
    assert standings.ranks([float("inf"), 0.2, float("inf")]) == [2.5, 1.0, 2.5]


def test_average_ranks_count_only_sets_that_all_were_run_on() -> None:
    """A file that a long run has not finished is not unfair to whoever comes last in it."""
    lines = [
        line("a", "netwright", 0.9),
        line("a", "flaml", 0.8),
        line("b", "netwright", None),
        line("b", "flaml", 0.7),
    ]
    sets = standings.by_set([*lines, line("c", "netwright", 0.5)])
    assert standings.average_ranks(sets, ["netwright", "flaml"], standings.FIRST_LOOK) == {
        "netwright": 1.5,
        "flaml": 1.5,
    }


def test_a_tie_is_within_one_standard_error_of_netwright() -> None:
    """Better, worse by less than an error, worse by more, and a failure of the peer."""
    pairs = {"a": (0.9, 0.8), "b": (0.895, 0.9), "c": (0.8, 0.9), "d": (0.8, None)}
    runs = [
        line(name, peer, value)
        for name, pair in pairs.items()
        for peer, value in zip(("netwright", "flaml"), pair, strict=True)
    ]
    result = standings.duels(standings.by_set(runs), "flaml", standings.FIRST_LOOK)
    assert (result.better, result.even, result.worse, result.share) == (2, 1, 1, 0.75)


def test_the_report_holds_failures_and_marks_the_best() -> None:
    """A failed run is a cell and a reason."""
    text = standings.report([line("a", "netwright", 0.9), line("a", "flaml", None)])
    assert "| a | accuracy | **0.9** | failed | 0.01 |" in text
    assert "- a, flaml: MemoryError" in text


def test_the_area_is_told_where_every_set_has_a_curve() -> None:
    """One that is right from the first moment has all of the area; one without a curve has none to tell."""
    first = replace(line("a", "netwright", 0.9), curve=[(0.0, 1.0)])
    second = replace(line("b", "netwright", 0.9), curve=[(3.0, 1.0)])
    assert standings.mean_area(standings.by_set([first]), "netwright") == "1.0000"
    assert 0.8 < float(standings.mean_area(standings.by_set([first, second]), "netwright")) < 0.95
    assert standings.mean_area(standings.by_set([first, line("b", "netwright", 0.9)]), "netwright") == ""
    errors = replace(first, task="tabular_regression", trivial=4.0, curve=[(0.0, 1.0)])
    assert standings.area_of(errors) == 0.75


def test_who_thinks_too_well_of_itself_gains_no_area_by_it() -> None:
    """Its curve is moved to end where the test rows say, and not below nothing."""
    sure = replace(line("a", "boosting", 0.8), curve=[(0.0, 0.05), (30.0, 0.9)])
    honest = replace(line("a", "netwright", 0.8), curve=[(0.0, 0.0), (30.0, 0.8)])
    seen, told = standings.area_of(sure), standings.area_of(honest)
    assert seen is not None and told is not None and seen > told
    assert standings.area_of(sure, tested=True) == standings.area_of(honest, tested=True) == told


def test_the_same_code_judges_all_answers() -> None:
    """Columns may come in any order; a class that nobody expected costs the most that a row can."""
    answers = pd.DataFrame({"b": [0.8, 0.4], "a": [0.2, 0.6]})
    metrics, errors = scores.score(answers, pd.Series(["b", "b"]), "binary")
    assert metrics == pytest.approx({"accuracy": 0.5, "log_loss": -np.log([0.8, 0.4]).mean()})
    assert errors["accuracy"] == pytest.approx(np.sqrt(0.25 / 2))
    unseen, _ = scores.score(answers, pd.Series(["c", "b"]), "binary")
    assert unseen["log_loss"] == pytest.approx((-np.log(scores.LEAST) - np.log(0.4)) / 2)
    with pytest.raises(scores.UnfitAnswers):
        scores.score(answers, pd.Series(["b"]), "binary")


def test_the_error_of_rmse_is_that_of_the_mean_square_over_twice_it() -> None:
    """By the delta method; checked on many draws of the same rows."""
    generator = np.random.default_rng(0)
    draws = generator.normal(size=(2_000, 500))
    metrics, errors = scores.score(pd.DataFrame({"value": draws[0]}), pd.Series(np.zeros(500)), "regression")
    assert metrics["rmse"] == pytest.approx(1.0, abs=0.1)
    assert errors["rmse"] == pytest.approx(np.sqrt((draws**2).mean(axis=1)).std(), rel=0.15)
