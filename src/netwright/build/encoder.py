"""What a trained encoder of sentences computes.

Letters in shapes: B text, L piece, F width, A head.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional

from netwright.spec.encoders import EPSILON, Encoder


def sentence_features(encoder: Encoder, weights: Mapping[str, Tensor], pieces: Tensor) -> Tensor:
    """Return the features (B, F) of texts: the mean of the vectors of their pieces, of length 1.

    Args:
        encoder: what it is made of.
        weights: its tensors, as `Encoder.shapes` names them.
        pieces: (B, L) numbers of pieces; 0 where a text has fewer.
    """
    known = pieces > 0
    hidden = functional.embedding(pieces, weights["pieces"]) + weights["positions"][: pieces.shape[1]]
    hidden = _normalised(weights, "norm", hidden)
    mask = known[:, None, None, :]
    for layer in range(encoder.layers):
        parts = {name.partition(".")[2]: one for name, one in weights.items() if name.partition(".")[0] == str(layer)}
        hidden = _layer(encoder, parts, hidden, mask)
    mean = (hidden * known[:, :, None]).sum(dim=1) / known.sum(dim=1, keepdim=True).clamp_min(1)
    return functional.normalize(mean, dim=1)


def _layer(encoder: Encoder, parts: Mapping[str, Tensor], hidden: Tensor, mask: Tensor) -> Tensor:
    """(B, L, F) → the same: attention, then two linear maps, each added to what went in and normalised."""
    split = (*hidden.shape[:2], encoder.heads, encoder.width // encoder.heads)
    query, key, value = (_linear(parts, name, hidden).view(split).transpose(1, 2) for name in ("query", "key", "value"))
    seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)  # (B, A, L, F / A)
    joined = _linear(parts, "join", seen.transpose(1, 2).flatten(2))
    hidden = _normalised(parts, "first", hidden + joined)
    inner = _linear(parts, "down", functional.gelu(_linear(parts, "up", hidden)))
    return _normalised(parts, "second", hidden + inner)


def _linear(parts: Mapping[str, Tensor], name: str, hidden: Tensor) -> Tensor:
    return functional.linear(hidden, parts[f"{name}_weight"], parts[f"{name}_bias"])


def _normalised(parts: Mapping[str, Tensor], name: str, hidden: Tensor) -> Tensor:
    return functional.layer_norm(hidden, hidden.shape[-1:], parts[f"{name}_gain"], parts[f"{name}_shift"], EPSILON)
