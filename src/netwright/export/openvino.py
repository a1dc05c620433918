"""A model in the form of OpenVINO: the networks, their shares and the calibration, from features on.

What it takes are the features of rows, by the names and as the arrays that `model.preparation.encode` gives, since
OpenVINO has no texts; a program beside it makes them of cells. It is made of the same graph that Netwright predicts
with.
"""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path

from netwright.errors import MissingExtra
from netwright.export.answering import run_program
from netwright.export.beside import Form, compared, files_beside
from netwright.export.parity import Parity
from netwright.export.written import put_folder
from netwright.inference.graphs import graph_of_features, map_size
from netwright.model import Model

GRAPH = "model.xml"


def write_openvino(model: Model, folder: Path) -> Parity:
    """Write `model.xml` and `model.bin` with what lies beside them, all or nothing.

    They are read back by plain OpenVINO in a process of its own, and the answers compared.

    Args:
        model: what is exported.
        folder: where they go. It must be empty, or hold an earlier export and nothing else, which is replaced.

    Returns:
        How near the answers are.

    Raises:
        FailedExport: if OpenVINO does not make or answer it.
        MissingExtra: if OpenVINO is not installed.
        UnequalExport: if answers are not near enough; nothing is written then.
        OutputError: if it cannot be written there.
    """
    if find_spec("openvino") is None:
        raise MissingExtra("openvino", "openvino")
    preparation = model.preparation
    graph = graph_of_features(model.mix, preparation.goal, model.temperature, map_size(preparation.schema))
    names = [one.name for one in graph.graph.input]
    with tempfile.TemporaryDirectory(prefix="netwright-") as work:
        source, made = Path(work, "model.onnx"), Path(work, "made")
        source.write_bytes(graph.SerializeToString())
        made.mkdir()
        run_program("write_openvino", [str(source), str(made / GRAPH)], "torch", GRAPH)
        form = Form("openvino", GRAPH, GRAPH, names)
        files = files_beside(model, form)
        parity = compared(model, form, files, made / GRAPH, "torch")
        put_folder("openvino", made, files, folder)
    return parity
