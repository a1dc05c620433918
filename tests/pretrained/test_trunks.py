"""Texts that also go through a trained encoder of sentences: what it sees, what is kept, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netwright as nw
from netwright.build.pretrained import installed_encoder
from netwright.data.frame import Frame
from netwright.data.pieces import by_length
from netwright.data.schema import Column, Kind, Schema
from netwright.data.wordpiece import encode_pieces
from netwright.errors import BundleError, MissingExtra, UnfitWeights
from netwright.pretrained import trunks
from netwright.pretrained.extended import Extended, extend, needed_by, restore
from netwright.pretrained.trunks import ENCODER, TextTrunk, find_weights, text_trunk
from netwright.spec.network import seen_by_trunk
from netwright.tasks.task import Request
from netwright.tasks.text import TASK, toy
from netwright.train import extractor

TABLE, TARGET = toy(0)
LOADED = TASK.load(Request(TABLE, TARGET, {}, "auto"))
INNER = TASK.prepare(LOADED, 0)

SENTENCES = ("The quick brown fox jumps over the lazy dog.", "Hello, wörld! 東京 is nice")
REFERENCE = (
    (0.04393, 0.05893, 0.04818, 0.07755, 0.02674, -0.03763),
    (0.10226, 0.02605, 0.06886, -0.04362, -0.05635, -0.08375),
)
"""The first numbers of their features, by sentence-transformers 6.2 with the weights of the package."""


def folder() -> Path:
    """Return the folder that a package carries."""
    found = installed_encoder(ENCODER)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def trunk() -> TextTrunk:
    """Return the trunk for the toy."""
    made = text_trunk(folder(), len(TABLE), None)
    assert made is not None
    return made


@pytest.fixture(scope="module")
def extended(trunk: TextTrunk) -> Extended:
    """Return the preparation of the toy with a trunk."""
    made = extend(INNER, LOADED.frame, trunk)
    assert isinstance(made, Extended)
    return made


def test_it_sees_what_its_authors_library_sees(trunk: TextTrunk) -> None:
    """In bfloat16, as networks learn, nearly."""
    from netwright.train.extractor import see_texts

    found = see_texts(ENCODER, trunk.weights, encode_pieces(trunk.vocabulary, SENTENCES, 64))
    np.testing.assert_allclose(found[:, :6], REFERENCE, atol=5e-3)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-2)


def test_it_sees_the_same_when_it_answers(trunk: TextTrunk) -> None:
    """In ONNX Runtime, in float32; texts of other lengths beside a text change nothing."""
    texts = np.array([*SENTENCES, None, "word " * 500], object)
    schema = Schema((Column("text", Kind.TEXT, False, 0.0, 4),), INNER.schema.target)
    found = trunk.see(Frame({"text": texts}, len(texts)), schema)
    np.testing.assert_allclose(found[: len(SENTENCES), :6], REFERENCE, atol=2e-4)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    alone = trunk.see(Frame({"text": texts[:1]}, 1), schema)
    np.testing.assert_allclose(alone[0], found[0], atol=1e-6)
    looked = trunk.look(Frame({"text": texts}, len(texts)), schema)
    np.testing.assert_allclose(looked, found, atol=1e-2)


def test_texts_are_looked_at_batch_by_batch(trunk: TextTrunk) -> None:
    """Somebody is asked before each, in whatever thread, and may end it."""
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        if len(asked) > most:
            raise InterruptedError

    most = 10**6
    found = trunk.look(LOADED.frame, LOADED.schema, ask=ask)
    assert np.array_equal(found, trunk.look(LOADED.frame, LOADED.schema))
    batches = len([*by_length(trunk.pieces(LOADED.frame, LOADED.schema), extractor.ROWS)])
    assert len(asked) == 1 + batches > 3
    asked.clear()
    most = 2
    with pytest.raises(InterruptedError):
        trunk.look(LOADED.frame, LOADED.schema, ask=ask)


def test_a_text_without_words_is_no_fault(trunk: TextTrunk) -> None:
    """Nor an endless one, nor one that is missing; each text is seen by itself."""
    texts = ["", None, "word " * 10_000, "\ud800", "\U0001f600", SENTENCES[0]]
    pieces = encode_pieces(trunk.vocabulary, texts, 32)
    assert pieces.shape == (6, 32) and (pieces[0] > 0).sum() == 2 and (pieces[2] > 0).all()
    alone = encode_pieces(trunk.vocabulary, SENTENCES[:1], 32)
    assert np.array_equal(pieces[5], alone[0])


def test_networks_learn_from_it_beside_what_they_learn_from_else(extended: Extended) -> None:
    """Bags and tables alike; without such a network the trunk is left out."""
    points = TASK.portfolio(extended, len(TABLE))
    networks = [TASK.candidate(point, extended).network for point in points]
    assert [bool(seen_by_trunk(network)) for network in networks[:5]] == [True, False, True, True, False]
    assert all(extended.accepts(network) for network in networks)
    assert not INNER.accepts(networks[0])
    assert needed_by(networks, extended) is extended
    assert needed_by([network for network in networks if not seen_by_trunk(network)], extended) is INNER
    assert not any(seen_by_trunk(TASK.candidate(point, INNER).network) for point in TASK.portfolio(INNER, len(TABLE)))


def test_a_run_with_an_encoder_is_saved_and_answers_the_same(tmp_path: Path) -> None:
    """From texts to a file and back."""
    run = nw.fit(TABLE.iloc[:80], TARGET, trials=3, pretrained=folder(), out=tmp_path)
    assert any("trained trunk" in standing.name for standing in run.result.leaderboard)
    model = nw.load(run.bundle)
    assert np.array_equal(model.predict_proba(TABLE.iloc[:90]), run.model.predict_proba(TABLE.iloc[:90]))
    with pytest.raises(UnfitWeights):
        nw.fit(TABLE, TARGET, trials=1, pretrained=tmp_path, out=tmp_path, fresh=True)


def test_an_encoder_may_come_from_a_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the usual repository or another; without what reads texts nothing is fetched."""
    asked = []

    def fetch(repository: str, files: tuple[str, ...]) -> Path:
        asked.append((repository, files))
        return tmp_path

    monkeypatch.setattr(trunks, "fetch", fetch)
    files = ("model.safetensors", "vocab.txt", "config.json")
    assert find_weights(Kind.TEXT, "hub") == find_weights(Kind.TEXT, "hub:me/mine") == tmp_path
    assert asked == [("sentence-transformers/all-MiniLM-L6-v2", files), ("me/mine", files)]
    assert all((folder() / name).is_file() for name in files)  # a package that was made from it has them all
    assert find_weights(Kind.TEXT, "auto") == folder() and find_weights(Kind.TEXT, "hub/mine") == Path("hub/mine")
    monkeypatch.setattr(trunks, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"netwright\[text\]"):
        find_weights(Kind.TEXT, "hub")
    assert len(asked) == 2


def test_without_time_there_is_no_trunk() -> None:
    """Reading all texts must leave most of the time for learning."""
    assert text_trunk(folder(), 10_000, 10.0) is None


@pytest.mark.parametrize("change", [{"length": 1}, {"length": 600}, {"length": True}, {"name": "bert"}, {"more": 1}])
def test_a_trunk_that_is_none_is_refused(extended: Extended, change: dict[str, Any]) -> None:
    """A model file is not trusted."""
    documents = json.loads(json.dumps(extended.documents()))
    documents["preprocess"]["trunk"] |= change
    with pytest.raises(BundleError):
        restore(TASK, documents, extended.tensors())


@pytest.mark.parametrize("change", ["missing", "shape", "pieces", "twice", "more"])
def test_arrays_that_are_none_of_a_trunk_are_refused(extended: Extended, change: str) -> None:
    """Nor are its arrays."""
    tensors = dict(extended.tensors())
    letters = tensors["trunk.vocabulary"]
    match change:
        case "missing":
            del tensors["trunk.0.up_bias"]
        case "shape":
            tensors["trunk.norm_gain"] = tensors["trunk.norm_gain"][:-1]
        case "pieces":
            tensors["trunk.vocabulary"] = letters[:-9]
        case "twice":
            tensors["trunk.vocabulary"] = np.frombuffer(letters.tobytes().replace(b"[MASK]", b"[SEP]"), np.uint8)
        case "more":
            tensors["trunk.other"] = np.zeros(3, np.float32)
    with pytest.raises(BundleError):
        restore(TASK, extended.documents(), tensors)
