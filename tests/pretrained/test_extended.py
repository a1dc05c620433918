"""Images that also go through a trunk with ImageNet weights: what is added, kept, read back, and left out again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import netwright as nw
from netwright.build.pretrained import _LAYOUTS, installed_weights
from netwright.bundle import Contents, read_bundle, write_bundle
from netwright.errors import BundleError, UnfitWeights
from netwright.pretrained import trunks
from netwright.pretrained.extended import Extended, extend, needed_by, restore, with_trunk
from netwright.pretrained.trunks import BACKBONE, image_trunk
from netwright.spec.network import Network, with_features
from netwright.tasks.image import TASK, toy
from netwright.tasks.task import Request

TABLE, TARGET = toy(0)
LOADED = TASK.load(Request(TABLE, TARGET, {}, "auto"))
INNER = TASK.prepare(LOADED, 0)
IMAGES = LOADED.frame.columns["image"]


def weights() -> Path:
    """Return the file that a package carries."""
    path = installed_weights(BACKBONE)
    assert path is not None
    return path


@pytest.fixture(scope="module")
def extended() -> Extended:
    """Return the preparation of the toy with a trunk."""
    made = extend(INNER, LOADED.frame, image_trunk(weights(), IMAGES, None))
    assert isinstance(made, Extended)
    return made


def test_features_are_scaled_and_each_image_is_on_its_own(extended: Extended) -> None:
    """Mean 0, deviation 1, and the same whatever stands beside it."""
    features = extended.encode(LOADED.frame)
    assert features["frozen"].shape == (len(TABLE), 1280)
    assert float(np.abs(features["frozen"].mean(axis=0)).max()) < 0.2
    few = extended.encode(LOADED.frame.take(np.array([7, 3])))
    np.testing.assert_allclose(few["frozen"], features["frozen"][[7, 3]], atol=1e-4)
    assert np.array_equal(few["images"], features["images"][[7, 3]])


def test_it_survives_a_bundle(extended: Extended) -> None:
    """The same features come out of what was written."""
    documents = json.loads(json.dumps(extended.documents()))
    again = restore(TASK, documents, extended.tensors())
    frame = LOADED.frame.take(np.arange(20))
    assert np.array_equal(again.encode(frame)["frozen"], extended.encode(frame)["frozen"])
    assert isinstance(restore(TASK, INNER.documents(), INNER.tensors()), type(INNER))


def test_the_trunk_is_left_out_where_nobody_needs_it(extended: Extended) -> None:
    """A model without it is smaller, and needs no time for it."""
    rows = len(TABLE)
    heads = [point for point in TASK.portfolio(extended, rows) if point["body"] == "frozen"]
    others = [point for point in TASK.portfolio(extended, rows) if point["body"] != "frozen"]
    assert heads and others
    assert not [point for point in TASK.portfolio(INNER, rows) if point["body"] == "frozen"]
    networks: list[Network] = [TASK.candidate(point, extended).network for point in (heads[0], others[0])]
    assert all(extended.accepts(network) for network in networks)
    assert not INNER.accepts(networks[0])
    assert needed_by(networks, extended) is extended
    assert needed_by(networks[1:], extended) is INNER
    assert not extended.accepts(with_features(networks[0], 3))


def test_without_time_there_is_no_trunk() -> None:
    """Looking at all images must leave most of the time for learning."""
    assert extend(INNER, LOADED.frame, image_trunk(weights(), IMAGES, 0.01)) is INNER


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nw.Run:
    """Return a short run with the trunk."""
    return nw.fit(TABLE.iloc[:60], TARGET, trials=3, pretrained=weights(), out=tmp_path_factory.mktemp("run"))


def test_a_run_with_a_trunk_is_saved_and_answers_the_same(run: nw.Run, tmp_path: Path) -> None:
    """From images to a file and back; a file of weights that is none is refused."""
    assert any("trained trunk" in standing.name for standing in run.result.leaderboard)
    model = nw.load(run.bundle)
    assert np.array_equal(model.predict_proba(TABLE.iloc[:90]), run.model.predict_proba(TABLE.iloc[:90]))
    nw.pick(run.folder, max_size="1MB", out=tmp_path / "small.nw")
    with pytest.raises(UnfitWeights):
        nw.fit(TABLE, TARGET, trials=1, pretrained=tmp_path / "nowhere.pth", out=tmp_path / "run")


def test_a_trunk_may_come_from_a_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of timm's, by its names; what is written tells which trunk it is, and comes back as the same."""
    asked = []

    def fetch(repository: str, files: tuple[str, ...]) -> Path:
        asked.append((repository, files))
        return tmp_path

    found = torch.load(weights(), weights_only=True)
    pairs = zip(*(_LAYOUTS[name].names() for name in ("tf_efficientnet_lite0", "efficientnet_lite0")), strict=True)
    save_file({theirs: found[here].contiguous() for (*_, theirs), (*_, here) in pairs}, tmp_path / "model.safetensors")
    monkeypatch.setattr(trunks, "fetch", fetch)
    made = with_trunk(INNER, TASK, LOADED, "hub", None)
    assert asked == [("timm/tf_efficientnet_lite0.in1k", ("model.safetensors", "config.json"))]
    documents = json.loads(json.dumps(made.documents()))
    assert documents["preprocess"]["trunk"]["name"] == "tf_efficientnet_lite0"
    frame = LOADED.frame.take(np.arange(5))
    again = restore(TASK, documents, made.tensors())
    assert np.array_equal(again.encode(frame)["frozen"], made.encode(frame)["frozen"])
    assert with_trunk(INNER, TASK, LOADED, "none", None) is INNER and len(asked) == 1


@pytest.mark.parametrize(
    "change",
    [{"name": "resnet"}, {"height": 8}, {"height": 1e9}, {"width": True}, {"more": 1}, {"name": None}],
)
def test_a_trunk_that_is_none_is_refused(extended: Extended, change: dict[str, Any]) -> None:
    """A model file is not trusted."""
    documents = json.loads(json.dumps(extended.documents()))
    documents["preprocess"]["trunk"] |= change
    with pytest.raises(BundleError):
        restore(TASK, documents, extended.tensors())


@pytest.mark.parametrize("change", ["missing", "shape", "infinite", "flat", "more"])
def test_arrays_that_are_none_of_a_trunk_are_refused(extended: Extended, change: str) -> None:
    """Nor are its arrays."""
    tensors = dict(extended.tensors())
    match change:
        case "missing":
            del tensors["trunk.0.weight"]
        case "shape":
            tensors["trunk.0.gain"] = tensors["trunk.0.gain"][:-1]
        case "infinite":
            tensors["middle"] = np.full_like(tensors["middle"], np.inf)
        case "flat":
            tensors["spread"] = np.zeros_like(tensors["spread"])
        case "more":
            tensors["other"] = np.zeros(3, np.float32)
    with pytest.raises(BundleError):
        restore(TASK, extended.documents(), tensors)


def test_a_bundle_with_half_a_trunk_is_refused(run: nw.Run, tmp_path: Path) -> None:
    """As a whole file."""
    shutil.copytree(run.folder, tmp_path, dirs_exist_ok=True)
    contents = read_bundle(tmp_path / "trials.nw")
    spoilt = {name: array for name, array in contents.tensors[0].items() if not name.startswith("trunk.3.")}
    write_bundle(tmp_path / "trials.nw", Contents(contents.documents, (spoilt, *contents.tensors[1:])))
    with pytest.raises(BundleError):
        nw.pick(tmp_path)
