"""Images that grow while a network learns from them: small ones first, which cost less, and the whole ones at the end.

Progressive resizing (Howard 2018, in DAWNBench's fastest trainings; Tan and Le 2021, arXiv 2104.00298): convolutions do
not mind the size of their map, and what is coarse can be learnt on coarse images.
"""

from __future__ import annotations

from dataclasses import replace

from netwright.spec.blocks import ImageInput
from netwright.spec.network import Network

GROWN = 2 / 3  # of the schedule, after which images are whole
LEVELS = 8  # sizes between none and all: each is a new shape for every convolution
SMALLEST = 8  # pixels a side, below which nothing is left to see


def side_share(growth: float, progress: float) -> float:
    """Return the share of their side that images have when a share of the schedule has gone."""
    share = growth + (1 - growth) * min(1.0, progress / GROWN)
    return min(1.0, round(LEVELS * share) / LEVELS)


def mean_area(growth: float) -> float:
    """Return the share of the whole area that images have on average over a training."""
    growing = (1 + growth + growth**2) / 3  # the mean of the square of a side that grows evenly
    return GROWN * growing + (1 - GROWN)


def at_share(network: Network, share: float) -> Network:
    """Return a network for images that have a share of their side, with the same weights.

    It stays as it is where they are whole, and where it takes none.
    """
    first = network.blocks[0]
    if share >= 1 or not isinstance(first, ImageInput):
        return network
    height, width = (min(side, max(SMALLEST, round(share * side))) for side in (first.height, first.width))
    return replace(network, blocks=(replace(first, height=height, width=width), *network.blocks[1:]))
