"""What every block must do: shapes and counts as the spec says, and no neighbour felt in a stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import torch

from netwright.build.torch import Batch, forward, initial_weights
from netwright.data.stretches import POSITIONS
from netwright.spec.blocks import (
    Activation,
    Attention,
    BagInput,
    Block,
    ChainHead,
    ConvNext,
    Convolution,
    Dense,
    GlobalPool,
    Head,
    Identity,
    ImageInput,
    InvertedResidual,
    MaxPool,
    Members,
    Normalisation,
    Periodic,
    Piecewise,
    Recurrent,
    Residual,
    ResidualConvolution,
    SequenceConvolution,
    SequenceInput,
    SequencePool,
    TableInput,
)
from netwright.spec.cost import is_trained
from netwright.spec.costs import network_cost, weight_shapes
from netwright.spec.network import Network

_INPUTS = TableInput(3, 2, (4, 12), Identity())
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)
NORMALISATIONS: tuple[Normalisation, ...] = get_args(Normalisation)


def example_networks() -> Iterator[Network]:
    """Yield small networks in which every block, embedding, activation and normalisation occurs."""
    embeddings = (Identity(), Periodic(frequencies=4, width=3), Piecewise(bins=5, width=2))
    inputs = [TableInput(3, 2, (4, 12), embedding) for embedding in embeddings]
    inputs += [TableInput(0, 2, (), Identity()), TableInput(2, 0, (), Identity()), TableInput(0, 0, (5,), Identity())]
    bodies: list[tuple[Block, ...]] = [(Dense(6, activation),) for activation in ACTIVATIONS]
    bodies += [(Dense(6, norm=norm), Residual(8, norm=norm)) for norm in NORMALISATIONS]
    bodies += [(Members(3), Dense(6), Residual(8)), ()]
    yield from (Network((first, Dense(5), Head(2))) for first in inputs)
    yield from (
        Network((BagInput(20, 5, table), Dense(5), Head(2))) for table in (_INPUTS, TableInput(0, 0, (), Identity()))
    )
    yield from (Network((SequenceInput(20, 6, 9, _INPUTS), *body, Head(2))) for body in _readers())
    yield from (Network((SequenceInput(255, 6, 9, _INPUTS, "bytes"), *body, Head(2))) for body in _readers())
    yield from (Network((ImageInput(9, 8, (0.5,), (0.2,)), *trunk, Head(3))) for trunk in _trunks())
    yield Network((ImageInput(6, 6, (0.5,) * 3, (0.2,) * 3), Convolution(4), GlobalPool(), Dense(5), Head(2)))
    yield from (Network((_INPUTS, *body, Head(3))) for body in bodies)
    yield Network((BagInput(20, 5, TableInput(0, 2, (), Identity())), Dense(5), ChainHead(3)))
    yield Network((_INPUTS, Members(3), Dense(6), ChainHead(5)))


def _trunks() -> Iterator[tuple[Block, ...]]:
    """Yield short ways from an image to a vector in which every block that maps go through occurs."""
    yield (Convolution(4, 5, 2), MaxPool(2), GlobalPool("both"))
    yield (Convolution(4, 1), ResidualConvolution(4), ResidualConvolution(6, stride=2, activation="gelu"), GlobalPool())
    yield (Convolution(4), InvertedResidual(4, 2, 5), InvertedResidual(6, 4, 3, 2), GlobalPool("max"))
    yield (Convolution(4, 5, 3), InvertedResidual(4, 1, 3, 2, squeeze=False), GlobalPool("mean"))
    yield (Convolution(4), ConvNext(2, 3), ConvNext(), GlobalPool("mean"))


def _readers() -> Iterator[tuple[Block, ...]]:
    """Yield short ways from a sequence to a vector in which every block that sequences go through occurs."""
    yield (SequenceConvolution(6), SequenceConvolution(5, 5, "relu"), SequencePool("both"))
    yield (SequenceConvolution(6, 7, stride=4), SequenceConvolution(6, stride=2), SequencePool("both"))
    yield (SequenceConvolution(8, 5, stride=3), Attention(2, 7), Recurrent(4), SequencePool("attention"))
    yield (Recurrent(8), SequencePool("max"), Dense(4))
    yield (Attention(3, 7), SequencePool("attention"))
    yield (SequencePool("mean"),)


def check_network(network: Network) -> None:
    """Raise AssertionError unless the network, built in PyTorch, is what its spec says."""
    generator = torch.Generator().manual_seed(0)
    batch = example_batch(network.blocks[0], generator)
    columns = batch["numeric"].shape[2] if "numeric" in batch else 0
    quantiles = torch.randn(columns, 49, generator=generator).sort(dim=1)[0]
    weights = initial_weights(network, quantiles, [1, 2])
    _check_shapes(network, weights)
    outputs = forward(network, weights, batch)
    members = network_cost(network).members
    assert outputs.shape == (2, members, 7, network.outputs), f"outputs are {tuple(outputs.shape)}"
    assert bool(torch.isfinite(outputs).all()), "outputs are not finite"
    _check_alone(network, quantiles, batch, outputs)
    _check_gradients(network, weights, batch)


def example_batch(first: Block, generator: torch.Generator) -> Batch:
    """Return seven random rows for each of two networks, some of which follow each other."""
    positions = torch.tensor([[0, 2, 3, 4, 5, 7, 8], [0, 2, 3, 4, 6, 8, 10]], dtype=torch.int32)
    return {**_example_features(first, generator), POSITIONS: positions.unsqueeze(2)}


def _example_features(first: Block, generator: torch.Generator) -> dict[str, torch.Tensor]:
    if isinstance(first, ImageInput):
        shape = (2, 7, 2 * first.height, 2 * first.width, first.channels)  # encoded larger than the network sees
        return {"images": torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)}
    if isinstance(first, BagInput):
        names = torch.randint(0, first.vocabulary + 1, (2, 7, 6), generator=generator, dtype=torch.int32)
        weights = torch.rand(2, 7, 6, generator=generator)
        return {**_example_features(first.table, generator), "grams": names, "gram_weights": weights}
    if isinstance(first, SequenceInput):
        kind = torch.uint8 if first.encoding == "bytes" else torch.int32
        pieces = torch.randint(0, first.vocabulary + 1, (2, 7, first.length + 2), generator=generator, dtype=kind)
        pieces[:, :2, 3:] = 0  # short texts, and one without pieces
        pieces[:, 0] = 0
        return {**_example_features(first.table, generator), first.encoding: pieces}
    assert isinstance(first, TableInput)
    categories = [torch.randint(0, size, (2, 7), generator=generator) for size in first.cardinalities]
    return {
        "numeric": torch.randn(2, 7, first.numeric, generator=generator),
        "plain": torch.randn(2, 7, first.plain, generator=generator),
        "categories": torch.stack(categories, dim=2) if categories else torch.zeros(2, 7, 0, dtype=torch.int64),
    }


def _check_shapes(network: Network, weights: dict[str, torch.Tensor]) -> None:
    said = weight_shapes(network)
    made = {name: tuple(tensor.shape[1:]) for name, tensor in weights.items()}
    assert made == said, f"the spec says {said}, but PyTorch made {made}"
    trained = sum(tensor[0].numel() for name, tensor in weights.items() if is_trained(name))
    assert trained == network_cost(network).parameters, (
        f"the spec counts {network_cost(network).parameters}, not {trained}"
    )


def _check_alone(network: Network, quantiles: torch.Tensor, batch: Batch, outputs: torch.Tensor) -> None:
    """The second network of the stack gives the same when it is built and asked alone."""
    alone = initial_weights(network, quantiles, [2])
    own = {name: tensor[1:] for name, tensor in batch.items()}
    torch.testing.assert_close(forward(network, alone, own)[0], outputs[1], rtol=1e-4, atol=1e-5)


def _check_gradients(network: Network, weights: dict[str, torch.Tensor], batch: Batch) -> None:
    trained = {name: tensor.requires_grad_() for name, tensor in weights.items() if is_trained(name)}
    forward(network, {**weights, **trained}, batch).square().sum().backward()  # type: ignore[no-untyped-call]
    for name, tensor in trained.items():
        assert tensor.grad is not None, f"no gradient reaches {name}"
        assert bool(torch.isfinite(tensor.grad).all()), f"the gradient of {name} is not finite"
