"""A whole mix as one model of Keras: all networks, their shares, the calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netwright.build.backend import keras, single_precision
from netwright.build.keras import Inputs, Weights, forward
from netwright.build.keras_layers import Value, reshaped
from netwright.data.goal import Goal
from netwright.data.stretches import POSITIONS
from netwright.spec.network import Network, taken_features
from netwright.spec.numbers import LEAST_CHANCE

NAME = "netwright"

TYPES: Mapping[str, str] = {
    "numeric": "float32",
    "plain": "float32",
    "categories": "int32",
    "frozen": "float32",
    "grams": "int32",
    "gram_weights": "float32",
    "pieces": "int32",
    "bytes": "uint8",
    "images": "uint8",
    POSITIONS: "int32",
}
"""Of the features, by what they are."""

Weighed = tuple[Network, Weights, float]
"""Networks of one shape, their tensors (M, ...) by name, and their share of the mix."""


def mixed_model(mix: Sequence[Weighed], goal: Goal, temperature: float, shapes: Mapping[str, tuple[int, ...]]) -> Any:
    """Return a functional `keras.Model` from features by name to answers.

    Args:
        mix: the networks.
        goal: what they learnt.
        temperature: the logits of the mix are divided by it.
        shapes: of the features of one row, by what they are; those that no network takes are left out.

    Returns:
        A model that gives calibrated probabilities (B, K), or values (B,) in the unit of the target, as float32.
    """
    with single_precision():
        names = {name for network, _, _ in mix for name in taken_features(network)}
        fed = {name: shape for name, shape in shapes.items() if name in names}
        inputs = {name: keras.Input(shape, dtype=TYPES[name], name=name) for name, shape in fed.items()}
        shares = [_share(part, inputs, goal, f"part{place}") for place, part in enumerate(mix)]
        mixed = shares[0] if len(shares) == 1 else keras.layers.Add()(shares)
        answers = _calibrated(mixed, temperature) if goal.scale is None else _in_unit(mixed, goal)
        return keras.Model(inputs, answers, name=NAME)


def _share(part: Weighed, inputs: Inputs, goal: Goal, label: str) -> Value:
    """Return what the networks of one shape add to the mix (B, K)."""
    network, weights, share = part
    found = forward(network, weights, inputs, label)  # (B, E, M, K)
    _, members, stack, outputs = found.shape
    found = reshaped(found, members * stack, outputs)
    if goal.scale is None:
        found = keras.layers.Softmax(axis=-1)(found)
    return keras.ops.mean(found, axis=1) * share


def _calibrated(probabilities: Value, temperature: float) -> Value:
    """Return probabilities (B, K) whose logits are divided by the temperature: see `select.calibrate`."""
    if temperature == 1.0:
        return keras.layers.Activation("linear", name="probabilities")(probabilities)
    logits = keras.ops.log(keras.ops.maximum(probabilities, LEAST_CHANCE)) / temperature
    return keras.layers.Softmax(axis=-1, name="probabilities")(logits)


def _in_unit(outcome: Value, goal: Goal) -> Value:
    """Return outputs (B, 1) as values (B,) in the unit of the target, within its range: see `data.goal.Scale`."""
    scale = goal.scale
    assert scale is not None
    values = keras.layers.Rescaling(scale.scale, scale.shift)(outcome)
    values = keras.ops.clip(values, scale.low, scale.high)
    return keras.layers.Reshape((), name="values")(values)
