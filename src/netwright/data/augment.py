"""More rows like those there are, for a teacher to label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.features import Features
from netwright.data.stretches import POSITIONS

TEXT = ("grams", "gram_weights", "pieces", "bytes", "frozen")  # belong together: all are of one text
CELLS = 2  # dimensions of an array that holds cells of a table; the parts of a picture are no cells


def swapped(features: Features, share: float, generator: np.random.Generator) -> Features:
    """Return rows (N) in which each number has, with probability `share`, the value that another row has there.

    Columns keep their values and rows most of what ties their columns together, in the manner of MUNGE (Bucila, Caruana
    and Niculescu-Mizil 2006, Model compression, section 3), with a random row in the place of the nearest. Pictures
    stay as they are: training changes them anew each time. What is said of a text is swapped whole. Which rows follow
    each other stays, too.
    """
    other = features.rows(generator.permutation(len(features)))

    def mixed(own: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
        return np.where(generator.random(own.shape) < share, others, own) if own.ndim == CELLS else own

    kept = {name: array for name, array in features.arrays.items() if name == POSITIONS}
    cells = {name: array for name, array in features.arrays.items() if name not in (*TEXT, POSITIONS)}
    arrays = {name: mixed(array, other[name]) for name, array in cells.items()}
    whole = generator.random(len(features)) < share
    bags = {name: np.where(whole[:, None], other[name], features[name]) for name in TEXT if name in features.arrays}
    return Features({**arrays, **bags, **kept})
