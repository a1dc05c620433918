"""Layers that maps of images go through.

Letters in shapes: B row, C channel, H height, W width.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from netwright.build.source.parts.activations import Activation


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
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.activation = kernel, stride, activation
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.batch_norm = nn.BatchNorm2d(outputs, momentum=0.2)
        nn.init.kaiming_normal_(self.convolution.weight)

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
        self.second = Convolution(outputs, outputs, kernel)
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
        self.project = Convolution(inner, outputs, 1)

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
        self.gain = nn.Parameter(torch.ones(channels))
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
