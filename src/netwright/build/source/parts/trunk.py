"""What a network that others have trained sees in images. Nothing of it learns here.

Letters in shapes: B row, C channel, H height, W width, F feature.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from netwright.build.source.parts.map_layers import Convolution
from netwright.build.source.parts.smoothing import smoothing

SIDES = (128, 128)  # height and width that images are brought to
MEANS = (0.5, 0.5, 0.5)  # of the colours that it has learnt from
DEVIATIONS = (0.5, 0.5, 0.5)
FEATURES = 8  # that leave it
LARGEST = 5.0  # that a scaled feature may be


def layers() -> nn.Sequential:
    """Return its layers, from maps (B, 3, H, W) on."""
    return nn.Sequential(Convolution(3, FEATURES, 3, functional.relu6, stride=2))


class Trunk(nn.Module):
    """From images to features that are scaled by their mean and deviation over the rows that were learnt from."""

    means: Tensor
    deviations: Tensor
    middle: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(FEATURES))
        self.register_buffer("spread", torch.ones(FEATURES))
        self.register_buffer("means", torch.tensor(MEANS).view(-1, 1, 1), persistent=False)
        self.register_buffer("deviations", torch.tensor(DEVIATIONS).view(-1, 1, 1), persistent=False)
        self.trunk = layers()

    def forward(self, images: Tensor) -> Tensor:
        """(B, H, W, C) from 0 to 255 → (B, F)."""
        pixels = brought_to(images.permute(0, 3, 1, 2).float(), *SIDES) / 255  # (B, C, *SIDES)
        maps = self.trunk((pixels - self.means) / self.deviations)  # one channel, of grey, becomes three
        return ((maps.mean(dim=(2, 3)) - self.middle) / self.spread).clamp(-LARGEST, LARGEST)


def brought_to(maps: Tensor, height: int, width: int) -> Tensor:
    """(B, C, H, W) → (B, C, height, width); as it is where that is its size."""
    down, across = (torch.from_numpy(smoothing(*sides)) for sides in zip(maps.shape[2:], (height, width), strict=True))
    return down @ maps @ across.T
