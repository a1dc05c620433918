"""A model as one ONNX file that takes cells and gives labels, and a short program that feeds it from a table.

The file runs in plain ONNX Runtime. What no operator of the standard does, to read a date or to decode an image, is in
the program, which needs numpy, ONNX Runtime and Pillow, and nothing of Netwright.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from onnx import ModelProto, checker, helper

from netwright.data.schema import Kind, Outcome
from netwright.errors import LosesTooMuch
from netwright.evaluation import known_rows, stretches
from netwright.export.examples import example_table
from netwright.export.parity import Parity, Rows, compare, rows_of
from netwright.export.variants import Fed, Variant, less_precise, relative_loss
from netwright.extended import LARGEST, Extended
from netwright.footprint import seconds_of, typical_row
from netwright.inference.feed import fed_cells
from netwright.inference.graphs import graph_of_cells, rows_together
from netwright.inference.session import Session, start
from netwright.inference.trunks import Sight
from netwright.metrics import find_metric, measure
from netwright.model import Model
from netwright.storage import make_folder, replace_file
from netwright.trunks import ImageTrunk

GRAPH, PROGRAM = "model.onnx", ("predict.py", "cells.py")
NEEDED = {
    Kind.TEXT: "texts.py",
    Kind.IMAGE: "images.py",
    Kind.SOUND: "sounds.py",
}  # by the program
CALIBRATED, TOGETHER = 512, 64  # rows on which ranges of activations are measured, and how many at once


@dataclass(frozen=True)
class Precision:
    """How a graph of less precision is made and judged.

    Attributes:
        name: one of `variants.PRECISIONS`.
        data: rows with the target, which the model has not learnt from.
        most: the share of the score that may be lost.
    """

    name: str
    data: Any
    most: float


def write_onnx(model: Model, folder: Path) -> Parity:
    """Write the graph, and the program where it can feed it, each all or nothing.

    Args:
        model: what is exported.
        folder: where `model.onnx` and `predict.py` go; made if it is not there, and files of these names are replaced.

    Returns:
        How near the answers of the graph are to those of PyTorch.

    Raises:
        UnequalExport: if they are not near enough; nothing is written then.
        OutputError: if it cannot be written there.
    """
    graph = _graph(model, halves=True)
    session = start(graph, rows_together(model.mix))

    def answer(rows: Rows) -> NDArray[np.float64]:
        return session.run(_fed(model, rows)).astype(np.float64)

    parity = compare(model, answer, GRAPH)
    _write(model, graph, folder)
    return parity


def write_less_precise(model: Model, folder: Path, precision: Precision) -> tuple[Variant, ...]:
    """Write the fastest graph of less precision that is nearly as good as the model, and the program beside it.

    Args:
        model: what is exported.
        folder: as in `write_onnx`.
        precision: which, and how much worse it may be.

    Returns:
        What was measured: float32 first, then the variants, the one that was written last.

    Raises:
        LosesTooMuch: if every variant is worse than that; nothing is written then.
        UnknownExport: if there is no such precision.
        DataError: if the rows are not such that the model can be judged by them.
        OutputError: if it cannot be written there.
    """
    exact = _graph(model, halves=False)
    table = model.task.read(precision.data)
    whole = _measured(model, "float32", exact, table)
    made = less_precise(exact, precision.name, partial(_calibration, model))
    variants = [_measured(model, name, graph, table) for name, graph in made.items()]
    better = find_metric(model.result.metric, model.outcome).greater_is_better
    lost = {one.name: relative_loss(whole.score, one.score, greater_is_better=better) for one in variants}
    kept = [one for one in variants if lost[one.name] <= precision.most]
    if not kept:
        raise LosesTooMuch(precision.name, min(lost.values()), precision.most)
    best = min(kept, key=lambda one: one.latency)
    _write(model, best.graph, folder)
    return (whole, *(one for one in variants if one is not best), best)


def is_fed(model: Model) -> bool:
    """Return whether the program can feed the graph of a model: not with tokens, nor what a trunk sees in texts."""
    return model.outcome != Outcome.TAGS and (not model.preparation.lent.features or _sight(model) is not None)


def _graph(model: Model, *, halves: bool) -> ModelProto:
    preparation = model.preparation
    graph = graph_of_cells(
        model.mix,
        preparation.goal,
        model.temperature,
        preparation.schema,
        preparation.encoder,
        preparation.vocabulary,
        _sight(model),
        halves=halves,
    )
    helper.set_model_props(graph, {**_words(graph), "texts": json.dumps(_reading(model))})
    checker.check_model(graph, full_check=True)
    return graph


def _sight(model: Model) -> Sight | None:
    """Return the trunk of a model that sees images, if it carries one."""
    whole = model.preparation
    if not isinstance(whole, Extended) or not isinstance(whole.trunk, ImageTrunk):
        return None
    trunk = whole.trunk
    return Sight(trunk.backbone, trunk.weights, trunk.size, whole.middle, whole.spread, LARGEST)


def _words(graph: ModelProto) -> dict[str, str]:
    return {one.key: one.value for one in graph.metadata_props}


def _reading(model: Model) -> dict[str, Any]:
    """Return what the program must know to make pieces and bytes of texts."""
    fitted = model.preparation.own.documents()["preprocess"]
    found: dict[str, Any] = {}
    if fitted.get("length"):
        found["pieces"] = {"known": fitted["pieces"], "length": fitted["length"]}
    return found | ({"bytes": fitted["bytes"]} if fitted.get("bytes") else {})


def _fed(model: Model, rows: Rows) -> Fed:
    preparation = model.preparation
    features = preparation.encode(rows.frame)
    return fed_cells(rows.table, rows.frame, preparation.schema, preparation.encoder, features)


def _calibration(model: Model) -> Sequence[Fed]:
    """Return rows like those learnt from, made from what was fitted on them: no row of the user's is in a model."""
    table = example_table(model, CALIBRATED, seed=0)
    inputs = [one.name for one in _graph(model, halves=True).graph.input]
    pieces = (table.iloc[first : first + TOGETHER] for first in range(0, len(table), TOGETHER))
    fed = [_fed(model, rows) for piece in pieces for rows in rows_of(model, piece)]
    return [{name: cells[name] for name in inputs} for cells in fed]


def _measured(model: Model, name: str, graph: ModelProto, table: pd.DataFrame) -> Variant:
    """Return a graph with its score on rows, its size, and its time for one row."""
    session = start(graph, rows_together(model.mix))
    schema = model.preparation.schema
    rows, truth = known_rows(model.task, schema, table)
    answers = _answers(model, session, table)[rows]
    scores = measure(model.outcome, truth, answers, stretches(model.task, table, rows))
    (row,) = rows_of(model, typical_row(schema))
    one = _fed(model, row)
    latency = seconds_of(lambda: session.run(one))
    return Variant(name, graph, scores[model.result.metric], graph.ByteSize(), latency)


def _answers(model: Model, session: Session, table: pd.DataFrame) -> NDArray[np.float64]:
    alone = any(column.kind == Kind.SOUND for column in model.preparation.schema.used)  # each has its own length
    pieces = [table.iloc[place : place + 1] for place in range(len(table))] if alone else [table]
    parts = [session.run(_fed(model, rows)) for piece in pieces for rows in rows_of(model, piece)]
    return np.concatenate(parts).astype(np.float64)


def _write(model: Model, graph: ModelProto, folder: Path) -> None:
    make_folder(folder)
    replace_file(folder / GRAPH, partial(_put, content=graph.SerializeToString()))
    kinds = {column.kind for column in model.preparation.schema.used}
    needed = [NEEDED[kind] for kind in NEEDED if kind in kinds]
    for name in (*PROGRAM, *needed) if is_fed(model) else ():
        program = files("netwright.export").joinpath("companion", name).read_bytes()
        replace_file(folder / name, partial(_put, content=program))


def _put(file: BinaryIO, content: bytes) -> None:
    file.write(content)
