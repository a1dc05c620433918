"""A spec is the same function in ONNX Runtime as in PyTorch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from netwright.build.graph import Graph
from netwright.build.onnx import outputs
from netwright.build.torch import forward, initial_weights
from netwright.inference.session import start
from netwright.spec.blocks import ConvNext, Convolution, GlobalPool, Head, ImageInput
from netwright.spec.network import Network
from netwright.testing.blocks import example_batch, example_networks
from netwright.testing.models import shaken

STACK = [1, 2]


def answered(network: Network, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the outputs (S, E, B, K) of random rows in PyTorch and in ONNX Runtime."""
    generator = torch.Generator().manual_seed(seed)
    batch = {name: tensor[0] for name, tensor in example_batch(network.blocks[0], generator).items()}
    columns = batch["numeric"].shape[1] if "numeric" in batch else 0
    quantiles = torch.randn(columns, 49, generator=generator).sort(dim=1)[0]
    weights = shaken(initial_weights(network, quantiles, STACK), generator)
    alike = {name: tensor.expand(len(STACK), *tensor.shape) for name, tensor in batch.items()}
    right = forward(network, weights, alike).numpy()

    graph = Graph()
    arrays = {name: tensor.numpy() for name, tensor in batch.items()}
    inputs = {name: graph.input(name, array.dtype, ("batch", *array.shape[1:])) for name, array in arrays.items()}
    size = arrays["images"].shape[1:3] if "images" in arrays else None
    found = outputs(graph, network, {name: tensor.numpy() for name, tensor in weights.items()}, inputs, size)
    graph.output(found, "outputs", np.float32, ("stack", "members", "batch", "outputs"))
    session = start(graph.finish("test", {}), rows=100)
    return right, session.run(arrays)


@pytest.mark.parametrize("network", [*example_networks()], ids=lambda network: str(network.blocks)[:120])
def test_every_block_gives_what_pytorch_gives(network: Network) -> None:
    """All blocks, embeddings, activations and normalisations, of two networks of one shape with their own weights."""
    right, found = answered(network, seed=0)
    assert right.shape == found.shape
    np.testing.assert_allclose(found, right, rtol=2e-4, atol=2e-5)


def resized() -> Iterator[Network]:
    """Yield networks that see images larger, smaller, or stretched from how they are encoded: at 18 by 16 pixels."""
    for height, width in ((9, 8), (36, 32), (7, 5), (25, 8), (18, 16), (1, 1)):
        yield Network((ImageInput(height, width, (0.5,), (0.2,)), Convolution(3), GlobalPool("both"), Head(2)))


def shown(network: Network, images: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return the outputs for images (B, H, W, C) in PyTorch and in ONNX Runtime."""
    weights = shaken(initial_weights(network, torch.zeros(0, 2), STACK), torch.Generator().manual_seed(2))
    right = forward(network, weights, {"images": images.expand(len(STACK), *images.shape)}).numpy()
    graph, size = Graph(), (images.shape[1], images.shape[2])
    fed = graph.input("images", np.uint8, ("batch", *images.shape[1:]))
    found = outputs(graph, network, {name: one.numpy() for name, one in weights.items()}, {"images": fed}, size)
    graph.output(found, "outputs", np.float32, ("stack", "members", "batch", "outputs"))
    return right, start(graph.finish("test", {}), rows=100).run({"images": images.numpy()})


@pytest.mark.parametrize("network", [*resized()], ids=lambda network: str(network.blocks[0]))
def test_images_are_brought_to_a_size_as_pytorch_does(network: Network) -> None:
    """By means where no side grows, else by lines between pixels."""
    generator = torch.Generator().manual_seed(1)
    right, found = shown(network, torch.randint(0, 256, (3, 18, 16, 1), generator=generator, dtype=torch.uint8))
    np.testing.assert_allclose(found, right, rtol=2e-4, atol=2e-5)


def test_grey_images_are_shown_to_networks_of_coloured_ones() -> None:
    """As PyTorch does, the one channel stands for all three."""
    blocks = (ImageInput(6, 6, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)), Convolution(4), ConvNext(2, 3), GlobalPool(), Head(2))
    generator = torch.Generator().manual_seed(1)
    right, found = shown(Network(blocks), torch.randint(0, 256, (3, 6, 6, 1), generator=generator, dtype=torch.uint8))
    np.testing.assert_allclose(found, right, rtol=2e-4, atol=2e-5)


def test_rows_are_fed_in_pieces_without_a_difference() -> None:
    """More rows than fit together give what they give alone."""
    graph = Graph()
    fed = graph.input("x", np.float32, ("batch", 2))
    graph.output(graph.apply("Add", fed, fed), "twice", np.float32, ("batch", 2))
    model = graph.finish("test", {})
    rows = np.arange(22, dtype=np.float32).reshape(11, 2)
    np.testing.assert_array_equal(start(model, rows=4).run({"x": rows}), 2 * rows)
    np.testing.assert_array_equal(start(model, rows=100).run({"x": rows}), 2 * rows)


def test_an_output_whose_name_is_taken_gets_another() -> None:
    """A column may be called as an output is, or as what lies between."""
    graph = Graph()
    fed = graph.input("label", np.float32, ("batch", 1))
    graph.input("add_2", np.float32, ("batch", 1))
    name = graph.output(graph.apply("Add", fed, "add_2"), "label", np.float32, ("batch", 1))
    assert name == "label_output"
    ones = np.ones((2, 1), np.float32)
    assert start(graph.finish("test", {}), rows=9).run({"label": ones, "add_2": ones}).tolist() == [[2.0], [2.0]]
