"""Layers that vectors go through, of one network or of members that share weights.

Letters in shapes: B row, E member, F feature.
"""

from __future__ import annotations

from typing import Any

from netwright.build.backend import keras, layers, ops
from netwright.build.source.parts.keras_starts import evenly, he, spread
from netwright.build.source.parts.keras_tensors import Tensor

EPSILON, ROOT_EPSILON = 1e-5, 2**-23  # of normalisation by layer and by batch, and by root mean square


class Dropout(layers.Layer):
    """Dropout whose rate is a variable, so that it may fade while a network learns without being compiled anew."""

    def __init__(self, rate: float, *, name: str) -> None:
        super().__init__(name=name)
        self.share, first = rate, keras.initializers.Constant(rate)
        self.rate = self.add_weight(shape=(), initializer=first, trainable=False, name="rate")
        self.seeds = keras.random.SeedGenerator()

    def call(self, hidden: Tensor, training: bool = False) -> Tensor:
        """Return activations of any shape, some of them zero while something is learnt."""
        if not training:
            return hidden
        rate = ops.convert_to_tensor(self.rate)
        kept = keras.random.uniform(ops.shape(hidden), seed=self.seeds) >= rate
        return ops.where(kept, hidden / (1.0 - rate), 0.0)


def linear(width: int, *, name: str) -> Any:
    """Return a linear layer as those inside of a network begin."""
    return layers.Dense(width, kernel_initializer=he(), bias_initializer=spread(), name=name)


def normalised(hidden: Tensor, kind: str, *, name: str) -> Tensor:
    """(..., F) → the same, normalised by `layer`, or by the root of the mean square (`rms`)."""
    if kind == "rms":
        return layers.RMSNormalization(epsilon=ROOT_EPSILON, name=name)(hidden)
    return layers.LayerNormalization(epsilon=EPSILON, name=name)(hidden)


def dense(hidden: Tensor, width: int, activation: str, *, name: str, norm: str = "") -> Tensor:
    """(B, F) → (B, width): linear, normalisation, activation."""
    hidden = linear(width, name=name)(hidden)
    if norm:
        hidden = normalised(hidden, norm, name=f"{name}_norm")
    return layers.Activation(activation)(hidden)


def residual_block(
    hidden: Tensor, inner: int, activation: str, noise: Any = None, *, name: str, norm: str = ""
) -> Tensor:
    """(B, F) → (B, F): x + linear(dropout(activation(linear(norm(x))))) (arXiv 2106.11959, section 3.2)."""
    branch = normalised(hidden, norm, name=f"{name}_norm") if norm else hidden
    branch = layers.Activation(activation)(linear(inner, name=f"{name}_up")(branch))  # (B, inner)
    if noise is not None:
        branch = noise(branch)
    return hidden + linear(hidden.shape[-1], name=f"{name}_down")(branch)


def head(outputs: int) -> Any:
    """Return the last linear layer."""
    first = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
    return layers.Dense(outputs, kernel_initializer=first, name="head")


class Members(layers.Layer):
    """Makes E members of one network: each sees the features with signs of its own (TabM, arXiv 2410.24210)."""

    def __init__(self, members: int, *, name: str = "members") -> None:
        super().__init__(name=name)
        self.members = members

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the signs, for features (B, F)."""
        self.in_scale = self.add_weight(shape=(self.members, shape[1]), initializer=self.first_signs, name="in_scale")

    def first_signs(self, shape: tuple[int, ...], dtype: Any = None) -> Tensor:
        """Return 1 or -1 for each feature of each member."""
        return ops.where(keras.random.uniform(shape) < 0.5, -1.0, 1.0)

    def call(self, features: Tensor) -> Tensor:
        """(B, F) → (B, E, F)."""
        return ops.expand_dims(features, 1) * self.in_scale


class MemberLinear(layers.Layer):
    """A linear layer that E members share, but for scalings and a bias of their own (TabM, arXiv 2410.24210)."""

    def __init__(self, width: int, *, name: str) -> None:
        super().__init__(name=name)
        self.width = width

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights, for activations (B, E, inputs)."""
        members, inputs = shape[1:]
        self.weight = self.add_weight(shape=(inputs, self.width), initializer=he(), name="weight")
        self.in_scale = self.add_weight(shape=(members, inputs), initializer="ones", name="in_scale")
        self.out_scale = self.add_weight(shape=(members, self.width), initializer="ones", name="out_scale")
        self.bias = self.add_weight(shape=(members, self.width), initializer=spread(), name="bias")

    def call(self, hidden: Tensor) -> Tensor:
        """(B, E, inputs) → (B, E, width)."""
        return ops.matmul(hidden * self.in_scale, self.weight) * self.out_scale + self.bias


def member_dense(hidden: Tensor, width: int, activation: str, *, name: str, norm: str = "") -> Tensor:
    """(B, E, F) → (B, E, width): linear, normalisation, activation."""
    hidden = MemberLinear(width, name=name)(hidden)
    if norm:
        hidden = normalised(hidden, norm, name=f"{name}_norm")
    return layers.Activation(activation)(hidden)


def member_residual_block(
    hidden: Tensor, inner: int, activation: str, noise: Any = None, *, name: str, norm: str = ""
) -> Tensor:
    """(B, E, F) → (B, E, F): x + linear(dropout(activation(linear(norm(x))))), of E members."""
    branch = normalised(hidden, norm, name=f"{name}_norm") if norm else hidden
    branch = layers.Activation(activation)(MemberLinear(inner, name=f"{name}_up")(branch))  # (B, E, inner)
    if noise is not None:
        branch = noise(branch)
    return hidden + MemberLinear(hidden.shape[-1], name=f"{name}_down")(branch)


class MemberHead(layers.Layer):
    """The last linear layer, of which each of E members has one of its own."""

    def __init__(self, outputs: int, *, name: str = "head") -> None:
        super().__init__(name=name)
        self.outputs = outputs

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights, for activations (B, E, inputs)."""
        members, inputs = shape[1:]
        self.weight = self.add_weight(
            shape=(members, inputs, self.outputs), initializer=evenly(inputs**-0.5), name="weight"
        )
        self.bias = self.add_weight(shape=(members, self.outputs), initializer="zeros", name="bias")

    def call(self, hidden: Tensor) -> Tensor:
        """(B, E, inputs) → (B, E, outputs)."""
        return ops.einsum("bei,eio->beo", hidden, self.weight) + self.bias
