"""Numbers that are part of what a block computes, and so the same in every framework."""

from __future__ import annotations

EPSILON = 1e-5  # added to variances by normalisation, by layer and by batch
ROOT_EPSILON = 2.0**-23  # added to mean squares by the other normalisation: of float32 the smallest step from 1
FAR = -1e4  # a logit that takes no part; finite, so that a text without words is no fault
BRIGHTEST = 255.0  # number of a pixel
LEAST_CHANCE = 1e-7  # below it a probability is rounding, and cannot be learnt from tables: it counts as that
