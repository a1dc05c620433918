"""A graph in less precision: smaller and often faster, as far as its score allows.

What is better differs from model to model and from processor to processor, so every variant is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import ModelProto
from onnxruntime.transformers.float16 import convert_float_to_float16

from netwright.errors import UnknownExport
from netwright.export.int8 import Fed, in_eight_bits
from netwright.report.numbers import cells, fitted, megabytes, milliseconds, score, shortened

PRECISIONS = ("int8", "float16")
PLAIN = "float32, without --quantize"  # what computes in float32, as a file whose weights lie as float16


@dataclass(frozen=True)
class Variant:
    """A graph and what it costs.

    Attributes:
        name: `PLAIN`, or how it was made less precise.
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

    `int8` gives two at most, and none where it saves nothing: see `int8.in_eight_bits`. `float16` computes in that, for
    graphics cards; its file is about as large as without it, since matrices are rounded to float16 as a model is made.

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
        case _:
            raise UnknownExport("precision", precision, PRECISIONS)


def relative_loss(before: float, after: float, *, greater_is_better: bool) -> float:
    """Return how much worse a score is than another, as a share of that; negative where it is better."""
    change = before - after if greater_is_better else after - before
    return float(change / max(abs(before), np.finfo(np.float64).tiny))


def variants_table(variants: Sequence[Variant], metric: str) -> str:
    """Return what variants of a graph cost, as a table, in 80 columns."""
    rows = [("", shortened(metric, 17), "one row", "file")]
    rows += [
        (one.name, score(one.score, metric), milliseconds(1e3 * one.latency), megabytes(one.size)) for one in variants
    ]
    widths = [max(cells(row[place]) for row in rows) for place in range(4)]
    return "\n".join(
        "  ".join([fitted(name, widths[0]), *(text.rjust(width) for text, width in zip(rest, widths[1:], strict=True))])
        for name, *rest in rows
    )
