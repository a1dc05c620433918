"""Layers that texts go through as sequences.

Letters in shapes: B row, L place, F feature.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from netwright.build.source.parts.activations import Activation


class SequenceConvolution(nn.Module):
    """A place with its neighbours, linear, layer normalisation, activation; x is added where it fits.

    As in convolutional networks for sentences (Kim 2014, arXiv 1408.5882).
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, activation: Activation, stride: int = 1) -> None:
        super().__init__()
        self.stride, self.activation = stride, activation
        self.adds = (inputs, stride) == (outputs, 1)
        self.convolution = nn.Conv1d(inputs, outputs, kernel, stride, padding=kernel // 2)
        self.norm = nn.LayerNorm(outputs)
        nn.init.kaiming_normal_(self.convolution.weight)
        if self.convolution.bias is not None:
            nn.init.zeros_(self.convolution.bias)

    def forward(self, texts: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, inputs) and which places are known (B, L, 1) → (B, L / stride, outputs), and which are known there."""
        out = self.convolution(texts.transpose(1, 2)).transpose(1, 2)
        out = self.activation(self.norm(out))
        known = known[:, :: self.stride]
        return (texts + out if self.adds else out) * known, known


class Recurrent(nn.Module):
    """A gated recurrent unit in each direction (Cho et al. 2014, arXiv 1406.1078), each with half of the width."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.gru = nn.GRU(inputs, width // 2, batch_first=True, bidirectional=True)
        for name, tensor in self.gru.named_parameters():
            if name.startswith("weight_ih"):
                nn.init.normal_(tensor, std=math.sqrt(2 / inputs))
            elif name.startswith("weight_hh"):
                for gate in tensor.detach().chunk(3):
                    nn.init.orthogonal_(gate)
            else:
                nn.init.zeros_(tensor)
                tensor.requires_grad_(not name.startswith("bias_hh"))  # one bias is enough

    def forward(self, texts: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, inputs) and which places are known (B, L, 1) → (B, L, width), and the same."""
        if not len(texts):  # nothing cannot be packed
            return texts.new_zeros(0, texts.shape[1], 2 * self.gru.hidden_size), known
        lengths = known.sum(dim=(1, 2)).clamp_min(1)
        packed = pack_padded_sequence(texts, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=texts.shape[1])
        return states * known, known


class Attention(nn.Module):
    """A layer of a Transformer (arXiv 1706.03762), normalised before each branch (arXiv 2002.04745)."""

    def __init__(self, width: int, heads: int, hidden: int, activation: Activation) -> None:
        super().__init__()
        self.heads, self.activation = heads, activation
        self.first_norm = nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.second_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)
        for layer, share in ((self.attend, 1.0), (self.join, 0.1), (self.up, 1.0), (self.down, 0.1)):
            nn.init.normal_(layer.weight, std=math.sqrt(share * 2 / layer.in_features))  # branches begin as little
            nn.init.zeros_(layer.bias)

    def forward(self, texts: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, width) and which places are known (B, L, 1) → (B, L, width), and the same."""
        rows, length, width = texts.shape
        split = self.attend(self.first_norm(texts)).view(rows, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # each (B, heads, L, width / heads)
        unseen = torch.where(known, 0.0, -1e4).view(rows, 1, 1, length)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=unseen)
        texts = texts + self.join(mixed.transpose(1, 2).flatten(2))
        texts = texts + self.down(self.activation(self.up(self.second_norm(texts))))
        return texts * known, known


def mean_of_places(texts: Tensor, known: Tensor) -> Tensor:
    """(B, L, F) and which places are known (B, L, 1) → their mean (B, F)."""
    return texts.sum(dim=1) / known.sum(dim=1).clamp_min(1)


def largest_of_places(texts: Tensor, known: Tensor) -> Tensor:
    """(B, L, F) and which places are known (B, L, 1) → their largest numbers (B, F)."""
    return torch.where(known, texts, -1e4).amax(dim=1) * known.any(dim=1)


class AttentionPool(nn.Module):
    """A sum over places, weighed by attention."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1, bias=False)
        nn.init.kaiming_normal_(self.score.weight)

    def forward(self, texts: Tensor, known: Tensor) -> Tensor:
        """(B, L, F) and which places are known (B, L, 1) → (B, F)."""
        weights = torch.softmax(torch.where(known, self.score(texts), -1e4), dim=1)  # (B, L, 1)
        return (weights * texts).sum(dim=1)
