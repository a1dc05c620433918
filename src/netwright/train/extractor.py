"""What trained trunks see in texts and in images, in PyTorch: in less precision than they answer in, and less time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.build.encoder import sentence_features
from netwright.build.spatial import image_features
from netwright.data.pieces import by_length
from netwright.resources.budget import Ask, nobody_asks
from netwright.spec.backbones import Backbone
from netwright.spec.encoders import Encoder
from netwright.train.device import PROCESSOR, Device
from netwright.train.lanes import on_all_cores
from netwright.train.precision import multiplies_short

ROWS, CARD_ROWS = 32, 256  # that one core, or a graphics card, looks at together


def see_texts(
    encoder: Encoder,
    weights: Mapping[str, NDArray[Any]],
    pieces: NDArray[np.int64],
    device: Device = PROCESSOR,
    ask: Ask = nobody_asks,
) -> NDArray[np.float32]:
    """Return the features (N, F) that an encoder sees in texts; each depends on its own text only.

    Texts of about one length are looked at together, and no longer than they are. In bfloat16 where the device
    multiplies it, on a processor in a third of the time; features then differ by some thousandths.

    Args:
        encoder: what it is made of.
        weights: its tensors, as `Encoder.shapes` names them.
        pieces: (N, L) numbers of pieces, 0 where a text has fewer.
        device: where to look.
        ask: called before each batch, from any thread; what it raises ends the look.
    """
    kind = torch.bfloat16 if multiplies_short(device) else torch.float32
    tensors = {name: torch.from_numpy(array).to(device, kind) for name, array in weights.items()}
    on_card = device.type != "cpu"
    batches = [*by_length(pieces, CARD_ROWS if on_card else ROWS)]

    def look(place: int) -> NDArray[np.float32]:
        ask()
        with torch.no_grad():
            seen = sentence_features(encoder, tensors, torch.from_numpy(batches[place][1]).to(device))
            return np.asarray(seen.float().cpu().numpy(), np.float32)

    places = range(len(batches))
    seen = [look(place) for place in places] if on_card else on_all_cores(look, places)
    features = np.zeros((len(pieces), encoder.features), np.float32)
    for (rows, _), found in zip(batches, seen, strict=True):
        features[rows] = found
    return features


def see_images(
    backbone: Backbone,
    size: tuple[int, int],
    weights: Mapping[str, NDArray[Any]],
    images: NDArray[np.uint8],
    device: Device,
    ask: Ask = nobody_asks,
) -> NDArray[np.float32]:
    """Return the features (N, F) that a backbone sees in images; each depends on its own image only.

    Args:
        backbone: what it is made of.
        size: height and width that images are brought to.
        weights: its tensors, named `<position of block>.<part>`.
        images: (N, H, W, C).
        device: where to look: a graphics card. ONNX Runtime is faster on a processor.
        ask: called before each batch; what it raises ends the look.
    """
    blocks = (backbone.inputs(*size), *backbone.blocks)
    parts: list[dict[str, torch.Tensor]] = [{} for _ in blocks]
    for name, array in weights.items():
        place, _, part = name.partition(".")
        parts[int(place) + 1][part] = torch.from_numpy(array).to(device)
    with torch.no_grad():
        seen = []
        for start in range(0, len(images), CARD_ROWS):
            ask()
            batch = torch.from_numpy(images[start : start + CARD_ROWS]).to(device)
            seen.append(image_features(blocks, parts, batch, training=False).cpu())  # a card does not run ahead
        return np.asarray(torch.cat(seen).numpy(), np.float32)
