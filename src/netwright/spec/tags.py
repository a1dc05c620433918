"""Networks that tag tokens by what stands around each: the space, the first points, and what a point stands for.

Behind most of them stands a chain over the tags of a sentence (`spec.blocks.ChainHead`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from netwright.spec.blocks import BagInput, ChainHead, Dense, Head, Identity, TableInput
from netwright.spec.network import Network, Recipe, recipe_of
from netwright.spec.spaces import Choice, Point, Range, Space

FEW_ROWS, MANY_ROWS = 5_000, 20_000  # tokens below which passes cost next to nothing, above which few are enough
MOST_CHAINED = 64  # tags; a chain takes their square of steps a token, in each network


def space(rows: int, outputs: int) -> Space:
    """Return what is searched for so many tokens to learn from, and so many tags."""
    return {
        "chain": Choice((False, True, True) if outputs <= MOST_CHAINED else (False,)),
        "gram_width": Choice((16, 32, 64)),
        "gram_rate": Range(0.3, 5.0, log=True, stackable=True),
        "hidden": Choice((0, 1, 1, 2)),
        "width": Choice((64, 128, 256)),
        "activation": Choice(("relu", "silu", "gelu", "selu")),
        "learning_rate": Range(5e-4, 1e-2, log=True, stackable=True),
        "weight_decay": Range(1e-3, 0.3, log=True, stackable=True),
        "dropout": Range(0.0, 0.6, stackable=True),
        "label_smoothing": Choice((0.0, 0.0, 0.05), stackable=True, given=("chain", False)),
        "schedule": Choice(("cosine", "coslog4")),
        "second_moment": Choice((0.95, 0.99, 0.999)),
        "batch_size": Choice(batch_sizes(rows)),
        "epochs": Choice((3, 6, 12) if rows > MANY_ROWS else (8, 16, 32, 64)),
    }


def batch_sizes(rows: int) -> tuple[int, ...]:
    """Return batch sizes, the usual one second."""
    usual = next((size for size, most in ((64, 5_000), (128, 50_000)) if rows <= most), 256)
    return (usual // 2, usual, usual * 2)


def usual(rows: int) -> Point:
    """Return a point that is strong on most texts: one hidden layer behind the bag."""
    return {
        "chain": False,
        "gram_width": 32,
        "gram_rate": 1.0,
        "hidden": 1,
        "width": 128,
        "activation": "silu",
        "learning_rate": 3e-3,
        "weight_decay": 0.05,
        "dropout": 0.3,
        "label_smoothing": 0.0,
        "schedule": "cosine",
        "second_moment": 0.99,
        "batch_size": batch_sizes(rows)[1],
        "epochs": _passes(rows, 6, 16, 32),
    }


def _passes(rows: int, many: int, some: int, few: int) -> int:
    """Return the epochs for many, some or few tokens."""
    return many if rows > MANY_ROWS else some if rows > FEW_ROWS else few


def portfolio(rows: int, outputs: int) -> tuple[Point, ...]:
    """Return the first points to try, best first: with a chain over the tags, where there are not too many.

    The linear network is the first: it was the best on real sentences, with a chain and without (docs/why/tags.md).
    """
    one = usual(rows)
    linear: Point = {**one, "hidden": 0, "learning_rate": 6e-3, "dropout": 0.5}
    points: tuple[Point, ...] = (
        linear,
        one,
        {**one, "gram_width": 64, "gram_rate": 3.0, "dropout": 0.5},
        {**one, "gram_width": 64, "hidden": 2, "activation": "selu"},
    )
    if outputs > MOST_CHAINED:
        return points
    return (*({**point, "chain": True} for point in points), linear)


def first_glance(rows: int) -> Point:
    """Return a point that learns something in a second: the linear network, with few passes."""
    return {**usual(rows), "gram_width": 16, "hidden": 0, "epochs": _passes(rows, 1, 6, 24)}


def default_network(rows: int) -> Point:
    """Return what a person would write without thought."""
    return {**usual(rows), "dropout": 0.0, "learning_rate": 1e-3, "second_moment": 0.999}


def network(point: Point, plain: int, vocabulary: int, outputs: int) -> Network:
    """Return the network that a point stands for, with so many plain numbers beside the bag."""
    settings: Mapping[str, Any] = point
    table = TableInput(0, plain, (), Identity())
    hidden = [Dense(settings["width"], settings["activation"]) for _ in range(settings["hidden"])]
    head = ChainHead(outputs) if settings["chain"] else Head(outputs)
    return Network((BagInput(vocabulary, settings["gram_width"], table), *hidden, head))


def recipe(point: Point) -> Recipe:
    """Return the recipe that a point stands for; labels are not smoothed where a chain learns them together."""
    found = recipe_of(point)
    return replace(found, label_smoothing=0.0) if point["chain"] else found


def describe(point: Point) -> str:
    """Return what a point is in a few words, for leaderboards."""
    behind = f", {point['hidden']}×{point['width']} {point['activation']}" if point["hidden"] else ", linear"
    chain = ", a chain" if point["chain"] else ""
    return f"what stands around a token by {point['gram_width']}{behind}{chain}"
