"""Networks for tables: the space that is searched, the first points to try, and what a point stands for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from netwright.spec.blocks import (
    Block,
    Dense,
    Embedding,
    Head,
    Identity,
    Members,
    Periodic,
    Piecewise,
    Residual,
    TableInput,
)
from netwright.spec.costs import embedding_cost
from netwright.spec.network import Network, Recipe, recipe_of
from netwright.spec.spaces import Choice, Point, Range, Space

MANY_ROWS = 5_000  # above it a network sees enough in few passes, and fewer designs can be tried
LARGEST = 600_000  # parameters of a first layer: above it, folds and ensembles outgrow the memory and the file


def space(rows: int, outcome: str) -> Space:
    """Return what is searched for a table of `rows` rows to learn from; labels are smoothed where they are classes."""
    smoothing = (0.0,) if outcome == "regression" else (0.0, 0.0, 0.05, 0.1)
    return {
        "embedding": Choice(("identity", "periodic", "piecewise")),
        "sigma": Range(0.02, 1.0, log=True, given=("embedding", "periodic")),
        "bins": Choice((8, 16, 48), given=("embedding", "piecewise")),
        "body": Choice(("plain", "residual")),
        "width": Choice((64, 128, 256, 512) if rows > MANY_ROWS else (32, 64, 128, 256)),
        "depth": Choice((1, 2, 3, 4)),
        "activation": Choice(("relu", "silu", "mish", "selu", "gelu")),
        "norm": Choice(("none", "none", "layer", "rms")),
        "members": Choice((1, 1, 4, 8)),
        "learning_rate": Range(3e-4, 1e-2, log=True, stackable=True),
        "weight_decay": Range(1e-3, 0.3, log=True, stackable=True),
        "scale_rate": Choice((6.0, 20.0), stackable=True),
        "scale_decay": Choice((0.0, 0.0, 0.1, 0.5), stackable=True),
        "sparsity": Choice((0.0, 0.0, 0.003, 0.03), stackable=True),
        "dropout": Range(0.0, 0.5, stackable=True),
        "label_smoothing": Choice(smoothing, stackable=True),
        "schedule": Choice(("cosine", "coslog4")),
        "second_moment": Choice((0.95, 0.99, 0.999)),
        "batch_size": Choice(batch_sizes(rows)),
        "epochs": Choice((6, 12, 24, 48) if rows > MANY_ROWS else (8, 16, 32, 64, 128)),
    }


def batch_sizes(rows: int) -> tuple[int, ...]:
    """Return batch sizes, the usual one second: some 20 steps an epoch or more, and 32 rows or more to average."""
    usual = next((size for size, most in ((32, 500), (64, 1_500), (128, 6_000), (256, 200_000)) if rows <= most), 1024)
    return (usual // 2, usual, usual * 2)


def portfolio(rows: int, outcome: str) -> tuple[Point, ...]:
    """Return the first points to try, best first.

    They were chosen from measured candidates on tables of their own, so that each lowers the loss of the mix of those
    before it most for its time (`benchmarks/portfolio.py`; the file names the tables).

    Args:
        rows: to learn from.
        outcome: of the target; one order has served all outcomes best so far.
    """
    points = _shipped()["large" if rows > MANY_ROWS else "small"]
    return tuple({**point, "batch_size": batch_sizes(rows)[int(point["batch_size"])]} for point in points)


@cache
def _shipped() -> Mapping[str, tuple[Point, ...]]:
    """Return the points of the portfolio's file for small and large tables; batch sizes as places in `batch_sizes`."""
    text = files("netwright.spec").joinpath("portfolio.json").read_text(encoding="utf-8")
    return {size: tuple(points) for size, points in json.loads(text)["points"].items()}


def usual(rows: int) -> Point:
    """Return a point that is strong on most tables: what others are described by their differences from."""
    return {
        "embedding": "periodic",
        "sigma": 0.1,
        "bins": 16,
        "body": "plain",
        "width": 256,
        "depth": 3,
        "activation": "silu",
        "norm": "none",
        "members": 1,
        "learning_rate": 3e-3,
        "weight_decay": 0.02,
        "scale_rate": 6.0,
        "scale_decay": 0.0,
        "sparsity": 0.0,
        "dropout": 0.1,
        "label_smoothing": 0.0,
        "schedule": "cosine",
        "second_moment": 0.95,
        "batch_size": batch_sizes(rows)[1],
        "epochs": 24 if rows > MANY_ROWS else 64,
    }


def first_glance(rows: int) -> Point:
    """Return a point that learns something in a second: one hidden layer, few passes."""
    return {
        **usual(rows),
        "embedding": "identity",
        "width": 64,
        "depth": 1,
        "learning_rate": 5e-3,
        "dropout": 0.0,
        "epochs": 6 if rows > MANY_ROWS else 24,
    }


def default_network(rows: int) -> Point:
    """Return what a person would write without thought: the untuned network that results are compared with."""
    return {
        **first_glance(rows),
        "depth": 2,
        "width": 128,
        "activation": "relu",
        "learning_rate": 1e-3,
        "weight_decay": 1e-2,
        "second_moment": 0.999,
        "epochs": 12 if rows > MANY_ROWS else 32,
    }


def inputs(point: Point, numeric: int, plain: int, cardinalities: tuple[int, ...]) -> TableInput:
    """Return the first block for a table of so many features of each sort."""
    return TableInput(numeric, plain, cardinalities, _embedding(point, numeric))


def network(point: Point, inputs: TableInput, outputs: int) -> Network:
    """Return the network that a point stands for, narrower where the table is very wide."""
    settings: Mapping[str, Any] = point
    width = fitting_width(settings["width"], inputs)
    members: tuple[Block, ...] = (Members(settings["members"]),) if settings["members"] > 1 else ()
    return Network((inputs, *members, *_body(settings, width), Head(outputs)))


def recipe(point: Point) -> Recipe:
    """Return the recipe that a point stands for."""
    return recipe_of(point)


def _embedding(settings: Mapping[str, Any], columns: int) -> Embedding:
    # Beyond some hundred columns an embedding of each multiplies the first layer, and brings little.
    if settings["embedding"] == "identity" or columns > 256 or columns == 0:
        return Identity()
    if settings["embedding"] == "periodic":
        return Periodic(frequencies=16, width=4, sigma=settings["sigma"])
    return Piecewise(bins=settings["bins"], width=4 if columns > 64 else 8)


def fitting_width(wanted: int, inputs: TableInput) -> int:
    """Return the width, halved until the first layer holds no more than `LARGEST` parameters."""
    embedded, _, _ = embedding_cost(inputs)
    features = embedded + inputs.plain + inputs.category_width * len(inputs.cardinalities)
    width = wanted
    while width > 16 and width * features > LARGEST:
        width //= 2
    return width


def _body(settings: Mapping[str, Any], width: int) -> tuple[Block, ...]:
    activation, norm, depth = settings["activation"], settings["norm"], settings["depth"]
    if settings["body"] == "residual":
        return (Dense(width, activation), *(Residual(2 * width, activation, norm) for _ in range(depth)))
    return tuple(Dense(width, activation, norm) for _ in range(depth))


def describe(point: Point) -> str:
    """Return what a point is in a few words, for leaderboards."""
    shape = f"{point['depth']}×{point['width']} {point['activation']}"
    extras = [str(point["embedding"])] if point["embedding"] != "identity" else []
    extras += ["residual"] if point["body"] == "residual" else []
    extras += ["sparse"] if float(point["sparsity"]) > 0 else []
    extras += [f"{point['members']} members"] if int(point["members"]) > 1 else []
    return ", ".join([shape, *extras])
