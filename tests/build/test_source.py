"""Networks as source: the classes that are written compute what the specs say, and read as formatters want them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np
import pytest
import torch

from netwright.build.source.designs import Design, designs_of
from netwright.build.source.imports import Imports
from netwright.build.source.linking import LAYERS, kept, link
from netwright.build.source.network import class_text, write_network
from netwright.build.source.parts import recipes as schedules
from netwright.build.source.parts.losses import loss_on
from netwright.build.source.parts.optimisers import optimiser_for, optimisers_for, pace
from netwright.build.source.parts.recipes import Recipe as WrittenRecipe
from netwright.build.source.parts.recipes import cosine, rate_and_decay
from netwright.build.source.parts.train import grown
from netwright.build.source.text import Call, Name, assigned, flat, quoted
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
from netwright.train.growth import at_share, side_share
from netwright.train.optimiser import optimiser_for as optimiser_of_search
from netwright.train.rates import decay_of
from netwright.train.schedule import SCHEDULES
from netwright.train.stack import stack_parameters

ROOT = Path(__file__).parents[2]
NUMBERS = count()


def module_of(imports: Imports, sections: list[str], folder: Path) -> ModuleType:
    """Return a written file as a module."""
    path = folder / f"written_{next(NUMBERS)}.py"
    path.write_text(python_file("Networks.", imports, sections), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written(candidates: list[Candidate], folder: Path) -> tuple[ModuleType, list[torch.nn.Module]]:
    """Return the module of some networks, and one network of each class with its arguments."""
    designs = designs_of(candidates, write_network)
    layers = link(LAYERS, set().union(*(design.draft.layers for design in designs)))
    imports = Imports()
    for other in (layers.imports, *(design.draft.imports for design in designs)):
        imports.add(other)
    imports.take("torch", "Tensor", "nn")
    first = candidates[0].network.blocks[0]
    table = first.table if isinstance(first, BagInput | SequenceInput) else first
    constant = f"CATEGORIES = {table.cardinalities!r}" if isinstance(table, TableInput) else ""
    kinds = {design.kind: class_text(design) for design in designs}
    module = module_of(imports, [constant, layers.text, *kinds.values()], folder)
    values = [
        {name: getattr(torch.nn.functional, size.text.rpartition(".")[2]) if isinstance(size, Name) else size
         for name, size in design.sizes.items()}
        for design in designs
    ]  # fmt: skip
    return module, [getattr(module, design.kind)(**sizes).eval() for design, sizes in zip(designs, values, strict=True)]


def spread(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights in which nothing is one or zero, as it is at the start: else a tensor could be left out unseen."""
    generator = torch.Generator().manual_seed(7)
    return {
        name: tensor if name.endswith("knots") else tensor + 0.1 * torch.rand(tensor.shape, generator=generator)
        for name, tensor in weights.items()
    }


def as_one(tensors: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """Return the tensors of the first network of a stack as arrays."""
    return {name: tensor[0].numpy() for name, tensor in tensors.items()}


@pytest.mark.parametrize("network", list(example_networks()), ids=str)
@pytest.mark.parametrize("dropout", [0.0, 0.25])
def test_a_written_network_computes_what_the_spec_says(network: Network, dropout: float, tmp_path: Path) -> None:
    """For every block, embedding, activation and normalisation, with the very tensors of the network."""
    candidate = Candidate(network, Recipe(dropout=dropout))
    (design,) = designs_of([candidate], write_network)
    generator = torch.Generator().manual_seed(0)
    batch = example_batch(network.blocks[0], generator)
    columns = batch["numeric"].shape[2] if "numeric" in batch else 0
    quantiles = torch.randn(columns, 49, generator=generator).sort(dim=1)[0]
    weights = spread(initial_weights(network, quantiles, [1]))
    _, (model,) = written([candidate], tmp_path)
    state = {name: torch.from_numpy(np.ascontiguousarray(one)) for name, one in design.state(as_one(weights)).items()}
    model.load_state_dict(state)
    rows = {name: tensor[0] for name, tensor in batch.items()}
    with torch.no_grad():
        outputs = model(rows)
        wanted = forward(network, weights, {name: tensor[:1] for name, tensor in batch.items()})[0]  # (E, B, K)
    found = outputs.movedim(1, 0) if outputs.ndim == 3 else outputs[None]
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    assert sum(one.size for one in design.state(as_one(weights)).values() if one.dtype == np.float32) >= sum(
        tensor[0].numel() for tensor in weights.values()
    )


@pytest.mark.parametrize("network", list(example_networks()), ids=str)
def test_a_written_network_is_as_ruff_wants_it(network: Network, tmp_path: Path) -> None:
    """Linted by the rules of this project, and formatted."""
    written([Candidate(network, Recipe())], tmp_path)
    config = ["--no-cache", "--config", str(ROOT / "pyproject.toml")]
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *config, str(tmp_path)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_networks_that_differ_in_sizes_alone_are_one_class(tmp_path: Path) -> None:
    """Widths, depth, activation and dropout are its arguments; what all share is not."""
    inputs = TableInput(3, 2, (4, 12), Periodic(4, 3))
    candidates = [
        Candidate(Network((inputs, Dense(8, "relu"), Dense(8, "relu"), Head(2))), Recipe(dropout=0.1)),
        Candidate(
            Network((inputs, Dense(6, "silu"), Dense(6, "silu"), Dense(6, "silu"), Head(2))), Recipe(dropout=0.2)
        ),
        Candidate(Network((inputs, Dense(8), Residual(16), Head(2))), Recipe()),
    ]
    _, models = written(candidates, tmp_path)
    first, second, third = designs_of(candidates, write_network)
    assert first.kind == second.kind == "PeriodicMLP"
    assert third.kind == "PeriodicResNet"
    assert first.sizes == {"widths": (27, 8, 8), "dropout": 0.1, "activation": Name("functional.relu")}
    assert not third.sizes
    weights = [initial_weights(one.network, torch.zeros(3, 49), [1]) for one in candidates]
    for design, model, tensors in zip((first, second, third), models, weights, strict=True):
        model.load_state_dict({name: torch.from_numpy(one) for name, one in design.state(as_one(tensors)).items()})


def test_networks_of_one_name_and_two_shapes_are_two_classes() -> None:
    """The second has a number behind its name."""
    inputs = TableInput(3, 2, (4, 12), Identity())
    candidates = [
        Candidate(Network((inputs, Dense(8, norm=norm), Head(2))), Recipe()) for norm in ("none", "layer", "rms")
    ]
    assert [design.kind for design in designs_of(candidates, write_network)] == ["MLP", "MLP2", "MLP3"]


def test_what_cannot_be_written_is_refused() -> None:
    """Members of members."""
    twice = Network((TableInput(3, 0, (), Identity()), Members(2), Members(2), Head(2)))
    with pytest.raises(NoSource, match="cannot be written as source"):
        designs_of([Candidate(twice, Recipe())], write_network)


def test_what_a_trunk_sees_is_one_of_the_inputs() -> None:
    """The trunk itself stands in a file of its own."""
    network = Network((TableInput(0, 0, (), Identity(), frozen=5), Head(2)))
    (design,) = designs_of([Candidate(network, Recipe())], write_network)
    assert design.kind == "SeenLinear" and 'rows["frozen"] * self.scale' in "\n".join(design.draft.steps)


@pytest.mark.parametrize("network", list(example_networks()), ids=str)
def test_each_tensor_learns_as_fast_and_decays_as_much_as_in_the_search(network: Network, tmp_path: Path) -> None:
    """The rule of the written loop goes by the names of the written class, that of the search by its own."""
    recipe = Recipe(scale_decay=0.3, gram_rate=3.0)
    said = said_of(recipe)
    candidate = Candidate(network, recipe)
    _, (model,) = written([candidate], tmp_path)
    (design,) = designs_of([candidate], write_network)
    weights = initial_weights(network, torch.zeros(_numeric(network), 49), [1])
    stack = stack_parameters(weights)
    for name, parameter in model.named_parameters():
        source = _source_of(design.draft.tensors[name], weights)
        if source is None:
            assert not parameter.requires_grad
            continue
        wanted = stack.rate_of(source, recipe), decay_of(source, recipe)
        assert rate_and_decay(name, said) == pytest.approx(wanted), f"{name}, of {source}"


STEPPED = (
    (Network((TableInput(3, 2, (4, 12), Periodic(4, 3)), Dense(8, norm="layer"), Residual(9), Head(3))), "adamw"),
    (Network((TableInput(3, 2, (4, 12), Piecewise(5)), Members(3), Dense(8), Residual(9), Head(3))), "adamw"),
    (
        Network((ImageInput(9, 8, (0.5,), (0.2,)), Convolution(4), ResidualConvolution(6), GlobalPool(), Head(3))),
        "muon",
    ),
    (Network((ImageInput(9, 8, (0.5,), (0.2,)), Convolution(4), InvertedResidual(4), GlobalPool(), Head(3))), "adamw"),
    (Network((ImageInput(9, 8, (0.5,), (0.2,)), Convolution(4), InvertedResidual(4), GlobalPool(), Head(3))), "sgd"),
    (Network((TableInput(3, 2, (4, 12), Periodic(4, 3)), Dense(8, norm="layer"), Residual(9), Head(3))), "sgd"),
    (Network((BagInput(20, 5, TableInput(3, 2, (4, 12), Identity())), Dense(5), Head(3))), "adamw"),
    (Network((BagInput(20, 5, TableInput(3, 2, (4, 12), Identity())), Head(3))), "sgd"),
    (Network((BagInput(20, 5, TableInput(0, 2, (), Identity())), Dense(5), ChainHead(3))), "adamw"),
    (Network((TableInput(3, 2, (4, 12), Identity()), Members(3), Dense(5), ChainHead(3))), "adamw"),
)


@pytest.mark.parametrize("beside_muon", [False, True])
@pytest.mark.parametrize(("network", "optimiser"), STEPPED, ids=str)
def test_steps_of_the_written_loop_are_those_of_the_search(
    network: Network, optimiser: Literal["adamw", "muon", "sgd"], beside_muon: bool, tmp_path: Path
) -> None:
    """One batch three times: loss, smoothing, sparsity, rates, decays and optimiser lead to the same weights."""
    sparsity = 0.02 if optimiser == "adamw" and not isinstance(network.blocks[0], ImageInput) else 0.0
    recipe = Recipe(
        optimiser=optimiser, scale_decay=0.3, gram_rate=3.0, label_smoothing=0.1, sparsity=sparsity, dropout=0.0
    )
    candidate = Candidate(network, recipe)
    _, (model,) = written([candidate], tmp_path)
    (design,) = designs_of([candidate], write_network)
    weights = initial_weights(network, torch.randn(_numeric(network), 49).sort(dim=1)[0], [1])
    model.load_state_dict(_state(design, weights))
    batch = example_batch(network.blocks[0], torch.Generator().manual_seed(3))
    targets = torch.tensor([0, 1, 2, 1, 0, 2, 2])
    stack, said = stack_parameters(weights), said_of(recipe)
    own = optimiser_of_search(stack, [recipe], 1)
    other = (optimisers_for if beside_muon or optimiser == "muon" else optimiser_for)(model.train(), said)
    for progress in (0.2, 0.4, 0.8):
        batch_of_one = {name: tensor[:1] for name, tensor in batch.items()}
        loss = minimised(network, stack.computed(), batch_of_one, targets, recipe.label_smoothing)
        if sparsity:
            loss = loss + sparsity * stack.leaves["0.scale"].abs().sum()
        stack.take(torch.autograd.grad(loss, [*stack.leaves.values()]))
        with torch.no_grad():
            own.step(progress)
        pace(other, said, progress)
        found = loss_on(model, said, {name: tensor[0] for name, tensor in batch.items()}, targets)
        torch.testing.assert_close(found, loss, rtol=1e-4, atol=1e-5)
        other.zero_grad()
        found.backward()
        other.step()
    wanted = _state(design, stack.named())
    for name, tensor in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(
                tensor, wanted[name], rtol=1e-3, atol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
            )


def _state(design: Design, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the `state_dict` of the first network of a stack."""
    arrays = design.state(as_one({name: tensor.detach() for name, tensor in tensors.items()}))
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


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
        muon=recipe.optimiser == "muon",
        sgd=recipe.optimiser == "sgd",
    )


def test_the_written_schedules_are_those_of_the_search() -> None:
    """At every share of the training."""
    for share in np.linspace(0, 1, 41).tolist():
        for name, schedule in SCHEDULES.items():
            assert getattr(schedules, name)(share) == pytest.approx(schedule(share))
        for growth in (0.25, 0.5, 0.9):
            wanted = at_share(
                Network((ImageInput(30, 20, (0.5,), (0.2,)), GlobalPool(), Head(2))), side_share(growth, share)
            )
            first = wanted.blocks[0]
            assert isinstance(first, ImageInput)
            assert grown((30, 20), growth, share) == (first.height, first.width)


def _numeric(network: Network) -> int:
    first = network.blocks[0]
    table = first.table if isinstance(first, BagInput | SequenceInput) else first
    return table.numeric if isinstance(table, TableInput) else 0


def _source_of(change: object, weights: dict[str, torch.Tensor]) -> str | None:
    """Return the name of the tensor that one of a written class is made from; None if it is made from none."""

    class Asked(dict[str, np.ndarray]):
        asked: str | None = None

        def __getitem__(self, name: str) -> np.ndarray:
            self.asked = name
            return super().__getitem__(name)

    tensors = Asked(as_one(weights))
    assert callable(change)
    change(tensors)
    return tensors.asked


# --- text ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["plain", "it's", 'a "b"', "both ' and \"", "back\\slash", "line\nend\r\t", "\x00\x1b\u202e", "é日本", "\ud800"],
)
def test_a_text_is_the_literal_of_itself(text: str) -> None:
    """Whatever stands in it."""
    space: dict[str, str] = {}
    exec(f"value = {quoted(text)}", space)
    assert space["value"] == text
    assert "\u202e" not in quoted(text)


def test_long_values_are_laid_out_as_formatters_do(tmp_path: Path) -> None:
    """One entry a line where a value does not fit into one; also where letters take two columns."""
    values = {
        "numbers": tuple(range(60)),
        "日本語" * 12: Call("Design", (Name("build"), "漢字" * 20), {"share": 0.25, "levels": ["a" * 30] * 5}),
        "one": ("x" * 100,),
        "short": {"a": None, "b": True},
    }
    path = tmp_path / "values.py"
    path.write_text(f"{assigned('VALUES', values)}\n", encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "format",
            "--no-cache",
            "--check",
            "--config",
            str(ROOT / "pyproject.toml"),
            str(path),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (
        done.stderr
        + subprocess.run(
            [sys.executable, "-m", "ruff", "format", "--no-cache", "--diff", str(path)], capture_output=True, text=True
        ).stdout
    )
    assert flat((1,)) == "(1,)"


def test_only_what_is_used_is_taken() -> None:
    """A layer brings what it uses along, its imports too, and nothing else."""
    linked = link(LAYERS, {"ResidualConvolution"})
    assert "class Convolution" in linked.text and "def margins" in linked.text
    assert "class Members" not in linked.text and "def resized" not in linked.text
    assert "pack_padded_sequence" not in linked.imports.text(())
    with pytest.raises(ValueError, match="Nonsense"):
        link(LAYERS, {"Nonsense"})


def test_lines_of_features_are_kept_or_left_out() -> None:
    """Marks themselves never stay."""
    text = "a\n# if one:\nb\n# if two:\nc\n# end\n# end\nd\n"
    assert kept(text, {"one", "two"}) == "a\nb\nc\nd\n"
    assert kept(text, {"one"}) == "a\nb\nd\n"
    assert kept(text, {"two"}) == "a\nd\n"
