"""Networks for texts: the space that is searched, the first points to try, and what a point stands for.

A point stands for a bag of n-grams with a linear or deeper network behind it, for a network that reads pieces or bytes
one after the other (convolutional, recurrent or a small Transformer), or for one on the table, in which each text
stands as a few dozen numbers (see `spec.tables`).

In front of what reads bytes stands a convolution that leaves one place of four, so that a network for so many places
costs no more than some times one for pieces: Clark et al. 2021 (CANINE, arXiv 2103.06874), section 3.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from netwright.spec import tables
from netwright.spec.blocks import (
    Attention,
    BagInput,
    Dense,
    Head,
    Recurrent,
    SequenceConvolution,
    SequenceInput,
    SequencePool,
    Sequential,
    TableInput,
)
from netwright.spec.network import Network, Recipe, for_sgd
from netwright.spec.spaces import Choice, Point, Range, Space, Value

BAG, SEQUENCE, TABLE = "bag", "sequence", "table"
PIECES: Literal["pieces"] = "pieces"  # encodings of a sequence
BYTES: Literal["bytes"] = "bytes"
CONVOLUTION, RECURRENT, ATTENTION = "convolution", "recurrent", "attention"
HEADS = 4  # of attention
BYTE_WIDTH = 32  # numbers of the vector of a byte
TOGETHER = 4  # bytes that become one place
ONLY_OF_TABLES = ("body", "depth", "members", "scale_decay", "sparsity")  # without a meaning for bags
FEW_ROWS = 500  # below it passes cost next to nothing
SGD_RATE = 33.0  # times the learning rate of a point, for sgd, and times that of n-grams once more
MANY_ROWS = 5_000  # above it a network sees enough in few passes


def space(rows: int, outcome: str, *, trunk: bool = False) -> Space:
    """Return what is searched for `rows` texts to learn from, beside the columns of their table.

    Args:
        rows: to learn from.
        outcome: of the target.
        trunk: whether there are features of a trained trunk to learn from.
    """
    of_table = {
        name: replace(dimension, given=("input", TABLE)) if name in ONLY_OF_TABLES else dimension
        for name, dimension in tables.space(rows, outcome).items()
    }
    of_table["weight_decay"] = Range(1e-3, 1.0, log=True, stackable=True)  # see `usual`
    of_table["dropout"] = Range(0.0, 0.7, stackable=True)
    return {
        "input": Choice((BAG, BAG, BAG, SEQUENCE, TABLE), kinds=True),
        "trunk": Choice((False, True, True) if trunk else (False,)),
        "gram_width": Choice((8, 16, 32, 64), given=("input", BAG)),
        "gram_rate": Range(0.3, 20.0, log=True, stackable=True),
        "optimiser": Choice(("adamw", "adamw", "adamw", "sgd"), given=("input", BAG)),
        "hidden": Choice((0, 0, 1, 2)),
        "encoder": Choice((CONVOLUTION, CONVOLUTION, RECURRENT, ATTENTION), given=("input", SEQUENCE)),
        "encoding": Choice((PIECES, PIECES, BYTES), given=("input", SEQUENCE)),
        "piece_width": Choice((32, 64, 96), given=("input", SEQUENCE)),
        "read": Choice((64, 128, 256), given=("input", SEQUENCE)),
        "layers": Choice((1, 2, 3), given=("input", SEQUENCE)),
        "span": Choice((3, 5), given=("input", SEQUENCE)),
        "text_pool": Choice(("mean", "max", "both", "attention"), given=("input", SEQUENCE)),
        **of_table,
        "batch_size": Choice(batch_sizes(rows)),
        "epochs": Choice((4, 8, 12, 16, 24, 32) if rows > MANY_ROWS else (8, 16, 32, 64, 128)),
    }


def batch_sizes(rows: int) -> tuple[int, ...]:
    """Return batch sizes, the usual one second: smaller than for tables, since each n-gram is met in few texts.

    With 64 texts a step in the place of 256 the log-loss of a linear network was halved on 1,700 texts and 13 % lower
    on 5,500, in the same time (`benchmarks/text.py`).
    """
    usual = next((size for size, most in ((32, FEW_ROWS), (64, 20_000), (128, 100_000)) if rows <= most), 256)
    return (usual // 2, usual, usual * 2)


def usual(rows: int) -> dict[str, Value]:
    """Return a point that is strong on most texts: a linear network on a bag, with much decay.

    With less of it (see `little_decay`) the log-loss out of fold was 5 to 13 % higher on three sets of texts, and the
    same on 300 rows (docs/why/texts.md).
    """
    return {
        **tables.usual(rows),
        "input": BAG,
        "trunk": False,
        "gram_width": 32,
        "gram_rate": 3.0,
        "optimiser": "adamw",
        "encoder": CONVOLUTION,
        "encoding": PIECES,
        "piece_width": 64,
        "read": 128,
        "layers": 2,
        "span": 3,
        "text_pool": "both",
        "hidden": 0,
        "dropout": 0.3,
        "learning_rate": 3e-3,
        "batch_size": batch_sizes(rows)[1],
        "weight_decay": 0.5,
        "epochs": 8 if rows > MANY_ROWS else 16 if rows > FEW_ROWS else 64,
    }


def little_decay(rows: int) -> dict[str, Value]:
    """Return the linear network on a bag whose weights decay little, and of whose activations half are dropped."""
    own = {"gram_width": 16, "gram_rate": 1.0, "dropout": 0.5, "learning_rate": 6e-3, "weight_decay": 0.05}
    return {**usual(rows), **own}


def portfolio(rows: int, outcome: str, *, trunk: bool = False) -> tuple[Point, ...]:
    """Return the first points to try: a bag, then a network that reads pieces of words, further bags, those for tables.

    The second is of another kind than the first: on some texts it is far better, and a minute must be enough to see
    that (`benchmarks/text.py`). So it is a small one, which tells as much in a third of the time (docs/why/texts.md).
    Where there is a trained trunk, one that also learns from it goes ahead, and others come behind the bag.
    """
    one, light = usual(rows), little_decay(rows)
    fast: Point = {**one, "gram_rate": 10.0, "weight_decay": 1.0}
    hidden: Point = {**fast, "hidden": 1, "width": 64, "activation": "silu", "learning_rate": 1e-3}
    descent: Point = {**one, "optimiser": "sgd", "gram_rate": 10.0, "weight_decay": 0.01}
    descents = () if outcome == "regression" else (descent,)  # squares may send so large steps astray
    bags: tuple[Point, ...] = (fast, {**light, "gram_width": 32, "dropout": 0.7})
    deeper: tuple[Point, ...] = (hidden, {**hidden, "hidden": 2, "activation": "selu"})
    others = tuple({**light, **point, "input": TABLE} for point in tables.portfolio(rows, outcome)[:6])
    first = {**fast, "learning_rate": 1.5e-3, "trunk": True}
    of_table: Point = {"input": TABLE, "embedding": "identity", "depth": 1, "dropout": 0.3, "learning_rate": 2e-3}
    seen: tuple[Point, ...] = ({**light, **of_table, "trunk": True}, {**hidden, "trunk": True})
    ahead = (first, one, *seen) if trunk else (one,)
    read = {**light, "input": SEQUENCE, "dropout": 0.3, "learning_rate": 3e-3}
    glance = {**read, "piece_width": 32, "layers": 1, "span": 5}
    readers: tuple[Point, ...] = (
        read,
        {**read, "encoder": RECURRENT, "layers": 1, "read": 64, "text_pool": "max"},
        {**read, "encoder": ATTENTION, "text_pool": "mean", "learning_rate": 1e-3},
        {**read, "encoding": BYTES, "read": 256},
    )
    return (*ahead, glance, *descents, *bags, *others[:2], *deeper, *others[2:], *readers)


def first_glance(rows: int) -> Point:
    """Return a point that learns something in a second: the linear network, with few passes."""
    return {**little_decay(rows), "gram_width": 8, "epochs": 2 if rows > MANY_ROWS else 6 if rows > FEW_ROWS else 24}


def default_network(rows: int) -> Point:
    """Return what a person would write without thought: fastText with its usual number of passes."""
    epochs = 5 if rows > FEW_ROWS else 32
    return {**little_decay(rows), "dropout": 0.0, "epochs": epochs, "learning_rate": 3e-3, "second_moment": 0.999}


def network(point: Point, table: TableInput, vocabulary: int, outputs: int) -> Network:
    """Return the network of a bag that a point stands for."""
    settings: Mapping[str, Any] = point
    width = tables.fitting_width(settings["width"], table)
    hidden = [Dense(width, settings["activation"], settings["norm"]) for _ in range(settings["hidden"])]
    return Network((BagInput(vocabulary, settings["gram_width"], table), *hidden, Head(outputs)))


def reader(point: Point, table: TableInput, vocabulary: int, longest: int, outputs: int) -> Network:
    """Return the network that reads texts as sequences, of no more pieces or bytes than there are."""
    settings: Mapping[str, Any] = point
    width, activation = settings["piece_width"], settings["activation"]
    stem: tuple[Sequential, ...] = ()
    inputs = SequenceInput(vocabulary, width, min(longest, settings["read"]), table)
    if settings["encoding"] == BYTES:
        inputs = SequenceInput(vocabulary, BYTE_WIDTH, min(longest, TOGETHER * settings["read"]), table, BYTES)
        stem = (SequenceConvolution(width, 7, activation, TOGETHER),)
    each: Sequential
    match settings["encoder"]:
        case "recurrent":
            each = Recurrent(width)
        case "attention":
            each = Attention(HEADS, 2 * width, activation)
        case _:
            each = SequenceConvolution(width, settings["span"], activation)
    hidden = [Dense(settings["width"], activation, settings["norm"]) for _ in range(settings["hidden"])]
    body = (*stem, *(each,) * settings["layers"], SequencePool(settings["text_pool"]))
    return Network((inputs, *body, *hidden, Head(outputs)))


def recipe(point: Point) -> Recipe:
    """Return the recipe that a point stands for: its learning rates and decay are those that AdamW would have."""
    own = replace(tables.recipe(point), gram_rate=float(point["gram_rate"]), sparsity=0.0, scale_decay=0.0)
    found = replace(own, optimiser="adamw")
    return for_sgd(found, SGD_RATE, SGD_RATE) if _by_sgd(point) else found


def describe(point: Point) -> str:
    """Return what a point is in a few words, for leaderboards."""
    if point["input"] == TABLE:
        return tables.describe(point) + _beside(point)
    if point["input"] == SEQUENCE:
        read = int(point["read"]) * (TOGETHER if point["encoding"] == BYTES else 1)
        over = f"{read} {point['encoding']} by {point['piece_width']}"
        return f"{point['layers']}× {point['encoder']} over {over}{_beside(point)}"
    behind = f", {point['hidden']}×{point['width']} {point['activation']}" if point["hidden"] else ", linear"
    by = ", sgd" if _by_sgd(point) else ""
    return f"bag of n-grams by {point['gram_width']}{behind}{by}{_beside(point)}"


def _by_sgd(point: Point) -> bool:
    return point["input"] == BAG and point["optimiser"] == "sgd"


def _beside(point: Point) -> str:
    return ", on a trained trunk" if point["trunk"] else ""
