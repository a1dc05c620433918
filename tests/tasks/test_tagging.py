"""Tagged tokens: fitted from a file, predicted, evaluated, written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import netwright as nw
from netwright.answers import answer_table, write_table
from netwright.bundle import Contents, read_bundle, read_manifest, write_bundle
from netwright.data.tagged import as_conll, as_json_lines, read_tagged
from netwright.errors import (
    BundleError,
    ConstantTarget,
    MissingColumns,
    MissingTarget,
    NoInputs,
    NoPlaceForProbabilities,
    OneGroup,
    UnknownFormat,
    UnknownKind,
)
from netwright.evaluation import evaluate
from netwright.mix.shelf import read_shelf
from netwright.report.text import describe
from netwright.spec import tags
from netwright.spec.blocks import ChainHead
from netwright.tasks import find_task
from netwright.tasks.tagging import TASK, toy
from netwright.tasks.task import Request
from netwright.testing.models import model_of

TABLE, TARGET = toy(0)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nw.Run:
    """Return a short run on a file of CoNLL columns, with another to test on."""
    folder = tmp_path_factory.mktemp("tags")
    (folder / "train.conll").write_text(as_conll(TABLE))
    (folder / "test.conll").write_text(as_conll(toy(1)[0]))
    return nw.fit(folder / "train.conll", test=folder / "test.conll", trials=3, out=folder / "run")


def test_entities_are_found(run: nw.Run) -> None:
    """The file's name says what is to be done, and the score is that of whole entities."""
    assert run.result.task == "tagging_tags" and run.result.metric == "entity_f1"
    assert run.result.labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert run.result.test_metrics["entity_f1"] > 0.9
    assert {"entity_f1", "accuracy", "log_loss"} == set(run.result.test_metrics)
    assert "F1 of entities" in run.report.read_text()


def test_text_is_tagged_and_written_with_places(run: nw.Run, tmp_path: Path) -> None:
    """As CSV a row a token, as JSON lines the entities of each sentence, as CoNLL to be used by others."""
    (tmp_path / "new.txt").write_text("who is Grace from New York ?\nSofia moved to Lima last year\n")
    model = nw.load(run.bundle)
    answers = answer_table(model, model.task.read(tmp_path / "new.txt"), proba=False)
    for name in ("a.csv", "a.jsonl", "a.conll"):
        write_table(answers, tmp_path / name)
    spans = [json.loads(line)["spans"] for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [(one["start"], one["end"], one["label"]) for one in spans[0]] == [(7, 12, "PER"), (18, 26, "LOC")]
    assert read_tagged(tmp_path / "a.conll")["tag"].tolist() == pd.read_csv(tmp_path / "a.csv")["tag"].tolist()
    sure = answer_table(model, model.task.read(tmp_path / "new.txt"), proba=True)
    write_table(sure, tmp_path / "b.jsonl")
    spans = json.loads((tmp_path / "b.jsonl").read_text().splitlines()[0])["spans"]
    assert len(spans) == 2 and all(0.2 < one["score"] <= 1.0 for one in spans)
    with pytest.raises(NoPlaceForProbabilities):
        write_table(sure, tmp_path / "b.conll")
    with pytest.raises(UnknownFormat):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "b.conll")


def test_a_file_is_evaluated_as_it_was_tested_on(run: nw.Run) -> None:
    """By the same numbers; rows are tagged alike however many stand beside them."""
    model = nw.load(run.bundle)
    assert evaluate(model, run.folder.parent / "test.conll") == pytest.approx(run.result.test_metrics)
    sentence = TABLE[TABLE["sentence"] == 3]
    chances = model.predict_proba(TABLE)[(TABLE["sentence"] == 3).to_numpy()]
    assert np.allclose(model.predict_proba(sentence), chances, atol=1e-5)


def test_parts_of_speech_are_classes(tmp_path: Path) -> None:
    """Tags that mark no entities are judged one by one."""
    table = TABLE.assign(tag=np.where(TABLE["token"].str[0].str.isupper(), "PROPN", "X"))
    loaded = TASK.load(Request(table, "tag", {}, "auto"))
    assert loaded.schema.target.outcome == "binary" and loaded.schema.target.labels == ("PROPN", "X")


def test_sentences_stay_whole_and_unknown_tags_are_left_out() -> None:
    """Though their tokens are seen by the others."""
    table = TABLE.assign(tag=TABLE["tag"].where(np.arange(len(TABLE)) % 7 != 0, None))
    loaded = TASK.load(Request(table, "tag", {}, "auto"))
    assert len(loaded.truth) == int(table["tag"].notna().sum())
    assert np.array_equal(loaded.groups, table["sentence"].to_numpy()[loaded.places])
    whole = TASK.load(Request(TABLE, "tag", {}, "auto"))
    assert np.array_equal(loaded.frame.columns["buckets"], whole.frame.columns["buckets"][loaded.places])


def test_what_cannot_be_tagged_is_told() -> None:
    """In a sentence that says what is missing."""
    with pytest.raises(NoInputs, match="'sentence' and 'token'"):
        TASK.load(Request(pd.DataFrame({"a": range(20), "tag": ["O"] * 20}), "tag", {}, "auto"))
    with pytest.raises(MissingTarget):
        TASK.load(Request(TABLE, "tags", {}, "auto"))
    with pytest.raises(OneGroup, match="sentence"):
        TASK.load(Request(TABLE.assign(sentence=1), TARGET, {}, "auto"))
    missing = TABLE.assign(token=TABLE["token"].where(np.arange(len(TABLE)) != 3, None))
    assert len(TASK.load(Request(missing, TARGET, {}, "auto")).truth) == len(TABLE)
    with pytest.raises(UnknownKind, match="'word'"):
        TASK.load(Request(TABLE, TARGET, {"token": "word"}, "auto"))
    with pytest.raises(ConstantTarget):
        TASK.load(Request(TABLE.assign(tag="O"), "tag", {}, "auto"))
    with pytest.raises(MissingColumns, match="token"):
        TASK.parse(pd.DataFrame({"sentence": [1]}), TASK.load(Request(TABLE, TARGET, {}, "auto")).schema)
    assert find_task("auto", TABLE, TARGET, {})[0] is TASK


def test_a_table_with_columns_named_alike_is_a_table(tmp_path: Path) -> None:
    """Its answers are no tokens either."""
    generator = np.random.default_rng(0)
    table = pd.DataFrame({"sentence": generator.integers(1, 30, 60), "token": generator.normal(size=60)})
    table["price"] = 2 * table["token"] + table["sentence"]
    run = nw.fit(table, "price", trials=1, out=tmp_path)
    assert run.result.task == "tabular_regression"
    assert [*answer_table(run.model, table, proba=False).columns] == ["price"]


def test_an_entity_ends_with_its_sentence(run: nw.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag that would go on with it begins another: at the first token of the next one, or after one without a tag."""
    model, labels = nw.load(run.bundle), run.result.labels
    table = pd.DataFrame(
        {"sentence": [0, 0, 1, 1, 1], "token": [*"abcde"], "tag": ["O", "B-PER", "B-PER", None, "B-PER"]}
    )
    said = np.eye(len(labels))[[labels.index(tag) for tag in ("O", "B-PER", "I-PER", "O", "I-PER")]]
    monkeypatch.setattr(type(model), "answers", lambda self, table: said)
    assert evaluate(model, table)["entity_f1"] == 1.0


def test_entities_of_types_never_seen_are_missed(run: nw.Run) -> None:
    """A model cannot find them, so its recall falls; what is no tag at all is unknown."""
    model, table = nw.load(run.bundle), toy(1)[0]
    renamed = table.assign(tag=table["tag"].str.replace("PER", "NAME"))
    before, after = evaluate(model, table), evaluate(model, renamed)
    assert before["entity_f1"] > 0.9 and 0.3 < after["entity_f1"] < 0.6
    assert after["accuracy"] > 0.9  # of tokens with known tags
    assert evaluate(model, table.assign(tag=table["tag"].where(table["tag"] != "O", "B-NEW")))["entity_f1"] < 0.9
    truth = TASK.parse_target(table.assign(tag="NN"), model.preparation.schema)
    assert (truth == -1).all()


def test_another_model_is_chosen_by_the_same_sentences(run: nw.Run, tmp_path: Path) -> None:
    """So the kept trials say where sentences end, and an earlier version's that do not can still be read."""
    shelf, _ = read_shelf(run.folder / "trials.nw")
    table = read_tagged(run.folder.parent / "train.conll")
    assert shelf.metric.stretches is not None
    assert np.array_equal(shelf.metric.stretches, table["sentence"].to_numpy())
    assert np.array_equal(shelf.groups, table["sentence"].to_numpy())
    assert "over the groups of" in run.result.estimate
    picked = nw.pick(run.folder, out=tmp_path / "picked.nw").result
    assert (picked.score, picked.score_low) == (run.result.score, run.result.score_low)
    contents = read_bundle(run.folder / "trials.nw")
    *rest, more = contents.tensors
    spoilt = (more["stretches"][1:], more["stretches"].astype(float))
    changes = [{name: array} for name in ("stretches", "groups") for array in spoilt]
    for change in ({}, *changes, {"groups": np.zeros_like(more["groups"])}):
        older = {name: array for name, array in more.items() if name not in ("stretches", "groups")}
        write_bundle(tmp_path / "trials.nw", Contents(contents.documents, (*rest, {**older, **change})))
        if change:
            with pytest.raises(BundleError, match="belong together"):
                read_shelf(tmp_path / "trials.nw")
        else:
            older_shelf, _ = read_shelf(tmp_path / "trials.nw")
            assert older_shelf.metric.stretches is None and older_shelf.groups is None


@pytest.mark.parametrize("change", ["names", "order", "size", "more"])
def test_a_preparation_that_is_none_is_refused(run: nw.Run, tmp_path: Path, change: str) -> None:
    """A model file is not trusted."""
    contents = read_bundle(run.bundle)
    own, *rest = contents.tensors
    buckets = own["buckets"]
    own = {
        "names": {"other": buckets},
        "order": {"buckets": buckets[::-1].copy()},
        "size": {"buckets": buckets[:-1]},
        "more": {"buckets": buckets, "x": buckets},
    }[change]
    write_bundle(tmp_path / "model.nw", Contents(contents.documents, (own, *rest)))
    with pytest.raises(BundleError):
        nw.load(tmp_path / "model.nw")


# --- chains ----------------------------------------------------------------------------------------------------------


def untrained(chained: list[bool]) -> nw.Model:
    """Return a model of random networks, some with a chain."""
    loaded = TASK.load(Request(TABLE, TARGET, {}, "auto"))
    preparation, point = TASK.prepare(loaded, 0), tags.usual(1_000)
    points = [{**point, "chain": one, "gram_width": 16 * (place + 1)} for place, one in enumerate(chained)]
    return model_of(TASK, preparation, [TASK.candidate(one, preparation) for one in points])


def test_a_chain_comes_first_where_there_are_not_too_many_tags() -> None:
    """It is searched for, and what has none comes after; labels are not smoothed where it learns."""
    first, *others = tags.portfolio(1_000, 5)
    assert first["chain"] and not all(point["chain"] for point in others)
    assert set(tags.space(1_000, 5)["chain"].values) == {False, True}
    many = tags.MOST_CHAINED + 1
    assert not any(point["chain"] for point in tags.portfolio(1_000, many))
    assert set(tags.space(1_000, many)["chain"].values) == {False}
    smooth = {**first, "label_smoothing": 0.05}
    assert tags.recipe(smooth).label_smoothing == 0.0 and tags.recipe({**smooth, "chain": False}).label_smoothing > 0


def test_a_run_has_a_chain_and_tells_of_it(run: nw.Run) -> None:
    """In its leaderboard, and in the drawing of a network that has one."""
    assert any(standing.name.endswith("a chain") for standing in run.result.leaderboard)
    model = untrained([True])
    assert isinstance(model.parts[0].candidate.network.blocks[-1], ChainHead)
    assert "a chain over them" in describe(model)


@pytest.mark.parametrize("chained", [[True], [True, False]], ids=["chain", "mix"])
@pytest.mark.parametrize("sentences", [[1], [2], [1, 1], [1, 40, 2, 1, 9]], ids=str)
def test_chains_answer_as_in_pytorch(chained: list[bool], sentences: list[int]) -> None:
    """For one token, for two, and for sentences of very different lengths; tokens never seen among them."""
    model, generator = untrained(chained), np.random.default_rng(0)
    tokens = generator.choice([*TABLE["token"].unique(), "unseen", "日本"], sum(sentences))
    table = pd.DataFrame({"sentence": np.repeat(np.arange(len(sentences)), sentences), "token": tokens})
    frame = TASK.parse(table, model.preparation.schema)
    answers = model.answers(table)
    np.testing.assert_allclose(answers, model.answers_by_torch(frame), atol=1e-5)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    alone = [model.answers(part) for _, part in table.groupby("sentence")]
    np.testing.assert_allclose(np.concatenate(alone), answers, atol=1e-5)


def test_many_tokens_are_answered_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than are encoded together: no sentence is cut."""
    model = untrained([True])
    whole = model.answers(TABLE)
    monkeypatch.setattr("netwright.model.ROWS_AT_ONCE", 7)
    np.testing.assert_allclose(model.answers(TABLE), whole, atol=1e-6)
    assert len(model.answers(TABLE.iloc[:0])) == 0


def test_tags_that_are_handed_over_mark_entities() -> None:
    """Of networks that have learnt nothing, too: nothing goes on that has not begun."""
    for chained in ([True], [False]):
        said = untrained(chained).predict(TABLE)
        sentences = TABLE["sentence"].to_numpy()
        first = np.append(True, sentences[1:] != sentences[:-1])
        before = np.where(first, "O", np.append("O", said[:-1].astype(str)))
        pairs = zip(before, said, strict=True)
        assert all(one in (f"B-{two[2:]}", two) for one, two in pairs if two.startswith("I-"))


def test_a_file_has_the_oldest_format_that_holds_it(tmp_path: Path) -> None:
    """An older Netwright reads a model without a chain, and says of one with a chain that it is newer."""
    for chained, version in (([False], 1), ([True], 2), ([False, True], 2)):
        model = untrained(chained)
        model.save(tmp_path / "model.nw")
        assert read_manifest(tmp_path / "model.nw").format == version
        back = nw.load(tmp_path / "model.nw")
        np.testing.assert_allclose(back.answers(TABLE), model.answers(TABLE), atol=1e-3)
        assert ("positions" in back.preparation.encode(TASK.parse(TABLE, back.preparation.schema)).arrays) == any(
            chained
        )


def test_a_chain_that_is_not_told_what_follows_is_refused(tmp_path: Path) -> None:
    """A model file is not trusted: nor one whose preparation says something else of positions."""
    untrained([True]).save(tmp_path / "model.nw")
    contents = read_bundle(tmp_path / "model.nw")
    for preprocess in ({}, {"ordered": False}, {"ordered": 1.5}, {"ordered": True, "more": 1}, []):
        write_bundle(
            tmp_path / "other.nw", Contents({**contents.documents, "preprocess": preprocess}, contents.tensors)
        )
        with pytest.raises(BundleError):
            nw.load(tmp_path / "other.nw")


def test_scores_are_those_of_the_tags_that_are_handed_over() -> None:
    """Also where another tag is likelier, which would go on with nothing."""
    answers = pd.DataFrame(
        {"sentence": [0], "token": ["a"], "tag": ["O"], "tag=O": [0.3], "tag=B-X": [0.2], "tag=I-X": [0.5]}
    )
    record = json.loads(as_json_lines(answers))
    assert record["scores"] == [0.3] and record["spans"] == []


def test_one_network_learns_from_a_mix_of_chains(tmp_path: Path) -> None:
    """It may have a chain itself, and learns the chances of tags that the mix gives."""
    run = nw.fit(TABLE, TARGET, task="tagging", trials=3, single=True, out=tmp_path / "run")
    (part,) = run.model.parts
    assert run.result.distilled and len(next(iter(part.weights.values()))) == 1
    assert evaluate(run.model, toy(1)[0])["entity_f1"] > 0.9


def test_parts_of_speech_have_a_chain_too(tmp_path: Path) -> None:
    """They are any classes: each token has the most probable one."""
    table = TABLE.assign(tag=np.where(TABLE["token"].str[0].str.isupper(), "PROPN", "X"))
    run = nw.fit(table, "tag", trials=3, out=tmp_path / "run")
    assert any(standing.name.endswith("a chain") for standing in run.result.leaderboard)
    assert run.result.metric == "accuracy"
    assert np.mean(run.model.predict(table) == table["tag"]) > 0.95
