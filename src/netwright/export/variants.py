"""A graph in less precision: smaller and often faster, as far as its score allows.

What is better differs from model to model and from processor to processor, so every variant is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16

from netwright.errors import UnknownExport
from netwright.export.int8 import Fed, in_eight_bits
from netwright.report.numbers import cells, fitted, megabytes, milliseconds, score, shortened

PRECISIONS = ("int8", "float16", "bfloat16")
WEIGHED = ("MatMul", "Conv", "Gemm", "GRU")  # operators whose constants are weights


@dataclass(frozen=True)
class Variant:
    """A graph and what it costs.

    Attributes:
        name: float32, or how it was made from that.
        graph: itself.
        score: on rows that the model has not learnt from.
        size: bytes.
        latency: median seconds for one row.
    """

    name: str
    graph: ModelProto
    score: float
    size: int
    latency: float

    def to_json(self) -> dict[str, Any]:
        """Return what was measured, as plain JSON values; the latency in milliseconds."""
        return {"name": self.name, "score": self.score, "bytes": self.size, "ms": 1e3 * self.latency}


def less_precise(graph: ModelProto, precision: str, rows: Callable[[], Sequence[Fed]]) -> dict[str, ModelProto]:
    """Return variants of a graph with weights of float32, by name.

    `int8` gives two at most, and none where it saves nothing: see `int8.in_eight_bits`. Of `bfloat16` it is the weights
    of matrices and convolutions alone: ONNX Runtime multiplies no such numbers on processors, so they become float32
    again as a session begins, and only the file is smaller.

    Args:
        graph: to be made less precise.
        precision: one of `PRECISIONS`.
        rows: gives batches of inputs, on which ranges are measured.

    Raises:
        UnknownExport: if there is no such precision.
    """
    match precision:
        case "int8":
            return in_eight_bits(graph, rows)
        case "float16":
            return {"float16": convert_float_to_float16(graph, keep_io_types=True, disable_shape_infer=False)}
        case "bfloat16":
            return {"bfloat16 weights": _weights_shortened(graph)}
        case _:
            raise UnknownExport("precision", precision, PRECISIONS)


def _weights_shortened(graph: ModelProto) -> ModelProto:
    """Return a graph whose weights of matrices and convolutions lie in the file as bfloat16."""
    short = ModelProto()
    short.CopyFrom(graph)
    weighed = {name for node in short.graph.node if node.op_type in WEIGHED for name in node.input}
    casts = []
    for constant in short.graph.initializer:
        name = constant.name
        if name in weighed and constant.data_type == TensorProto.FLOAT:
            constant.CopyFrom(_as_bfloat16(constant, f"{name} as bfloat16"))
            casts.append(helper.make_node("Cast", [constant.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *short.graph.node]
    del short.graph.node[:]
    short.graph.node.extend(nodes)
    return short


def _as_bfloat16(constant: TensorProto, name: str) -> TensorProto:
    """Return a constant of float32 as the nearest numbers of bfloat16, the even one of two that are as near."""
    bits = numpy_helper.to_array(constant).astype("<f4").view("<u4")
    upper = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    raw = upper.astype("<u2").tobytes()
    return TensorProto(name=name, dims=constant.dims, data_type=TensorProto.BFLOAT16, raw_data=raw)


def relative_loss(before: float, after: float, *, greater_is_better: bool) -> float:
    """Return how much worse a score is than another, as a share of that; negative where it is better."""
    change = before - after if greater_is_better else after - before
    return float(change / max(abs(before), np.finfo(np.float64).tiny))


def variants_table(variants: Sequence[Variant], metric: str) -> str:
    """Return what variants of a graph cost, as a table; the first is the one that the others come from."""
    rows = [("", shortened(metric, 17), "one row", "file")]
    rows += [
        (one.name, score(one.score, metric), milliseconds(1e3 * one.latency), megabytes(one.size)) for one in variants
    ]
    widths = [max(cells(row[place]) for row in rows) for place in range(4)]
    return "\n".join(
        "  ".join([fitted(name, widths[0]), *(text.rjust(width) for text, width in zip(rest, widths[1:], strict=True))])
        for name, *rest in rows
    )
