"""Tokens as features, as nodes of an ONNX graph: which of the features around them are known, and what is fed for it.

What `tasks.tagging.Preparation.encode` computes, from the hashed features of tokens. Letters in shapes: B token,
G feature, V known feature.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.build.graph import Graph
from netwright.data.context import FEATURES
from netwright.data.frame import Frame
from netwright.data.stretches import POSITIONS
from netwright.inference.names import BATCH, FEATURE

BUCKETS = "buckets"


def surroundings(graph: Graph, known: NDArray[np.int64]) -> tuple[str, str]:
    """Return the names of the known features of tokens (B, G) int64, counted from 1, and of their weights.

    Args:
        graph: takes the nodes.
        known: (V,) their buckets.
    """
    found = graph.input(FEATURE + BUCKETS, np.int64, (BATCH, FEATURES))
    if len(known):
        numbers = [*range(1, len(known) + 1)]
        keys = known.tolist()
        names = graph.apply("LabelEncoder", found, keys_int64s=keys, values_int64s=numbers, default_int64=0)
    else:
        names = graph.apply("Mul", found, graph.constant(0, np.int64))
    there = graph.cast(graph.apply("Greater", names, graph.constant(0, np.int64)), np.float32)
    each = np.float32(1) / np.sqrt(FEATURES).astype(np.float32)
    return names, graph.apply("Mul", there, graph.constant(each))


def fed_tokens(frame: Frame) -> dict[str, NDArray[Any]]:
    """Return what is fed for tokens beside the features that networks take, by the names of the inputs.

    Positions are there also where no network has a chain: tags of entities are chosen by them.
    """
    positions = frame.columns[POSITIONS][:, None].astype(np.int32)
    return {FEATURE + BUCKETS: frame.columns[BUCKETS], FEATURE + POSITIONS: positions}
