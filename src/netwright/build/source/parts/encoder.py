"""What an encoder of sentences that others have trained sees in texts. Nothing of it learns here.

Letters in shapes: B row, L piece, F width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

PIECES, POSITIONS = 30_522, 512  # that it knows, and that it can read of a text
WIDTH, HEADS, HIDDEN, LAYERS = 384, 12, 1_536, 6
EPSILON = 1e-12  # of the normalisation, as it was trained
LARGEST = 5.0  # that a scaled feature may be


class Layer(nn.Module):
    """Attention, then two linear maps, each added to what went in and normalised (arXiv 1706.03762)."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.join = nn.Linear(WIDTH, WIDTH)
        self.first_norm = nn.LayerNorm(WIDTH, EPSILON)
        self.up = nn.Linear(WIDTH, HIDDEN)
        self.down = nn.Linear(HIDDEN, WIDTH)
        self.second_norm = nn.LayerNorm(WIDTH, EPSILON)

    def forward(self, hidden: Tensor, known: Tensor) -> Tensor:
        """(B, L, F) and which pieces are known (B, 1, 1, L) → (B, L, F)."""
        heads = (*hidden.shape[:2], HEADS, WIDTH // HEADS)
        query, key, value = (map_(hidden).view(heads).transpose(1, 2) for map_ in (self.query, self.key, self.value))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=known)
        hidden = self.first_norm(hidden + self.join(mixed.transpose(1, 2).flatten(2)))
        return self.second_norm(hidden + self.down(functional.gelu(self.up(hidden))))


class Encoder(nn.Module):
    """The mean of the vectors of all pieces of a text, of length 1 (BERT, arXiv 1810.04805; MiniLM, arXiv 2002.10957).

    Features are scaled by their mean and deviation over the rows that were learnt from.
    """

    middle: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(WIDTH))
        self.register_buffer("spread", torch.ones(WIDTH))
        self.pieces = nn.Embedding(PIECES, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, pieces: Tensor) -> Tensor:
        """(B, L) numbers of pieces, 0 behind a text → (B, F)."""
        known = pieces > 0  # (B, L)
        hidden = self.norm(self.pieces(pieces) + self.positions.weight[: pieces.shape[1]])  # (B, L, F)
        for layer in self.layers:
            hidden = layer(hidden, known[:, None, None, :])
        mean = (hidden * known[:, :, None]).sum(dim=1) / known.sum(dim=1, keepdim=True).clamp_min(1)
        return ((functional.normalize(mean, dim=1) - self.middle) / self.spread).clamp(-LARGEST, LARGEST)
