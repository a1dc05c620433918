"""Networks of one shape in training, as one compiled program of Keras.

Letters in shapes: B row, E member that shares weights, M network of the stack, K output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.build.backend import keras, single_precision
from netwright.build.keras import forward, quiet
from netwright.build.keras_layers import Array, Value
from netwright.build.keras_mix import TYPES
from netwright.build.keras_noise import Noise
from netwright.build.keras_places import MOST, Places, is_moved, numbered
from netwright.errors import TrialError
from netwright.spec.costs import weight_shapes
from netwright.spec.network import Network, Recipe, taken_features, without_chain
from netwright.train.keras_chain import Pairs, chain_loss_of
from netwright.train.keras_optimiser import AdamW, settings_of
from netwright.train.schedule import flat_cosine

Rows = Mapping[str, Array]
"""Features (B, ...) by name."""


class Learner:
    """A stack of networks that all see the same rows, each of which counts for those networks that learn from it."""

    def __init__(
        self,
        network: Network,
        weights: Mapping[str, Array],
        shapes: Mapping[str, tuple[int, ...]],
        *,
        classes: bool,
        noisy: bool,
    ) -> None:
        """Build the program.

        Args:
            network: the shape of all networks.
            weights: tensors (M, ...) by name; those that are measured stay what they are.
            shapes: of the features of one row by name.
            classes: whether outputs are logits, else one value each.
            noisy: whether there is dropout.

        Raises:
            TrialError: if there are more numbers than can be told apart.
        """
        stacked = {name: (len(tensor), *tensor.shape[1:]) for name, tensor in weights.items() if is_moved(name)}
        if numbers_of(network) * len(next(iter(weights.values()))) >= MOST:
            raise TrialError("the network has more numbers than can be moved to Keras")
        measured = {name: tensor for name, tensor in weights.items() if not is_moved(name)}
        with single_precision():
            self._noise = Noise() if noisy else None
            tensors = {**numbered(stacked), **measured}
            pairs = Pairs(tensors[f"{network.last}.transitions"]) if network.chained else None
            network = without_chain(network) if pairs else network
            taken = taken_features(network)
            inputs = {name: keras.Input(shapes[name], dtype=TYPES[name], name=name) for name in taken}
            outputs = forward(network, tensors, inputs, noise=self._noise or quiet)
            self._model = keras.Model(inputs, pairs(outputs) if pairs else outputs)
            self._taken = tuple(taken)
        self._places = Places.of(self._model, stacked)
        by_variable = {id(place.variable): place for place in self._places.each}
        self._trained = [by_variable[id(variable)] for variable in self._model.trainable_variables]
        self._optimiser = AdamW(self._trained)
        self._head = str(len(network.blocks) - 1)
        jit = keras.backend.backend() == "jax"  # on TensorFlow a program takes longer to compile than it saves
        plain = _loss_of(network.outputs, classes=classes)
        loss = chain_loss_of(pairs, network.outputs) if pairs else plain
        self._model.compile(self._optimiser, loss, jit_compile=jit)
        self._begun = dict(weights)

    def begin(self, weights: Mapping[str, Array], seed: int) -> None:
        """Begin anew with tensors (M, ...), and with noise that follows from a seed."""
        self._begun = dict(weights)
        self._places.put(weights)
        self._optimiser.begin()
        if self._noise is not None:
            self._noise.begin(seed)

    def step(self, rows: Rows, wanted: NDArray[np.float32], recipe: Recipe, progress: float) -> None:
        """Take an optimiser step.

        Args:
            rows: B of them; always as many, or the program is compiled anew.
            wanted: (B, K + M) what each should come to, and for which networks it counts, 1 or 0; of a chain
                (B, K + M + 1) with whether it goes on with the row before it.
            recipe: how far the step goes.
            progress: the share of the schedule that has gone.
        """
        if self._noise is not None:
            self._noise.share.assign(np.float32(recipe.dropout * flat_cosine(progress)))
        self._optimiser.settings.assign(settings_of(self._trained, recipe, self._head, progress))
        self._model.train_on_batch({name: rows[name] for name in self._taken}, wanted)

    def outputs(self, rows: Rows) -> NDArray[np.float32]:
        """Return the outputs (B, E, M, K) for rows, of which there are best always as many; of a chain the scores."""
        return np.asarray(self._model.predict_on_batch({name: rows[name] for name in self._taken}))

    def weights(self) -> dict[str, Array]:
        """Return the tensors (M, ...) by name as they are now."""
        return self._places.taken(self._begun)

    def state(self) -> list[Array]:
        """Return all that a training is made of, to go on from it later."""
        return [np.array(keras.ops.convert_to_numpy(variable)) for variable in self._variables()]

    def restore(self, state: list[Array]) -> None:
        """Go on from a state."""
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)

    def _variables(self) -> list[Any]:
        return [*self._model.variables, *self._optimiser.variables]


def numbers_of(network: Network) -> int:
    """Return how many numbers of one network are moved to Keras and back."""
    return sum(prod(shape) for name, shape in weight_shapes(network).items() if is_moved(name))


def _loss_of(outputs: int, *, classes: bool) -> Callable[[Value, Value], Value]:
    """Return the loss of what was wanted (B, K + M) and what came (B, E, M, K), summed over the networks.

    That of a network is the mean over its members and those rows that count for it.
    """

    def loss(wanted: Value, found: Value) -> Value:
        ops = keras.ops
        aims, counted = wanted[:, None, None, :outputs], wanted[:, outputs:]
        each = -aims * ops.log_softmax(found, axis=-1) if classes else ops.square(found - aims)
        of_rows = ops.mean(ops.sum(each, axis=3), axis=1)  # (B, M)
        return ops.sum(ops.sum(of_rows * counted, axis=0) / ops.maximum(ops.sum(counted, axis=0), 1.0))

    return loss
