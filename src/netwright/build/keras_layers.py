"""Layers of Keras that have given weights, as functions of symbolic values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from netwright.build.backend import keras
from netwright.spec.blocks import Activation

GIVEN = "zeros"  # where weights start that are given at once: on JAX each random start is a program to be compiled

Array = NDArray[Any]
Value = Any
"""A symbolic tensor of Keras, whose first axis is that of the rows."""


@dataclass(frozen=True)
class Parts:
    """The tensors of a block.

    Attributes:
        label: what the layers of the block are called after.
        tensors: (M, ...) by name, or (...) of one network.
    """

    label: str
    tensors: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.tensors[name]

    def __contains__(self, name: str) -> bool:
        return name in self.tensors

    def of_one(self, place: int) -> Parts:
        """Return those of one network of the stack."""
        tensors = {name: tensor[place] for name, tensor in self.tensors.items()}
        return Parts(f"{self.label}_network{place}", tensors)

    def layer(self, name: str) -> str:
        """Return the name of a layer of this block."""
        return f"{self.label}_{name}"


def applied(layer: Any, value: Value, weights: Sequence[Array], *, trained: bool = True) -> Value:
    """Return what a layer makes of a value once it has these weights.

    Args:
        layer: a layer of Keras.
        value: what goes in.
        weights: in the order of the layer, of any shape with as many numbers.
        trained: whether training in Keras may change them.
    """
    found = layer(value)
    shapes = [variable.shape for variable in layer.weights]
    layer.set_weights([array.reshape(shape) for array, shape in zip(weights, shapes, strict=True)])
    layer.trainable = trained
    return found


def product(
    name: str,
    equation: str,
    value: Value,
    kernel: Array,
    bias: Array | None = None,
    *,
    biased: str | None = None,
    trained: bool = True,
) -> Value:
    """Return the product of a value and a weight, by an equation of Einstein's rule, and a bias added.

    A layer `EinsumDense` is the one of Keras whose weight may have any axes: that of the stack among them. A letter of
    all three terms of the equation makes it a product by elements.

    Args:
        name: of the layer.
        equation: the axes of value, weight and result, as in `bf,mfh->bmh`; b are the rows.
        value: of the axes of the first term.
        kernel: of those of the second.
        bias: if there is one.
        biased: its axes, in the order of the result.
        trained: whether training in Keras may change the weights.
    """
    inner, weighed, outer = re.split(",|->", equation)
    sizes = dict(zip(inner, value.shape, strict=True)) | dict(zip(weighed, kernel.shape, strict=True))
    shape = [sizes[axis] for axis in outer[1:]]
    layer = keras.layers.EinsumDense(equation, shape, bias_axes=biased, kernel_initializer=GIVEN, name=name)
    return applied(layer, value, [kernel] if bias is None else [kernel, bias], trained=trained)


def looked_up(name: str, table: Array, numbers: Value) -> Value:
    """(B, N) numbers and tables (M, V, W) of vectors → (B, N, M · W), those of all networks side by side."""
    stack, known, width = table.shape
    side_by_side = table.transpose(1, 0, 2).reshape(known, stack * width)
    layer = keras.layers.Embedding(known, stack * width, embeddings_initializer=GIVEN, name=name)
    return applied(layer, numbers, [side_by_side])


def joined(values: Sequence[Value], axis: int) -> Value:
    """Return values side by side."""
    return values[0] if len(values) == 1 else keras.layers.Concatenate(axis=axis)(values)


def reshaped(value: Value, *shape: int) -> Value:
    """Return a value whose rows have another shape."""
    return keras.layers.Reshape(shape)(value)


def activate(activation: Activation, value: Value) -> Value:
    """Return an activation of a value; the one name that Keras writes otherwise is `hard_tanh`."""
    return keras.layers.Activation("hard_tanh" if activation == "hardtanh" else activation)(value)


def even(value: Value, epsilon: float) -> Value:
    """Return a value with the mean 0 and the deviation 1 along its last axis."""
    return keras.layers.LayerNormalization(epsilon=epsilon, center=False, scale=False)(value)
