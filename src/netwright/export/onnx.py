"""A model as one ONNX file that takes cells and gives labels, and a short program that feeds it from a table.

The file runs in plain ONNX Runtime. What no operator of the standard does, to read a date or to decode an image, is in
the program, which needs numpy, ONNX Runtime and Pillow, and nothing of Netwright.
"""

from __future__ import annotations

import json
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, checker

from netwright.data.schema import Kind
from netwright.data.tagged import SENTENCE
from netwright.export.parity import Parity, Rows, compare
from netwright.extended import LARGEST, Extended
from netwright.inference.feed import fed_cells
from netwright.inference.graphs import graph_of_cells, rows_together
from netwright.inference.session import start
from netwright.inference.tokens import fed_tokens
from netwright.inference.trunks import Sight
from netwright.model import Model
from netwright.storage import make_folder, replace_file
from netwright.trunks import ImageTrunk

GRAPH, PROGRAM = "model.onnx", ("predict.py", "cells.py", "numerals.py", "moments.py")
READERS = {Kind.TEXT: "texts.py", Kind.IMAGE: "images.py", Kind.SOUND: "sounds.py"}  # files beside it, by columns


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
    graph = graph_of(model, halves=True)
    session = start(graph, rows_together(model.mix))

    def answer(rows: Rows) -> NDArray[np.float64]:
        return session.run(fed_with(model, rows)).astype(np.float64)

    parity = compare(model, answer, GRAPH)
    write_graph(model, graph, folder)
    return parity


def _is_fed(model: Model) -> bool:
    """Return whether the program can feed the graph of a model: not with what a trunk sees in texts."""
    return not model.preparation.lent.features or _sight(model) is not None


def graph_of(model: Model, *, halves: bool) -> ModelProto:
    """Return the graph of a model from cells to labels; halves: see `build.graph.Graph`."""
    preparation = model.preparation
    graph = graph_of_cells(
        model.mix,
        preparation.goal,
        model.temperature,
        preparation.schema,
        preparation.encoder,
        preparation.vocabulary,
        _sight(model),
        model.preparation.own.buckets if model.task.sequences is not None else None,
        halves=halves,
    )
    graph.metadata_props.add(key="texts", value=json.dumps(_reading(model)))
    if model.task.sequences is not None:
        graph.metadata_props.add(key="together", value=SENTENCE)
    checker.check_model(graph, full_check=True)
    return graph


def _sight(model: Model) -> Sight | None:
    """Return the trunk of a model that sees images, if it carries one."""
    whole = model.preparation
    if not isinstance(whole, Extended) or not isinstance(whole.trunk, ImageTrunk):
        return None
    trunk = whole.trunk
    return Sight(trunk.backbone, trunk.weights, trunk.size, whole.middle, whole.spread, LARGEST)


def _reading(model: Model) -> dict[str, Any]:
    """Return what the program must know to make pieces and bytes of texts."""
    fitted = model.preparation.own.documents()["preprocess"]
    found: dict[str, Any] = {}
    if fitted.get("length"):
        found["pieces"] = {"known": fitted["pieces"], "length": fitted["length"]}
    return found | ({"bytes": fitted["bytes"]} if fitted.get("bytes") else {})


def fed_with(model: Model, rows: Rows) -> dict[str, NDArray[Any]]:
    """Return what the graph of a model is fed for rows, by the names of its inputs; there may be more than it takes."""
    preparation = model.preparation
    features = preparation.encode(rows.frame)
    fed = fed_cells(rows.table, rows.frame, preparation.schema, preparation.encoder, features)
    return fed if model.task.sequences is None else fed | fed_tokens(rows.frame)


def write_graph(model: Model, graph: ModelProto, folder: Path) -> None:
    """Write a graph of a model, and the program where it can feed it, each all or nothing.

    Raises:
        OutputError: if it cannot be written there.
    """
    make_folder(folder)
    replace_file(folder / GRAPH, partial(_put, content=graph.SerializeToString()))
    kinds = {column.kind for column in model.preparation.schema.used}
    readers = [file for kind, file in READERS.items() if kind in kinds]
    readers = readers if model.task.sequences is None else ["tokens.py"]
    for name in (*PROGRAM, *readers) if _is_fed(model) else ():
        program = files("netwright.export").joinpath("companion", name).read_bytes()
        replace_file(folder / name, partial(_put, content=program))


def _put(file: BinaryIO, content: bytes) -> None:
    file.write(content)
