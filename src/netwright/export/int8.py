"""A graph whose learnt weights have eight bits, and never a larger one than it comes from.

Only products with weights that networks have learnt are computed so, and of what enters them alone ranges are fixed.
What stands before the networks, and what attention compares, stays as it is: where every activation had a fixed range,
a model of tweets lost so much of its score that it was refused.
"""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_dynamic,
    quantize_static,
)

from netwright.build.graph import WEIGHT, as_halves

Fed = dict[str, NDArray[Any]]

FOUND, FIXED = "int8, ranges found as it runs", "int8, fixed ranges"
FEWEST = 1_024  # numbers of a weight: of fewer, what is written beside them takes more bytes than eight bits save
LONGEST_CAST = 64  # bytes of a node that makes float32 of float16, but for the names in it
KEPT_APART = ["ConstantFolding", "MatMulAddFusion"]
"""Not done beforehand: folding writes out as tables what operators compute (3.3 MB of waves for a model of sounds), and
a product with a bias added as one operator (Gemm) is none that is computed in eight bits."""


class _Rows(CalibrationDataReader):  # type: ignore[misc]
    """Feeds rows to what measures the ranges of activations."""

    def __init__(self, batches: Sequence[Fed]) -> None:
        self._left: Iterator[Fed] = iter(batches)

    def get_next(self) -> Fed | None:
        return next(self._left, None)


def in_eight_bits(graph: ModelProto, rows: Callable[[], Sequence[Fed]]) -> dict[str, ModelProto]:
    """Return a graph with weights of eight bits, by how the ranges of activations come about; only smaller ones.

    Two are tried: with ranges that are found while it runs, of products alone, since convolutions took ten times the
    time of float32 so, and with ranges that are fixed on rows. All other constants lie as float16 where that loses
    nothing, so that what is smaller than that is smaller than what is written without `--quantize`.

    Args:
        graph: with weights of float32, whose names begin as `build.graph.WEIGHT` says.
        rows: gives batches of inputs, on which ranges are measured.
    """
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder, _quiet():
        made = {FOUND: _with_ranges_found(graph, Path(folder)), FIXED: _with_ranges_fixed(graph, rows, Path(folder))}
    short = {name: with_halves(one) for name, one in made.items() if one is not None}
    most = with_halves(graph).ByteSize()
    return {name: one for name, one in short.items() if one.ByteSize() < most}


def _with_ranges_found(graph: ModelProto, folder: Path) -> ModelProto | None:
    """Return a graph whose products find the ranges of what enters them as they run; None if no product pays."""
    ready, out = folder / "ready.onnx", folder / "out.onnx"
    quant_pre_process(graph, ready, skip_optimization=True, skip_symbolic_shape=True)
    chosen = _choose(ready, ("MatMul",))
    if not chosen:
        return None
    quantize_dynamic(ready, out, nodes_to_quantize=chosen, weight_type=QuantType.QInt8)
    return onnx.load(out)


def _with_ranges_fixed(graph: ModelProto, rows: Callable[[], Sequence[Fed]], folder: Path) -> ModelProto | None:
    """Return a graph whose products and convolutions have ranges measured on rows; None if none of them pays."""
    fused, ready, out = (folder / name for name in ("fused.onnx", "ready.onnx", "out.onnx"))
    _fuse(graph, fused)
    quant_pre_process(fused, ready, skip_optimization=True, skip_symbolic_shape=True)
    chosen = _choose(ready, ("MatMul", "Conv"))
    if not chosen:
        return None
    quantize_static(
        ready,
        out,
        _Rows(rows()),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["MatMul", "Conv"],
        nodes_to_quantize=chosen,
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        extra_options={
            "OpTypesToExcludeOutputQuantization": ["MatMul"],
            "TensorQuantOverrides": {name: [{"quant_type": QuantType.QInt8}] for name in _stacked(onnx.load(ready))},
        },
    )
    return onnx.load(out)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the warnings of the library to itself: they are for who has written the graph."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _fuse(graph: ModelProto, path: Path) -> None:
    """Write a graph in which normalisation by batch is a part of the convolution before it, and the like."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path)
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    onnxruntime.InferenceSession(
        graph.SerializeToString(), options, providers=["CPUExecutionProvider"], disabled_optimizers=KEPT_APART
    )


def _choose(path: Path, operators: Sequence[str]) -> list[str]:
    """Give names to the nodes of a file that are to compute in eight bits, and return them.

    Args:
        path: of the graph, which is written anew.
        operators: of which they may be. All convolutions are learnt; of products those with a learnt weight behind.
    """
    graph = onnx.load(path)
    sizes = {one.name: math.prod(one.dims) for one in graph.graph.initializer}
    for place, node in enumerate(graph.graph.node):
        learnt = node.op_type == "Conv" or (node.op_type == "MatMul" and node.input[1].startswith(WEIGHT))
        paying = learnt and node.op_type in operators and sizes.get(node.input[1], 0) >= FEWEST
        node.name = f"{node.op_type}_{place}" if paying else ""
    onnx.save(graph, path)
    return [node.name for node in graph.graph.node if node.name]


def _stacked(graph: ModelProto) -> list[str]:
    """Return the weights of products of more than two axes: ONNX Runtime multiplies them with one scale alone."""
    stacked = {one.name for one in graph.graph.initializer if len(one.dims) > 2}
    products = (node for node in graph.graph.node if node.op_type == "MatMul" and node.name)
    return [*dict.fromkeys(node.input[1] for node in products if node.input[1] in stacked)]


def with_halves(graph: ModelProto) -> ModelProto:
    """Return a graph whose constants of float32 lie as float16 where that loses nothing and saves bytes.

    What was inferred of shapes, and that it was, is left out: who runs it infers it again.
    """
    short = ModelProto()
    short.CopyFrom(graph)
    del short.graph.value_info[:]
    told = [one for one in short.metadata_props if not one.key.startswith("onnx.")]
    del short.metadata_props[:]
    short.metadata_props.extend(told)
    casts = []
    for constant in short.graph.initializer:
        half = as_halves(numpy_helper.to_array(constant)) if constant.data_type == TensorProto.FLOAT else None
        name = constant.name
        if half is not None and half.nbytes > 2 * len(name) + LONGEST_CAST:
            constant.CopyFrom(numpy_helper.from_array(half, f"{name} as float16"))
            casts.append(helper.make_node("Cast", [constant.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *short.graph.node]
    del short.graph.node[:]
    short.graph.node.extend(nodes)
    return short
