"""Images from a folder, a table or an array: fitted, predicted, evaluated, shown."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import netwright as nw
from netwright.answers import answer_table, write_table
from netwright.bundle import Contents, read_bundle, write_bundle
from netwright.data.frame import Frame
from netwright.data.reading import read_table
from netwright.data.schema import Schema
from netwright.errors import (
    BadFiles,
    BundleError,
    KindOfTarget,
    MissingColumns,
    MissingPaths,
    NoInputs,
    NoTarget,
    TooManyBadFiles,
    UnequalLengths,
    UnknownColumn,
    UnknownKind,
)
from netwright.evaluation import evaluate, usable_test
from netwright.events import Event, FilesDecoded
from netwright.journal import Journal
from netwright.tasks import Task, audio, find_task
from netwright.tasks.image import TASK, toy
from netwright.tasks.task import Request

TABLE, TARGET = toy(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one folder a class; two files are damaged, and one has the wrong label."""
    base = tmp_path_factory.mktemp("images")
    for place, (pixels, kind) in enumerate(zip(TABLE["image"], TABLE[TARGET], strict=True)):
        path = base / ("test" if place % 6 == 0 else "train") / kind / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    whole = next((base / "train" / "lying").glob("*.png")).read_bytes()
    (base / "train" / "lying" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (base / "train" / "lying" / "empty.jpg").touch()
    standing = next((base / "train" / "standing").glob("*.png"))
    (base / "train" / "lying" / "wrong.png").write_bytes(standing.read_bytes())
    return base


@pytest.fixture(scope="module")
def events() -> list[Event]:
    """Return a place for what happened in `run`."""
    return []


@pytest.fixture(scope="module")
def run(folder: Path, events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> nw.Run:
    """Return a short run on the folder."""
    return nw.fit(folder, trials=2, pretrained="none", out=tmp_path_factory.mktemp("run"), listener=events.append)


def test_names_that_are_not_unicode_are_answered_for(run: nw.Run, folder: Path, tmp_path: Path) -> None:
    """The table of answers writes a byte that is no letter as its number."""
    odd = tmp_path / os.fsdecode(b"caf\xe9.png")
    odd.write_bytes(next((folder / "test").rglob("*.png")).read_bytes())
    model = nw.load(run.bundle)
    for source in (tmp_path, odd):
        answers = answer_table(model, read_table(source), proba=False)
        write_table(answers, tmp_path / "answers.csv")
        assert r"caf\udce9.png" in (tmp_path / "answers.csv").read_text()


def test_names_that_no_file_can_have_are_words() -> None:
    """Also where they end like those of images: a table of them is one of texts, or is refused."""
    cells = ["x" * 300 + ".png", "a\0b.png"] * 10
    table = pd.DataFrame({"a": cells, "b": range(20), "c": range(20), "kind": ["one", "two"] * 10})
    found, _ = find_task("auto", table, "kind", {})
    assert found.name != "image"
    with pytest.raises(MissingPaths):
        find_task("auto", table[["a", "kind"]], "kind", {})


def test_a_folder_is_learnt_from_and_its_test_part_judged_on(run: nw.Run, folder: Path) -> None:
    """Without a word on what to predict."""
    assert run.result.task == "image_multiclass"
    assert run.result.labels == ("lying", "slanting", "standing")
    assert run.result.test_metrics["accuracy"] > 0.8
    assert run.result.importance == ()
    model = nw.load(run.bundle)
    assert evaluate(model, folder / "test") == pytest.approx(run.result.test_metrics)


def test_what_cannot_be_decoded_is_left_out_and_named(run: nw.Run) -> None:
    """By path and reason."""
    told = [finding.message for finding in run.findings]
    assert any(text.startswith("2 images of 203 could not be decoded") for text in told)
    assert any("cut.png: it is damaged" in text for text in told)
    assert any("empty.jpg: the file is empty" in text for text in told)


def test_too_much_that_cannot_be_decoded_stops_the_run(folder: Path, tmp_path: Path) -> None:
    """The share is a setting."""
    with pytest.raises(TooManyBadFiles, match="2 of 203"):
        nw.fit(folder, trials=1, bad_files=0.005, out=tmp_path)


def test_the_report_shows_what_went_wrong(run: nw.Run) -> None:
    """As images, with the class that each is of and the one it was taken for."""
    with Journal.open(run.journal) as journal:
        found = journal.mistakes()
    page = run.report.read_text()
    assert ("lying", "standing") in [(one.truth, one.answer) for one in found]
    assert page.count("data:image/png;base64,") == len(found)
    assert all(one.truth != one.answer and 0.3 < one.chance <= 1 for one in found)


def test_files_arrays_and_bytes_give_the_same_answers(run: nw.Run, folder: Path) -> None:
    """However the images come."""
    model, paths = nw.load(run.bundle), sorted((folder / "test").rglob("*.png"))
    pixels = np.stack([np.asarray(Image.open(path)) for path in paths])
    chances = model.predict_proba(pixels)
    as_bytes = pd.DataFrame({"image": [path.read_bytes() for path in paths]})
    for table in (pd.DataFrame({"image": [str(path) for path in paths]}), as_bytes, pixels[..., None]):
        assert np.array_equal(model.predict_proba(table), chances)


def test_many_images_are_answered_for_some_at_a_time(run: nw.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same answers, and all files named that cannot be decoded."""
    model, held = nw.load(run.bundle), list[int]()
    whole, metrics = model.predict_proba(TABLE), evaluate(model, TABLE)

    def parse(data: pd.DataFrame, schema: Schema) -> Frame:
        held.append(len(data))
        return TASK.parse(data, schema)

    monkeypatch.setattr("netwright.tasks.task.FILES_AT_ONCE", 50)
    few = replace(model, task=replace(TASK, parse=parse))
    assert np.allclose(few.predict_proba(TABLE), whole, atol=1e-6) and held == [50, 50, 50, 50, 40]
    assert evaluate(few, TABLE) == pytest.approx(metrics)
    assert few.predict_proba(TABLE.head(0)).shape == (0, 3)
    wrong = TABLE.assign(image=[b"no" if place in (3, 60, 239) else cell for place, cell in enumerate(TABLE["image"])])
    with pytest.raises(BadFiles) as caught:
        few.predict(wrong)
    assert caught.value.places == [3, 60, 239]
    assert len(usable_test(few.task, few.preparation.schema, wrong, 0.1)) == 237


def test_paths_in_a_file_begin_where_it_lies(folder: Path, tmp_path: Path) -> None:
    """A CSV beside its images can be fitted and predicted from anywhere; other columns are not used."""
    table = read_table(folder / "test")
    relative = [Path(path).relative_to(folder).as_posix() for path in table["image"]]
    wide = pd.DataFrame({"number": range(len(table)), "file": relative, "kind": table["class"]})
    wide.to_csv(folder / "list.csv", index=False)
    read = read_table(folder / "list.csv")
    task, outcome = find_task("auto", read, "kind", {})
    assert task is TASK
    loaded = task.load(Request(read, "kind", {}, outcome))
    assert loaded.frame.columns["file"].shape == (len(table), 12, 12, 1)
    assert [finding.kind for finding in loaded.findings] == ["unused_columns"]


def test_labels_can_stand_beside_an_array(tmp_path: Path) -> None:
    """As in scikit-learn; numbers are predicted as numbers."""
    pixels = np.stack(TABLE["image"].tolist())
    brightness = pixels.mean(axis=(1, 2)).astype(float)
    run = nw.fit(pixels[:120], brightness[:120], trials=1, pretrained="none", out=tmp_path)
    assert run.result.task == "image_regression"
    assert np.corrcoef(run.model.predict(pixels), brightness)[0, 1] > 0.5
    with pytest.raises(UnequalLengths, match="240 images but 239"):
        nw.fit(pixels, brightness[1:], out=tmp_path)
    with pytest.raises(NoTarget):
        nw.fit(pixels, out=tmp_path)


def test_near_duplicates_stay_in_one_fold() -> None:
    """And are told of."""
    twice = pd.concat([TABLE, TABLE.head(30)], ignore_index=True)
    loaded = TASK.load(Request(twice, TARGET, {}, "auto"))
    assert np.array_equal(loaded.groups[240:], loaded.groups[:30])
    assert "near_duplicates" in [finding.kind for finding in loaded.findings]


def test_decoding_is_told_of(run: nw.Run, events: list[Event]) -> None:
    """Of the images to learn from, then of those to test on, before anything else is."""
    decoded = [event for event in events if isinstance(event, FilesDecoded)]
    assert events[: len(decoded)] == decoded
    for testing in (False, True):
        own = [event for event in decoded if event.testing is testing]
        counts = [event.done for event in own]
        assert counts == sorted(counts) and counts[0] == 0 and counts[-1] == own[0].files > 10
    assert run.result.test_metrics


def test_of_very_many_images_as_many_are_learnt_from_as_there_is_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are left out, and that is told."""
    monkeypatch.setattr("netwright.data.in_time.FEWEST", 30)
    monkeypatch.setattr("netwright.data.in_time.TIMED", 10)
    left = iter([100.0, 90.0])  # a second each: there is time for 40
    loaded = TASK.load(Request(TABLE, TARGET, {}, "auto", left=lambda: next(left)))
    assert len(loaded.truth) == len(loaded.places) == len(loaded.groups) == 40
    assert len(np.unique(loaded.truth)) == 3
    kept = TASK.load(Request(TABLE.iloc[loaded.places], TARGET, {}, "auto"))
    assert np.array_equal(kept.frame.columns["image"], loaded.frame.columns["image"])
    assert "40 of them" in next(one.message for one in loaded.findings if one.kind == "files_left_out")


def test_no_answer_is_made_up_for_a_damaged_image(run: nw.Run) -> None:
    """The sentence names it; so it does a table without images."""
    model = nw.load(run.bundle)
    with pytest.raises(BadFiles, match=r"nowhere\.png"):
        model.predict(pd.DataFrame({"image": ["nowhere.png"]}))
    with pytest.raises(MissingColumns, match="image"):
        model.predict(pd.DataFrame({"size": [1.0]}))
    with pytest.raises(NoInputs):
        TASK.load(Request(pd.DataFrame({"size": range(20), "kind": ["a", "b"] * 10}), "kind", {}, "auto"))


@pytest.mark.parametrize(
    "change",
    [
        {"means": [0.5, 0.5]},
        {"means": [2.0]},
        {"means": ["0.5"]},
        {"means": None},
        {"deviations": [0.0]},
        {"deviations": []},
        {"target": {"shift": 0.0, "scale": 1.0, "low": 0.0, "high": 1.0}},
        {"more": 1},
    ],
)
def test_a_preparation_that_is_none_is_refused(run: nw.Run, tmp_path: Path, change: dict[str, object]) -> None:
    """A model file is not trusted."""
    contents = read_bundle(run.bundle)
    documents = json.loads(json.dumps(contents.documents))
    documents["preprocess"] |= change
    write_bundle(tmp_path / "model.nw", Contents(documents, contents.tensors))
    with pytest.raises(BundleError):
        nw.load(tmp_path / "model.nw")


def test_one_network_can_learn_from_the_mix(tmp_path: Path) -> None:
    """As of tables."""
    run = nw.fit(TABLE.iloc[:120], TARGET, trials=2, single=True, pretrained="none", out=tmp_path)
    assert run.result.distilled and not run.result.missed
    assert len(run.model.parts) == 1
    assert (run.model.predict(TABLE) == TABLE[TARGET]).mean() > 0.8


def test_folders_named_by_numbers_are_classes(tmp_path: Path) -> None:
    """However many there are."""
    for place in range(60):
        path = tmp_path / f"{place % 30:05}" / f"{place}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(TABLE["image"][place]).save(path)
    loaded = TASK.load(Request(read_table(tmp_path), "class", {}, "auto"))
    assert len(loaded.schema.target.labels) == 30


def test_folders_named_like_missing_cells_are_classes(tmp_path: Path) -> None:
    """A folder is called NA for a reason; a file that lies in no folder still has no class."""
    names = ["NA", "None", "null", "nan", "cat"]
    for place in range(60):
        path = tmp_path / names[place % 5] / f"{place}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(TABLE["image"][place]).save(path)
    Image.fromarray(TABLE["image"][60]).save(tmp_path / "loose.png")
    read = read_table(tmp_path)
    loaded = TASK.load(Request(read, "class", {}, "auto"))
    assert loaded.schema.target.labels == ("NA", "None", "cat", "nan", "null") and len(loaded.truth) == 60
    truth = TASK.parse_target(read, loaded.schema)
    assert np.array_equal(truth[truth >= 0], loaded.truth) and (truth < 0).sum() == 1
    listed = pd.DataFrame({"image": [1, 2, 3], "class": ["NA", None, "cat"]})  # in a table it says missing
    assert TASK.parse_target(listed, loaded.schema).tolist() == [-1, -1, 2]


def test_a_table_with_addresses_of_images_is_a_table() -> None:
    """Only files that are there can be looked at; what the user calls something else is something else."""
    addresses = [f"https://example.org/{place}.jpg" for place in range(40)]
    table = pd.DataFrame({"image_url": addresses, "price": np.arange(40.0) % 7, "kind": ["a", "b"] * 20})
    assert find_task("auto", table, "kind", {})[0].name == "tabular"
    assert find_task("auto", TABLE, TARGET, {"image": "categorical"})[0].name != "image"


@pytest.mark.parametrize(
    ("task", "kinds", "error", "said"),
    [
        (TASK, {"imag": "categorical"}, UnknownColumn, "Did you mean 'image'"),
        (TASK, {"more": "numerical"}, UnknownKind, "Did you mean 'numeric'"),
        (TASK, {TARGET: "numeric"}, KindOfTarget, TARGET),
        (TASK, {"image": "categorical"}, NoInputs, "none of its columns holds images"),
        (audio.TASK, {"nothing": "text"}, UnknownColumn, "nothing"),
    ],
)
def test_stated_kinds_are_looked_at(task: Task, kinds: dict[str, str], error: type[Exception], said: str) -> None:
    """As for any table, though only one column is used."""
    with pytest.raises(error, match=said):
        task.load(Request(TABLE.assign(more=1), TARGET, kinds, "auto"))
    loaded = TASK.load(Request(TABLE.assign(more=1), TARGET, {"more": "categorical"}, "auto"))
    assert [column.name for column in loaded.schema.columns] == ["image"]


@pytest.mark.parametrize("name", ["cat/{}.JPG", "{}.wav"])
def test_paths_that_lead_nowhere_are_refused(name: str, tmp_path: Path) -> None:
    """With the first of them and where it was looked for, unless the user says that they are words."""
    cells = [name.format(place) for place in range(30)]
    table = pd.DataFrame({"number": range(30), "file": [None, *cells[1:]], "kind": ["a", "b"] * 15})
    table.to_csv(tmp_path / "list.csv", index=False)
    read = read_table(tmp_path / "list.csv")
    with pytest.raises(MissingPaths) as caught:
        find_task("auto", read, "kind", {})
    assert str(tmp_path / cells[1]) in str(caught.value) and "--kind file=categorical" in str(caught.value)
    with pytest.raises(MissingPaths):
        nw.fit(tmp_path / "list.csv", "kind", task="classification", trials=1, out=tmp_path / "run")
    with pytest.raises(MissingPaths):
        find_task("image" if "JPG" in name else "audio", read, "kind", {})[0].load(Request(read, "kind", {}, "auto"))
    assert find_task("tabular", read, "kind", {})[0].name == "tabular"
    measured = read.assign(loudness=range(30), length=range(30))  # a table that names its sources beside
    assert find_task("auto", measured, "kind", {})[0].name == "tabular"
    assert find_task("auto", read, "kind", {"file": "categorical"})[0].name == "tabular"
    assert find_task("auto", read, "file", {})[0].name == "tabular"


def test_a_class_that_is_left_out_is_told_of() -> None:
    """Else a model that never saw it would look as good as any."""
    damaged = pd.DataFrame({"image": [np.zeros((3, 3, 2), np.uint8)] * 12, "class": "odd"})
    table = pd.concat([TABLE, damaged], ignore_index=True)
    loaded = TASK.load(Request(table, TARGET, {}, "auto"))
    assert any("No image of 'odd'" in finding.message for finding in loaded.findings)


def test_bad_files_of_the_test_rows_are_left_out_by_their_place() -> None:
    """Rows of a frame may all have one label, as after joining frames."""
    table = TABLE.iloc[:40].copy()
    images = [*table["image"]]
    images[3] = b"\x89PNG, and no more"
    table["image"] = images
    table.index = pd.Index([0] * len(table))
    schema = TASK.load(Request(TABLE, TARGET, {}, "auto")).schema
    kept = usable_test(TASK, schema, table, 0.5)
    assert len(kept) == 39
    assert not any(isinstance(cell, bytes) for cell in kept["image"])
