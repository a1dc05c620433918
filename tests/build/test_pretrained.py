"""Weights that others have trained, as a package and as timm carry them, in our blocks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image
from torch import Tensor

from netwright.build import pretrained
from netwright.build.pretrained import (
    _LAYOUTS,
    LARGEST_HEADER,
    SENTENCES,
    installed_weights,
    read_backbone,
    read_encoder,
)
from netwright.build.pretrained import _encoder_names as encoder_names
from netwright.build.spatial import image_features
from netwright.errors import UnfitWeights
from netwright.spec.backbones import BACKBONES, trunk_shapes
from netwright.spec.encoders import Encoder

LITE, TIMM = BACKBONES["efficientnet_lite0"], BACKBONES["tf_efficientnet_lite0"]
MONASTERY, PALACE, BELL_COTE, DAISY = 663, 698, 442, 985
CONFIG = {"architecture": "tf_efficientnet_lite0", "pretrained_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
SMALL = Encoder("small", pieces=6, positions=9, width=8, layers=2, heads=2, hidden=16)


def weights_file() -> Path:
    """Return the file in the package that carries it."""
    path = installed_weights(LITE)
    assert path is not None
    return path


def seen(path: Path, image: np.ndarray[Any, Any]) -> Tensor:
    """Return the features (F,) of one image by the weights of a file."""
    backbone, parts = read_backbone(path)
    with torch.no_grad():
        blocks = [backbone.inputs(*image.shape[:2]), *backbone.blocks]
        return image_features(blocks, [{}, *parts], torch.from_numpy(image)[None], training=False)[0]


def timm_tensors() -> dict[str, Tensor]:
    """Return random tensors with the names and shapes that timm gives to those of the trunk, and to its last layer."""
    generator, shapes = torch.Generator().manual_seed(0), trunk_shapes(TIMM)
    tensors = {
        theirs: torch.rand(shapes[place][ours], generator=generator) + 0.5
        for place, ours, theirs in _LAYOUTS[TIMM.name].names()
    }
    counts = {name.replace("running_var", "num_batches_tracked"): torch.tensor(7) for name in tensors if "_var" in name}
    return {**tensors, **counts, "classifier.weight": torch.zeros(1000, 1280), "classifier.bias": torch.zeros(1000)}


@pytest.mark.parametrize(("name", "kinds"), [("china.jpg", {MONASTERY, PALACE, BELL_COTE}), ("flower.jpg", {DAISY})])
def test_it_sees_what_a_photograph_shows(name: str, kinds: set[int]) -> None:
    """With its own last layer: the surest class of a thousand is one that a person might say."""
    backbone, parts = read_backbone(weights_file())
    assert backbone is LITE
    photograph = torch.from_numpy(np.array(load_sample_image(name)))[None]
    with torch.no_grad():
        blocks = [LITE.inputs(224, 224), *LITE.blocks]
        features = image_features(blocks, [{}, *parts], photograph, training=False)
        assert features.shape == (1, LITE.features)
        last = torch.load(weights_file(), weights_only=True)
        surest = (features @ last["_fc.weight"].T + last["_fc.bias"]).argmax()
    assert int(surest) in kinds


def test_the_same_weights_by_the_names_of_timm_see_nearly_the_same(tmp_path: Path) -> None:
    """Only the normalisation of the image differs, by less than a hundredth of its deviation."""
    found = torch.load(weights_file(), weights_only=True)
    pairs = zip(_LAYOUTS[LITE.name].names(), _LAYOUTS[TIMM.name].names(), strict=True)
    save_file({timm: found[package].contiguous() for (*_, package), (*_, timm) in pairs}, tmp_path / "mine.safetensors")
    photograph = np.array(load_sample_image("flower.jpg"))[:224, :224]
    one, other = seen(weights_file(), photograph), seen(tmp_path / "mine.safetensors", photograph)
    assert 0 < float((one - other).norm() / one.norm()) < 0.02


def test_the_names_of_timm_are_all_known(tmp_path: Path) -> None:
    """As many as timm 1.0.31 saves; a few are written out here, as it has them."""
    tensors = timm_tensors()
    assert len(tensors) == 296
    for number, name in enumerate(("bn1.weight", "bn2.weight", "bn3.weight")):
        tensors[f"blocks.1.0.{name}"][:] = number
    tensors["blocks.0.0.bn2.bias"][:] = 3
    tensors["blocks.5.3.bn2.running_mean"][:] = 4
    tensors["bn2.running_var"][:] = 5
    tensors["bn1.bias"][:] = 6
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    backbone, parts = read_backbone(tmp_path / "model.safetensors")
    assert backbone is TIMM
    assert [{name: tuple(tensor.shape) for name, tensor in each.items()} for each in parts] == trunk_shapes(TIMM)
    assert [float(parts[2][f"{ours}_gain"][0]) for ours in ("expand", "depth", "project")] == [0, 1, 2]
    assert float(parts[1]["project_shift"][0]) == 3
    assert float(parts[15]["depth_mean"][0]) == 4
    assert float(parts[17]["variance"][0]) == pytest.approx(5 + 1e-3 - 1e-5)  # with our epsilon: theirs is 1e-3
    assert float(parts[0]["shift"][0]) == 6
    assert torch.equal(parts[2]["expand_weight"], tensors["blocks.1.0.conv_pw.weight"])
    assert torch.equal(parts[1]["project_weight"], tensors["blocks.0.0.conv_pw.weight"])
    assert torch.equal(parts[17]["weight"], tensors["conv_head.weight"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"conv_head.weight": None}, "it has no conv_head.weight"),
        ({"blocks.3.2.bn3.running_var": None}, "it has no blocks.3.2.bn3.running_var"),
        ({"blocks.1.0.se.conv_reduce.weight": torch.zeros(4, 96, 1, 1)}, "has no 'blocks.1.0.se.conv_reduce.weight'"),
        ({"blocks.1.0.conv_dw.weight": torch.zeros(96, 1, 5, 5)}, r"blocks.1.0.conv_dw.weight is \(96, 1, 3, 3\)"),
        ({"bn2.bias": torch.zeros(1280, dtype=torch.int64)}, "bn2.bias is"),
        ({"bn2.bias": torch.full((1280,), torch.nan)}, "not all numbers of its bn2.bias are finite"),
        ({"conv_stem.weight": None}, "not those of efficientnet_lite0 or tf_efficientnet_lite0"),
    ],
)
def test_tensors_that_are_not_those_of_the_trunk_are_refused(
    change: dict[str, Tensor | None], words: str, tmp_path: Path
) -> None:
    """One that is missing, one too many, one of another shape or type."""
    tensors = {name: tensor for name, tensor in {**timm_tensors(), **change}.items() if tensor is not None}
    save_file(tensors, tmp_path / "mine.safetensors")
    with pytest.raises(UnfitWeights, match=words):
        read_backbone(tmp_path / "mine.safetensors")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"architecture": "efficientnet_lite0"}, "architecture is 'efficientnet_lite0', not 'tf_efficientnet_lite0'"),
        ({"pretrained_cfg": {"mean": [0.485, 0.456, 0.406]}}, r"mean is '\[0.485, 0.456, 0.406\]'"),
        ("{", "beside its tensors cannot be read"),
        ("[" * 100_000, "beside its tensors cannot be read"),
        (" " * 2_000_000, "beside its tensors cannot be read"),
    ],
)
def test_weights_that_are_said_to_be_others_are_refused(config: Any, words: str, tmp_path: Path) -> None:
    """Shapes alone do not tell how a trunk pads and normalises."""
    save_file(timm_tensors(), tmp_path / "model.safetensors")
    text = config if isinstance(config, str) else json.dumps({**CONFIG, **config})
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UnfitWeights, match=words):
        read_backbone(tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("[]")
    assert read_backbone(tmp_path / "model.safetensors")[0] is TIMM


def test_files_that_hold_no_such_weights_are_refused(tmp_path: Path) -> None:
    """Damaged, hostile, of another network, or none at all."""
    path = tmp_path / "weights.pth"
    with pytest.raises(UnfitWeights, match="no file"):
        read_backbone(path)
    path.write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(UnfitWeights, match="cannot be read"):
        read_backbone(path)
    torch.save([1, 2], path)
    with pytest.raises(UnfitWeights, match="by name"):
        read_backbone(path)
    torch.save({3: torch.zeros(2)}, path)
    with pytest.raises(UnfitWeights, match="by name"):
        read_backbone(path)
    torch.save({"_conv_stem.weight": torch.zeros(32, 3, 3, 3).to_sparse()}, path)
    with pytest.raises(UnfitWeights, match="by name"):
        read_backbone(path)
    torch.save({"_conv_stem.weight": torch.zeros(32, 3, 3, 3)}, path)
    with pytest.raises(UnfitWeights, match="not those of"):
        read_backbone(path)


def test_a_header_that_is_too_long_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library itself would take one of 100 MB, in many seconds."""
    path = tmp_path / "model.safetensors"
    path.write_bytes((LARGEST_HEADER + 1).to_bytes(8, "little") + b" " * 100)
    asked = list[Path]()
    monkeypatch.setattr(pretrained, "load_file", asked.append)
    with pytest.raises(UnfitWeights, match="cannot be read"):
        read_backbone(path)
    assert asked == []


def test_a_pickle_is_not_read_as_safetensors(tmp_path: Path) -> None:
    """Whatever the name says is what it must be."""
    torch.save(timm_tensors(), tmp_path / "model.safetensors")
    with pytest.raises(UnfitWeights, match="cannot be read"):
        read_backbone(tmp_path / "model.safetensors")


# --- encoders of sentences -----------------------------------------------------------------------------------------


def encoder_folder(folder: Path, change: dict[str, Tensor | None], config: dict[str, Any]) -> Path:
    """Write a small encoder as the transformers library does, with changes; a changed tensor of None is left out."""
    names = dict(encoder_names(SMALL))
    tensors = {names[ours]: torch.ones(shape) for ours, shape in SMALL.shapes().items()}
    tensors |= {SENTENCES: torch.full((2, SMALL.width), 2.0), "embeddings.position_ids": torch.arange(9)}
    changed = {**tensors, "pooler.dense.bias": torch.zeros(8), **change}
    save_file({name: tensor for name, tensor in changed.items() if tensor is not None}, folder / "model.safetensors")
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\none\n##two\n")
    (folder / "config.json").write_text(json.dumps({"num_attention_heads": 2, "hidden_act": "gelu", **config}))
    return folder


def test_an_encoder_is_read_by_our_names(tmp_path: Path) -> None:
    """All of it; what it adds to each piece of a first sentence is added to the positions."""
    tensors, pieces = read_encoder(SMALL, encoder_folder(tmp_path, {}, {}))
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == SMALL.shapes()
    assert float(tensors["positions"][0, 0]) == 3.0
    assert pieces[-1] == "##two"


@pytest.mark.parametrize(
    ("change", "config", "words"),
    [
        ({"encoder.layer.2.output.dense.bias": torch.ones(8)}, {}, "which has no 'encoder.layer.2.output.dense.bias'"),
        ({"encoder.layer.1.output.dense.bias": None}, {}, "it has no encoder.layer.1.output.dense.bias"),
        ({SENTENCES: torch.ones(2, 9)}, {}, r"is \(2, 8\)"),
        ({}, {"num_attention_heads": 4}, "num_attention_heads is '4', not 2"),
        ({}, {"hidden_act": "relu"}, "hidden_act is 'relu'"),
        ({}, {"layer_norm_eps": 1e-5}, "layer_norm_eps is '1e-05'"),
    ],
)
def test_an_encoder_of_another_make_is_refused(
    change: dict[str, Tensor | None], config: dict[str, Any], words: str, tmp_path: Path
) -> None:
    """Such as one with more layers, of which the first would be taken for the whole."""
    with pytest.raises(UnfitWeights, match=words):
        read_encoder(SMALL, encoder_folder(tmp_path, change, config))
