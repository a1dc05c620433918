"""Sounds from a folder or a table: fitted, predicted, evaluated, shown."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import netwright as nw
from netwright.bundle import Contents, read_bundle, write_bundle
from netwright.data.reading import read_table
from netwright.errors import BadFiles, BundleError, NoClasses, OneGroup, UnknownColumn
from netwright.evaluation import evaluate
from netwright.tasks import find_task
from netwright.tasks.audio import TASK, toy
from netwright.tasks.task import Request

TABLE, TARGET = toy(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one folder a class, some of it for testing, a damaged file, and a list."""
    base = tmp_path_factory.mktemp("sounds")
    for place, (content, kind) in enumerate(zip(TABLE["sound"], TABLE[TARGET], strict=True)):
        path = base / ("test" if place % 6 == 0 else "train") / kind / f"{place}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (base / "train" / "rising" / "cut.flac").write_bytes(b"fLaC\0\0")
    (base / "train" / "rising" / "cover.jpg").touch()
    return base


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> nw.Run:
    """Return a short run on the folder."""
    return nw.fit(folder, trials=2, out=tmp_path_factory.mktemp("run"))


def test_a_folder_is_learnt_from_and_its_test_part_judged_on(run: nw.Run, folder: Path) -> None:
    """Without a word on what to predict; the picture among the sounds is not looked at."""
    assert run.result.task == "audio_multiclass"
    assert run.result.labels == ("falling", "rising", "steady")
    assert run.result.test_metrics["accuracy"] > 0.8
    told = [finding.message for finding in run.findings]
    assert any(text.startswith("1 sound of 126 could not be decoded") for text in told)
    assert any("cut.flac" in text for text in told)
    model = nw.load(run.bundle)
    assert evaluate(model, folder / "test") == pytest.approx(run.result.test_metrics)


def test_files_and_bytes_give_the_same_answers(run: nw.Run, folder: Path) -> None:
    """However the sounds come; one that cannot be decoded gets no answer."""
    model, paths = nw.load(run.bundle), sorted((folder / "test").rglob("*.wav"))
    chances = model.predict_proba(pd.DataFrame({"sound": [str(path) for path in paths]}))
    as_bytes = pd.DataFrame({"sound": [path.read_bytes() for path in paths]})
    assert np.array_equal(model.predict_proba(as_bytes), chances)
    with pytest.raises(BadFiles, match="sound that was not given as a path"):
        model.predict(pd.DataFrame({"sound": [b"RIFF"]}))


def test_the_report_shows_spectrograms_of_what_went_wrong(run: nw.Run, folder: Path, tmp_path: Path) -> None:
    """As images."""
    table = read_table(folder / "train")
    table[TARGET] = table[TARGET].where(np.arange(len(table)) % 10 != 0, "steady")
    wrong = nw.fit(table, TARGET, trials=2, out=tmp_path)
    assert wrong.report.read_text().count("data:image/png;base64,") > 0


def test_a_list_with_paths_and_speakers_is_split_by_speaker(folder: Path, tmp_path: Path) -> None:
    """A CSV beside its sounds; the column of groups is no input."""
    table = read_table(folder / "train")
    relative = [Path(path).relative_to(folder).as_posix() for path in table["sound"]]
    listed = pd.DataFrame({"path": relative, "who": np.arange(len(table)) % 7, "kind": table["class"]})
    listed.to_csv(folder / "list.csv", index=False)
    run = nw.fit(folder / "list.csv", "kind", group="who", trials=1, out=tmp_path)
    assert run.result.task == "audio_multiclass"
    assert not [finding for finding in run.findings if finding.kind == "unused_columns"]
    with pytest.raises(UnknownColumn, match="whom"):
        nw.fit(folder / "list.csv", "kind", group="whom", trials=1, out=tmp_path)
    with pytest.raises(OneGroup, match="'who'"):
        nw.fit(listed.assign(path=table["sound"], who=1), "kind", group="who", trials=1, out=tmp_path)


def test_a_folder_without_classes_is_told_so(folder: Path, tmp_path: Path) -> None:
    """Rather than of rows that are missing."""
    with pytest.raises(NoClasses, match="one folder a class"):
        nw.fit(folder / "train" / "rising", out=tmp_path)


def test_a_table_with_sounds_is_recognised() -> None:
    """Unless the user calls the column something else."""
    assert find_task("auto", TABLE, TARGET, {})[0] is TASK
    assert find_task("auto", TABLE, TARGET, {"sound": "categorical"})[0] is not TASK
    assert find_task("audio", TABLE, TARGET, {})[0] is TASK


@pytest.mark.parametrize("change", [{"means": [0.5, 0.5]}, {"means": [2.0]}, {"deviations": [0.0]}, {"more": 1}])
def test_a_preparation_that_is_none_is_refused(run: nw.Run, tmp_path: Path, change: dict[str, object]) -> None:
    """A model file is not trusted."""
    contents = read_bundle(run.bundle)
    documents = json.loads(json.dumps(contents.documents))
    documents["preprocess"] |= change
    write_bundle(tmp_path / "model.nw", Contents(documents, contents.tensors))
    with pytest.raises(BundleError):
        nw.load(tmp_path / "model.nw")


def test_sounds_of_a_number(tmp_path: Path) -> None:
    """Such as how loud one is against its noise; here the class as a number."""
    numbers = TABLE[TARGET].map({"falling": -1.0, "steady": 0.0, "rising": 1.0}) + np.linspace(0, 0.1, len(TABLE))
    loaded = TASK.load(Request(TABLE.assign(level=numbers).drop(columns=TARGET), "level", {}, "regression"))
    candidate = TASK.candidate(TASK.default_network(len(TABLE)), TASK.prepare(loaded, 0))
    assert candidate.recipe.label_smoothing == 0.0 and candidate.network.outputs == 1
