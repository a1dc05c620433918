"""A spec made real in PyTorch: a stack of M networks of one shape, as tensors and a pure function.

Every tensor leads with the stack axis M, so that M trials or folds are one batched program; M = 1 is the single one.
Letters in shapes: M network of the stack, E member that shares weights (TabM), B row of the batch, F feature, H width,
K output.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn import functional

from netwright.build.activations import ACTIVATIONS
from netwright.build.bags import weighted_sums
from netwright.build.branches import side_by_side
from netwright.build.constants import constant
from netwright.build.noise import Dropout
from netwright.build.sequence import first_pieces, sequence_features, sequence_weights
from netwright.build.spatial import image_features, spatial_weights
from netwright.build.torch_chain import Layout, marginals
from netwright.data.stretches import POSITIONS
from netwright.spec.blocks import (
    Attention,
    BagInput,
    Block,
    ChainHead,
    Dense,
    Embedding,
    GlobalPool,
    Head,
    Identity,
    ImageInput,
    Members,
    Periodic,
    Piecewise,
    Recurrent,
    Residual,
    SequenceConvolution,
    SequenceInput,
    SequencePool,
    TableInput,
)
from netwright.spec.costs import block_costs, embedding_cost
from netwright.spec.network import Network
from netwright.spec.sequences import sequence_trunk
from netwright.spec.spatial import trunk

Weights = Mapping[str, Tensor]

FIRST_GRAMS = 0.1  # deviation of the vectors of n-grams at the start


Batch = Mapping[str, Tensor]
"""Rows for each network of the stack, (M, B, ...) by name: see `data.features.Features`."""


# --- the starting weights ------------------------------------------------------------------------------------------


def initial_weights(network: Network, quantiles: Tensor, seeds: Sequence[int]) -> dict[str, Tensor]:
    """Return the starting weights of one network per seed.

    Linear layers start as in He et al. (2015), embeddings and scalings as in the papers that their blocks name.

    Args:
        network: the shape of all M networks.
        quantiles: (F, Q) knots of the numeric columns, for piecewise-linear embeddings.
        seeds: one for each of the M networks; the same seed gives the same weights whatever stands beside it.

    Returns:
        Tensors (M, ...) named `<position of block>.<part>`; those that `spec.cost.is_trained` says no to are constants.
    """
    single = [_one_network(network, quantiles, torch.Generator().manual_seed(seed)) for seed in seeds]
    return {name: torch.stack([weights[name] for weights in single]) for name in single[0]}


def _one_network(network: Network, quantiles: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = {}
    width, members = 0, 1
    for position, (block, cost) in enumerate(zip(network.blocks, block_costs(network), strict=True)):
        parts = _block_weights(block, width, members, quantiles, generator)
        weights |= {f"{position}.{part}": tensor for part, tensor in parts.items()}
        width, members = cost.width, cost.members
    return weights


def _block_weights(
    block: Block, width: int, members: int, quantiles: Tensor, generator: torch.Generator
) -> dict[str, Tensor]:
    match block:
        case TableInput():
            return _input_weights(block, quantiles, generator)
        case BagInput(vocabulary, each, table):
            grams = torch.randn(vocabulary + 1, each, generator=generator) * FIRST_GRAMS
            grams[0] = 0.0  # stands where a text has no more n-grams
            return {"grams": grams, **_input_weights(table, quantiles, generator)}
        case SequenceInput(table=table):
            return {**first_pieces(block, generator), **_input_weights(table, quantiles, generator)}
        case SequenceConvolution() | Recurrent() | Attention() | SequencePool():
            return sequence_weights(block, width, generator)
        case Members(count):
            # A random sign for each feature: the members begin as different as can be (2410.24210, section 3.3).
            signs = torch.randint(0, 2, (count, width), generator=generator) * 2 - 1
            return {"in_scale": signs.float()}
        case Dense():
            return _dense_weights("", width, block.width, members, generator) | _norm_weights(block.norm, block.width)
        case Residual():
            return (
                _dense_weights("up_", width, block.hidden, members, generator)
                | _dense_weights("down_", block.hidden, width, members, generator)
                | _norm_weights(block.norm, width)
            )
        case Head():
            bound = 1 / math.sqrt(width)
            weight = (torch.rand(members, width, block.outputs, generator=generator) * 2 - 1) * bound
            return {"weight": weight, "bias": torch.zeros(members, block.outputs)}
        case ChainHead(outputs):
            linear = _block_weights(Head(outputs), width, members, quantiles, generator)
            return {**linear, "transitions": torch.zeros(members, outputs, outputs)}
        case ImageInput() | GlobalPool():
            return {}
        case _:
            return spatial_weights(block, width, generator)


def _dense_weights(
    prefix: str, inputs: int, outputs: int, members: int, generator: torch.Generator
) -> dict[str, Tensor]:
    weight = torch.randn(inputs, outputs, generator=generator) * math.sqrt(2 / inputs)
    # Biases start spread out, as in RealMLP: units then bend at different places from the first step on.
    weights = {prefix + "weight": weight, prefix + "bias": torch.randn(members, outputs, generator=generator) * 0.1}
    if members > 1:
        weights[prefix + "in_scale"] = torch.ones(members, inputs)
        weights[prefix + "out_scale"] = torch.ones(members, outputs)
    return weights


def _norm_weights(norm: str, width: int) -> dict[str, Tensor]:
    if norm == "none":
        return {}
    gain = {"norm_scale": torch.ones(width)}
    return gain if norm == "rms" else gain | {"norm_bias": torch.zeros(width)}


def _input_weights(block: TableInput, quantiles: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    weights = _embedding_weights(block.embedding, block.numeric, quantiles, generator)
    if block.cardinalities:
        table = torch.randn(sum(block.cardinalities), block.category_width, generator=generator) / math.sqrt(
            block.category_width
        )
        starts = torch.tensor((0, *block.cardinalities[:-1])).cumsum(0)
        table[starts] = 0.0  # an unseen category says nothing
        weights["categories"] = table
    embedded, _, _ = embedding_cost(block)
    total = embedded + block.plain + block.frozen + block.category_width * len(block.cardinalities)
    return weights | {"scale": torch.ones(total)}


def _embedding_weights(
    embedding: Embedding, columns: int, quantiles: Tensor, generator: torch.Generator
) -> dict[str, Tensor]:
    match embedding:
        case Identity():
            return {}
        case Periodic(frequencies, width, sigma):
            return {
                "frequency": torch.randn(columns, 1, frequencies, generator=generator) * sigma * 2 * math.pi,
                "phase": (torch.rand(columns, 1, frequencies, generator=generator) * 2 - 1) * math.pi,
                "weight": torch.randn(columns, frequencies, width - 1, generator=generator) / math.sqrt(frequencies),
                "bias": torch.randn(columns, 1, width - 1, generator=generator) * 0.1,
            }
        case Piecewise(bins, width):
            return {
                "knots": _resample(quantiles, bins + 1),
                "weight": torch.randn(columns, bins, width, generator=generator) * math.sqrt(2 / bins),
                "bias": torch.zeros(columns, 1, width),
            }


def _resample(quantiles: Tensor, count: int) -> Tensor:
    """Return `count` of the (F, Q) knots, evenly chosen."""
    places = torch.linspace(0, quantiles.shape[1] - 1, count).round().long()
    return quantiles[:, places]


# --- the function ----------------------------------------------------------------------------------------------------


def forward(network: Network, weights: Weights, batch: Batch, noise: Dropout | None = None) -> Tensor:
    """Return the outputs of all networks of the stack.

    Args:
        network: their common shape.
        weights: tensors (M, ...) as `initial_weights` names them.
        batch: the rows of each network.
        noise: dropout while training; None when predicting.

    Returns:
        (M, E, B, K) logits, or values for regression; of a chain logarithms of marginals, see `chained`.
    """
    hidden = next(iter(batch.values()))
    parts = [_parts(weights, position) for position in range(len(network.blocks))]
    if first := trunk(network.blocks):
        own = [{name: tensor.unbind() for name, tensor in each.items()} for each in parts[:first]]
        features = side_by_side(
            [
                partial(image_features, network.blocks[:first], _of_one(own, place), images, training=noise is not None)
                for place, images in enumerate(batch["images"])
            ]
        )
        hidden = _drop(torch.stack(features).unsqueeze(1), noise)  # (M, 1, B, F)
    if behind := sequence_trunk(network.blocks):
        hidden = _drop(_of_sequence(network.blocks[:behind], parts[:behind], batch).unsqueeze(1), noise)
        first = behind
    for block, named in zip(network.blocks[first:], parts[first:], strict=True):
        hidden = _apply_block(block, named, hidden, batch, noise)
    return hidden


def _of_sequence(blocks: Sequence[Block], parts: Sequence[Weights], batch: Batch) -> Tensor:
    """Return the features (M, B, F) of texts read as sequences, and behind them those of the table beside."""
    inputs = blocks[0]
    assert isinstance(inputs, SequenceInput)
    features = sequence_features(blocks, parts, batch[inputs.encoding])
    return torch.cat([features, _apply_input(inputs.table, parts[0], batch)], dim=2)


def _parts(weights: Weights, position: int) -> dict[str, Tensor]:
    """Return the tensors of the block at a position, by the names that it has for them."""
    prefix = f"{position}."
    return {name[len(prefix) :]: tensor for name, tensor in weights.items() if name.startswith(prefix)}


def _of_one(parts: Sequence[Mapping[str, Sequence[Tensor]]], place: int) -> list[dict[str, Tensor]]:
    """Return, block by block, the tensors of one network of the stack."""
    return [{name: tensors[place] for name, tensors in each.items()} for each in parts]


def _apply_block(block: Block, parts: Weights, hidden: Tensor, batch: Batch, noise: Dropout | None) -> Tensor:
    if not isinstance(block, TableInput | BagInput):
        hidden = hidden.to(next(iter(parts.values())).dtype)  # a block computes in the type of its weights
    match block:
        case TableInput():
            return _apply_input(block, parts, batch).unsqueeze(1)  # (M, 1, B, F)
        case BagInput(table=table):
            features = torch.cat([_bag(parts["grams"], batch), _apply_input(table, parts, batch)], dim=2)
            return _drop(features.unsqueeze(1), noise)  # (M, 1, B, F)
        case Members():
            return hidden * parts["in_scale"].unsqueeze(2)  # (M, E, B, F)
        case Dense():
            hidden = _normalise(block.norm, parts, _linear(parts, "", hidden))
            return _drop(ACTIVATIONS[block.activation](hidden), noise)
        case Residual():
            inner = ACTIVATIONS[block.activation](_linear(parts, "up_", _normalise(block.norm, parts, hidden)))
            return hidden + _linear(parts, "down_", _drop(inner, noise))
        case Head():
            return hidden @ parts["weight"] + parts["bias"].unsqueeze(2)  # (M, E, B, K)
        case ChainHead(outputs):
            scores = _apply_block(Head(outputs), parts, hidden, batch, noise)
            return chained(scores, parts["transitions"], layout_of(batch))
        case _:
            raise TypeError(f"no vector goes through {block}")


def layout_of(batch: Batch) -> Layout:
    """Return where the stretches of rows lie that follow each other: it is told on the processor."""
    return Layout.of(batch[POSITIONS][:, :, 0].cpu())


def chained(scores: Tensor, transitions: Tensor, layout: Layout) -> Tensor:
    """(M, E, B, K) scores of tags and (M, E, K, K) of pairs → (M, E, B, K), the logarithms of marginals."""
    members = layout.of_members(scores.shape[1], scores.device)
    return marginals(scores.flatten(0, 1), transitions.flatten(0, 1), members).view_as(scores)


def _linear(parts: Weights, prefix: str, hidden: Tensor) -> Tensor:
    """(M, E, B, F) → (M, E, B, H); the weight is shared by the members E, scalings and bias are their own."""
    if prefix + "in_scale" in parts:
        hidden = hidden * parts[prefix + "in_scale"].unsqueeze(2)
    stack, members, rows, width = hidden.shape
    weight, bias = parts[prefix + "weight"], parts[prefix + "bias"]
    if members == 1:
        return torch.baddbmm(bias, hidden.squeeze(1), weight).unsqueeze(1)
    out = torch.bmm(hidden.reshape(stack, members * rows, width), weight).view(stack, members, rows, weight.shape[2])
    return out * parts[prefix + "out_scale"].unsqueeze(2) + bias.unsqueeze(2)


def _normalise(norm: str, parts: Weights, hidden: Tensor) -> Tensor:
    if norm == "none":
        return hidden
    gain = parts["norm_scale"][:, None, None]
    if norm == "rms":
        return functional.rms_norm(hidden, hidden.shape[-1:]) * gain
    return functional.layer_norm(hidden, hidden.shape[-1:]) * gain + parts["norm_bias"][:, None, None]


def _drop(hidden: Tensor, noise: Dropout | None) -> Tensor:
    return hidden if noise is None else noise.apply(hidden)


def _bag(vectors: Tensor, batch: Batch) -> Tensor:
    """Return the weighted sums (M, B, W) of the vectors (M, V + 1, W) of the n-grams of each text."""
    names, weights = batch["grams"], batch["gram_weights"]  # (M, B, G)
    stack, rows = names.shape[:2]
    # Each network of the stack has vectors of its own.
    own = torch.arange(stack, dtype=names.dtype, device=names.device)[:, None, None] * vectors.shape[1]
    sums = weighted_sums(vectors.flatten(0, 1), (names + own).flatten(0, 1), weights.flatten(0, 1))
    return sums.view(stack, rows, vectors.shape[2])


def _apply_input(block: TableInput, parts: Weights, batch: Batch) -> Tensor:
    """Return the features (M, B, F) of a batch."""
    pieces = []
    if block.numeric:
        pieces.append(_embed(block.embedding, parts, batch["numeric"]))
    if block.plain or not (block.numeric or block.cardinalities or block.frozen):
        pieces.append(batch["plain"])
    if block.frozen:
        pieces.append(batch["frozen"])
    if block.cardinalities:
        pieces.append(_embed_categories(block, parts["categories"], batch["categories"]))
    return torch.cat(pieces, dim=2) * parts["scale"].unsqueeze(1)


def _embed(embedding: Embedding, parts: Weights, numeric: Tensor) -> Tensor:
    """(M, B, F) → (M, B, F · width).

    Each column has a small matrix of its own. Rows stand last meanwhile: products of (few, Q) and (Q, B) take a fifth
    of the time of (B, Q) and (Q, few).
    """
    if isinstance(embedding, Identity):
        return numeric
    stack, rows, columns = numeric.shape
    each = numeric.transpose(1, 2).contiguous().unsqueeze(2)  # (M, F, 1, B)
    if isinstance(embedding, Periodic):
        frequency, phase = parts["frequency"].transpose(2, 3), parts["phase"].transpose(2, 3)  # (M, F, Q, 1)
        waves = torch.cos(torch.addcmul(phase, each, frequency))  # (M, F, Q, B)
        embedded = torch.cat([_each_column(parts, waves), each], dim=2)
    else:
        low, high = parts["knots"][:, :, :-1, None], parts["knots"][:, :, 1:, None]  # (M, F, bins, 1)
        slope = 1 / (high - low).clamp_min(1e-6)
        share = torch.addcmul(-low * slope, each, slope).clamp_(0, 1)  # (M, F, bins, B)
        embedded = _each_column(parts, share)
    return embedded.reshape(stack, columns * embedded.shape[2], rows).transpose(1, 2)


def _each_column(parts: Weights, hidden: Tensor) -> Tensor:
    """(M, F, Q, B) → (M, F, W, B), by the weights (M, F, Q, W) and biases (M, F, 1, W) of each column."""
    stack, columns, inner, rows = hidden.shape
    weight, bias = parts["weight"].flatten(0, 1).transpose(1, 2), parts["bias"].flatten(0, 1).transpose(1, 2)
    out = torch.baddbmm(bias, weight, hidden.view(stack * columns, inner, rows))
    return out.view(stack, columns, weight.shape[1], rows)


def _embed_categories(block: TableInput, table: Tensor, categories: Tensor) -> Tensor:
    """(M, B, C) → (M, B, C · width), through one table for all columns, laid end to end."""
    starts = constant((0, *accumulate(block.cardinalities[:-1])), table.device)
    stack, rows, columns = categories.shape
    # Each network of the stack has a table of its own.
    own = torch.arange(stack, device=table.device)[:, None, None] * table.shape[1]
    index = categories + starts + own
    return functional.embedding(index, table.flatten(0, 1)).view(stack, rows, columns * table.shape[2])
