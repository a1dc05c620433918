"""How weights begin."""

from __future__ import annotations

from typing import Any

from netwright.build.backend import keras


def he(share: float = 1.0) -> Any:
    """Return how a matrix begins: as in He et al. (2015, arXiv 1502.01852), or with a share of that variance."""
    return keras.initializers.VarianceScaling(2 * share, "fan_in", "untruncated_normal")


def spread(deviation: float = 0.1) -> Any:
    """Return how biases and vectors begin: spread out around zero."""
    return keras.initializers.RandomNormal(stddev=deviation)


def evenly(bound: float) -> Any:
    """Return how what lies evenly between two bounds begins."""
    return keras.initializers.RandomUniform(-bound, bound)
