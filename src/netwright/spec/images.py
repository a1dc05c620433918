"""Networks for images: the space that is searched, the first points to try, and what a point stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from netwright.spec.blocks import (
    Block,
    ConvNext,
    Convolution,
    Dense,
    GlobalPool,
    Head,
    Identity,
    ImageInput,
    InvertedResidual,
    MaxPool,
    ResidualConvolution,
    TableInput,
)
from netwright.spec.network import Network, Recipe, for_sgd, recipe_of
from netwright.spec.spaces import Choice, Point, Range, Space

FROZEN = "frozen"  # a body that is a trained trunk
TUNED = "tuned"  # one that is a trained trunk, and is trained further
TRUNK_RATE = 0.3  # of the learning rate, for a trunk
SGD_RATE = 20.0  # times the learning rate of a point, for sgd, and its decay the less: the product stays what it is
MANY_ROWS = 5_000  # above it a network sees enough in few passes, and fewer designs can be tried
MOST_CHANNELS = 256
FLIPS_OF_PHOTOGRAPHS = ("sideways", "sideways", "all", "none", "all", "sideways", "sideways", "sideways")
FLIPS_OF_SIGNS = ("none", "none", "sideways", "none", "all", "none", "none", "none")
SMALLEST_MAP = 4  # pixels a side: smaller maps are not halved further


def space(rows: int, outcome: str, *, coloured: bool = False, trunk: bool = False, tuned: bool = False) -> Space:
    """Return what is searched for images.

    Args:
        rows: to learn from.
        outcome: of the target; labels are smoothed where they are classes.
        coloured: whether images have colours, as photographs have, of which most can be mirrored.
        trunk: whether there are features of a trained trunk to learn from.
        tuned: whether there is time to train it further.
    """
    bodies = ("plain", "residual", "residual", "inverted", "convnext")
    lent = (*((FROZEN,) * 3 if trunk else ()), *((TUNED,) * 3 if tuned else ()))
    smoothing = (0.0,) if outcome == "regression" else (0.0, 0.05, 0.1)
    return {
        "body": Choice((*bodies, *lent)),
        "resolution": Choice((16, 24, 32, 32, 48, 64, 96, 128)),
        "stem_stride": Choice((1, 2)),
        "width": Choice((16, 32, 48, 64)),
        "stages": Choice((2, 3, 4)),
        "depth": Choice((1, 1, 2, 3)),
        "kernel": Choice((3, 3, 5)),
        "activation": Choice(("relu", "silu", "gelu")),
        "pool": Choice(("mean", "max", "both")),
        "learning_rate": Range(5e-4, 2e-2, log=True, stackable=True),
        "weight_decay": Range(1e-3, 0.3, log=True, stackable=True),
        "dropout": Range(0.0, 0.4, stackable=True),
        "label_smoothing": Choice(smoothing, stackable=True),
        "distortion": Choice((0.0, 0.3, 0.6, 1.0), stackable=True),
        "flips": Choice(("none", *(("sideways",) if coloured else ()), "sideways", "all"), stackable=True),
        "mixup": Choice((0.0, 0.0, 0.2), stackable=True),
        # From half a side, images of 32 pixels took 0.88 of the time, and their loss was 1.04 to 1.6 times as high.
        "growth": Choice((1.0, 1.0, 1.0, 0.5)),
        "averaging": Choice((0.0, 0.0, 0.1)),
        # SGD learnt less than AdamW in as many passes, but for plain networks in one cycle (benchmarks/optimisers.py).
        # On small maps muon came to 0.94 to 0.99 of the loss in as many passes, which took 1.5 times as long.
        "optimiser": Choice(("adamw", "adamw", "adamw", "muon", "sgd")),
        "schedule": Choice(("cosine", "flat_cosine", "one_cycle")),
        "second_moment": Choice((0.95, 0.99, 0.999)),
        "batch_size": Choice(batch_sizes(rows)),
        "epochs": Choice((6, 12, 24, 48) if rows > MANY_ROWS else (12, 24, 48, 96)),
    }


TUNING: Point = {"body": TUNED, "learning_rate": 3e-3, "weight_decay": 0.02, "pool": "mean"}


def batch_sizes(rows: int) -> tuple[int, ...]:
    """Return batch sizes, the usual one second: some 20 steps an epoch or more."""
    usual = next((size for size, most in ((16, 300), (32, 2_000), (64, 20_000)) if rows <= most), 128)
    return (usual // 2, usual, usual * 2)


def usual(rows: int) -> Point:
    """Return a point that is strong on most sets of images: what others are described by their differences from."""
    return {
        "body": "residual",
        "resolution": 32,
        "stem_stride": 1,
        "width": 32,
        "stages": 3,
        "depth": 1,
        "kernel": 3,
        "activation": "relu",
        "pool": "mean",
        "learning_rate": 6e-3,  # 3e-3 goes less far in few passes, and no further in many (docs/why/training.md)
        "weight_decay": 0.05,
        "dropout": 0.1,
        "label_smoothing": 0.05,
        "distortion": 0.6,
        "flips": "none",
        "mixup": 0.0,
        "growth": 1.0,
        "averaging": 0.0,
        "optimiser": "adamw",
        "schedule": "cosine",
        "second_moment": 0.99,
        "batch_size": batch_sizes(rows)[1],
        "epochs": 24 if rows > MANY_ROWS else 48,
    }


def portfolio(rows: int, *, coloured: bool = False, trunk: bool = False, tuned: bool = False) -> tuple[Point, ...]:
    """Return the first points to try, best first; one that learns from a trained trunk takes seconds, and goes ahead.

    With it, on another lane, goes the network that learns the most in a short time from nothing: drawings and signs are
    told by it far better (500 digits in 15 seconds 0.96 to 0.89), and photographs by what the trunk sees. One that
    trains the trunk further comes soon after, where there is time: it takes the longest, and is worth most on few
    photographs. Then the network from nothing learns anew from images as they are: that goes further in few passes, and
    the mix of both is better than either.

    Images with colours are mostly photographs, and grey ones mostly signs, scans and maps. So nearly all points mirror
    the former, though the images learnt from may be predicted a little better without: on photographs in other light
    than those, a network that had learnt from mirrored ones was right in 0.86 of the cases, and else in 0.75, with a
    loss out of fold of 0.147 and 0.137.

    Args:
        rows: to learn from.
        coloured: whether images have colours.
        trunk: whether there are features of a trained trunk to learn from.
        tuned: whether there is time to train it further.
    """
    one = usual(rows)
    head = {**one, "body": FROZEN, "learning_rate": 1e-3, "distortion": 0.0, "dropout": 0.3}
    heads = ({**head, "depth": 2}, {**head, "depth": 1, "weight_decay": 0.3}) if trunk else ()
    points: tuple[Point, ...] = (
        {**one, "stem_stride": 2},
        {**one, "stem_stride": 2, "body": "plain", "activation": "gelu", "pool": "both", "distortion": 0.3},
        one,
        {**one, "resolution": 64, "stem_stride": 2, "stages": 4},
        {**one, "resolution": 48, "stem_stride": 2, "width": 48, "depth": 2, "mixup": 0.2},
        {**one, "resolution": 64, "body": "convnext", "stem_stride": 2, "activation": "gelu", "learning_rate": 3e-3},
        {**one, "resolution": 96, "stem_stride": 2, "distortion": 1.0, "stages": 4, "label_smoothing": 0.1},
        {**one, "resolution": 64, "body": "inverted", "stem_stride": 2, "activation": "silu", "stages": 4},
    )
    flips = FLIPS_OF_PHOTOGRAPHS if coloured else FLIPS_OF_SIGNS
    first, plain, *others = ({**point, "flips": each} for point, each in zip(points, flips, strict=True))
    further = ({**first, **TUNING, "epochs": 6 if rows > MANY_ROWS else 16},) if tuned else ()
    return (*heads[:1], plain, *heads[1:], *further, {**plain, "distortion": 0.0}, first, *others)


def first_glance(rows: int) -> Point:
    """Return a point that learns something in a second: two convolutions on small images, few passes."""
    return {
        **usual(rows),
        "body": "plain",
        "resolution": 16,
        "width": 16,
        "stages": 2,
        "dropout": 0.0,
        "distortion": 0.0,
        "label_smoothing": 0.0,
        "learning_rate": 5e-3,
        "epochs": 4 if rows > MANY_ROWS else 12,
    }


def default_network(rows: int) -> Point:
    """Return what a person would write without thought: the untuned network that results are compared with."""
    return {
        **usual(rows),
        "stem_stride": 2,
        "dropout": 0.0,
        "distortion": 0.0,
        "label_smoothing": 0.0,
        "learning_rate": 1e-3,
        "weight_decay": 1e-2,
        "second_moment": 0.999,
        "epochs": 6 if rows > MANY_ROWS else 16,
    }


def inputs(point: Point, whole: ImageInput) -> ImageInput:
    """Return the first block at the resolution of a point, in pixels of the longer side.

    Args:
        point: what is asked for.
        whole: the block for images as they are encoded; they are made smaller, but never larger.
    """
    share = min(1.0, float(point["resolution"]) / max(whole.height, whole.width))
    return replace(whole, height=_shrunk(whole.height, share), width=_shrunk(whole.width, share))


def _shrunk(side: int, share: float) -> int:
    return max(min(side, SMALLEST_MAP), round(share * side))


def network(point: Point, inputs: ImageInput, outputs: int) -> Network:
    """Return the network that a point stands for, with fewer halvings where images are small."""
    settings: Mapping[str, Any] = point
    width, activation = settings["width"], settings["activation"]
    side = min(inputs.height, inputs.width)
    stride = settings["stem_stride"] if side > 2 * SMALLEST_MAP else 1
    blocks: list[Block] = [Convolution(width, 3, stride, activation)]
    side = -(-side // stride)
    channels = width
    for stage in range(settings["stages"]):
        wanted = min(MOST_CHANNELS, width * 2**stage)
        stride = 2 if stage and side > SMALLEST_MAP else 1
        blocks += _stage(settings, channels, wanted, stride)
        channels, side = wanted, -(-side // stride)
    return Network((inputs, *blocks, GlobalPool(settings["pool"]), Head(outputs)))


def frozen_network(point: Point, features: int, outputs: int) -> Network:
    """Return a network that learns from the features of a trained trunk: its last layer, or some before it."""
    settings: Mapping[str, Any] = point
    inputs = TableInput(0, 0, (), Identity(), frozen=features)
    hidden = [Dense(8 * settings["width"], settings["activation"]) for _ in range(settings["depth"] - 1)]
    return Network((inputs, *hidden, Head(outputs)))


def tuned_network(blocks: tuple[Block, ...], outputs: int) -> Network:
    """Return the network of a trained trunk, from the inputs on, and a head of its own."""
    return Network((*blocks, Head(outputs)))


def _stage(settings: Mapping[str, Any], before: int, channels: int, stride: int) -> list[Block]:
    """Return the blocks of one stage, the first of which changes the channels and takes the step."""
    kernel, activation, depth = settings["kernel"], settings["activation"], settings["depth"]
    steps = (stride, *(1,) * (depth - 1))
    match settings["body"]:
        case "residual":
            return [ResidualConvolution(channels, kernel, step, activation) for step in steps]
        case "inverted":
            narrow = max(8, channels // 2)  # it is four times as wide inside
            return [InvertedResidual(narrow, 4, kernel, step, activation) for step in steps]
        case "convnext":
            stays = (before, stride) == (channels, 1)
            change: list[Block] = [] if stays else [Convolution(channels, 3, stride, activation)]
            return [*change, *(ConvNext(4, 7 if kernel == 5 else 5, activation) for _ in range(depth))]
        case _:
            pool: list[Block] = [MaxPool(stride)] if stride > 1 else []
            return [*(Convolution(channels, kernel, 1, activation) for _ in range(depth)), *pool]


def recipe(point: Point) -> Recipe:
    """Return the recipe that a point stands for: its learning rate and decay are those that AdamW would have."""
    found = recipe_of(point)
    if point["optimiser"] == "sgd":
        found = for_sgd(found, SGD_RATE)
    if point["body"] == FROZEN:  # it does not see the images themselves
        return replace(found, distortion=0.0, flips="none", mixup=0.0, growth=1.0)
    return replace(found, trunk_rate=TRUNK_RATE) if point["body"] == TUNED else found


def describe(point: Point) -> str:
    """Return what a point is in a few words, for leaderboards."""
    if point["body"] == FROZEN:
        return f"head on a trained trunk, {int(point['depth']) - 1} hidden layers"
    extras = [f"distorted {point['distortion']}"] if float(point["distortion"]) > 0 else []
    extras += [f"flipped {point['flips']}"] if point["flips"] != "none" else []
    extras += ["mixed"] if float(point["mixup"]) > 0 else []
    extras += [str(point["optimiser"])] if point["optimiser"] != "adamw" else []
    extras += ["growing"] if float(point["growth"]) < 1 else []
    return ", ".join([shape_of(point), *extras])


def shape_of(point: Point) -> str:
    """Return the network of a point in a few words."""
    if point["body"] == TUNED:
        return "trained trunk, trained further"
    return f"{point['body']} {point['stages']}×{point['depth']}, from {point['width']} channels, {point['activation']}"
