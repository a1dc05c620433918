"""The loop that `serving.py` compares with: FastAPI around ONNX Runtime, as a person writes it in an afternoon.

    python benchmarks/serving_loop.py model.nw GRAPH

It says its address on standard error. GRAPH is an ONNX file, `torch` or `mlp`: see `serving.py`.
"""

from __future__ import annotations

import itertools
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field, create_model

from netwright.data.dates import read_date
from netwright.model import Model, load

Answer = Callable[[dict[str, Any]], list[float]]
NUMERIC = ("numeric", "boolean")


def by_torch(model: Model) -> Answer:
    """Return what answers a row by the model itself, from a data frame."""
    return lambda row: model.answers(pd.DataFrame([row]))[0].tolist()


def small_graph(features: int, outputs: int) -> bytes:
    """Return a graph of three layers with 64 numbers between them and random weights: the least that a model may be."""
    from onnx import TensorProto, helper, numpy_helper

    generator, sizes = np.random.default_rng(0), (features, 64, 64, outputs)
    nodes, weights, last = [], [], "row"
    for layer, (taken, given) in enumerate(itertools.pairwise(sizes)):
        drawn = generator.normal(0, taken**-0.5, (taken, given)).astype(np.float32)
        weights.append(numpy_helper.from_array(drawn, f"w{layer}"))
        nodes.append(helper.make_node("MatMul", [last, f"w{layer}"], [f"m{layer}"]))
        kind, last = ("Relu", f"a{layer}") if layer < 2 else ("Softmax", "chances")
        nodes.append(helper.make_node(kind, [f"m{layer}"], [last]))
    shapes = [("row", features), ("chances", outputs)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", size]) for name, size in shapes]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def by_onnx(model: Model, content: bytes) -> Answer:
    """Return what answers a row by an ONNX graph: one input a column, or one of all numbers."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    inputs, columns = session.get_inputs(), model.preparation.schema.used
    numbers = [column.name for column in columns if str(column.kind) in NUMERIC]
    outputs = [each.name for each in session.get_outputs() if "float" in each.type][:1]

    def number(cell: Any) -> float:
        return np.nan if cell is None else float(cell)

    def of_numbers(row: dict[str, Any]) -> list[float]:
        found = session.run(outputs, {inputs[0].name: np.array([[number(row[name]) for name in numbers]], np.float32)})
        return np.ravel(found[0]).tolist()

    def of_columns(row: dict[str, Any]) -> list[float]:
        feed = {}
        for column, each in zip(columns, inputs, strict=True):
            cell = row[column.name]
            if each.type == "tensor(string)":
                feed[each.name] = np.array([["" if cell is None else str(cell)]], object)
            elif each.type == "tensor(int64)":  # a moment, as the graph of a model takes it
                feed[each.name] = read_date(str(cell), column.format).astype(np.int64).reshape(1, 1)
            else:
                feed[each.name] = np.array([[number(cell)]], np.float64 if "double" in each.type else np.float32)
        return np.ravel(session.run(outputs, feed)[0]).tolist()

    return of_numbers if len(inputs) == 1 and len(columns) > 1 else of_columns


def app_of(model: Model, answer: Answer) -> FastAPI:
    """Return the application."""
    app, names = FastAPI(), [str(label) for label in model.labels]
    fields: dict[str, Any] = {}
    for place, column in enumerate(model.preparation.schema.used):
        kind = float | None if str(column.kind) in NUMERIC else str | None
        fields[f"c{place}"] = (kind, Field(alias=column.name))
    Row: type[BaseModel] = create_model("Row", **fields)  # noqa: N806 - it is a class

    async def predict(row: Any) -> dict[str, Any]:
        chances = answer(row.model_dump(by_alias=True))
        if not names:
            return {"prediction": chances[0]}
        best = max(range(len(chances)), key=chances.__getitem__)
        return {"prediction": names[best], "probabilities": dict(zip(names, chances, strict=True))}

    predict.__annotations__ = {"row": Row, "return": dict[str, Any]}
    app.post("/predict")(predict)
    return app


def main() -> None:
    """Serve at a free port of this machine."""
    model, graph = load(sys.argv[1]), sys.argv[2]
    numbers = sum(str(column.kind) in NUMERIC for column in model.preparation.schema.used)
    if graph == "torch":
        answer = by_torch(model)
    else:
        made = graph == "mlp"
        answer = by_onnx(model, small_graph(numbers, max(1, len(model.labels))) if made else Path(graph).read_bytes())
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:  # as uvicorn makes one
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}/", file=sys.stderr, flush=True)
        config = uvicorn.Config(app_of(model, answer), http="httptools", access_log=False, log_config=None)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
