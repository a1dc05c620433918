"""What a trained trunk sees in images or texts: features that others learn from, while the trunk stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from netwright.build.encoder import sentence_features
from netwright.build.spatial import image_features
from netwright.spec.backbones import Backbone
from netwright.spec.encoders import Encoder
from netwright.train.lanes import on_all_cores
from netwright.train.precision import multiplies_short

ROWS = 32  # that one core looks at together
COLOURS = 3


def see_images(
    backbone: Backbone, weights: Mapping[str, NDArray[Any]], images: NDArray[np.uint8], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the features (N, F) that the trunk sees in images; each depends on its own image only.

    Args:
        backbone: what it is made of.
        weights: its tensors, named `<position of block>.<part>`.
        images: (N, H, W, C); grey ones are taken for coloured.
        size: height and width that they are brought to.
    """
    tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
    parts = [
        {name.partition(".")[2]: tensor for name, tensor in tensors.items() if name.partition(".")[0] == str(place)}
        for place in range(len(backbone.blocks))
    ]
    blocks = (backbone.inputs(*size), *backbone.blocks)

    def look(start: int) -> NDArray[np.float32]:
        seen = _sized(torch.from_numpy(images[start : start + ROWS]), size)
        with torch.no_grad():
            return np.asarray(image_features(blocks, [{}, *parts], seen, training=False).numpy(), np.float32)

    found = on_all_cores(look, range(0, len(images), ROWS))
    return np.concatenate(found) if found else np.zeros((0, backbone.features), np.float32)


def see_texts(encoder: Encoder, weights: Mapping[str, NDArray[Any]], pieces: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the features (N, F) that an encoder sees in texts; each depends on its own text only.

    Texts of about one length are looked at together, and no longer than they are. In bfloat16 where the processor
    multiplies it, in a third of the time; features then differ by some thousandths.

    Args:
        encoder: what it is made of.
        weights: its tensors, as `Encoder.shapes` names them.
        pieces: (N, L) numbers of pieces, 0 where a text has fewer.
    """
    kind = torch.bfloat16 if multiplies_short() else torch.float32
    tensors = {name: torch.from_numpy(array).to(kind) for name, array in weights.items()}
    lengths = (pieces > 0).sum(axis=1)
    order = np.argsort(lengths, kind="stable")

    def look(start: int) -> NDArray[np.float32]:
        rows = order[start : start + ROWS]
        seen = torch.from_numpy(pieces[rows, : max(1, int(lengths[rows[-1]]))])
        with torch.no_grad():
            return np.asarray(sentence_features(encoder, tensors, seen).float().numpy(), np.float32)

    found = on_all_cores(look, range(0, len(pieces), ROWS))
    features = np.zeros((len(pieces), encoder.features), np.float32)
    if found:
        features[order] = np.concatenate(found)
    return features


def _sized(images: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, H, W, C) of 0 to 255 → (N, h, w, 3) of the same."""
    planes = images.float().permute(0, 3, 1, 2)
    if planes.shape[2:] != size:
        planes = functional.interpolate(planes, size, mode="bilinear", antialias=True, align_corners=False)
    return planes.permute(0, 2, 3, 1).expand(-1, -1, -1, COLOURS)
