"""A model as one ONNX file that takes cells and gives labels, and a short program that feeds it from a table.

The file runs in plain ONNX Runtime. What no operator of the standard does, to read a date or to decode an image, is in
the program, which needs numpy, ONNX Runtime and Pillow, and nothing of Netwright.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, checker

from netwright.data.schema import Kind
from netwright.data.subwords import MARKED
from netwright.data.tagged import SENTENCE
from netwright.export.parity import BATCHES, Parity, Rows, compare
from netwright.export.written import put_files
from netwright.inference.feed import fed_cells
from netwright.inference.graphs import MOST_ROWS, WORD_PIECES, graph_of_cells, rows_together, rows_within
from netwright.inference.session import start
from netwright.inference.tokens import fed_tokens
from netwright.inference.trunks import Sight, TextSight
from netwright.model import Model
from netwright.pretrained.extended import LARGEST, Extended
from netwright.pretrained.trunks import ROWS, ImageTrunk, TextTrunk

ROWS_OF_PROGRAM = max(BATCHES)  # that it feeds the graph together, if that does not take more memory than
FED = 2**26  # numbers between two layers, of all networks that are computed side by side: 256 MB

GRAPH, PROGRAM = "model.onnx", ("predict.py", "cells.py", "numerals.py", "moments.py")
WORDS = "bert_words.py"  # beside it where texts go through a trained encoder
READERS = {Kind.TEXT: "texts.py", Kind.IMAGE: "images.py", Kind.SOUND: "sounds.py"}  # files beside it, by columns


def write_onnx(model: Model, folder: Path) -> Parity:
    """Write the graph and the program that feeds it, each all or nothing.

    The graph is fed as that program does it: of a table all rows together that are compared at once.

    Args:
        model: what is exported.
        folder: where `model.onnx` and `predict.py` go, and what that reads: see `written.put_files`.

    Returns:
        How near the answers of the graph are to those of PyTorch.

    Raises:
        UnequalExport: if they are not near enough; nothing is written then.
        OutputError: if it cannot be written there.
    """
    graph = graph_of(model, halves=True)
    together = max(rows_of_program(model), rows_fed_together(model))  # of sounds, made up of one length, some
    session = replace(start(graph, together), positions="")  # sentences as they come

    def answer(rows: Rows) -> NDArray[np.float64]:
        return session.run(fed_with(model, rows) | _raw_numbers(model, rows)).astype(np.float64)

    parity = compare(model, answer, GRAPH)
    write_graph(model, graph, folder)
    return parity


def rows_fed_together(model: Model) -> int:
    """Return how many rows the graph of a model is best fed together: few where it holds a trained trunk."""
    return min(rows_together(model.mix), ROWS if _sight(model) else MOST_ROWS)


def rows_of_program(model: Model) -> int:
    """Return how many rows the program beside the graph of a model feeds it together; of tokens whole sentences."""
    if any(column.kind == Kind.SOUND for column in model.preparation.schema.used):
        return 1  # each has its own length
    if model.task.sequences is not None:
        return ROWS_OF_PROGRAM
    return min(ROWS_OF_PROGRAM, ROWS if _sight(model) else rows_within(model.mix, FED))


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
    graph.metadata_props.add(key="rows", value=str(rows_of_program(model)))
    if model.task.sequences is not None:
        graph.metadata_props.add(key="together", value=SENTENCE)
    checker.check_model(graph, full_check=True)
    return graph


def _sight(model: Model) -> Sight | TextSight | None:
    """Return the trunk of a model that sees images or texts, if it carries one."""
    whole = model.preparation
    if not isinstance(whole, Extended):
        return None
    scaling = (whole.middle, whole.spread, LARGEST)
    match whole.trunk:
        case ImageTrunk(backbone, size, weights):
            return Sight(backbone, weights, size, *scaling)
        case TextTrunk(encoder, length, weights):
            return TextSight(encoder, weights, length, *scaling)
        case _:
            raise TypeError(f"no graph is made of {whole.trunk}")


def _reading(model: Model) -> dict[str, Any]:
    """Return what the program must know to make pieces and bytes of texts, and pieces that a trained encoder knows."""
    fitted = model.preparation.own.documents()["preprocess"]
    found: dict[str, Any] = {}
    if fitted.get("length"):
        subwords = {"known": fitted["pieces"], "length": fitted["length"], "marked": MARKED in fitted}
        found["pieces"] = subwords
    if fitted.get("bytes"):
        found["bytes"] = fitted["bytes"]
    if trunk := _text_trunk(model):
        found["word pieces"] = {"known": [*trunk.vocabulary], "length": trunk.length}
    return found


def _text_trunk(model: Model) -> TextTrunk | None:
    """Return the encoder of sentences that a model carries, if it does."""
    trunk = model.preparation.trunk if isinstance(model.preparation, Extended) else None
    return trunk if isinstance(trunk, TextTrunk) else None


def fed_with(model: Model, rows: Rows) -> dict[str, NDArray[Any]]:
    """Return what the graph of a model is fed for rows, by the names of its inputs; there may be more than it takes."""
    preparation, trunk = model.preparation, _text_trunk(model)
    features = preparation.own.encode(rows.frame)  # a trunk is a part of the graph
    fed = fed_cells(rows.table, rows.frame, preparation.schema, preparation.encoder, features)
    if model.task.sequences is not None:
        return fed | fed_tokens(rows.frame)
    return fed | ({WORD_PIECES: trunk.pieces(rows.frame, preparation.schema)} if trunk else {})


def _raw_numbers(model: Model, rows: Rows) -> dict[str, NDArray[np.float64]]:
    """Return columns of numbers as a user may feed them: infinite ones, which are read as missing, as they are."""
    numbers = (column.name for column in model.preparation.schema.used if column.kind == Kind.NUMERIC)
    return {name: rows.table[name].to_numpy(np.float64)[:, None] for name in numbers}


def write_graph(model: Model, graph: ModelProto, folder: Path) -> None:
    """Write a graph of a model and the program that feeds it, each all or nothing.

    Raises:
        OutputError: if it cannot be written there.
    """
    kinds = {column.kind for column in model.preparation.schema.used}
    readers = [file for kind, file in READERS.items() if kind in kinds]
    readers = readers if model.task.sequences is None else ["tokens.py"]
    companion = files("netwright.export").joinpath("companion")
    programs = {name: companion.joinpath(name) for name in (*PROGRAM, *readers)}
    if _text_trunk(model):
        programs[WORDS] = files("netwright.data").joinpath(WORDS)
    contents = {name: program.read_bytes() for name, program in programs.items()}
    put_files("onnx", {GRAPH: graph.SerializeToString(), **contents}, folder)
