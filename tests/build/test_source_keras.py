"""Networks as source in Keras: the functions that are written build what specs say, and learn as the search has it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

if find_spec("keras") is None:  # it must not be imported yet: `build.backend` says on what it runs
    pytest.skip("Keras is not installed", allow_module_level=True)

from netwright.build.backend import keras
from netwright.build.keras_backends import installed_backends
from netwright.build.source.designs import Design, designs_of
from netwright.build.source.dialects import KERAS, TORCH
from netwright.build.source.imports import Imports
from netwright.build.source.linking import link
from netwright.build.source.parts import changes, keras_changes
from netwright.build.source.parts.keras_losses import followed, loss_of, lost
from netwright.build.source.parts.keras_model import decoded, fed, named_weights
from netwright.build.source.parts.keras_optimisers import Optimiser
from netwright.build.source.parts.keras_rates import rate_and_decay
from netwright.build.source.parts.recipes import Recipe as WrittenRecipe
from netwright.build.source.parts.recipes import cosine
from netwright.build.torch import forward, initial_weights
from netwright.errors import NoSource
from netwright.export.source.files import python_file
from netwright.spec.blocks import (
    BagInput,
    ChainHead,
    Convolution,
    Dense,
    GlobalPool,
    Head,
    Identity,
    ImageInput,
    InvertedResidual,
    Members,
    Periodic,
    Piecewise,
    Residual,
    ResidualConvolution,
    SequenceInput,
    TableInput,
)
from netwright.spec.network import Candidate, Network, Recipe
from netwright.testing.blocks import example_batch, example_networks
from netwright.testing.learning import minimised
from netwright.testing.models import shaken
from netwright.train.optimiser import optimiser_for as optimiser_of_search
from netwright.train.rates import decay_of
from netwright.train.stack import stack_parameters

ROOT = Path(__file__).parents[2]
NUMBERS = count()
BACKEND = keras.backend.backend()
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras


def module_of(designs: list[Design], network: Network, rows: dict[str, np.ndarray], folder: Path) -> ModuleType:
    """Return the written file of some networks as a module; all have the inputs of one."""
    first = network.blocks[0]
    table = first.table if isinstance(first, BagInput | SequenceInput) else first
    constants = [f"CATEGORIES = {table.cardinalities!r}"] if isinstance(table, TableInput) else []
    constants += [f"IMAGE = {rows['images'].shape[1:]!r}"] if "images" in rows else []
    layers = link(KERAS.layers, set().union(*(design.draft.layers for design in designs)))
    imports = Imports()
    for other in (layers.imports, *(design.draft.imports for design in designs)):
        imports.add(other)
    texts = {design.kind: KERAS.text(design) for design in designs}
    path = folder / f"written_{next(NUMBERS)}.py"
    path.write_text(python_file("Networks.", imports, ["\n".join(constants), layers.text, *texts.values()]))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def built(candidate: Candidate, rows: dict[str, np.ndarray], folder: Path) -> tuple[Design, Any]:
    """Return a network as source, and as Keras builds it."""
    (design,) = designs_of([candidate], KERAS.write)
    return design, getattr(module_of([design], candidate.network, rows, folder), KERAS.builder(design.kind))(
        **design.sizes
    )


def rows_of(network: Network, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return seven random rows."""
    batch = example_batch(network.blocks[0], torch.Generator().manual_seed(seed))
    return {name: tensor[0] for name, tensor in batch.items()}


def weights_of(network: Network, rows: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors of a stack of one network, as after a training."""
    generator = torch.Generator().manual_seed(0)
    columns = rows["numeric"].shape[1] if "numeric" in rows else 0
    quantiles = torch.randn(columns, 49, generator=generator).sort(dim=1)[0]
    return shaken(initial_weights(network, quantiles, [1]), generator)


def put(network: Any, design: Design, weights: dict[str, torch.Tensor]) -> None:
    """Give a network of Keras the weights of a stack of one."""
    state = design.state({name: tensor[0].detach().numpy() for name, tensor in weights.items()})
    variables = named_weights(network)
    assert {*state} == {*variables}
    for name, variable in variables.items():
        variable.assign(state[name])


@pytest.mark.parametrize("network", [*example_networks()], ids=lambda network: str(network.blocks)[:120])
@pytest.mark.parametrize("dropout", [0.0, 0.25])
def test_a_written_network_computes_what_the_spec_says(network: Network, dropout: float, tmp_path: Path) -> None:
    """For every block, embedding, activation and normalisation, with the very tensors of the network."""
    rows = rows_of(network)
    arrays = {name: tensor.numpy() for name, tensor in rows.items()}
    design, model = built(Candidate(network, Recipe(dropout=dropout)), arrays, tmp_path)
    weights = weights_of(network, rows)
    put(model, design, weights)
    wanted = forward(network, weights, {name: tensor[None] for name, tensor in rows.items()})[0].detach().numpy()
    for some in (slice(None), slice(0, 1)):  # one row alone is what Keras adds otherwise, on some backends
        few = {name: array[some] for name, array in arrays.items()}
        found = keras.ops.convert_to_numpy(model(fed(model, few), training=False))
        found = found.swapaxes(0, 1) if found.ndim == 3 else found[None]
        np.testing.assert_allclose(found, wanted[:, some], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("network", [*example_networks()], ids=lambda network: str(network.blocks)[:120])
def test_a_written_network_is_as_ruff_wants_it(network: Network, tmp_path: Path) -> None:
    """Linted by the rules of this project, and formatted."""
    arrays = {name: tensor.numpy() for name, tensor in rows_of(network).items()}
    built(Candidate(network, Recipe()), arrays, tmp_path)
    config = ["--no-cache", "--config", str(ROOT / "pyproject.toml")]
    for command in (["check"], ["format", "--check", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *config, str(tmp_path)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_networks_that_differ_in_sizes_alone_are_one_function(tmp_path: Path) -> None:
    """Widths, depth, activation and dropout are its arguments; what all share is not."""
    inputs = TableInput(3, 2, (4, 12), Periodic(4, 3))
    candidates = [
        Candidate(Network((inputs, Dense(8, "relu"), Dense(8, "relu"), Head(2))), Recipe(dropout=0.1)),
        Candidate(
            Network((inputs, Dense(6, "silu"), Dense(6, "silu"), Dense(6, "silu"), Head(2))), Recipe(dropout=0.2)
        ),
        Candidate(Network((inputs, Dense(8), Residual(16), Head(2))), Recipe()),
    ]
    first, second, third = designs_of(candidates, KERAS.write)
    assert KERAS.builder(first.kind) == KERAS.builder(second.kind) == "build_periodic_mlp"
    assert KERAS.builder(third.kind) == "build_periodic_resnet"
    assert first.sizes == {"dropout": 0.1, "activation": "relu", "widths": (8, 8)} and not third.sizes
    rows = rows_of(candidates[0].network)
    arrays = {name: tensor.numpy() for name, tensor in rows.items()}
    module = module_of([first, second, third], candidates[0].network, arrays, tmp_path)
    for design, candidate in zip((first, second, third), candidates, strict=True):
        network = getattr(module, KERAS.builder(design.kind))(**design.sizes)
        put(network, design, weights_of(candidate.network, rows))


def test_what_cannot_be_written_is_refused() -> None:
    """Members of members, as in PyTorch."""
    twice = Network((TableInput(3, 0, (), Identity()), Members(2), Members(2), Head(2)))
    for dialect in (TORCH, KERAS):
        with pytest.raises(NoSource, match="cannot be written as source"):
            designs_of([Candidate(twice, Recipe())], dialect.write)


@pytest.mark.slow  # every network is compiled by itself; folders of some run on such a backend in any case
@pytest.mark.parametrize("backend", [name for name in installed_backends() if name != BACKEND])
def test_other_backends_give_the_same(backend: str) -> None:
    """The first test of this file once more, and that of steps, where Keras runs on another backend."""
    chosen = "(computes_what_the_spec_says and 0.25) or are_those_of_the_search"
    command = [sys.executable, "-m", "pytest", "-q", "-x", __file__, "-k", chosen]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


# --- training --------------------------------------------------------------------------------------------------------


def said_of(recipe: Recipe) -> WrittenRecipe:
    """Return a recipe as it is written."""
    return WrittenRecipe(
        learning_rate=recipe.learning_rate,
        schedule=cosine,
        weight_decay=recipe.weight_decay,
        second_moment=recipe.second_moment,
        batch_size=1,
        epochs=1,
        scale_rate=recipe.scale_rate,
        scale_decay=recipe.scale_decay,
        gram_rate=recipe.gram_rate,
        sparsity=recipe.sparsity,
        label_smoothing=recipe.label_smoothing,
        averaging=recipe.averaging,
        muon=recipe.optimiser == "muon",
        sgd=recipe.optimiser == "sgd",
    )


@pytest.mark.parametrize("network", [*example_networks()], ids=lambda network: str(network.blocks)[:120])
def test_each_variable_learns_as_fast_and_decays_as_much_as_in_the_search(network: Network, tmp_path: Path) -> None:
    """The rule of the written loop goes by the names of the written layers, that of the search by its own."""
    recipe = Recipe(scale_decay=0.3, gram_rate=3.0)
    rows = rows_of(network)
    design, model = built(Candidate(network, recipe), {name: tensor.numpy() for name, tensor in rows.items()}, tmp_path)
    weights = weights_of(network, rows)
    stack = stack_parameters(weights)
    trained = {id(variable) for variable in model.trainable_variables}
    for name, variable in named_weights(model).items():
        source = source_of(design, name, weights)
        if id(variable) in trained:
            assert source is not None
            wanted = stack.rate_of(source, recipe), decay_of(source, recipe)
            assert rate_and_decay(name, said_of(recipe)) == pytest.approx(wanted), f"{name}, of {source}"


def source_of(design: Design, name: str, weights: dict[str, torch.Tensor]) -> str | None:
    """Return the name of the tensor that a variable is made from; None if it is made from none."""
    asked: list[str] = []

    class Asked(dict[str, np.ndarray]):
        def __getitem__(self, key: str) -> np.ndarray:
            asked.append(key)
            return super().__getitem__(key)

    design.draft.tensors[name](Asked({key: tensor[0].numpy() for key, tensor in weights.items()}))
    return asked[0] if asked else None


IMAGE = ImageInput(9, 8, (0.5,), (0.2,))
STEPPED = (
    (Network((TableInput(3, 2, (4, 12), Periodic(4, 3)), Dense(8, norm="layer"), Residual(9), Head(3))), "adamw"),
    (Network((TableInput(3, 2, (4, 12), Piecewise(5)), Members(3), Dense(8), Residual(9), Head(3))), "adamw"),
    (Network((BagInput(20, 5, TableInput(3, 2, (4, 12), Identity())), Dense(5), Head(3))), "adamw"),
    (Network((TableInput(3, 2, (4, 12), Periodic(4, 3)), Dense(8, norm="layer"), Residual(9), Head(3))), "sgd"),
    (Network((IMAGE, Convolution(4), ResidualConvolution(6), GlobalPool(), Head(3))), "muon"),
    (Network((IMAGE, Convolution(4), InvertedResidual(4), GlobalPool(), Head(3))), "muon"),
    (Network((IMAGE, Convolution(4), InvertedResidual(4), GlobalPool(), Head(3))), "adamw"),
    (Network((BagInput(20, 5, TableInput(0, 2, (), Identity())), Dense(5), ChainHead(3))), "adamw"),
    (Network((TableInput(3, 2, (4, 12), Identity()), Members(3), Dense(5), ChainHead(3))), "adamw"),
)


@pytest.mark.parametrize(("network", "optimiser"), STEPPED, ids=str)
def test_steps_of_the_written_loop_are_those_of_the_search(network: Network, optimiser: Any, tmp_path: Path) -> None:
    """One batch three times: loss, smoothing, sparsity, rates, decays and optimiser lead to the same weights."""
    table = not isinstance(network.blocks[0], ImageInput)
    recipe = Recipe(
        optimiser=optimiser,
        scale_decay=0.3,
        gram_rate=3.0,
        label_smoothing=0.0 if network.chained else 0.1,
        sparsity=0.02 if optimiser == "adamw" and table else 0.0,
        dropout=0.0,
    )
    rows = rows_of(network, 3)
    arrays = {name: tensor.numpy() for name, tensor in rows.items()}
    design, model = built(Candidate(network, recipe), arrays, tmp_path)
    weights = weights_of(network, rows)
    put(model, design, weights)
    targets, said = torch.tensor([0, 1, 2, 1, 0, 2, 2]), said_of(recipe)
    stack = stack_parameters(weights)
    own, other = optimiser_of_search(stack, [recipe], 1), Optimiser(model, said)
    model.compile(other, lost(model), jit_compile=False)
    smooth = recipe.label_smoothing
    aims = ((1 - smooth) * np.eye(3)[targets.numpy()] + smooth / 3).astype(np.float32)
    wanted = followed(aims, arrays["positions"])
    for progress in (0.2, 0.4, 0.8):
        batch = {name: tensor[None] for name, tensor in rows.items()}
        loss = minimised(network, stack.computed(), batch, targets, recipe.label_smoothing)
        if recipe.sparsity:
            loss = loss + recipe.sparsity * stack.leaves["0.scale"].abs().sum()
        stack.take(torch.autograd.grad(loss, [*stack.leaves.values()]))
        with torch.no_grad():
            own.step(progress)
        other.pace(progress)
        model.train_on_batch(fed(model, arrays), wanted)
    state = design.state({name: tensor[0].detach().numpy() for name, tensor in stack.named().items()})
    for name, variable in named_weights(model).items():
        if "moving" in name:  # PyTorch takes the variance of a batch for that of more rows than there are
            continue
        found = keras.ops.convert_to_numpy(variable)
        np.testing.assert_allclose(found, state[name], rtol=1e-2, atol=1e-3, err_msg=name)


def test_averages_follow_weights_from_the_first_step_on(tmp_path: Path) -> None:
    """At the beginning they are the weights themselves, later they lag behind."""
    network = Network((TableInput(2, 0, (), Identity()), Dense(4), Head(3)))
    arrays = {name: tensor.numpy() for name, tensor in rows_of(network).items()}
    _, model = built(Candidate(network, Recipe(dropout=0.0)), arrays, tmp_path)
    optimiser = Optimiser(model, said_of(Recipe(averaging=0.5)))
    model.compile(optimiser, loss_of, jit_compile=False)
    for step, progress in enumerate((0.05, 0.5, 0.9)):
        optimiser.pace(progress)
        optimiser.follow(0.5, progress, 0.1)
        model.train_on_batch(fed(model, arrays), np.eye(3, dtype=np.float32)[[0, 1, 2, 1, 0, 2, 2]])
        apart = max(
            np.abs(mean - now).max() for mean, now in zip(optimiser.averaged(model), model.get_weights(), strict=True)
        )
        assert (apart == 0) == (step == 0)


def test_logits_become_probabilities() -> None:
    """Of networks and of members, however large they are."""
    logits = np.random.default_rng(0).normal(0, 100, (5, 3, 4)).astype(np.float32)
    wanted = torch.softmax(torch.from_numpy(logits), dim=2)
    np.testing.assert_allclose(decoded(logits), wanted.mean(dim=1), atol=1e-6)
    np.testing.assert_allclose(decoded(logits[:, 0]), wanted[:, 0], atol=1e-6)


# --- images that are changed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(9, 12, 12, 3), (9, 10, 14, 1)], ids=str)
def test_images_are_changed_as_in_pytorch(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same random numbers they come out the same: turned, recoloured, sung by another voice, masked."""
    random = np.random.default_rng(5)
    images = random.integers(0, 256, shape).astype(np.float32)

    def given(values: np.ndarray, name: str = "rand") -> None:
        tensor = torch.from_numpy(values.astype(np.float32))
        monkeypatch.setattr(torch, name, lambda *_: tensor)

    shares = random.random((5, shape[0]))
    given(shares)
    wanted = changes.moved(torch.from_numpy(images), 0.7)
    found = keras_changes.moved(images, (0.7 * (2 * shares - 1)).astype(np.float32))
    np.testing.assert_allclose(found, wanted, atol=0.05)

    shares = random.random((3 + shape[3], shape[0]))
    given(shares[:, :, None, None, None])
    wanted = changes.recoloured(torch.from_numpy(images), 0.7)
    found = keras_changes.recoloured(images, (0.7 * (2 * shares - 1)).astype(np.float32))
    np.testing.assert_allclose(found, wanted, atol=1e-2)

    maps, shares, noise = images[..., :1], random.random((7, shape[0])), random.normal(size=(*shape[:3], 1))
    given(shares)
    given(noise, "randn")
    wanted = changes.warped(torch.from_numpy(maps), 0.7)
    found = keras_changes.resung(maps, (0.7 * (2 * shares - 1)).astype(np.float32), noise.astype(np.float32))
    np.testing.assert_allclose(found, wanted, atol=0.05)

    shares = random.random((2, 2, shape[0]))
    given(shares)
    wanted = changes.masked(torch.from_numpy(maps), 0.9)

    class Given:
        def random(self, _: object) -> np.ndarray:
            return shares.astype(np.float32)

    np.testing.assert_allclose(keras_changes.masked(maps, 0.9, Given()), wanted, atol=1e-3)


def test_every_second_image_is_mirrored() -> None:
    """Sideways, or along each axis; never otherwise."""
    images = np.arange(2_000 * 9, dtype=np.float32).reshape(-1, 3, 3, 1)
    random = np.random.default_rng(0)
    recipe = WrittenRecipe(0.1, cosine, 0.0, 0.9, 1, 1, 1.0, 0.0, 1.0, flips="sideways")
    found = keras_changes.flipped(images, recipe, random)
    mirrored = (found == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (mirrored | (found == images).all(axis=(1, 2, 3))).all() and 0.4 < mirrored.mean() < 0.6
    recipe = WrittenRecipe(0.1, cosine, 0.0, 0.9, 1, 1, 1.0, 0.0, 1.0, flips="all")
    found = keras_changes.flipped(images, recipe, random)
    assert (np.sort(found.reshape(-1, 9)) == images.reshape(-1, 9)).all()
    assert len({tuple(one) for one in (found - images[:, :1, :1]).reshape(-1, 9)}) == 8
