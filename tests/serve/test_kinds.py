"""Models of images, sounds, sentences, texts and numbers over HTTP: their own bodies, their own replies."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from starlette.testclient import TestClient

import netwright as nw
from netwright.data.images import as_png
from netwright.serve.batches import FEW
from netwright.serve.forms import form_of
from netwright.serve.inputs import inputs_of
from netwright.serve.limits import Limits

Served = tuple[TestClient, nw.Model, pd.DataFrame]
Serve = Callable[[str], Served]


@pytest.fixture(scope="module")
def served(serve: Callable[..., TestClient], toys: Callable[[str], tuple[nw.Model, pd.DataFrame]]) -> Serve:
    """Return what gives a client of a model of a task's own data, the model and the data."""

    @cache
    def client_of(task: str) -> Served:
        model, data = toys(task)
        return serve(model, Limits(rows=50)), model, data

    return client_of


@pytest.fixture
def images(served: Serve) -> Served:
    """Return a served model of images."""
    return served("image")


@pytest.fixture
def sounds(served: Serve) -> Served:
    """Return a served model of sounds."""
    return served("audio")


@pytest.fixture
def tags(served: Serve) -> Served:
    """Return a served model of tagged tokens."""
    return served("tagging")


def png(pixels: np.ndarray) -> bytes:
    """Return an image (H, W) as a PNG file."""
    return as_png(pixels[:, :, None])


def test_an_image_is_its_own_body(images: Served) -> None:
    """By its type, or as bytes of no type; the answer is the model's."""
    client, model, data = images
    content, expected = png(data["image"][0]), model.predict_proba(data.head(1))
    for kind in ("image/png", "application/octet-stream", "image/x-whatever"):
        reply = client.post("/predict", content=content, headers={"content-type": kind})
        assert reply.status_code == 200, reply.text
        assert np.abs(np.array([*reply.json()["probabilities"].values()]) - expected[0]).max() < 1e-5


def test_several_images_are_files_of_a_form(images: Served) -> None:
    """Answered in their order; one alone may be sent so too."""
    client, model, data = images
    files = [("file", (f"{place}.png", png(data["image"][place]), "image/png")) for place in range(5)]
    reply = client.post("/predict/batch", files=files)
    assert [each["prediction"] for each in reply.json()] == model.predict(data.head(5)).tolist()
    alone = client.post("/predict", files=files[:1]).json()
    assert alone["prediction"] == reply.json()[0]["prediction"]
    assert client.post("/predict", files=files).status_code == 422
    many = [("file", (f"{place}.png", b"x", "image/png")) for place in range(51)]
    assert client.post("/predict/batch", files=many).status_code == 413


def test_what_is_no_image_is_named(images: Served) -> None:
    """By its place and its name; a path is never opened, and neither is a table of paths."""
    client, _, data = images
    files = [("file", ("good.png", png(data["image"][0]), "image/png")), ("file", ("<bad>.png", b"no image", ""))]
    reply = client.post("/predict/batch", files=files)
    assert reply.status_code == 422
    assert reply.json()["faults"] == [{"row": 1, "column": "image", "problem": reply.json()["detail"]}]
    assert "'<bad>.png'" in reply.json()["detail"]
    for kind in ("text/csv", "application/json", "text/plain"):
        assert client.post("/predict", content=b'"/etc/passwd"', headers={"content-type": kind}).status_code == 415
    assert client.post("/predict", content=b"/etc/passwd").status_code == 422
    assert client.post("/predict", content=b"").status_code == 422


def test_an_image_that_unpacks_to_too_much_is_refused(images: Served) -> None:
    """A small file of very many pixels."""
    client, _, _ = images
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG")
    assert client.post("/predict", content=out.getvalue(), headers={"content-type": "image/png"}).status_code == 422


def test_a_file_is_never_decoded_in_the_event_loop(images: Served, sounds: Served) -> None:
    """However quick the smallest one was: of one that unpacks to much nobody knows beforehand, and all others wait."""
    for _, model, _ in (images, sounds):
        form = form_of(model, inputs_of(model), Limits())
        assert form.weigh(form.warm) > FEW and form.weigh(form.warm * 2) == 2 * form.weigh(form.warm)


def test_a_sound_is_its_own_body(sounds: Served) -> None:
    """And noise of bytes is none."""
    client, model, data = sounds
    reply = client.post("/predict", content=data["sound"][0], headers={"content-type": "audio/wav"})
    assert reply.json()["prediction"] == model.predict(data.head(1))[0]
    bad = client.post("/predict", content=b"RIFF0000WAVEfmt ", headers={"content-type": "audio/wav"})
    assert bad.status_code == 422 and bad.json()["faults"][0]["column"] == "sound"


def test_a_text_is_tagged(tags: Served) -> None:
    """Its entities are named by their places in it."""
    client, _, _ = tags
    text = "Ada lives in New York ."
    reply = client.post("/predict", json={"text": text}).json()
    assert reply["tokens"] == text.split()
    assert len(reply["tags"]) == len(reply["scores"]) == 6
    assert {text[each["start"] : each["end"]] for each in reply["entities"]} == {
        " ".join(each["words"]) for each in reply["entities"]
    }
    assert reply["entities"], "the model has learnt from sentences like this one"


def test_sentences_are_tagged_each_for_itself(tags: Served) -> None:
    """Also an empty one, and tokens that were cut elsewhere."""
    client, _, _ = tags
    cut = {"tokens": ["Grace", "moved", "to", "Lima", "last", "year"]}
    asked = [{"text": "Ada lives in Oslo ."}, {"text": ""}, cut]
    replies = client.post("/predict/batch", json=asked).json()
    assert [len(reply["tags"]) for reply in replies] == [5, 0, 6]
    assert replies[2]["tags"] == client.post("/predict", json=asked[2]).json()["tags"]
    assert client.post("/predict/batch", json=[]).json() == []


@pytest.mark.parametrize("body", ["{}", '{"text": 1}', '{"tokens": "a b"}', '{"tokens": [1]}', "[]", "null"])
def test_what_is_no_sentence_is_refused(tags: Served, body: str) -> None:
    """With what it should be."""
    client, _, _ = tags
    reply = client.post("/predict", content=body)
    assert reply.status_code == 422 and "tokens" in reply.json()["detail"]
    assert client.post("/predict", content="{").status_code == 400
    assert client.post("/predict", content="{}", headers={"content-type": "text/plain"}).status_code == 415


def test_a_text_may_be_long_but_not_endless(tags: Served) -> None:
    """A million letters are tagged, three millions are refused."""
    client, _, _ = tags
    assert len(client.post("/predict", json={"text": "a" * 1_000_000}).json()["tags"]) == 1
    assert client.post("/predict", json={"text": "ab " * 1_000_000}).status_code == 413
    assert client.post("/predict/batch", json=[{"text": "x"}] * 51).status_code == 413


def test_a_number_is_predicted(serve: Callable[..., TestClient], tmp_path: Path) -> None:
    """Without probabilities."""
    generator = np.random.default_rng(0)
    table = pd.DataFrame({"a": generator.normal(size=80), "b": generator.integers(0, 2, 80)})
    table["y"] = 3 * table["a"] + table["b"]
    model = nw.load(nw.fit(table, "y", trials=1, out=tmp_path).bundle)
    client = serve(model)
    replies = client.post("/predict/batch", json=table.drop(columns="y").to_dict("records")).json()
    assert np.allclose([each["prediction"] for each in replies], model.predict(table), atol=1e-4)
    assert [*replies[0]] == ["prediction"]
    assert client.get("/openapi.json").json()["components"]["schemas"]["Reply"]["required"] == ["prediction"]
    text = client.post(
        "/predict/batch", content=table.to_csv(), headers={"content-type": "text/csv", "accept": "text/csv"}
    ).text
    assert text.splitlines()[0] == "y"


@pytest.mark.parametrize(
    ("labels", "kind", "keys"),
    [
        ([3, 1, 2], "integer", ["1", "2", "3"]),
        ([True, False], "boolean", ["false", "true"]),
        ([0.5, 1.5], "number", ["0.5", "1.5"]),
        (['a "quoted"', "naïve"], "string", ['a "quoted"', "naïve"]),
    ],
)
def test_labels_keep_their_types(
    serve: Callable[..., TestClient], tmp_path: Path, labels: list[Any], kind: str, keys: list[str]
) -> None:
    """As the model has them; as names of probabilities they are what JSON writes."""
    generator = np.random.default_rng(0)
    places = generator.integers(0, len(labels), 90)
    table = pd.DataFrame({"a": places + 0.1 * generator.normal(size=90), "y": [labels[place] for place in places]})
    model = nw.load(nw.fit(table, "y", trials=1, task="classification", out=tmp_path).bundle)
    client = serve(model)
    replies = client.post("/predict/batch", json=table[["a"]].to_dict("records")).json()
    assert [each["prediction"] for each in replies] == model.predict(table).tolist()
    assert [*replies[0]["probabilities"]] == keys
    reply = client.get("/openapi.json").json()["components"]["schemas"]["Reply"]["properties"]["prediction"]
    assert reply["type"] == kind and reply["enum"] == list(model.labels)


def test_the_form_of_files_and_texts(images: Served, tags: Served) -> None:
    """One input, of the right kind."""
    assert [(each.name, str(each.kind)) for each in inputs_of(images[1])] == [("image", "image")]
    assert [(each.name, str(each.kind)) for each in inputs_of(tags[1])] == [("text", "text")]
    body = images[0].get("/openapi.json").json()["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert {*body} == {"image/*", "application/octet-stream", "multipart/form-data"}
