"""From features to answers, as nodes of an ONNX graph: all networks of a mix, their shares, and the calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netwright.build.graph import Graph
from netwright.build.onnx import Inputs, outputs
from netwright.data.goal import Goal
from netwright.inference.share import Share
from netwright.spec.numbers import LEAST_CHANCE


def answers(
    graph: Graph, mix: Sequence[Share], goal: Goal, temperature: float, inputs: Inputs, size: tuple[int, int] | None
) -> str:
    """Return the name of calibrated probabilities (B, K) float32, or of values (B,) float64 in the target's unit.

    Args:
        graph: takes the nodes.
        mix: the networks.
        goal: what they learnt.
        temperature: the logits of the mix are divided by it.
        inputs: the features of the rows, by what they are.
        size: height and width of the images that are fed, if any are.
    """
    mixed = ""
    for part in mix:
        found = outputs(graph, part.network, part.weights, inputs, size)  # (S, E, B, K)
        if goal.scale is None:
            found = graph.apply("Softmax", found, axis=-1)
        mean = graph.apply("ReduceMean", found, graph.constant([0, 1], np.int64), keepdims=0)
        if len(mix) > 1:
            mean = graph.apply("Mul", mean, graph.constant(part.share, np.float32))
        mixed = graph.apply("Add", mixed, mean) if mixed else mean
    return _calibrated(graph, mixed, temperature) if goal.scale is None else _in_unit(graph, mixed, goal)


def _calibrated(graph: Graph, probabilities: str, temperature: float) -> str:
    """Return probabilities (B, K) whose logits are divided by the temperature: see `select.calibrate`."""
    if temperature == 1.0:
        return probabilities
    certain = graph.apply("Max", probabilities, graph.constant(LEAST_CHANCE, np.float32))
    logits = graph.apply("Mul", graph.apply("Log", certain), graph.constant(1 / temperature, np.float32))
    return graph.apply("Softmax", logits, axis=-1)


def _in_unit(graph: Graph, outcome: str, goal: Goal) -> str:
    """Return outputs (B, 1) as values (B,) in the unit of the target, within its range: see `data.goal.Scale`."""
    scale = goal.scale
    assert scale is not None
    wide = graph.cast(graph.reshape(outcome, -1), np.float64)
    values = graph.apply("Mul", wide, graph.constant(scale.scale, np.float64))
    values = graph.apply("Add", values, graph.constant(scale.shift, np.float64))
    return graph.apply("Clip", values, graph.constant(scale.low, np.float64), graph.constant(scale.high, np.float64))
