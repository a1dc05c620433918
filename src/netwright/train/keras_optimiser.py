"""AdamW in Keras with a rate and a decay for each variable, which change from step to step without compiling anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.build.backend import keras
from netwright.build.keras_places import Place
from netwright.spec.network import Recipe
from netwright.train.rates import EPSILON, MOMENTUM, decay_of, rate_of
from netwright.train.schedule import SCHEDULES, flat_cosine

GATES = "0.scale"  # the scales of features, which a recipe may draw to zero

RATE, DECAY, LASSO, MEMORY = range(4)
"""The rows of what is set for each variable."""


def settings_of(places: Sequence[Place], recipe: Recipe, head: str, progress: float) -> NDArray[np.float32]:
    """Return what is set for each of V variables (4, V) when a share of the schedule has gone.

    Args:
        places: what the variables hold.
        recipe: of all networks.
        head: the position of the last block, as names begin with it.
        progress: the share that has gone, 0 to 1.
    """
    pace, shrink = SCHEDULES[recipe.schedule](progress), flat_cosine(progress)
    columns = []
    for place in places:
        rate = pace * rate_of(place.tensor, recipe, head)
        lasso = recipe.sparsity if place.tensor == GATES else 0.0
        columns.append((rate, rate * shrink * decay_of(place.tensor, recipe), lasso, recipe.second_moment))
    return np.array(columns, np.float32).T.copy()


class AdamW(keras.optimizers.Optimizer):  # type: ignore[misc]  # Keras ships no types
    """AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101), as `train.adam.step` has it, variable by variable.

    Attributes:
        settings: (4, V) for each variable its rate, its decay, the weight of its absolute sum in the loss, and β₂.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        """Begin for the variables at these places, in their order; numbers that belong to no network stay."""
        super().__init__(learning_rate=1.0, name="adamw")
        self._moved = [None if place.numbers.all() else (place.numbers > 0).astype(np.float32) for place in places]
        variables = [place.variable for place in places]
        self.settings = self.add_variable((4, len(variables)), dtype="float32", name="settings")
        self.firsts = [self.add_variable_from_reference(variable, "first") for variable in variables]
        self.seconds = [self.add_variable_from_reference(variable, "second") for variable in variables]
        self.build(variables)

    def begin(self) -> None:
        """Forget all steps."""
        for variable in (self._iterations, *self.firsts, *self.seconds):
            variable.assign(np.zeros(variable.shape))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Take a step for one variable."""
        ops, place = keras.ops, self._get_variable_index(variable)
        rate, decay, lasso, memory = (self.settings[row, place] for row in (RATE, DECAY, LASSO, MEMORY))
        first, second, moved = self.firsts[place], self.seconds[place], self._moved[place]
        steps = ops.cast(self._iterations, "float32") + 1.0
        gradient = ops.add(gradient, ops.multiply(ops.sign(variable), lasso))  # one of vectors looked up becomes dense
        gradient = gradient if moved is None else ops.multiply(gradient, moved)
        self.assign(first, first * MOMENTUM + gradient * (1 - MOMENTUM))
        self.assign(second, second * memory + ops.square(gradient) * (1.0 - memory))
        mean = first / (1.0 - ops.power(MOMENTUM, steps))
        size = ops.sqrt(second / (1.0 - ops.power(memory, steps)))
        self.assign_sub(variable, variable * decay + mean * rate / (size + EPSILON))
