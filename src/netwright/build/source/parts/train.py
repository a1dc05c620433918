"""Trains the networks of an exported model from the beginning."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from netwright.build.source.parts.changes import distorted, flipped, masked, warped
from netwright.build.source.parts.encoder import Encoder
from netwright.build.source.parts.lessons import FOLDS, read_arguments, read_lessons
from netwright.build.source.parts.losses import Rows, answered, judge, loss_on
from netwright.build.source.parts.model import DESIGNS, HERE, ROWS_AT_ONCE, Design, finished
from netwright.build.source.parts.optimisers import optimiser_for, pace
from netwright.build.source.parts.recipes import PATIENT, RECIPES, Recipe, flat_cosine
from netwright.build.source.parts.trunk import Trunk

CHECKS = 32  # times that the networks are judged while they learn
OUTPUTS = 1  # of a network


def read_weights() -> dict[str, Tensor]:
    """Return the weights of all networks, for what of them is measured and not learnt."""
    return load_file(HERE / "weights.safetensors")


WEIGHTS: dict[str, Tensor] = {}


def begun(name: str) -> nn.Module:
    """Return a network of a design as it begins: matrices as in He et al. (2015), biases spread out."""
    network = DESIGNS[name].build()
    for path, layer in network.named_modules():
        # if hidden:
        if isinstance(layer, nn.Linear) and path.startswith(("linear", "block")):
            nn.init.normal_(layer.weight, std=math.sqrt(2 / layer.in_features))
            nn.init.normal_(layer.bias, std=0.1)
        # end
        if isinstance(layer, nn.Linear) and path == "head":
            nn.init.uniform_(layer.weight, -1 / math.sqrt(layer.in_features), 1 / math.sqrt(layer.in_features))
            nn.init.zeros_(layer.bias)
        # if texts:
        if isinstance(layer, nn.Embedding | nn.EmbeddingBag) and path in ("grams", "pieces", "bytes", "places"):
            nn.init.normal_(layer.weight, std=0.1)
        # end
    # if knots:
    if f"networks.{name}.0.numbers.knots" in WEIGHTS:
        network.load_state_dict({"numbers.knots": WEIGHTS[f"networks.{name}.0.numbers.knots"]}, strict=False)
    # end
    return network


def train(name: str, rows: Rows, targets: Tensor, folds: np.ndarray) -> tuple[list[nn.Module], Tensor]:
    """Train one network of a design for each fold of the rows.

    Each is kept as it was when the networks of the *other* folds were best on average, so that no row has a say in what
    predicts it.

    Args:
        name: of the design.
        rows: N rows.
        targets: (N,) what is to be predicted.
        folds: (N,) the fold of each row.

    Returns:
        The networks, and the answers (N, K) for each row by the network that has not learnt from it.
    """
    recipe = RECIPES[name]
    networks = [begun(name) for _ in range(FOLDS)]
    optimisers = [optimiser_for(network, recipe) for network in networks]
    # if averaging:
    averages = [copy.deepcopy(network) for network in networks]
    # end
    learnt = [torch.from_numpy(np.flatnonzero(folds != fold)) for fold in range(FOLDS)]
    judged = [torch.from_numpy(np.flatnonzero(folds == fold)) for fold in range(FOLDS)]
    kept = [copy.deepcopy(network.state_dict()) for network in networks]
    lowest, waited = [math.inf] * FOLDS, [0] * FOLDS
    every = max(1, recipe.epochs // CHECKS)
    for epoch in range(1, recipe.epochs + 1):
        # if not averaging:
        for network, optimiser, own in zip(networks, optimisers, learnt, strict=True):
            pass_over(network, optimiser, recipe, epoch, rows, targets, own)
        # end
        # if averaging:
        for network, optimiser, own, average in zip(networks, optimisers, learnt, averages, strict=True):
            pass_over(network, optimiser, recipe, epoch, rows, targets, own, average)
        # end
        if epoch % every and epoch < recipe.epochs:
            continue
        # if not averaging:
        losses = [judge(network, rows, targets, own) for network, own in zip(networks, judged, strict=True)]
        # end
        # if averaging:
        losses = [judge(average, rows, targets, own) for average, own in zip(averages, judged, strict=True)]
        # end
        for fold in range(FOLDS):
            others = (sum(losses) - losses[fold]) / (FOLDS - 1)
            waited[fold] += 1
            if others < lowest[fold]:
                lowest[fold], waited[fold] = others, 0
                # if not averaging:
                kept[fold] = copy.deepcopy(networks[fold].state_dict())
                # end
                # if averaging:
                kept[fold] = copy.deepcopy(averages[fold].state_dict())
                # end
        if recipe.schedule in PATIENT and min(waited) > math.ceil(recipe.epochs / every) // 3:
            break
    answers = torch.zeros(len(targets), OUTPUTS)
    for network, state, own in zip(networks, kept, judged, strict=True):
        network.load_state_dict(state)
        answers[own] = answered(network, rows, own)
    return networks, answers


def pass_over(
    network: Any,
    optimiser: Any,
    recipe: Recipe,
    epoch: int,
    rows: Rows,
    targets: Tensor,
    own: Tensor,
    # if averaging:
    average: nn.Module | None = None,
    # end
) -> None:
    """Let a network learn once from its rows, some at a time and in a random order."""
    network.train()
    batch = min(recipe.batch_size, len(own))
    steps = len(own) // batch
    # if chain:
    order = own[shuffled(rows["positions"][own, 0])]
    # end
    # if not chain:
    order = own[torch.randperm(len(own))]
    # end
    # if growth:
    whole = network.size if recipe.growth < 1 else (0, 0)
    # end
    # if dropout:
    dropouts = [layer for layer in network.modules() if isinstance(layer, nn.Dropout)]
    full = [layer.p for layer in dropouts]
    # end
    for step in range(steps):
        progress = (epoch - 1 + (step + 0.5) / steps) / recipe.epochs
        pace(optimiser, recipe, progress)
        # if dropout:
        for layer, rate in zip(dropouts, full, strict=True):
            layer.p = flat_cosine(progress) * rate
        # end
        index = order[step * batch : (step + 1) * batch]
        some = {name: tensor[index] for name, tensor in rows.items()}
        # if flips:
        some["images"] = flipped(some["images"], recipe)
        # end
        # if distortion:
        some["images"] = distorted(some["images"], recipe.distortion)
        # end
        # if warp:
        some["images"] = warped(some["images"], recipe.warp)
        # end
        # if masking:
        some["images"] = masked(some["images"], recipe.masking)
        # end
        # if growth:
        if recipe.growth < 1:
            network.size = grown(whole, recipe.growth, progress)
        # end
        loss = loss_on(network, recipe, some, targets[index])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        # if averaging:
        if average is not None:
            follow(average, network, recipe.averaging, progress, 1 / (steps * recipe.epochs))
        # end
    # if growth:
    if recipe.growth < 1:
        network.size = whole
    # end
    # if dropout:
    for layer, rate in zip(dropouts, full, strict=True):
        layer.p = rate
    # end


def shuffled(positions: Tensor) -> Tensor:
    """Return an order of tokens (n,) at random in which those of one sentence follow each other as they did."""
    sentences = torch.cat([torch.zeros(1, dtype=torch.int64), (positions.diff() != 1).cumsum(0)])
    return torch.randperm(int(sentences[-1]) + 1)[sentences].argsort(stable=True)


def follow(average: nn.Module, network: nn.Module, span: float, progress: float, gone: float) -> None:
    """Let an average of weights follow a network: over `span` of the training the weight of a step falls to 1/e."""
    gone = min(gone, progress)
    share = gone / max(gone, min(span, progress))
    with torch.no_grad():
        for mean, parameter in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(parameter, share)
        for kept, buffer in zip(average.buffers(), network.buffers(), strict=True):
            kept.copy_(buffer)


def grown(whole: tuple[int, int], growth: float, progress: float) -> tuple[int, int]:
    """Return the height and width that images have when a share of the training has gone (arXiv 2104.00298)."""
    share = growth + (1 - growth) * min(1.0, 1.5 * progress)
    share = min(1.0, round(8 * share) / 8)  # few sizes: each is a new shape for every convolution
    height, width = (min(side, max(8, round(share * side))) for side in whole)
    return height, width


def seen(lent: nn.Module, name: str, rows: Tensor) -> Tensor:
    """Return what a network of others, whose weights begin with a name, sees in rows (N, ...): (N, F)."""
    own = {key.removeprefix(name): tensor for key, tensor in WEIGHTS.items() if key.startswith(name)}
    lent.load_state_dict(own)
    with torch.no_grad():
        return torch.cat([lent.eval()(some) for some in rows.split(ROWS_AT_ONCE)])


def main() -> None:
    """Train on a table, and print the score on rows that the networks have not learnt from."""
    arguments = read_arguments(len(DESIGNS))
    torch.manual_seed(arguments.seed)
    lessons = read_lessons(arguments)
    rows = {name: torch.from_numpy(array) for name, array in lessons.arrays.items()}
    targets = torch.from_numpy(lessons.targets)
    # if trunk:
    rows["frozen"] = seen(Trunk(), "trunk.", rows["images"])  # once: the trunk does not learn
    # end
    # if encoder:
    rows["frozen"] = seen(Encoder(), "encoder.", rows["word_pieces"])  # once: the encoder does not learn
    # end
    mixed, shares = torch.zeros(()), 0.0
    weights: dict[str, Tensor] = {}
    for name, design in [*DESIGNS.items()][: arguments.designs]:
        networks, answers = train(name, rows, targets, lessons.folds)
        mixed, shares = mixed + design.share * answers, shares + design.share
        weights |= state_of(name, design, networks)
        print(f"{name}: {lessons.score(finished(answers).numpy())}")
    print(f"the mix: {lessons.score(finished(mixed / shares).numpy())}")
    if arguments.out:
        # if lent:
        weights |= {name: tensor for name, tensor in WEIGHTS.items() if not name.startswith("networks.")}
        # end
        save_file(weights, arguments.out)


def state_of(name: str, design: Design, networks: Sequence[nn.Module]) -> dict[str, Tensor]:
    """Return the tensors of the networks that the mix keeps of a design, by their names in the mix."""
    chosen = [networks[place * len(networks) // design.networks] for place in range(design.networks)]
    return {
        f"networks.{name}.{place}.{part}": tensor
        for place, network in enumerate(chosen)
        for part, tensor in network.state_dict().items()
    }


if __name__ == "__main__":
    main()
