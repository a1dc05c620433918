"""How fast this machine trains a trunk further: by some steps on a few images, with every core or the card at work."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.data.features import Features
from netwright.resources.machine import usable_cores
from netwright.spec.network import Network, Recipe
from netwright.train.device import PROCESSOR, Device
from netwright.train.framework import Split
from netwright.train.lanes import on_all_cores
from netwright.train.losses import LOSSES
from netwright.train.population import Population
from netwright.train.recording import WARM
from netwright.train.rows import as_rows
from netwright.train.transfer import begun_as

STEPS = 3  # of which the fastest counts: the first one makes what the others use
CARD_STEPS = WARM + 3  # the same, when recorded ones are played


def training_seconds(
    network: Network,
    trunk: Mapping[str, NDArray[Any]],
    images: NDArray[np.uint8],
    device: Device = PROCESSOR,
) -> float:
    """Return the seconds of one core, while all are training, in which a network learns from one image once.

    Args:
        network: from images to the head.
        trunk: the tensors by name that it begins with, see `begun_as`.
        images: (n, H, W, C), which are one batch.
        device: where it is trained; a graphics card counts for one core.
    """
    count = len(images)
    rows = as_rows(Features({"images": images}), np.zeros(count, np.int64), np.zeros((0, 2), np.float32), device)
    on_card = device.type == "cuda"
    weights = begun_as(network, trunk, rows.quantiles, [0])
    split = Split(np.arange(count), np.arange(1))

    def fastest(place: int) -> float:
        population = Population.start(network, [Recipe(batch_size=count)], rows, [split], [place], weights)
        taken = []
        for _ in range(CARD_STEPS if on_card else STEPS):
            begun = time.perf_counter()
            population.step(rows, rows.near(population.shuffled(count)), LOSSES["cross_entropy"], 0.5)
            if on_card:
                torch.cuda.synchronize(device)
            taken.append(time.perf_counter() - begun)
        return min(taken)

    slowest = fastest(0) if on_card else max(on_all_cores(fastest, range(usable_cores())))
    return slowest / count
