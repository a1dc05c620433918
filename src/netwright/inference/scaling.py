"""Numbers made small and even, as nodes of an ONNX graph: see `data.numeric`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.build.graph import Graph
from netwright.data.numeric import FURTHEST, LARGEST


def scaled(graph: Graph, filled: str, absent: str, centres: NDArray[np.float64], factors: NDArray[np.float64]) -> str:
    """Return the name of z / √(1 + (z/3)²) with z = (x - centre) · factor as float32, 0 where missing.

    Args:
        graph: takes the nodes.
        filled: (B, N) float64, anything finite where missing.
        absent: (B, N) bool, where cells are missing.
        centres: (N,).
        factors: (N,), none negative.
    """
    furthest = np.where(factors > 0, FURTHEST / np.where(factors > 0, factors, 1), LARGEST)
    away = graph.apply("Sub", within(graph, filled, np.float64(LARGEST)), graph.constant(centres))
    z = graph.apply("Mul", within(graph, away, furthest), graph.constant(factors))
    return where_known(graph, absent, squashed(graph, z, np.float64))


def squashed(graph: Graph, z: str, dtype: Any) -> str:
    """Return the name of z / √(1 + (z/3)²), of the same type."""
    z = within(graph, z, np.asarray(FURTHEST, dtype))
    third = graph.apply("Div", z, graph.constant(3, dtype))
    root = graph.apply("Sqrt", graph.apply("Add", graph.apply("Mul", third, third), graph.constant(1, dtype)))
    return graph.apply("Div", z, root)


def within(graph: Graph, value: str, limits: Any) -> str:
    """Return the name of a value no further from 0 than limits, of its own type."""
    above = graph.apply("Max", value, graph.constant(-limits))
    return graph.apply("Min", above, graph.constant(limits))


def where_known(graph: Graph, absent: str, value: str) -> str:
    """Return the name of a value as float32, 0 where it is missing."""
    return graph.apply("Where", absent, graph.constant(0, np.float32), graph.cast(value, np.float32))
