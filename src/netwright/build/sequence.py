"""Blocks that sequences go through, for a whole stack of networks at once.

Letters in shapes: M network of the stack, B row of the batch, L place of the sequence, W width, A head, H half a width.
Places behind the end of a text are zero, and nothing is learnt from them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from netwright.build.activations import ACTIVATIONS
from netwright.spec.blocks import Attention, Block, Recurrent, SequenceConvolution, SequenceInput, SequencePool
from netwright.spec.numbers import FAR
from netwright.spec.sequences import sequence_shapes

FIRST_PIECES = 0.1  # deviation of the vectors of pieces at the start, and of places

Weights = Mapping[str, Tensor]


def sequence_weights(block: Block, width: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Return the starting tensors of a block, by name, where `width` numbers a place enter it.

    Linear maps start as in He et al. (2015), recurrent ones orthogonal (Saxe et al. 2014, arXiv 1312.6120), and what
    ends a branch of attention at a tenth of that, so that the branch begins as little.
    """
    assert isinstance(block, SequenceConvolution | Recurrent | Attention | SequencePool)
    weights = {}
    for name, shape in sequence_shapes(block, width).items():
        if name.endswith("weight"):
            small = 0.1 if name in ("join_weight", "down_weight") else 1.0
            weights[name] = torch.randn(shape, generator=generator) * math.sqrt(small * 2 / shape[0])
        elif name.endswith("recurrent"):
            parts = [torch.linalg.qr(torch.randn(shape[0], shape[0], generator=generator))[0] for _ in range(3)]
            weights[name] = torch.cat(parts, dim=1)
        else:
            weights[name] = torch.ones(shape) if name.endswith("scale") else torch.zeros(shape)
    return weights


def first_pieces(block: SequenceInput, generator: torch.Generator) -> dict[str, Tensor]:
    """Return the starting vectors of pieces or bytes, and of places."""
    pieces = torch.randn(block.vocabulary + 1, block.width, generator=generator) * FIRST_PIECES
    pieces[0] = 0.0  # stands where a text has no more pieces
    places = torch.randn(block.length, block.width, generator=generator) * FIRST_PIECES
    return {block.encoding: pieces, "places": places}


def sequence_features(blocks: Sequence[Block], weights: Sequence[Weights], names: Tensor) -> Tensor:
    """Return the features (M, B, F) that the networks see in texts.

    Args:
        blocks: from the input to the pool.
        weights: for each block its tensors (M, ...) by name.
        names: (M, B, L) pieces or bytes of the texts, 0 behind their end.
    """
    first = blocks[0]
    assert isinstance(first, SequenceInput)
    names = names[:, :, : first.length]
    known = (names > 0).unsqueeze(3)  # (M, B, L, 1)
    vectors = weights[0][first.encoding]
    # Each network of the stack has vectors of its own.
    own = torch.arange(len(vectors), device=names.device)[:, None, None] * vectors.shape[1]
    hidden = functional.embedding(names + own, vectors.flatten(0, 1)) + weights[0]["places"][:, None, : names.shape[2]]
    hidden = hidden * known
    for block, parts in zip(blocks[1:], weights[1:], strict=True):
        if parts:
            hidden = hidden.to(next(iter(parts.values())).dtype)  # a block computes in the type of its weights
        if isinstance(block, SequenceConvolution):
            known = known[:, :, :: block.stride]  # a text begins at its first place: what is left of it is a beginning
        hidden = _apply(block, parts, hidden, known)
    return hidden


def _apply(block: Block, parts: Weights, hidden: Tensor, known: Tensor) -> Tensor:
    match block:
        case SequenceConvolution():
            return _convolution(block, parts, hidden) * known
        case Recurrent():
            ways = (_recurrent(parts, "forward_", hidden, known), _recurrent(parts, "backward_", hidden, known))
            return torch.cat(ways, dim=3)
        case Attention():
            return _attention(block, parts, hidden, known) * known
        case SequencePool():
            return _pool(block, parts, hidden, known)
        case _:
            raise TypeError(f"no sequence goes through {block}")


def _linear(parts: Weights, prefix: str, hidden: Tensor) -> Tensor:
    """(M, B, L, W) → (M, B, L, V)."""
    stack, rows, length, width = hidden.shape
    weight = parts[f"{prefix}weight"]
    out = torch.baddbmm(parts[f"{prefix}bias"], hidden.reshape(stack, rows * length, width), weight)
    return out.view(stack, rows, length, weight.shape[2])


def _normalised(parts: Weights, prefix: str, hidden: Tensor) -> Tensor:
    gain, shift = (parts[f"{prefix}norm_{part}"][:, None, None] for part in ("scale", "bias"))
    return functional.layer_norm(hidden, hidden.shape[-1:]) * gain + shift


def _convolution(block: SequenceConvolution, parts: Weights, hidden: Tensor) -> Tensor:
    """Every so many places with their neighbours → linear, normalisation, activation; x is added where both stay."""
    half, length = block.kernel // 2, hidden.shape[2]
    padded = functional.pad(hidden, (0, 0, half, half))
    near = torch.cat([padded[:, :, shift : shift + length : block.stride] for shift in range(block.kernel)], dim=3)
    out = ACTIVATIONS[block.activation](_normalised(parts, "", _linear(parts, "", near)))
    return out + hidden if block.stride == 1 and out.shape == hidden.shape else out


def _recurrent(parts: Weights, way: str, hidden: Tensor, known: Tensor) -> Tensor:
    """(M, B, L, W) → (M, B, L, H): a gated recurrent unit (Cho et al. 2014, arXiv 1406.1078) in one direction.

    Behind the end of a text the state stays as it is, and the output is zero.
    """
    inputs, inner = _linear(parts, way, hidden), parts[f"{way}recurrent"]
    half = inner.shape[1]
    state = hidden.new_zeros(*hidden.shape[:2], half)  # (M, B, H)
    places = range(hidden.shape[2])
    states = []
    for place in places if way == "forward_" else reversed(places):
        own, past = inputs[:, :, place], torch.bmm(state, inner)
        reset, update = torch.sigmoid(own[..., : 2 * half] + past[..., : 2 * half]).chunk(2, dim=2)
        fresh = torch.tanh(own[..., 2 * half :] + reset * past[..., 2 * half :])
        state = torch.where(known[:, :, place], torch.lerp(fresh, state, update), state)
        states.append(state)
    return torch.stack(states if way == "forward_" else states[::-1], dim=2) * known


def _attention(block: Attention, parts: Weights, hidden: Tensor, known: Tensor) -> Tensor:
    """One layer of a Transformer, normalised before each branch (Xiong et al. 2020, arXiv 2002.04745)."""
    stack, rows, length, width = hidden.shape
    each = _linear(parts, "attend_", _normalised(parts, "first_", hidden))
    split = each.view(stack * rows, length, 3, block.heads, width // block.heads)
    query, key, value = split.permute(2, 0, 3, 1, 4)  # (M · B, A, L, W / A)
    seen = torch.where(known, 0.0, FAR).to(hidden.dtype).view(stack * rows, 1, 1, length)
    mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
    hidden = hidden + _linear(parts, "join_", mixed.transpose(1, 2).reshape(stack, rows, length, width))
    inner = ACTIVATIONS[block.activation](_linear(parts, "up_", _normalised(parts, "second_", hidden)))
    return hidden + _linear(parts, "down_", inner)


def _pool(block: SequencePool, parts: Weights, hidden: Tensor, known: Tensor) -> Tensor:
    """(M, B, L, W) → (M, B, F): the mean, the largest or a weighed sum of the known places; 0 where there is none."""
    if block.kind == "attention":
        logits = torch.where(known, hidden @ parts["weight"].unsqueeze(1), FAR)
        return (torch.softmax(logits, dim=2) * hidden).sum(dim=2)
    count = known.sum(dim=2).clamp_min(1)
    mean = hidden.sum(dim=2) / count
    if block.kind == "mean":
        return mean
    largest = torch.where(known, hidden, FAR).amax(dim=2) * known.any(dim=2)
    return largest if block.kind == "max" else torch.cat([mean, largest], dim=2)
