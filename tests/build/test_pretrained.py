"""Weights from ImageNet, as a package carries them, in our blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image

from netwright.build.pretrained import installed_weights, read_backbone
from netwright.build.spatial import image_features
from netwright.errors import UnfitWeights
from netwright.spec.backbones import BACKBONES

LITE = BACKBONES["efficientnet_lite0"]
MONASTERY, PALACE, BELL_COTE, DAISY = 663, 698, 442, 985


def weights_file() -> Path:
    """Return the file in the package that carries it."""
    path = installed_weights(LITE)
    assert path is not None
    return path


@pytest.mark.parametrize(("name", "kinds"), [("china.jpg", {MONASTERY, PALACE, BELL_COTE}), ("flower.jpg", {DAISY})])
def test_it_sees_what_a_photograph_shows(name: str, kinds: set[int]) -> None:
    """With its own last layer: the surest class of a thousand is one that a person might say."""
    parts = read_backbone(LITE, weights_file())
    photograph = torch.from_numpy(np.array(load_sample_image(name)))[None]
    with torch.no_grad():
        blocks = [LITE.inputs(224, 224), *LITE.blocks]
        features = image_features(blocks, [{}, *parts], photograph, training=False)
        assert features.shape == (1, LITE.features)
        last = torch.load(weights_file(), weights_only=True)
        surest = (features @ last["_fc.weight"].T + last["_fc.bias"]).argmax()
    assert int(surest) in kinds


def test_files_that_hold_no_such_weights_are_refused(tmp_path: Path) -> None:
    """Damaged, hostile, of another network, or none at all."""
    path = tmp_path / "weights.pth"
    with pytest.raises(UnfitWeights, match="no file"):
        read_backbone(LITE, path)
    path.write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(UnfitWeights, match="cannot be read"):
        read_backbone(LITE, path)
    torch.save([1, 2], path)
    with pytest.raises(UnfitWeights, match="by name"):
        read_backbone(LITE, path)
    torch.save({"_conv_stem.weight": torch.zeros(32, 3, 3, 3)}, path)
    with pytest.raises(UnfitWeights, match="not those of"):
        read_backbone(LITE, path)
