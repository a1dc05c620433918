"""Layers that vectors go through, of one network or of members that share weights.

Letters in shapes: B row, E member, F feature.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from netwright.build.source.parts.activations import Activation


class ResidualBlock(nn.Module):
    """x + linear(dropout(activation(linear(norm(x))))) (arXiv 2106.11959, section 3.2)."""

    def __init__(self, width: int, hidden: int, activation: Activation, norm: nn.Module, dropout: float) -> None:
        super().__init__()
        self.norm = norm
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)
        self.activation = activation
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, width) → (B, width)."""
        inner = self.activation(self.up(self.norm(hidden)))  # (B, hidden)
        return hidden + self.down(self.dropout(inner))


class Members(nn.Module):
    """Makes E members of one network: each sees the features with signs of its own (TabM, arXiv 2410.24210)."""

    def __init__(self, members: int, features: int) -> None:
        super().__init__()
        self.in_scale = nn.Parameter(torch.randint(0, 2, (members, features)) * 2.0 - 1.0)

    def forward(self, features: Tensor) -> Tensor:
        """(B, F) → (B, E, F)."""
        return features.unsqueeze(1) * self.in_scale


class MemberLinear(nn.Module):
    """A linear layer that E members share, but for scalings and a bias of their own (TabM, arXiv 2410.24210)."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) * math.sqrt(2 / inputs))
        self.in_scale = nn.Parameter(torch.ones(members, inputs))
        self.out_scale = nn.Parameter(torch.ones(members, outputs))
        self.bias = nn.Parameter(0.1 * torch.randn(members, outputs))

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, E, inputs) → (B, E, outputs)."""
        return (hidden * self.in_scale) @ self.weight * self.out_scale + self.bias


class MemberResidualBlock(nn.Module):
    """x + linear(dropout(activation(linear(norm(x))))), of E members."""

    def __init__(
        self, members: int, width: int, hidden: int, activation: Activation, norm: nn.Module, dropout: float
    ) -> None:
        super().__init__()
        self.norm = norm
        self.up = MemberLinear(members, width, hidden)
        self.down = MemberLinear(members, hidden, width)
        self.activation = activation
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, E, width) → (B, E, width)."""
        inner = self.activation(self.up(self.norm(hidden)))  # (B, E, hidden)
        return hidden + self.down(self.dropout(inner))


class MemberHead(nn.Module):
    """The last linear layer, of which each of E members has one of its own."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter((2 * torch.rand(members, inputs, outputs) - 1) / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(members, outputs))

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, E, inputs) → (B, E, outputs)."""
        return torch.einsum("bei,eio->beo", hidden, self.weight) + self.bias
