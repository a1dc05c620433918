"""Another model from a finished run, by what it may cost; and models that are asked to cost little from the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

import netwright as nw
from netwright.bundle import Contents, read_bundle, write_bundle
from netwright.errors import BundleError, MissingFile, NetwrightError, ReplacesTrials, UnfitBundle
from netwright.mix.choosing import lone, mixed, usual_room
from netwright.mix.footprint import footprint, typical_row
from netwright.mix.front import smaller_mixes
from netwright.mix.shelf import Shelf, read_shelf
from netwright.resources.limits import NO_LIMITS


@pytest.fixture(scope="module")
def run(iris_run: nw.Run) -> nw.Run:
    """Return a short run on the irises."""
    return iris_run


@pytest.fixture(scope="module")
def shelf(run: nw.Run) -> Shelf:
    """Return the trials that the run kept."""
    return read_shelf(run.folder / "trials.nw")[0]


def test_what_a_model_costs_is_measured_and_told(run: nw.Run) -> None:
    """The size is that of the file, and a row takes some time."""
    assert run.result.size_bytes is not None and run.result.latency_ms is not None
    assert abs(run.result.size_bytes - run.bundle.stat().st_size) < 20_000  # the numbers of the result came after
    assert 0.01 < run.result.latency_ms < 10_000
    assert run.result.missed == ()


def test_the_front_holds_only_mixes_that_none_beats(run: nw.Run) -> None:
    """The fastest first, and each later one better in score or size."""
    points = run.result.front
    assert len(points) >= 2
    assert [point.latency_ms for point in points] == sorted(point.latency_ms for point in points)
    for one in points:
        for other in points:
            better = other.score >= one.score, other.latency_ms <= one.latency_ms, other.size_bytes <= one.size_bytes
            same = (other.score, other.latency_ms, other.size_bytes) == (one.score, one.latency_ms, one.size_bytes)
            assert same or not all(better)


def test_a_smaller_model_is_picked_without_training(irises: pd.DataFrame, run: nw.Run, tmp_path: Path) -> None:
    """It keeps the limit as a file, knows the irises, and carries its own honest numbers."""
    limit = run.bundle.stat().st_size // 3
    picked = nw.pick(run.folder, max_size=f"{limit}B", out=tmp_path / "small.nw")
    assert (tmp_path / "small.nw").stat().st_size <= limit
    assert picked.result.missed == ()
    assert (nw.load(tmp_path / "small.nw").predict(irises) == irises["target"]).mean() > 0.85
    assert picked.result.score_low <= picked.result.score <= picked.result.score_high
    shares = [standing.weight for standing in picked.result.leaderboard]
    assert sum(shares) == pytest.approx(1)


def test_without_limits_the_model_of_the_run_is_picked(irises: pd.DataFrame, run: nw.Run) -> None:
    """The same networks with the same shares give the same answers, in the folder of the run."""
    nw.pick(run.folder)
    assert np.array_equal(nw.load(run.folder / "picked.nw").predict_proba(irises), run.model.predict_proba(irises))


def test_a_limit_that_nothing_keeps_is_told_and_a_model_is_handed_over(run: nw.Run, tmp_path: Path) -> None:
    """The nearest one, with a sentence for each limit."""
    picked = nw.pick(run.folder, max_latency="1us", max_size="10B", out=tmp_path / "small.nw")
    assert len(picked.result.missed) == 2
    assert "asked for" in picked.result.missed[0]
    assert (tmp_path / "small.nw").stat().st_size < 60_000


def test_fit_under_a_limit_hands_over_what_keeps_it(tmp_path: Path) -> None:
    """Numbers too: a mix that is too large gives way to a smaller one, or to one network that learnt from it."""
    data = load_diabetes(as_frame=True).frame
    run = nw.fit(data, "target", trials=4, max_size="150kB", out=tmp_path)
    assert run.result.missed == ()
    assert run.bundle.stat().st_size <= 150_000
    assert run.result.score < 1.1 * run.result.baselines[1].score
    assert np.isfinite(nw.load(run.bundle).predict(data)).all()


def test_networks_alone_gain_nothing_by_averaging(run: nw.Run, shelf: Shelf) -> None:
    """One network of each trial is as good as its rows out of fold say, and no better."""
    alone = mixed(lone(shelf), usual_room(lone(shelf)), run.result)
    assert {len(next(iter(part.weights.values()))) for part in alone.parts} == {1}
    members = alone.answers_by_fold(shelf.sample, shelf.predict)
    assert len(members) == 1


def test_the_front_stops_when_the_time_is_over(run: nw.Run, shelf: Shelf) -> None:
    """With no time at all there is the model itself."""
    assert len(smaller_mixes(shelf, run.model, NO_LIMITS, lambda: False)) == 1


def test_a_typical_row_has_a_cell_for_every_kind(run: nw.Run) -> None:
    """Any model can be measured without a row of the user's."""
    row = typical_row(run.model.preparation.schema)
    assert len(row) == 1
    assert np.isfinite(run.model.predict_proba(row)).all()
    assert footprint(run.model).latency > 0


def test_a_folder_without_kept_trials_is_refused(tmp_path: Path) -> None:
    """With a sentence, not a traceback."""
    with pytest.raises((MissingFile, BundleError, NetwrightError)):
        nw.pick(tmp_path)


def _spoilt(name: str, array: Any) -> dict[str, Any]:
    """Return arrays of which one does not belong to the others."""
    match name:
        case "truth":
            return {name: np.full_like(array, 7)}
        case "predictions":
            return {name: array[:, :-1]}
        case "seed":
            return {name: -1 - np.abs(array)}
        case "folds":
            return {name: np.zeros_like(array)}
        case "predictions of another type":
            return {"predictions": np.ones_like(array, np.uint8)}
        case "trials":
            return {name: array.astype(np.float64)}
        case _:
            return {name: array[:-1]}


@pytest.mark.parametrize(
    "name",
    [
        "truth",
        "predictions",
        "predictions of another type",
        "seed",
        "folds",
        "trials",
        "sample.plain",
        "sample.categories",
        "extra",
    ],
)
def test_kept_trials_that_do_not_belong_together_are_refused(run: nw.Run, tmp_path: Path, name: str) -> None:
    """Each array is checked against the others before anything is chosen by it."""
    contents = read_bundle(run.folder / "trials.nw")
    *others, more = contents.tensors
    known = name.partition(" ")[0]
    spoilt = {**more, **(_spoilt(name, more[known]) if known in more else {name: np.zeros(1)})}
    write_bundle(tmp_path / "trials.nw", Contents(contents.documents, (*others, spoilt)))
    with pytest.raises(BundleError):
        nw.pick(tmp_path)


def test_kept_trials_of_a_metric_of_other_targets_are_refused(run: nw.Run, tmp_path: Path) -> None:
    """It is known, but nothing can be measured by it here."""
    contents = read_bundle(run.folder / "trials.nw")
    documents = {**contents.documents, "card": {**contents.documents["card"], "metric": "rmse"}}
    write_bundle(tmp_path / "trials.nw", Contents(documents, contents.tensors))
    with pytest.raises(UnfitBundle, match="metric"):
        nw.pick(tmp_path)


def test_the_kept_trials_are_not_replaced_by_a_model(run: nw.Run) -> None:
    """Else nothing could be picked from the run again."""
    kept = run.folder / "trials.nw"
    before = kept.read_bytes()
    with pytest.raises(ReplacesTrials, match="Choose another file"):
        nw.pick(run.folder, out=run.folder / "." / "trials.nw")
    assert kept.read_bytes() == before
