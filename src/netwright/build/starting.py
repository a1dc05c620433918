"""The weights that networks begin with, in numpy: of the same distributions as `build.torch.initial_weights`.

Letters in shapes: M network of the stack, F feature, Q knot.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.spec.blocks import (
    Attention,
    BagInput,
    Block,
    ChainHead,
    Dense,
    Head,
    Members,
    Periodic,
    Recurrent,
    Residual,
    SequenceConvolution,
    SequenceInput,
    SequencePool,
    TableInput,
)
from netwright.spec.costs import weight_shapes
from netwright.spec.network import Network

FIRST_VECTORS = 0.1  # deviation of the vectors of n-grams, of pieces and of places
FIRST_BIAS = 0.1  # likewise of biases: units then bend at different places from the first step on (RealMLP)
SMALL = ("join_weight", "down_weight")  # they end a branch of attention, which begins as little

Array = NDArray[np.float32]


def first_weights(network: Network, quantiles: NDArray[np.float32], seeds: Sequence[int]) -> dict[str, Array]:
    """Return the starting weights of one network per seed.

    Args:
        network: the shape of all M networks.
        quantiles: (F, Q) knots of the numeric columns, for piecewise-linear embeddings.
        seeds: one for each of the M networks.

    Returns:
        Tensors (M, ...) named `<position of block>.<part>`, constants included.
    """
    shapes = weight_shapes(network)
    single = [_one_network(network, shapes, quantiles, np.random.default_rng(seed)) for seed in seeds]
    return {name: np.stack([weights[name] for weights in single]) for name in shapes}


def _one_network(
    network: Network,
    shapes: dict[str, tuple[int, ...]],
    quantiles: NDArray[np.float32],
    generator: np.random.Generator,
) -> dict[str, Array]:
    found = {}
    for name, shape in shapes.items():
        position, _, part = name.partition(".")
        if part == "knots":
            found[name] = _resampled(quantiles, shape[1])
        else:
            found[name] = np.asarray(_first(network.blocks[int(position)], part, shape, generator), np.float32)
    return found


def _resampled(quantiles: NDArray[np.float32], count: int) -> Array:
    """Return `count` of the (F, Q) knots, evenly chosen."""
    places = np.linspace(0, quantiles.shape[1] - 1, count).round().astype(np.int64)
    return quantiles[:, places]


def _first(block: Block, part: str, shape: tuple[int, ...], generator: np.random.Generator) -> Any:
    """Return the first tensor of a block by the name of its part."""
    match block:
        case BagInput(table=table) | SequenceInput(table=table):
            if part in ("grams", "pieces", "bytes", "places"):
                return _vectors(part, shape, generator)
            return _of_table(table, part, shape, generator)
        case TableInput():
            return _of_table(block, part, shape, generator)
        case Members():
            # A random sign for each feature: members begin as different as can be (2410.24210, section 3.3).
            return generator.integers(0, 2, shape) * 2 - 1
        case Dense() | Residual():
            return _of_dense(part, shape, generator)
        case Head() | ChainHead():
            bound = 1 / math.sqrt(shape[1]) if part == "weight" else 0.0
            return generator.uniform(-bound, bound, shape)
        case SequenceConvolution() | Recurrent() | Attention() | SequencePool():
            return _of_sequence(part, shape, generator)
        case _:
            return _of_map(block, part, shape, generator)


def _normal(shape: tuple[int, ...], deviation: float, generator: np.random.Generator) -> Array:
    return generator.standard_normal(shape, np.float32) * np.float32(deviation)


def _vectors(part: str, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    vectors = _normal(shape, FIRST_VECTORS, generator)
    if part != "places":
        vectors[0] = 0.0  # stands where a text has no more of them
    return vectors


def _of_table(block: TableInput, part: str, shape: tuple[int, ...], generator: np.random.Generator) -> Any:
    periodic = isinstance(block.embedding, Periodic)
    match part:
        case "categories":
            table = _normal(shape, 1 / math.sqrt(shape[1]), generator)
            table[np.cumsum((0, *block.cardinalities[:-1]))] = 0.0  # an unseen category says nothing
            return table
        case "frequency":
            assert isinstance(block.embedding, Periodic)
            return _normal(shape, block.embedding.sigma * 2 * math.pi, generator)
        case "phase":
            return generator.uniform(-math.pi, math.pi, shape)
        case "weight":
            return _normal(shape, math.sqrt((1 if periodic else 2) / shape[1]), generator)
        case "bias":
            return _normal(shape, FIRST_BIAS if periodic else 0.0, generator)
        case _:
            return np.ones(shape)


def _of_dense(part: str, shape: tuple[int, ...], generator: np.random.Generator) -> Any:
    """Return a linear map as in He et al. (2015), its bias, or a scaling."""
    if part.endswith("weight"):
        return _normal(shape, math.sqrt(2 / shape[0]), generator)
    if part == "norm_bias":
        return np.zeros(shape)
    return _normal(shape, FIRST_BIAS, generator) if part.endswith("bias") else np.ones(shape)


def _of_sequence(part: str, shape: tuple[int, ...], generator: np.random.Generator) -> Any:
    """Return a linear map as in He et al. (2015), an orthogonal one (Saxe et al. 2014), or a scaling."""
    if part.endswith("weight"):
        return _normal(shape, math.sqrt((0.1 if part in SMALL else 1.0) * 2 / shape[0]), generator)
    if part.endswith("recurrent"):
        squares = (generator.standard_normal((shape[0], shape[0])) for _ in range(3))
        return np.concatenate([np.linalg.qr(square)[0] for square in squares], axis=1)
    return np.ones(shape) if part.endswith("scale") else np.zeros(shape)


def _of_map(block: Block, part: str, shape: tuple[int, ...], generator: np.random.Generator) -> Any:
    """Return a convolution as in He et al. (2015), or what stands behind it."""
    match part.rpartition("_")[2]:
        case "weight":
            return _normal(shape, math.sqrt(2 / math.prod(shape[1:])), generator)
        case "variance" | "gain":
            return np.ones(shape)
        case _:
            return np.zeros(shape)
