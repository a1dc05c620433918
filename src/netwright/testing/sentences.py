"""Made-up sentences in which tags follow from each other, for tests of chains."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.features import Features
from netwright.data.stretches import POSITIONS, positions_of

LONGEST = 11  # tokens of a sentence
SILENT = 4  # the one gram of a token that says nothing of its tag


def language(sentences: int, seed: int) -> tuple[Features, NDArray[np.int64]]:
    """Return encoded tokens, half of which say nothing, and their tags, each of which follows from the one before it.

    Tags go round in a circle of three. So who knows that tells all tags of a sentence by any token that says its own.
    """
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, LONGEST + 1, sentences)
    tags = np.concatenate([(generator.integers(3) + np.arange(length)) % 3 for length in lengths])
    said = generator.random(len(tags)) < 0.5
    grams = np.where(said, tags + 1, SILENT)[:, None].astype(np.int32)
    arrays: dict[str, NDArray[Any]] = {"plain": np.zeros((len(tags), 2), np.float32), "grams": grams}
    positions = positions_of(np.repeat(np.arange(sentences), lengths))[:, None].astype(np.int32)
    return Features({**arrays, "gram_weights": np.ones(grams.shape, np.float32), POSITIONS: positions}), tags
