"""Sequences in PyTorch: strides, and what stands behind the end of a text."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from netwright.build.torch import forward, initial_weights
from netwright.spec.blocks import (
    Attention,
    Block,
    Head,
    Identity,
    Recurrent,
    SequenceConvolution,
    SequenceInput,
    SequencePool,
    TableInput,
)
from netwright.spec.network import Network

INPUTS = SequenceInput(255, 8, 40, TableInput(0, 0, (), Identity()), "bytes")
SPELLED = torch.randint(1, 256, (40,), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def answer(spelled: torch.Tensor, weights: dict[str, torch.Tensor], *blocks: Block) -> torch.Tensor:
    """Return the outputs (2,) of a network of bytes for one text (L,)."""
    batch = {"plain": torch.zeros(1, 1, 0), "bytes": spelled[None, None]}
    return forward(Network((INPUTS, *blocks, Head(2))), weights, batch)[0, 0, 0]


def first_weights(*blocks: Block) -> dict[str, torch.Tensor]:
    """Return the starting weights of one such network."""
    return initial_weights(Network((INPUTS, *blocks, Head(2))), torch.zeros(0, 49), [0])


@pytest.mark.parametrize("length", [1, 4, 5, 13, 40])
def test_a_stride_takes_every_so_many_places(length: int) -> None:
    """As one writes it down for one place after the other."""
    blocks = (SequenceConvolution(8, 7, stride=4), SequencePool("mean"))
    weights = first_weights(*blocks)
    one = {name: tensor[0] for name, tensor in weights.items()}
    vectors = one["0.bytes"][SPELLED[:length].long()] + one["0.places"][:length]
    padded = torch.cat([torch.zeros(3, 8), vectors, torch.zeros(6, 8)])
    places = []
    for place in range(0, length, 4):
        linear = padded[place : place + 7].flatten() @ one["1.weight"] + one["1.bias"][0]
        places.append(functional.silu(functional.layer_norm(linear, (8,))))
    expected = torch.stack(places).mean(dim=0) @ one["3.weight"][0] + one["3.bias"][0]
    torch.testing.assert_close(answer(SPELLED[:length], weights, *blocks), expected)


@pytest.mark.parametrize("length", [0, 1, 6, 12])
@pytest.mark.parametrize("inner", [SequenceConvolution(8), Attention(2, 7), Recurrent(8)])
def test_zeros_behind_a_text_change_nothing(length: int, inner: Block) -> None:
    """However far the array goes in which it stands."""
    blocks = (SequenceConvolution(8, 7, stride=4), inner, SequencePool("both"))
    weights = first_weights(*blocks)
    text = torch.zeros(40, dtype=torch.uint8)
    text[:length] = SPELLED[:length]
    long = answer(text, weights, *blocks)
    assert bool(torch.isfinite(long).all())
    torch.testing.assert_close(answer(text[:13], weights, *blocks), long, rtol=1e-4, atol=1e-5)
