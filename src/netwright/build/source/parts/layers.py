"""The layers of exported networks.

Letters in shapes: B row, E member that shares weights, F feature, C channel, H height, W width, L place of a sequence.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

Activation = Callable[[Tensor], Tensor]


# --- the columns of a table -------------------------------------------------------------------------------------------


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


# --- vectors ----------------------------------------------------------------------------------------------------------


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


# --- maps -------------------------------------------------------------------------------------------------------------


def resized(maps: Tensor, height: int, width: int) -> Tensor:
    """(B, C, H, W) → (B, C, height, width): averaged where they become smaller, else interpolated."""
    if maps.shape[2:] == (height, width):
        return maps
    if height > maps.shape[2] or width > maps.shape[3]:
        return functional.interpolate(maps, (height, width), mode="bilinear", align_corners=False)
    return functional.interpolate(maps, (height, width), mode="area")


def margins(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the pixels to add before and after a side, so that a convolution divides it by the stride, rounded up."""
    total = max(0, (math.ceil(side / stride) - 1) * stride + kernel - side)
    return total // 2, total - total // 2


class Convolution(nn.Module):
    """Convolution, batch normalisation, activation; the pixels stay, or are divided by the stride, rounded up."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        activation: Activation | None = None,
        stride: int = 1,
        groups: int = 1,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.activation = kernel, stride, activation
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.batch_norm = nn.BatchNorm2d(outputs, momentum=0.2)
        nn.init.kaiming_normal_(self.convolution.weight)
        nn.init.constant_(self.batch_norm.weight, gain)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H / stride, W / stride)."""
        down, across = (margins(side, self.kernel, self.stride) for side in maps.shape[2:])
        out = self.batch_norm(self.convolution(functional.pad(maps, (*across, *down))))
        return out if self.activation is None else self.activation(out)


class ResidualConvolution(nn.Module):
    """x + two convolutions, as in a residual network (He et al. 2016, arXiv 1512.03385)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, activation: Activation, stride: int = 1) -> None:
        super().__init__()
        self.activation = activation
        self.first = Convolution(inputs, outputs, kernel, activation, stride)
        self.second = Convolution(outputs, outputs, kernel, gain=0.0)  # the block begins as the identity
        stays = (inputs, stride) == (outputs, 1)
        self.shortcut = nn.Identity() if stays else Convolution(inputs, outputs, 1, stride=stride)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H / stride, W / stride)."""
        return self.activation(self.shortcut(maps) + self.second(self.first(maps)))


class SqueezeExcitation(nn.Module):
    """Weighs channels by what all pixels show (arXiv 1709.01507)."""

    def __init__(self, channels: int, few: int, activation: Activation) -> None:
        super().__init__()
        self.activation = activation
        self.squeeze = nn.Linear(channels, few)
        self.excite = nn.Linear(few, channels)
        for layer in (self.squeeze, self.excite):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, H, W)."""
        squeezed = self.activation(self.squeeze(maps.mean(dim=(2, 3))))  # (B, few)
        return maps * torch.sigmoid(self.excite(squeezed))[:, :, None, None]


class InvertedResidual(nn.Module):
    """Wider inside, a convolution by channel, narrower again (arXiv 1801.04381, 1905.02244); x is added where it fits.

    Args:
        inputs: channels that enter.
        outputs: channels that leave.
        expansion: how many times wider.
        kernel: of the convolution by channel.
        activation: behind all convolutions but the last.
        squeezed: channels inside squeeze and excitation; 0 for none.
        stride: of the convolution by channel.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        expansion: int,
        kernel: int,
        activation: Activation,
        squeezed: int = 0,
        stride: int = 1,
    ) -> None:
        super().__init__()
        inner = expansion * inputs
        self.adds = (inputs, stride) == (outputs, 1)
        self.expand = Convolution(inputs, inner, 1, activation) if expansion > 1 else nn.Identity()
        self.depth = Convolution(inner, inner, kernel, activation, stride, groups=inner)
        self.weigh = SqueezeExcitation(inner, squeezed, activation) if squeezed else nn.Identity()
        self.project = Convolution(inner, outputs, 1, gain=0.0)  # the block begins as the identity

    def forward(self, maps: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H / stride, W / stride)."""
        out = self.project(self.weigh(self.depth(self.expand(maps))))
        return maps + out if self.adds else out


class ConvNext(nn.Module):
    """x + a convolution by channel, layer normalisation, wider, activation, narrower (arXiv 2201.03545)."""

    def __init__(self, channels: int, expansion: int, kernel: int, activation: Activation) -> None:
        super().__init__()
        self.activation = activation
        self.depth = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.channel_norm = nn.LayerNorm(channels)
        self.up = nn.Linear(channels, expansion * channels)
        self.down = nn.Linear(expansion * channels, channels)
        self.gain = nn.Parameter(torch.full((channels,), 0.1))
        for name, parameter in self.named_parameters():
            if name in ("depth.weight", "up.weight", "down.weight"):
                nn.init.kaiming_normal_(parameter)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, H, W)."""
        inner = self.channel_norm(self.depth(maps).permute(0, 2, 3, 1))  # (B, H, W, C)
        inner = self.down(self.activation(self.up(inner))) * self.gain
        return maps + inner.permute(0, 3, 1, 2)


# --- sequences --------------------------------------------------------------------------------------------------------


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
