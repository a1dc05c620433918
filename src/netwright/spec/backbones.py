"""Networks that others have trained on millions of images, as specs: what stands before their last layer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netwright.spec.blocks import Convolution, GlobalPool, ImageInput, InvertedResidual, Kernel, Spatial
from netwright.spec.cost import Cost
from netwright.spec.spatial import Shapes, spatial_cost, spatial_shapes


@dataclass(frozen=True)
class Backbone:
    """A trained trunk, from images to a vector of features.

    Attributes:
        name: its id.
        blocks: between the image and the vector.
        features: F numbers that leave it.
        means, deviations: of the images that it was trained on.
        side: pixels of those images; others are brought near to it.
    """

    name: str
    blocks: tuple[Spatial | GlobalPool, ...]
    features: int
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    side: int

    def inputs(self, height: int, width: int) -> ImageInput:
        """Return its first block for images of a size."""
        return ImageInput(height, width, self.means, self.deviations)


def trunk_shapes(backbone: Backbone) -> list[Shapes]:
    """Return, block by block, the shape of each tensor of a trunk by name."""
    shapes, before = [], Cost(len(backbone.means), 1, 0, 0, (backbone.side, backbone.side))
    for block in backbone.blocks:
        shapes.append(spatial_shapes(block, before.width))
        before = spatial_cost(block, before)
    return shapes


LITE0_STAGES: tuple[tuple[int, Kernel, int, int, int], ...] = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Each stage of EfficientNet-Lite0: (repeats, kernel, stride, expansion, channels).

As in its authors' code (tensorflow/tpu, 2020)."""


def _efficientnet_lite0() -> Backbone:
    """Return EfficientNet-Lite0: EfficientNet (arXiv 1905.11946) without squeezing, and with ReLU6.

    Its images are normalised as in its authors' code.
    """
    blocks: list[Spatial | GlobalPool] = [Convolution(32, 3, 2, "relu6")]
    for repeats, kernel, stride, expansion, channels in LITE0_STAGES:
        steps = (stride, *(1,) * (repeats - 1))
        blocks += [InvertedResidual(channels, expansion, kernel, step, "relu6", squeeze=False) for step in steps]
    blocks += [Convolution(1280, 1, 1, "relu6"), GlobalPool("mean")]
    return Backbone("efficientnet_lite0", tuple(blocks), 1280, (127 / 255,) * 3, (128 / 255,) * 3, 224)


def _tf_efficientnet_lite0() -> Backbone:
    """Return the same as timm has it, which normalises images a little otherwise (`timm/models/efficientnet.py`)."""
    return replace(_efficientnet_lite0(), name="tf_efficientnet_lite0", means=(0.5,) * 3, deviations=(0.5,) * 3)


BACKBONES = {backbone.name: backbone for backbone in (_efficientnet_lite0(), _tf_efficientnet_lite0())}
