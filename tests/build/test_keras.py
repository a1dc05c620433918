"""A spec is the same function in Keras as in PyTorch, from a file that plain Keras reads back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

if find_spec("keras") is None:  # it must not be imported yet: `build.backend` says on what it runs
    pytest.skip("Keras is not installed", allow_module_level=True)

from netwright.build.backend import keras, single_precision
from netwright.build.keras import forward
from netwright.build.keras_backends import installed_backends
from netwright.build.keras_mix import TYPES
from netwright.build.torch import forward as forward_in_torch
from netwright.build.torch import initial_weights
from netwright.spec.blocks import (
    Attention,
    Convolution,
    Dense,
    GlobalPool,
    Head,
    Identity,
    ImageInput,
    InvertedResidual,
    MaxPool,
    Members,
    Periodic,
    Recurrent,
    SequenceInput,
    SequencePool,
    TableInput,
)
from netwright.spec.network import Network, taken_features
from netwright.testing.blocks import example_batch, example_networks
from netwright.testing.models import shaken

STACK = [1, 2]
MOST = 1e-4  # difference of an output
BACKEND = keras.backend.backend()
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras


def answered(network: Network, folder: Path, rows: dict[str, torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Return the outputs (M, E, B, K) of rows in PyTorch, and in Keras from a file that was read back."""
    generator = torch.Generator().manual_seed(0)
    columns = rows["numeric"].shape[1] if "numeric" in rows else 0
    quantiles = torch.randn(columns, 49, generator=generator).sort(dim=1)[0]
    weights = shaken(initial_weights(network, quantiles, STACK), generator)
    alike = {name: tensor.expand(len(STACK), *tensor.shape) for name, tensor in rows.items()}
    right = forward_in_torch(network, weights, alike).numpy()

    fed = {name: rows[name].numpy().astype(TYPES[name]) for name in taken_features(network)}
    inputs = {name: keras.Input(array.shape[1:], dtype=TYPES[name], name=name) for name, array in fed.items()}
    outputs = forward(network, {name: tensor.numpy() for name, tensor in weights.items()}, inputs)
    keras.Model(inputs, outputs).save(folder / "model.keras")
    read = keras.saving.load_model(folder / "model.keras")
    found = read.predict(fed, verbose=0)
    return right, found.transpose(2, 1, 0, 3)


@pytest.mark.parametrize("network", [*example_networks()], ids=lambda network: str(network.blocks)[:120])
def test_every_block_gives_what_pytorch_gives(network: Network, tmp_path: Path) -> None:
    """All blocks, embeddings, activations and normalisations, of two networks of one shape with their own weights."""
    rows = example_batch(network.blocks[0], torch.Generator().manual_seed(0))
    right, found = answered(network, tmp_path, {name: tensor[0] for name, tensor in rows.items()})
    assert right.shape == found.shape
    assert np.abs(right - found).max() < MOST


@pytest.mark.parametrize("kind", ["mean", "max", "both", "attention"])
def test_a_single_row_gives_what_pytorch_gives(kind: Any, tmp_path: Path) -> None:
    """Also where axes are as long as others: Keras on TensorFlow takes some of such values for biases."""
    first = SequenceInput(20, 6, 6, TableInput(0, 0, (), Identity()))
    network = Network((first, Attention(3, 6), Recurrent(6), SequencePool(kind), Members(2), Dense(2), Head(1)))
    rows = {"plain": torch.zeros(1, 0), "pieces": torch.tensor([[3, 1, 7, 20, 0, 0]], dtype=torch.int32)}
    right, found = answered(network, tmp_path, rows)
    assert np.abs(right - found).max() < MOST


@pytest.mark.parametrize("size", [(9, 8), (36, 32), (7, 5), (25, 8), (18, 16), (1, 1)], ids=str)
def test_images_are_brought_to_a_size_as_pytorch_does(size: tuple[int, int], tmp_path: Path) -> None:
    """Smaller, larger or stretched from 18 by 16 pixels, and grey ones where a network sees coloured ones."""
    rows = {"images": torch.randint(0, 256, (3, 18, 16, 1), generator=torch.Generator().manual_seed(1)).byte()}
    for means in ((0.5,), (0.5, 0.4, 0.3)):
        first = ImageInput(*size, means, tuple(0.2 + mean / 4 for mean in means))
        network = Network((first, Convolution(3, activation="tanh"), GlobalPool("both"), Head(2)))
        right, found = answered(network, tmp_path, rows)
        assert np.abs(right - found).max() < MOST


@pytest.mark.parametrize("size", [2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_strides_and_patches_begin_where_they_do_in_pytorch(size: int, stride: int, tmp_path: Path) -> None:
    """Whatever is left over at the end, also of numbers below zero."""
    rows = {"images": torch.randint(0, 256, (2, 11, 10, 1), generator=torch.Generator().manual_seed(1)).byte()}
    blocks = (Convolution(3, 5, stride, "tanh"), InvertedResidual(4, 2, 3, stride), MaxPool(size), GlobalPool("both"))
    right, found = answered(Network((ImageInput(11, 10, (0.5,), (0.2,)), *blocks, Head(2))), tmp_path, rows)
    assert np.abs(right - found).max() < MOST


def test_what_a_trained_trunk_sees_is_taken_beside_the_columns(tmp_path: Path) -> None:
    """Scaled as they are, between plain columns and categories."""
    generator = torch.Generator().manual_seed(1)
    first = TableInput(2, 1, (4,), Periodic(3, 2), category_width=3, frozen=5)
    rows = {"numeric": torch.randn(6, 2, generator=generator), "plain": torch.randn(6, 1, generator=generator)}
    rows |= {"categories": torch.tensor([[0], [1], [2], [3], [0], [1]])}
    rows |= {"frozen": torch.randn(6, 5, generator=generator)}
    right, found = answered(Network((first, Dense(4), Head(2))), tmp_path, rows)
    assert np.abs(right - found).max() < MOST


def test_a_file_names_nothing_but_what_keras_brings(tmp_path: Path) -> None:
    """No layer of ours, no function, nothing that the safe mode refuses."""
    for network in example_networks():
        rows = example_batch(network.blocks[0], torch.Generator().manual_seed(0))
        answered(network, tmp_path, {name: tensor[0] for name, tensor in rows.items()})
        with zipfile.ZipFile(tmp_path / "model.keras") as file:
            for module in modules(json.loads(file.read("config.json"))):
                assert module.partition(".")[0] == "keras", module


def modules(found: Any) -> list[str]:
    """Return the modules that the description of a model names anywhere."""
    if isinstance(found, list):
        return [name for each in found for name in modules(each)]
    if not isinstance(found, dict):
        return []
    own = [found["module"]] if isinstance(found.get("module"), str) else []
    return own + [name for each in found.values() for name in modules(each)]


def test_layers_are_in_single_precision_and_the_setting_stays() -> None:
    """Whatever the user has set."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float16")
    try:
        with single_precision():
            assert keras.layers.Dense(1).dtype == "float32"
        assert keras.config.dtype_policy().name == "float16"
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("backend", [name for name in installed_backends() if name != BACKEND])
def test_other_backends_give_the_same(backend: str) -> None:
    """The first test of this file once more, in a process in which Keras runs on another backend."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", __file__, "-k", "gives_what_pytorch_gives"]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
