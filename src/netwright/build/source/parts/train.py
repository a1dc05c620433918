"""Trains the networks of an exported model from the beginning."""

from __future__ import annotations

import argparse
import copy
import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from netwright.build.source.parts.model import DESIGNS, HERE, ROWS_AT_ONCE, Design, decoded, finished
from netwright.build.source.parts.preprocess import (
    SHIFT,
    SPREAD,
    TARGET,
    class_numbers,
    encode,
    read_rows,
    target_values,
)

Rows = dict[str, Tensor]
"""What `preprocess.encode` makes of rows, as tensors."""

FOLDS = 8  # parts of the rows: each network learns from all but one of them
CHECKS = 32  # times that the networks are judged while they learn
BIAS_RATE = 0.1  # of the learning rate, for biases


# --- schedules --------------------------------------------------------------------------------------------------------


def cosine(progress: float) -> float:
    """Warm up over the first 5 %, then half a cosine down to 0 (arXiv 1608.03983)."""
    warm = 0.05
    if progress < warm:
        return progress / warm
    return 0.5 * (1 + math.cos(math.pi * (progress - warm) / (1 - warm)))


def coslog4(progress: float) -> float:
    """Four cosine cycles, each twice as long as the one before (arXiv 2407.04491)."""
    return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * progress)))


def flat_cosine(progress: float) -> float:
    """Full until half of the time, then half a cosine down to 0."""
    return 1.0 if progress < 0.5 else 0.5 * (1 + math.cos(math.pi * (2 * progress - 1)))


# --- recipes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """How the networks of one design are trained; their dropout stands in `model.py`."""

    learning_rate: float
    schedule: Callable[[float], float]  # share of the training that has gone → share of the learning rate
    weight_decay: float  # of matrices; it fades away as dropout does
    second_moment: float  # the second beta of Adam
    batch_size: int
    epochs: int
    # if scaled:
    scale_rate: float  # factor on the learning rate of the scales of features
    scale_decay: float  # the decay of these scales
    # end
    # if grams:
    gram_rate: float  # factor on the learning rate of the vectors of n-grams and of pieces of words
    # end
    # if sparsity:
    sparsity: float = 0.0  # weight of the absolute sum of the scales in the loss (the lasso)
    # end
    # if mixup:
    mixup: float = 0.0  # the a of the Beta(a, a) by which two rows are mixed (arXiv 1710.09412)
    # end
    # if smoothing:
    label_smoothing: float = 0.0  # share of each label that is spread over all classes
    # end
    # if flips:
    flips: str = "none"  # of images: none, sideways, or all ways
    # end
    # if distortion:
    distortion: float = 0.0  # from 0 to 1: how far images are turned, scaled, slanted, shifted and recoloured
    # end
    # if growth:
    growth: float = 1.0  # the share of their side that images begin with; they are whole after two thirds
    # end
    # if averaging:
    averaging: float = 0.0  # share of the training over which weights are averaged, the latest counting most
    # end
    # if muon:
    muon: bool = False  # whether the steps of inner matrices are made orthogonal
    # end


RECIPES: dict[str, Recipe] = {}


def rate_and_decay(name: str, recipe: Recipe) -> tuple[float, float]:
    """Return the learning rate and the weight decay of a parameter: of all that is no matrix, nothing decays."""
    part = name.rpartition(".")[2]
    # if scaled:
    if name == "scale":
        return recipe.scale_rate * recipe.learning_rate, recipe.scale_decay
    # end
    rate = recipe.learning_rate
    # if grams:
    if name in ("grams.weight", "pieces.weight"):
        rate *= recipe.gram_rate
    # end
    slow = part.startswith("bias")
    # if maps:
    slow = slow and "batch_norm" not in name and "channel_norm" not in name
    # end
    decays = part.startswith("weight") and "norm" not in name and "categories" not in name
    return rate * (BIAS_RATE if slow else 1.0), recipe.weight_decay if decays else 0.0


# if not muon:
def optimiser_for(network: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """Return AdamW with one group for all parameters of the same rate and decay."""
    groups = grouped([*network.named_parameters()], recipe)
    return torch.optim.AdamW(groups, betas=(0.9, recipe.second_moment), fused=True)


# end
# if muon:
def optimisers_for(network: nn.Module, recipe: Recipe) -> Optimisers:
    """Return AdamW, and where the recipe says so Muon for the matrices of all blocks between the first and the last."""
    inner = [one for one in network.named_parameters() if recipe.muon and is_inner(*one)]
    names = {name for name, _ in inner}
    rest = [one for one in network.named_parameters() if one[0] not in names]
    adam = torch.optim.AdamW(grouped(rest, recipe), betas=(0.9, recipe.second_moment), fused=True)
    return Optimisers(adam, *([Muon(grouped(inner, recipe))] if inner else []))


def is_inner(name: str, parameter: Tensor) -> bool:
    """Return whether a parameter is a matrix of an inner block."""
    inside = name.startswith(("trunk.", "linear", "block")) and not name.startswith("trunk.0.")
    return inside and name.endswith("weight") and parameter.ndim > 1


class Optimisers:
    """AdamW and Muon, as one."""

    def __init__(self, *optimisers: Any) -> None:
        self.optimisers = optimisers
        self.param_groups = [group for optimiser in optimisers for group in optimiser.param_groups]

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def step(self) -> None:
        """Take a step."""
        for optimiser in self.optimisers:
            optimiser.step()


class Muon:
    """Momentum made orthogonal (Jordan et al. 2024), at the scale of steps of AdamW (arXiv 2502.16982)."""

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        self.param_groups = groups
        self.momenta = {parameter: torch.zeros_like(parameter) for group in groups for parameter in group["params"]}

    def step(self) -> None:
        """Take a step."""
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    self.move(parameter, group["lr"], group["weight_decay"])

    def move(self, parameter: Any, rate: float, decay: float) -> None:
        """Move one parameter."""
        momentum = self.momenta[parameter].lerp_(parameter.grad, 0.05)
        ahead = torch.lerp(parameter.grad, momentum, 0.95).flatten(1)  # Nesterov's
        length = 0.2 * max(ahead.shape) ** 0.5
        parameter.mul_(1 - rate * decay).sub_(rate * length * orthogonal(ahead).view_as(parameter))


def orthogonal(matrix: Tensor) -> Tensor:
    """Return a matrix whose singular values have been brought near to 1, by five steps of Newton-Schulz."""
    wide = matrix.shape[0] <= matrix.shape[1]
    hidden = matrix if wide else matrix.T
    hidden = hidden / hidden.norm().clamp_min(1e-7)
    for _ in range(5):
        square = hidden @ hidden.T
        hidden = 3.4445 * hidden + (-4.7750 * square + 2.0315 * square @ square) @ hidden
    return hidden if wide else hidden.T


# end
def grouped(named: Sequence[tuple[str, Tensor]], recipe: Recipe) -> list[dict[str, Any]]:
    """Return parameters in groups of the same learning rate and decay."""
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in named:
        if parameter.requires_grad:
            groups.setdefault(rate_and_decay(name, recipe), []).append(parameter)
    return [{"params": params, "rate": rate, "decay": decay} for (rate, decay), params in groups.items()]


def pace(optimiser: Any, recipe: Recipe, progress: float) -> None:
    """Set learning rates and decays for the moment when a share of the training has gone."""
    for group in optimiser.param_groups:
        group["lr"] = recipe.schedule(progress) * group["rate"]
        group["weight_decay"] = flat_cosine(progress) * group["decay"]


# --- networks ---------------------------------------------------------------------------------------------------------


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


def read_weights() -> dict[str, Tensor]:
    """Return the weights of all networks, for what of them is measured and not learnt."""
    return load_file(HERE / "weights.safetensors")


WEIGHTS: dict[str, Tensor] = {}


# --- training ---------------------------------------------------------------------------------------------------------


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


PATIENT: tuple[Callable[[float], float], ...] = (cosine, flat_cosine)  # schedules that rise once, and can end early
OUTPUTS = 1  # of a network


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
    order = own[torch.randperm(len(own))]
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


def loss_on(network: nn.Module, recipe: Recipe, rows: Rows, targets: Tensor) -> Tensor:
    """Return what is minimised, on a batch of rows."""
    # if mixup:
    if recipe.mixup:
        return mixed_loss(network, recipe, rows, targets)
    # end
    # if sparsity:
    if recipe.sparsity:
        return loss_of(network(rows), targets, recipe) + penalty(network, recipe)
    # end
    return loss_of(network(rows), targets, recipe)


def penalty(network: nn.Module, recipe: Recipe) -> Tensor:
    """Return what the scales of features cost: those that do not pay for themselves go to zero."""
    scale = network.get_parameter("scale")
    return recipe.sparsity * scale.abs().sum()


def mixed_loss(network: nn.Module, recipe: Recipe, rows: Rows, targets: Tensor) -> Tensor:
    """Return the loss on pairs of rows, of which, and of whose losses, the same share is taken (mixup)."""
    share = float(np.random.default_rng(int(torch.randint(2**31, ()))).beta(recipe.mixup, recipe.mixup))
    other = torch.randperm(len(targets))
    blended = {
        name: torch.lerp(tensor[other].float(), tensor.float(), share) if blends(name, tensor) else tensor
        for name, tensor in rows.items()
    }
    outputs = network(blended)
    return share * loss_of(outputs, targets, recipe) + (1 - share) * loss_of(outputs, targets[other], recipe)


def blends(name: str, tensor: Tensor) -> bool:
    """Return whether numbers are amounts; whole ones name things, such as categories, but for those of pixels."""
    return tensor.is_floating_point() or name == "images"


# if classes:
def loss_of(outputs: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    # if members:
    """Return the mean cross-entropy of outputs (B, K) or, of members that all learn, (B, E, K)."""
    outputs = outputs.flatten(0, -2)
    targets = targets.repeat_interleave(len(outputs) // len(targets))
    # end
    # if not members:
    """Return the mean cross-entropy of outputs (B, K)."""
    # end
    # if smoothing:
    if recipe.label_smoothing:
        return functional.cross_entropy(outputs, targets, label_smoothing=recipe.label_smoothing)
    # end
    return functional.cross_entropy(outputs, targets)


def judge(network: nn.Module, rows: Rows, targets: Tensor, index: Tensor) -> float:
    """Return the log-loss of a network on some rows; infinite where it is not a number."""
    chances = answered(network, rows, index)
    loss = -chances[torch.arange(len(index)), targets[index]].clamp_min(1e-7).log().mean()
    return float(loss) if torch.isfinite(loss) else math.inf


# end
# if number:
def loss_of_numbers(outputs: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    # if members:
    """Return the mean squared error of outputs (B, 1) or, of members that all learn, (B, E, 1)."""
    targets = targets.repeat_interleave(outputs.numel() // len(targets))
    # end
    # if not members:
    """Return the mean squared error of outputs (B, 1)."""
    # end
    return functional.mse_loss(outputs.flatten(), targets)


def judge_numbers(network: nn.Module, rows: Rows, targets: Tensor, index: Tensor) -> float:
    """Return the mean squared error of a network on some rows; infinite where it is not a number."""
    loss = functional.mse_loss(answered(network, rows, index)[:, 0], targets[index])
    return float(loss) if torch.isfinite(loss) else math.inf


# end
def answered(network: nn.Module, rows: Rows, index: Tensor) -> Tensor:
    """Return the answers (n, K) of a network for some rows."""
    network.eval()
    with torch.no_grad():
        parts = index.split(ROWS_AT_ONCE)
        return torch.cat([decoded(network({name: tensor[some] for name, tensor in rows.items()})) for some in parts])


# --- images changed at random -----------------------------------------------------------------------------------------


def flipped(images: Tensor, recipe: Recipe) -> Tensor:
    """Return images (B, H, W, C), every second turned round along each axis that the recipe allows."""
    if recipe.flips == "none":
        return images
    images = torch.where(half(images), images.flip(2), images)
    if recipe.flips == "sideways":
        return images
    images = torch.where(half(images), images.flip(1), images)
    return torch.where(half(images), images.transpose(1, 2), images) if images.shape[1] == images.shape[2] else images


def half(images: Tensor) -> Tensor:
    """Return true for every second image (B, 1, 1, 1), at random."""
    return (torch.rand(len(images)) < 0.5)[:, None, None, None]


def distorted(images: Tensor, strength: float) -> Tensor:
    """Return images (B, H, W, C) turned, scaled, slanted and shifted, with other contrast, light and colour."""
    return recoloured(moved(images.float(), strength), strength) if strength else images


def moved(images: Tensor, strength: float) -> Tensor:
    """(B, H, W, C) → the same, turned by up to 20 degrees, scaled and slanted by a fifth, shifted by an eighth."""
    turn, scale, slant, across, down = strength * (2 * torch.rand(5, len(images)) - 1)
    height, width = images.shape[1:3]
    ratio, size, lean = height / width, torch.exp(0.2 * scale), 0.2 * slant
    cosine, sine = size * torch.cos(math.radians(20) * turn), size * torch.sin(math.radians(20) * turn)
    first = torch.stack([cosine, ratio * (lean * cosine - sine), 0.24 * across], dim=1)
    second = torch.stack([sine / ratio, lean * sine + cosine, 0.24 * down], dim=1)
    grid = functional.affine_grid(
        torch.stack([first, second], dim=1), [len(images), 1, height, width], align_corners=False
    )
    maps = functional.grid_sample(
        images.permute(0, 3, 1, 2), grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    return maps.permute(0, 2, 3, 1)


def recoloured(images: Tensor, strength: float) -> Tensor:
    """(B, H, W, C) → the same, with more or less contrast, light and colour."""
    shares = strength * (2 * torch.rand(3 + images.shape[3], len(images), 1, 1, 1) - 1)
    contrast, brightness, saturation, *tints = shares
    middle = images.mean(dim=(1, 2, 3), keepdim=True)
    images = middle + 255 * 0.15 * brightness + (images - middle) * torch.exp(0.3 * contrast)
    if len(tints) > 1:
        grey = images.mean(dim=3, keepdim=True)
        images = grey + (images - grey) * torch.exp(0.7 * saturation)
        images = images * torch.exp(0.15 * torch.cat(tints, dim=3))
    return images.clamp(0, 255)


# --- the rows ---------------------------------------------------------------------------------------------------------


def deal_folds(rows: Rows, truth: np.ndarray, seed: int) -> np.ndarray:
    """Return the fold of each row (N,): answers are spread evenly, and rows that repeat each other stay together."""
    things: dict[tuple[Any, bytes], list[int]] = {}
    for place, answer in enumerate(truth.tolist()):
        content = b"".join(tensor[place].numpy().tobytes() for tensor in rows.values())
        things.setdefault((answer, hashlib.sha256(content).digest()), []).append(place)
    groups = [*things.values()]
    answers = np.array([truth[group[0]] for group in groups])
    # if number:
    answers = np.argsort(np.argsort(answers)) * 10 // len(answers)  # tenths
    # end
    order = np.random.default_rng(seed).permutation(len(groups))
    order = order[np.argsort(answers[order], kind="stable")]
    folds = np.zeros(len(truth), np.int64)
    for number, group in enumerate(order):
        folds[groups[group]] = number % FOLDS
    return folds


# --- scores -----------------------------------------------------------------------------------------------------------


def accuracy(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the share of rows whose most probable class is the true one."""
    return float((answers.argmax(axis=1) == truth).mean())


def log_loss(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the mean of -ln of the probability of the true class."""
    return float(-np.log(np.clip(answers[np.arange(len(truth)), truth], 1e-15, 1)).mean())


def roc_auc(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the area under the receiver operating characteristic, by mean ranks."""
    positive = truth == 1
    count = int(positive.sum())
    _, inverse, sizes = np.unique(answers[:, 1], return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[inverse]
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(truth) - count)))


def balanced_accuracy(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the mean, over the classes, of the share of their rows that were told rightly."""
    hits = answers.argmax(axis=1) == truth
    return float(np.mean([hits[truth == one].mean() for one in np.unique(truth)]))


def macro_f1(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the mean F1 over the classes."""
    chosen, classes = answers.argmax(axis=1), answers.shape[1]
    found = np.bincount(truth[chosen == truth], minlength=classes)
    named = np.bincount(truth, minlength=classes) + np.bincount(chosen, minlength=classes)
    return float(np.mean(2 * found[named > 0] / named[named > 0]))


def rmse(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the root of the mean squared error, in the unit of the target."""
    return float(np.sqrt(np.mean(np.square(truth - answers))))


def mae(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the mean absolute error, in the unit of the target."""
    return float(np.mean(np.abs(truth - answers)))


def r2(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the share of the variance that is explained."""
    return 1 - float(np.sum(np.square(truth - answers)) / np.sum(np.square(truth - truth.mean())))


SCORE: Callable[[np.ndarray, np.ndarray], float] = accuracy


# --- the program ------------------------------------------------------------------------------------------------------


def main() -> None:
    """Train on a table, and print the score on rows that the networks have not learnt from."""
    parser = argparse.ArgumentParser(description="Trains the networks of model.py on a table and prints their score.")
    parser.add_argument("table", type=Path, help="a file of comma-separated values with a header")
    parser.add_argument("target", nargs="?", default=TARGET, help="the column to predict")
    parser.add_argument("--designs", type=int, default=len(DESIGNS), help="how many designs, the weightiest first")
    parser.add_argument("--separator", default=",")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="where to write the weights, such as weights.safetensors")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    # if classes:
    table = read_rows(arguments.table, arguments.separator)
    truth = class_numbers(table, arguments.target)
    table = [row for row, one in zip(table, truth, strict=True) if one >= 0]
    truth = truth[truth >= 0]
    targets = torch.from_numpy(truth)
    # end
    # if number:
    table = read_rows(arguments.table, arguments.separator)
    truth = target_values(table, arguments.target)
    table = [row for row, one in zip(table, truth, strict=True) if np.isfinite(one)]
    truth = truth[np.isfinite(truth)]
    targets = torch.from_numpy(((truth - SHIFT) / SPREAD).astype(np.float32))
    # end
    rows = {name: torch.from_numpy(array) for name, array in encode(table).items()}
    folds = deal_folds(rows, truth, arguments.seed)
    mixed, shares = torch.zeros(()), 0.0
    weights: dict[str, Tensor] = {}
    for name, design in [*DESIGNS.items()][: arguments.designs]:
        networks, answers = train(name, rows, targets, folds)
        mixed, shares = mixed + design.share * answers, shares + design.share
        weights |= state_of(name, design, networks)
        print(f"{name}: {METRIC} {SCORE(truth, finished(answers).numpy()):.4f}")
    print(f"the mix: {METRIC} {SCORE(truth, finished(mixed / shares).numpy()):.4f}")
    if arguments.out:
        save_file(weights, arguments.out)


METRIC = "accuracy"


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
