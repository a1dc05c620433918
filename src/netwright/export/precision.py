"""A model as an ONNX graph of less precision: the fastest that is nearly as good, measured on rows held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from onnx import ModelProto

from netwright.data.schema import Kind
from netwright.errors import LosesTooMuch, NothingSaved, UndefinedMetric
from netwright.evaluation import known_rows, stretches
from netwright.export.examples import example_table
from netwright.export.int8 import Fed
from netwright.export.onnx import fed_with, graph_of, rows_fed_together, write_graph
from netwright.export.parity import rows_of
from netwright.export.variants import PLAIN, Variant, less_precise, relative_loss
from netwright.inference.session import Session, start
from netwright.metrics import find_metric, measure
from netwright.mix.footprint import seconds_of, typical_row
from netwright.model import Model

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


def write_less_precise(model: Model, folder: Path, precision: Precision) -> tuple[Variant, ...]:
    """Write the fastest graph of less precision that is nearly as good as the model, and the program beside it.

    Args:
        model: what is exported.
        folder: as in `write_onnx`.
        precision: which, and how much worse it may be.

    Returns:
        What was measured: first what would be written without less precision, then the variants, the one that was
        written last.

    Raises:
        LosesTooMuch: if every variant is worse than that; nothing is written then.
        NothingSaved: if none is smaller than what would be written without it; likewise.
        UndefinedMetric: if the metric of the model is not defined on the rows.
        UnknownExport: if there is no such precision.
        UnknownMetric: if the metric of the model is none of its outcome.
        DataError: if the rows are not such that the model can be judged by them.
        OutputError: if it cannot be written there.
    """
    better = find_metric(model.result.metric, model.outcome).greater_is_better
    table = model.task.read(precision.data)
    whole = _measured(model, PLAIN, graph_of(model, halves=True), table)
    exact = graph_of(model, halves=False)
    made = less_precise(exact, precision.name, lambda: _calibration(model, [one.name for one in exact.graph.input]))
    if not made:
        raise NothingSaved(precision.name, "its networks have too few weights")
    variants = [_measured(model, name, graph, table) for name, graph in made.items()]
    lost = {one.name: relative_loss(whole.score, one.score, greater_is_better=better) for one in variants}
    kept = [one for one in variants if lost[one.name] <= precision.most]
    if not kept:
        raise LosesTooMuch(precision.name, min(lost.values()), precision.most)
    best = min(kept, key=lambda one: one.latency)
    write_graph(model, best.graph, folder)
    return (whole, *(one for one in variants if one is not best), best)


def _calibration(model: Model, inputs: Sequence[str]) -> Sequence[Fed]:
    """Return rows like those learnt from, made from what was fitted on them: no row of the user's is in a model."""
    table = example_table(model, CALIBRATED, seed=0)
    pieces = (table.iloc[first : first + TOGETHER] for first in range(0, len(table), TOGETHER))
    fed = [fed_with(model, rows) for piece in pieces for rows in rows_of(model, piece)]
    return [{name: cells[name] for name in inputs} for cells in fed]


def _measured(model: Model, name: str, graph: ModelProto, table: pd.DataFrame) -> Variant:
    """Return a graph with its score on rows, its size, and its time for one row.

    Raises:
        UndefinedMetric: if there is no score on these rows.
    """
    session = start(graph, rows_fed_together(model))
    schema = model.preparation.schema
    rows, truth = known_rows(model.task, schema, table)
    answers = _answers(model, session, table)[rows]
    scores = measure(model.outcome, truth, answers, stretches(model.task, table, rows))
    if model.result.metric not in scores:
        raise UndefinedMetric(model.result.metric)
    (row,) = rows_of(model, typical_row(schema))
    one = fed_with(model, row)
    latency = seconds_of(lambda: session.run(one))
    return Variant(name, graph, scores[model.result.metric], graph.ByteSize(), latency)


def _answers(model: Model, session: Session, table: pd.DataFrame) -> NDArray[np.float64]:
    alone = any(column.kind == Kind.SOUND for column in model.preparation.schema.used)  # each has its own length
    pieces = [table.iloc[place : place + 1] for place in range(len(table))] if alone else [table]
    parts = [session.run(fed_with(model, rows)) for piece in pieces for rows in rows_of(model, piece)]
    return np.concatenate(parts).astype(np.float64)
