"""Sounds from a folder or a table: fitted, predicted, evaluated, shown."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import netwright as nw
from netwright.answers import answer_table
from netwright.bundle import Contents, read_bundle, write_bundle
from netwright.data.reading import read_table
from netwright.data.wave import as_wave
from netwright.errors import (
    BadFiles,
    BundleError,
    GroupOfTarget,
    NoClasses,
    OneGroup,
    TooFewRows,
    UnfitTest,
    UnknownColumn,
)
from netwright.evaluation import evaluate
from netwright.journal import Journal
from netwright.tasks import find_task
from netwright.tasks.audio import TASK, toy
from netwright.tasks.task import Request

TABLE, TARGET = toy(0)[0].iloc[:120], toy(0)[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one folder a class, some of it for testing; one file is damaged, one lies wrong."""
    base = tmp_path_factory.mktemp("sounds")
    for place, (content, kind) in enumerate(zip(TABLE["sound"], TABLE[TARGET], strict=True)):
        path = base / ("test" if place % 6 == 0 else "train") / kind / f"{place}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (base / "train" / "rising" / "cut.flac").write_bytes(b"fLaC\0\0")
    (base / "train" / "rising" / "cover.jpg").touch()
    steady = next((base / "train" / "steady").glob("*.wav"))
    (base / "train" / "rising" / "wrong.wav").write_bytes(steady.read_bytes())
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
    assert any(text.startswith("1 sound of 102 could not be decoded") for text in told)
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


def test_the_report_shows_spectrograms_of_what_went_wrong(run: nw.Run) -> None:
    """As images, among them that of the sound in the wrong folder."""
    with Journal.open(run.journal) as journal:
        found = journal.mistakes()
    assert ("rising", "steady") in [(one.truth, one.answer) for one in found]
    assert run.report.read_text().count("data:image/png;base64,") == len(found)


def test_a_list_with_paths_and_speakers_is_split_by_speaker(folder: Path, tmp_path: Path) -> None:
    """A CSV beside its sounds; the column of groups is no input."""
    table = read_table(folder / "train").iloc[::2]
    relative = [Path(path).relative_to(folder).as_posix() for path in table["sound"]]
    listed = pd.DataFrame({"path": relative, "who": np.arange(len(table)) % 7, "kind": table["class"]})
    listed.to_csv(folder / "list.csv", index=False)
    run = nw.fit(folder / "list.csv", "kind", group="who", trials=1, out=tmp_path)
    assert run.result.task == "audio_multiclass"
    assert "over the groups of" in run.result.estimate and "over the groups of" in run.report.read_text()
    assert not [finding for finding in run.findings if finding.kind == "unused_columns"]
    with pytest.raises(GroupOfTarget):
        nw.fit(folder / "list.csv", "kind", group="kind", trials=1, out=tmp_path)
    with pytest.raises(UnknownColumn, match="whom"):
        nw.fit(folder / "list.csv", "kind", group="whom", trials=1, out=tmp_path)
    with pytest.raises(OneGroup, match="'who'"):
        nw.fit(listed.assign(path=table["sound"], who=1), "kind", group="who", trials=1, out=tmp_path, fresh=True)


def test_a_folder_without_classes_is_told_so(folder: Path, tmp_path: Path) -> None:
    """Rather than of rows that are missing."""
    with pytest.raises(NoClasses, match="one folder a class"):
        nw.fit(folder / "train" / "rising", out=tmp_path)


def test_sounds_of_one_class_that_are_alike_are_no_copies() -> None:
    """Noise sounds like noise; only equal sounds are one thing."""
    generator = np.random.default_rng(0)
    files = [as_wave(generator.normal(0, 0.1, 4_000), 8_000) for _ in range(20)]
    table = pd.DataFrame({"sound": [*files, files[0]], "kind": ["a", "b", "c"] * 7})
    groups = TASK.load(Request(table, "kind", {}, "auto")).groups
    assert len(np.unique(groups)) == 20 and groups[20] == groups[0]


def test_a_bad_file_to_test_on_costs_neither_the_run_nor_the_test(folder: Path, tmp_path: Path) -> None:
    """It is left out, as those that are learnt from; of many the run is refused before it begins."""
    table = read_table(folder / "train").iloc[::2]
    test = table.iloc[::4].copy()
    test.iloc[0, 0] = "nowhere.wav"
    run = nw.fit(table, TARGET, trials=1, test=test, bad_files=0.2, out=tmp_path)
    assert run.result.test_metrics
    with pytest.raises(UnfitTest, match=r"nowhere\.wav"):
        nw.fit(table, TARGET, trials=1, test=test, bad_files=0.01, out=tmp_path, fresh=True)


def test_what_is_left_must_be_enough(tmp_path: Path) -> None:
    """However many bad files are allowed."""
    files = [*TABLE["sound"][:3], *[b"RIFF0000WAVE"] * 20]
    table = pd.DataFrame({"sound": files, "kind": ["a", "b", "c"] + ["a", "b"] * 10})
    with pytest.raises(TooFewRows):
        nw.fit(table, "kind", trials=1, bad_files=1.0, out=tmp_path)


def test_a_folder_with_pictures_among_the_sounds(run: nw.Run, tmp_path: Path) -> None:
    """A model of sounds looks for sounds, and names them."""
    (tmp_path / "one.wav").write_bytes(TABLE["sound"][0])
    for place in range(3):
        (tmp_path / f"{place}.png").touch()
    model = nw.load(run.bundle)
    answers = answer_table(model, model.task.read(tmp_path), proba=False)
    assert [*answers.columns] == ["sound", "class"] and len(answers) == 1


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
