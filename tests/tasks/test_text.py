"""Texts in any script, alone or beside other columns: fitted, predicted, shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import netwright as nw
from netwright.build.torch import initial_weights
from netwright.bundle import Contents, read_bundle, write_bundle
from netwright.errors import BundleError, NoText, UnknownTask
from netwright.journal import Journal
from netwright.model import Part
from netwright.spec.blocks import SequenceInput
from netwright.spec.network import Network
from netwright.spec.spaces import Point
from netwright.tasks import find_task
from netwright.tasks.tabular import TASK as TABULAR
from netwright.tasks.task import Loaded, Request
from netwright.tasks.text import TASK, Preparation, show, toy
from netwright.train.control import Control
from netwright.train.framework import Split
from netwright.train.losses import LOSSES
from netwright.train.rows import as_rows
from netwright.train.training import train_population

TABLE, TARGET = toy(0)
WORDS = {
    "chinese": ("这部电影非常好看我很喜欢", "这部电影太无聊了浪费时间", "演员导演音乐故事结局画面配乐剧本"),
    "japanese": ("この映画はとても面白かったです", "この映画はつまらなかったです", "俳優監督音楽物語結末映像脚本演技"),
    "arabic": ("كان الفيلم رائعا جدا", "كان الفيلم مملا جدا", "الممثل المخرج الموسيقى القصة النهاية الصورة"),
    "emoji": ("loved it 😀👍", "hated it 😡👎", "actor director music story ending picture"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nw.Run:
    """Return a short run on the toy."""
    return nw.fit(TABLE, TARGET, trials=3, pretrained="none", out=tmp_path_factory.mktemp("run"))


def test_free_text_is_found_by_itself(run: nw.Run) -> None:
    """And learnt from, beside a number."""
    assert run.result.task == "text_binary"
    assert run.result.score > 0.9
    names = [standing.name for standing in run.result.leaderboard]
    assert any("bag of n-grams" in name for name in names)
    model = nw.load(run.bundle)
    assert np.array_equal(model.predict(TABLE), run.model.predict(TABLE))
    odd = pd.DataFrame({"review": ["", None, "\ufffd broken", "x" * 50_000], "nights": [1, None, 3, 4]})
    assert len(model.predict_proba(odd)) == 4


@pytest.mark.parametrize("script", WORDS)
def test_any_script_is_read(script: str, tmp_path: Path) -> None:
    """Without white space between words, from right to left, or in small pictures."""
    generator = np.random.default_rng(0)
    good, bad, others = WORDS[script]
    kind = generator.random(240) < 0.5
    around = [*others] if " " not in others else [f" {word} " for word in others.split()]
    texts = [
        "".join([*generator.choice(around, 3), good if each else bad, *generator.choice(around, 3)]) for each in kind
    ]
    table = pd.DataFrame({"review": texts, "kind": np.where(kind, "good", "bad")})
    run = nw.fit(table, "kind", trials=3, kinds={"review": "text"}, pretrained="none", out=tmp_path)
    assert run.result.score > 0.9


def test_several_columns_of_text_count_together(tmp_path: Path) -> None:
    """What matters may stand in any of them."""
    table = TABLE.rename(columns={"review": "title"}).assign(body="nothing to see here but quite ordinary words")
    table["body"] += TABLE["nights"].map(lambda nights: f" and {nights} more of the same kind")
    loaded = TASK.load(Request(table, TARGET, {"title": "text", "body": "text"}, "auto"))
    preparation = TASK.prepare(loaded, 0)
    names = preparation.encode(loaded.frame)["grams"]
    alone = TASK.prepare(TASK.load(Request(TABLE, TARGET, {}, "auto")), 0)
    assert len(preparation.vocabulary) > len(alone.vocabulary)
    assert (names > 0).sum(axis=1).min() > 20


def test_near_copies_stay_in_one_fold() -> None:
    """And are told of, whatever stands beside the texts."""
    generator = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(900)])
    texts = [" ".join(generator.choice(words, 30)) for _ in range(60)]
    again = [f"rt: {text} now" for text in texts[:20]]
    kinds = np.where(generator.random(60) < 0.5, "yes", "no")
    table = pd.DataFrame({"text": [*texts, *again], "kind": [*kinds, *kinds[:20]], "hour": generator.random(80)})
    loaded = TASK.load(Request(table, "kind", {}, "auto"))
    assert np.array_equal(loaded.groups[60:], loaded.groups[:20])
    assert len(np.unique(loaded.groups)) == int(loaded.groups.max()) + 1 == 60
    (finding,) = (finding for finding in loaded.findings if finding.kind == "near_duplicates")
    assert finding.message.startswith("20 texts are nearly the same as others; such are kept together in one fold")
    alone = TASK.load(Request(table.iloc[:61], "kind", {}, "auto"))
    assert "1 text is nearly the same as another" in [*alone.findings][-1].message


def test_the_task_may_be_named() -> None:
    """And is refused where it cannot be."""
    plain = pd.DataFrame({"size": np.random.default_rng(0).normal(size=40), "kind": ["a", "b"] * 20})
    assert find_task("auto", plain, "kind", {})[0] is TABULAR
    assert find_task("auto", TABLE, TARGET, {}) == (TASK, "auto")
    assert find_task("tabular_binary", TABLE, TARGET, {}) == (TABULAR, "binary")
    assert find_task("text", TABLE, TARGET, {}) == (TASK, "auto")
    with pytest.raises(NoText):
        TASK.load(Request(plain, "kind", {}, "auto"))
    with pytest.raises(UnknownTask, match="text"):
        find_task("texts", TABLE, TARGET, {})


def test_mistakes_are_shown_as_texts(tmp_path: Path) -> None:
    """With wrong labels there are some."""
    table = TABLE.copy()
    table.loc[:9, TARGET] = table.loc[:9, TARGET].map({"yes": "no", "no": "yes"})
    run = nw.fit(table, TARGET, trials=1, pretrained="none", out=tmp_path)
    with Journal.open(run.journal) as journal:
        found = journal.mistakes()
    assert found and all(one.kind == "text" for one in found)
    assert any(one.content in set(table.loc[:9, "review"]) for one in found)
    assert found[0].content[:20] in run.report.read_text()


def test_long_texts_are_cut_where_they_are_shown() -> None:
    """A report is no archive."""
    loaded = TASK.load(Request(TABLE.assign(review=TABLE["review"] * 40), TARGET, {"review": "text"}, "auto"))
    kind, content = show(loaded.frame, 0)
    assert (kind, len(content), content[-1]) == ("text", 400, "…")


@pytest.mark.parametrize("change", ["falling", "negative", "shape", "type", "missing", "grams", "many grams", "other"])
def test_a_vocabulary_that_is_none_is_refused(run: nw.Run, tmp_path: Path, change: str) -> None:
    """A model file is not trusted."""
    contents = read_bundle(run.bundle)
    tensors: dict[str, Any] = dict(contents.tensors[0])
    documents = json.loads(json.dumps(contents.documents))
    match change:
        case "falling":
            tensors["buckets"] = tensors["buckets"][::-1].copy()
        case "negative":
            tensors["rarity"] = -tensors["rarity"]
        case "shape":
            tensors["rarity"] = tensors["rarity"][:-1]
        case "type":
            tensors["buckets"] = tensors["buckets"].astype(np.int32)
        case "missing":
            del tensors["buckets"]
        case "grams":
            documents["preprocess"]["grams"] = "many"
        case "many grams":
            documents["preprocess"]["grams"] = 10**9
        case "other":
            tensors["other"] = np.zeros(3, np.float32)
    write_bundle(tmp_path / "model.nw", Contents(documents, (tensors, *contents.tensors[1:])))
    with pytest.raises(BundleError):
        nw.load(tmp_path / "model.nw")


def test_what_no_network_takes_is_left_out() -> None:
    """A model that reads sequences carries no n-grams, and the other way round; answers stay the same."""
    loaded = TASK.load(Request(TABLE, TARGET, {}, "auto"))
    whole = TASK.prepare(loaded, 0)
    points = {_reads(point): point for point in TASK.portfolio(whole, len(TABLE))}
    networks = {name: TASK.candidate(point, whole).network for name, point in points.items()}
    assert set(networks) == {"bag", "pieces", "bytes", "table"}
    assert whole.for_networks((networks["bag"], networks["pieces"], networks["bytes"])) is whole
    held = {"bag": {"grams", "gram_weights"}, "pieces": {"pieces"}, "bytes": {"bytes"}, "table": set()}
    for name, arrays in held.items():
        small = whole.for_networks((networks[name],))
        again = TASK.restore(json.loads(json.dumps(small.documents())), small.tensors())
        features = again.encode(loaded.frame)
        assert set(features.arrays) - {"numeric", "plain", "categories"} == arrays
        assert all(np.array_equal(array, whole.encode(loaded.frame)[key]) for key, array in features.arrays.items())
        assert [again.accepts(network) for network in networks.values()] == [key in (name, "table") for key in networks]
        assert again.holds(features)


def _reads(point: Point) -> str:
    """Return what a network of this point is fed with."""
    return str(point["encoding"] if point["input"] == "sequence" else point["input"])


def test_a_model_that_reads_bytes_needs_nothing_else(run: nw.Run, tmp_path: Path) -> None:
    """Its file holds neither n-grams nor pieces, and answers for a single text of any letters as the model does."""
    loaded = TASK.load(Request(TABLE, TARGET, {}, "auto"))
    whole = TASK.prepare(loaded, 0)
    candidate = TASK.candidate(TASK.portfolio(whole, len(TABLE))[-1], whole)
    weights = initial_weights(candidate.network, torch.from_numpy(whole.quantiles), [1, 2])
    part = Part(candidate, {name: tensor.numpy() for name, tensor in weights.items()}, 1.0)
    small = whole.for_networks((candidate.network,))
    model = replace(run.model, preparation=small, parts=(part,))
    model.save(tmp_path / "model.nw")
    preprocess = read_bundle(tmp_path / "model.nw").documents["preprocess"]
    assert (preprocess["bytes"], preprocess["pieces"], preprocess["grams"]) == (small.spelling.length, [], 0)
    again = nw.load(tmp_path / "model.nw")
    texts = ["", "Ab", "我们很高兴 😀", "\ud83d half", "a\x00b", "x" * 1_000_000]
    table = pd.DataFrame(
        {"review": pd.Series(texts, dtype=object), "nights": 3}
    )  # strings of Arrow hold no half letters
    answers = again.predict_proba(table)
    assert len(np.unique(answers[:, 0])) == len(texts)
    for row, expected in enumerate(answers):
        (one,) = again.predict_proba(table[row : row + 1])
        np.testing.assert_allclose(one, expected, rtol=1e-5)
        np.testing.assert_array_equal(model.predict_proba(table[row : row + 1])[0], one)


@pytest.mark.parametrize("length", [-1, 1_025, "8", True])
def test_a_number_of_bytes_that_is_none_is_refused(run: nw.Run, tmp_path: Path, length: object) -> None:
    """A model file is not trusted."""
    contents = read_bundle(run.bundle)
    documents = json.loads(json.dumps(contents.documents))
    documents["preprocess"]["bytes"] = length
    write_bundle(tmp_path / "model.nw", Contents(documents, contents.tensors))
    with pytest.raises(BundleError):
        nw.load(tmp_path / "model.nw")


def test_a_network_that_reads_further_than_texts_are_kept_is_refused() -> None:
    """And one of another encoding than the file's."""
    whole = TASK.prepare(TASK.load(Request(TABLE, TARGET, {}, "auto")), 0)
    network = TASK.candidate(TASK.portfolio(whole, len(TABLE))[-1], whole).network
    inputs, *rest = network.blocks
    assert isinstance(inputs, SequenceInput) and inputs.length == whole.spelling.length
    assert whole.accepts(network)
    assert not whole.accepts(Network((replace(inputs, length=inputs.length + 1), *rest)))
    assert not whole.accepts(Network((replace(inputs, encoding="pieces"), *rest)))
    assert not replace(whole, spelling=None).accepts(network)


def _order(rows: int) -> pd.DataFrame:
    """Return strings of letters with "ab" and "ba" far apart, and which of them comes first."""
    generator = np.random.default_rng(0)
    first = generator.random(rows) < 0.5

    def letters(least: int) -> str:
        return "".join(generator.choice([*"cdefgh"], least + generator.integers(3)))

    texts = [f"{letters(6)}{'ab' if each else 'ba'}{letters(4)}{'ba' if each else 'ab'}{letters(6)}" for each in first]
    return pd.DataFrame({"text": texts, "first": np.where(first, "ab", "ba")})


def test_bytes_tell_what_bags_cannot() -> None:
    """Which of two pairs of letters comes first in an otherwise random string: no n-gram has both."""
    table = _order(900)
    loaded = TASK.load(Request(table, "first", {"text": "text"}, "auto"))
    preparation = TASK.prepare(loaded, 0)
    points = TASK.portfolio(preparation, len(table))
    assert (_reads(points[0]), _reads(points[-1])) == ("bag", "bytes")
    right = [
        _learnt({**point, "epochs": 12}, preparation, loaded, np.arange(900) < 700) for point in (points[0], points[-1])
    ]
    assert right[0] < 0.65
    assert right[1] > 0.95


@pytest.mark.parametrize("change", [{"length": -1}, {"length": 5_000}, {"pieces": ["a", "a"]}, {"pieces": [3]}])
def test_pieces_that_are_none_are_refused(run: nw.Run, tmp_path: Path, change: dict[str, Any]) -> None:
    """A model file is not trusted."""
    contents = read_bundle(run.bundle)
    documents = json.loads(json.dumps(contents.documents))
    documents["preprocess"] |= {"length": 5, "pieces": ["a", "b"], **change}
    write_bundle(tmp_path / "model.nw", Contents(documents, contents.tensors))
    with pytest.raises(BundleError):
        nw.load(tmp_path / "model.nw")


@pytest.mark.parametrize("encoding", ["pieces", "bytes"])
@pytest.mark.parametrize("encoder", ["convolution", "recurrent", "attention"])
def test_what_reads_sequences_learns(encoder: str, encoding: str) -> None:
    """From half of the toy, what the other half says."""
    loaded = TASK.load(Request(TABLE, TARGET, {}, "auto"))
    preparation = TASK.prepare(loaded, 0)
    point = next(
        one
        for one in TASK.portfolio(preparation, len(TABLE))
        if one["input"] == "sequence" and one["encoder"] == encoder
    )
    half = np.arange(len(loaded.truth)) % 2 == 0
    assert _learnt({**point, "encoding": encoding, "epochs": 24}, preparation, loaded, half) > 0.85


def _learnt(point: Point, preparation: Preparation, loaded: Loaded, learnt: np.ndarray) -> float:
    """Return how many of the other rows a network is right about that learns from some."""
    candidate = TASK.candidate(point, preparation)
    rows = as_rows(preparation.encode(loaded.frame), preparation.goal.targets(loaded.truth), preparation.quantiles)
    splits = [Split(np.flatnonzero(learnt), np.flatnonzero(~learnt))]
    control = Control(lambda: 0.0, lambda: False, lambda progress: None)
    loss = LOSSES["cross_entropy"]
    (trained,) = train_population(candidate.network, [candidate.recipe], rows, splits, loss, control, [0])
    return float((trained.predictions[0].argmax(axis=1) == loaded.truth[~learnt]).mean())
