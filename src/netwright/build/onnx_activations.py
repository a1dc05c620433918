"""The activations by name, as nodes."""

from __future__ import annotations

import numpy as np

from netwright.build.graph import Graph
from netwright.spec.blocks import Activation

_OPERATORS = {"relu": "Relu", "gelu": "Gelu", "mish": "Mish", "selu": "Selu", "tanh": "Tanh"}
_RANGES = {"relu6": (0.0, 6.0), "hardtanh": (-1.0, 1.0)}


def activate(graph: Graph, activation: Activation, value: str) -> str:
    """Return the name of an activation of a value."""
    if activation in _RANGES:
        low, high = _RANGES[activation]
        return graph.apply("Clip", value, graph.constant(low, np.float32), graph.constant(high, np.float32))
    if activation == "silu":
        return graph.apply("Mul", value, graph.apply("Sigmoid", value))
    return graph.apply(_OPERATORS[activation], value)
