"""How networks are trained, as data, and the schedules that it names."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


def cosine(progress: float) -> float:
    """Warm up over the first 5 %, then half a cosine down to 0 (arXiv 1608.03983)."""
    warm = 0.05
    if progress < warm:
        return progress / warm
    return 0.5 * (1 + math.cos(math.pi * (progress - warm) / (1 - warm)))


def coslog4(progress: float) -> float:
    """Four cosine cycles, each twice as long as the one before (arXiv 2407.04491)."""
    return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * progress)))


def flat_cosine(progress: float) -> float:
    """Full until half of the time, then half a cosine down to 0."""
    return 1.0 if progress < 0.5 else 0.5 * (1 + math.cos(math.pi * (2 * progress - 1)))


def one_cycle(progress: float) -> float:
    """Half a cosine up from 1/25 over the first 30 %, then another down to 0 (arXiv 1708.07120)."""
    first, rise = 0.04, 0.3
    if progress < rise:
        return first + (1 - first) * 0.5 * (1 - math.cos(math.pi * progress / rise))
    return 0.5 * (1 + math.cos(math.pi * (progress - rise) / (1 - rise)))


@dataclass(frozen=True)
class Recipe:
    """How the networks of one design are trained; their dropout stands in `model.py`."""

    learning_rate: float
    schedule: Callable[[float], float]  # share of the training that has gone → share of the learning rate
    weight_decay: float  # of matrices; it fades away as dropout does
    second_moment: float  # the second beta of Adam
    batch_size: int
    epochs: int
    # if scaled:
    scale_rate: float  # factor on the learning rate of the scales of features
    scale_decay: float  # the decay of these scales
    # end
    # if grams:
    gram_rate: float  # factor on the learning rate of the vectors of n-grams and of pieces of words
    # end
    # if sparsity:
    sparsity: float = 0.0  # weight of the absolute sum of the scales in the loss (the lasso)
    # end
    # if mixup:
    mixup: float = 0.0  # the a of the Beta(a, a) by which two rows are mixed (arXiv 1710.09412)
    # end
    # if smoothing:
    label_smoothing: float = 0.0  # share of each label that is spread over all classes
    # end
    # if flips:
    flips: str = "none"  # of images: none, sideways, or all ways
    # end
    # if distortion:
    distortion: float = 0.0  # from 0 to 1: how far images are turned, scaled, slanted, shifted and recoloured
    # end
    # if warp:
    warp: float = 0.0  # from 0 to 1: how far spectrograms are stretched, shifted, tilted, and noise is added
    # end
    # if masking:
    masking: float = 0.0  # from 0 to 1: how wide the bands and moments are that are hidden
    # end
    # if growth:
    growth: float = 1.0  # the share of their side that images begin with; they are whole after two thirds
    # end
    # if averaging:
    averaging: float = 0.0  # share of the training over which weights are averaged, the latest counting most
    # end
    # if muon:
    muon: bool = False  # whether the steps of inner matrices are made orthogonal
    # end
    # if sgd:
    sgd: bool = False  # whether steps follow the gradient with momentum, and not AdamW
    # end


BIAS_RATE = 0.1  # of the learning rate, for biases


def rate_and_decay(name: str, recipe: Recipe) -> tuple[float, float]:
    """Return the learning rate and the weight decay of a parameter: of all that is no matrix, nothing decays."""
    part = name.rpartition(".")[2]
    # if scaled:
    if name == "scale":
        return recipe.scale_rate * recipe.learning_rate, recipe.scale_decay
    # end
    rate = recipe.learning_rate
    # if grams:
    if name in ("grams.weight", "pieces.weight"):
        rate *= recipe.gram_rate
    # end
    slow = part.startswith("bias")
    # if maps:
    slow = slow and "batch_norm" not in name and "channel_norm" not in name
    # end
    decays = part.startswith("weight") and "norm" not in name and "categories" not in name
    return rate * (BIAS_RATE if slow else 1.0), recipe.weight_decay if decays else 0.0


RECIPES: dict[str, Recipe] = {}
# Schedules that rise once, so that training can end early.
PATIENT: tuple[Callable[[float], float], ...] = (cosine, flat_cosine, one_cycle)
