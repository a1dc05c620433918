"""Layers that the columns of a table enter by.

Letters in shapes: B row, F feature.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class PeriodicEmbedding(nn.Module):
    """cos(2π(wx + b)) of each number, then linear, beside the number itself (PBLD, arXiv 2407.04491, section 3)."""

    def __init__(self, columns: int, frequencies: int, width: int, sigma: float) -> None:
        super().__init__()
        self.frequency = nn.Parameter(2 * math.pi * sigma * torch.randn(columns, frequencies))
        self.phase = nn.Parameter(math.pi * (2 * torch.rand(columns, frequencies) - 1))
        self.weight = nn.Parameter(torch.randn(columns, frequencies, width - 1) / math.sqrt(frequencies))
        self.bias = nn.Parameter(0.1 * torch.randn(columns, width - 1))

    def forward(self, numbers: Tensor) -> Tensor:
        """(B, F) → (B, F · width)."""
        each = numbers.unsqueeze(2)  # (B, F, 1)
        waves = torch.cos(each * self.frequency + self.phase)  # (B, F, frequencies)
        mapped = torch.einsum("bfq,fqw->bfw", waves, self.weight) + self.bias  # (B, F, width - 1)
        return torch.cat([mapped, each], dim=2).flatten(1)


class PiecewiseEmbedding(nn.Module):
    """How far each number has come through each of some intervals, then linear (PLE, arXiv 2203.05556, section 3.2).

    The knots between the intervals are quantiles of the training rows.
    """

    knots: Tensor

    def __init__(self, columns: int, bins: int, width: int) -> None:
        super().__init__()
        self.register_buffer("knots", torch.linspace(-1, 1, bins + 1).repeat(columns, 1))
        self.weight = nn.Parameter(torch.randn(columns, bins, width) * math.sqrt(2 / bins))
        self.bias = nn.Parameter(torch.zeros(columns, width))

    def forward(self, numbers: Tensor) -> Tensor:
        """(B, F) → (B, F · width)."""
        low, high = self.knots[:, :-1], self.knots[:, 1:]  # (F, bins)
        share = ((numbers.unsqueeze(2) - low) / (high - low).clamp_min(1e-6)).clamp(0, 1)  # (B, F, bins)
        return (torch.einsum("bfq,fqw->bfw", share, self.weight) + self.bias).flatten(1)


class CategoryEmbedding(nn.Module):
    """A vector for each category of each column; number 0 of a column is what was unseen, rare or missing."""

    starts: Tensor

    def __init__(self, sizes: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.register_buffer("starts", torch.tensor((0, *sizes[:-1])).cumsum(0), persistent=False)
        self.table = nn.Embedding(sum(sizes), width)  # of all columns, one below the other
        nn.init.normal_(self.table.weight, std=width**-0.5)
        with torch.no_grad():
            self.table.weight[self.starts] = 0.0  # an unseen category says nothing

    def forward(self, categories: Tensor) -> Tensor:
        """(B, columns) whole numbers → (B, columns · width)."""
        return self.table(categories + self.starts).flatten(1)
