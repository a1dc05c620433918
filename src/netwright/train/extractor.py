"""What a trained encoder sees in texts, in PyTorch: in less precision than when it answers, and in less time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.build.encoder import sentence_features
from netwright.data.pieces import by_length
from netwright.spec.encoders import Encoder
from netwright.train.lanes import on_all_cores
from netwright.train.precision import multiplies_short

ROWS = 32  # that one core looks at together


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
    batches = [*by_length(pieces, ROWS)]

    def look(place: int) -> NDArray[np.float32]:
        with torch.no_grad():
            seen = sentence_features(encoder, tensors, torch.from_numpy(batches[place][1]))
            return np.asarray(seen.float().numpy(), np.float32)

    features = np.zeros((len(pieces), encoder.features), np.float32)
    for (rows, _), found in zip(batches, on_all_cores(look, range(len(batches))), strict=True):
        features[rows] = found
    return features
