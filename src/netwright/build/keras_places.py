"""Where the numbers of a stack of networks lie in a model of Keras, so that they go there and come back.

The builder turns, cuts and joins the tensors of a spec until they are weights of layers. So it is shown tensors of
whole numbers, all different: what stands in the layers afterwards says which number of which tensor belongs there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.build.backend import keras
from netwright.build.keras_layers import Array

Shapes = Mapping[str, tuple[int, ...]]

MOST = 2**24  # numbers that float32 tells apart
MEASURED = ("knots",)  # last words of the names of tensors that the builder computes with


def numbered(shapes: Shapes) -> dict[str, Array]:
    """Return tensors of these shapes that hold whole numbers from 1 on, each once, in the order of their names.

    There may be less than `MOST` of them.

    >>> {name: tensor.tolist() for name, tensor in numbered({"a": (1, 2), "b": (1, 1)}).items()}
    {'a': [[1.0, 2.0]], 'b': [[3.0]]}
    """
    found, first = {}, 1
    for name, shape in shapes.items():
        found[name] = np.arange(first, first + prod(shape), dtype=np.float32).reshape(shape)
        first += prod(shape)
    return found


def is_moved(name: str) -> bool:
    """Return whether the numbers of a tensor stand in the layers as they are.

    >>> is_moved("0.weight"), is_moved("0.knots")
    (True, False)
    """
    return not name.endswith(MEASURED)


@dataclass(frozen=True, eq=False)  # arrays have no equality of one bit
class Place:
    """A variable of Keras.

    Attributes:
        variable: itself.
        tensor: the name of the tensor whose numbers it holds.
        numbers: of its shape: which number of all tensors, laid end to end, each is, from 1 on; 0 for one that belongs
            to none, and stays 0.
    """

    variable: Any
    tensor: str
    numbers: NDArray[np.int64]


@dataclass(frozen=True)
class Places:
    """Where the numbers of tensors lie in a model.

    Attributes:
        shapes: of the tensors (M, ...) by name.
        each: the variables.
    """

    shapes: Shapes
    each: tuple[Place, ...]

    @staticmethod
    def of(model: Any, shapes: Shapes) -> Places:
        """Return where they are in a model that was built with tensors `numbered` in these shapes."""
        ends = np.cumsum([prod(shape) for shape in shapes.values()])
        names, found = [*shapes], []
        layers = (layer for layer in model.layers if layer.trainable and layer.weights)
        for variable in (variable for layer in layers for variable in layer.weights):
            numbers = keras.ops.convert_to_numpy(variable).astype(np.int64)
            if numbers.any():  # else it is none of the network's
                tensor = names[int(np.searchsorted(ends, numbers.max()))]
                found.append(Place(variable, tensor, numbers))
        return Places(shapes, tuple(found))

    def put(self, tensors: Mapping[str, Array]) -> None:
        """Put the numbers of tensors (M, ...) into the model."""
        flat = self._flat(tensors)
        for place in self.each:
            place.variable.assign(flat[place.numbers])

    def taken(self, before: Mapping[str, Array]) -> dict[str, Array]:
        """Return the tensors (M, ...) by name as they now are in the model; what it has no place for is as before."""
        flat = self._flat(before)
        for place in self.each:
            flat[place.numbers] = keras.ops.convert_to_numpy(place.variable)
        parts = np.split(flat[1:], np.cumsum([prod(shape) for shape in self.shapes.values()])[:-1])
        moved = {name: part.reshape(shape) for part, (name, shape) in zip(parts, self.shapes.items(), strict=True)}
        return {**before, **moved}

    def _flat(self, tensors: Mapping[str, Array]) -> Array:
        """Return the numbers of tensors, laid end to end; a 0 stands before the first."""
        return np.concatenate([np.zeros(1, np.float32), *(tensors[name].ravel() for name in self.shapes)])
