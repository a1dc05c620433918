"""What a model costs where it is used: bytes, a cold start, one row, many rows; in each way that it can be run.

    netwright fit letter_train.parquet --target lettr --time 60s --out letter
    python benchmarks/inference.py letter/model.nw letter_test.parquet --out inference.jsonl
    python benchmarks/inference.py letter/model.nw letter_test.parquet --peers DATA_FOLDER --time 60s
    python benchmarks/inference.py --table inference.jsonl        # prints what was measured as a table

Ways: `predict` is a table of pandas in, labels out; `graph` is the exported ONNX file in plain ONNX Runtime, fed with
arrays, and in int8 the variant that --quantize would write, judged on the same rows; `features` is the graph behind the
preparation, in PyTorch as it trained (`eager`) and compiled (--compile, which takes a minute), and in each framework
that is installed, in a process of its own that only has the exported file. With --peers the models that AutoGluon and
FLAML fit on the same table in --time are measured in the same run, each in its environment (see peers.py); DATA_FOLDER
is as for tabular.py, and the table is the one that the model's folder is named after.

OMP_NUM_THREADS, and for TensorFlow TF_NUM_INTRAOP_THREADS, say how many threads all of them have; where other programs
share the cores, one is best.

For images and sounds DATA is a folder of files, decoding included in `predict`; sounds are fed one by one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray
from tabular import append, lines_of
from timing import MANY, timed

import netwright
from netwright.build.torch import forward
from netwright.data.features import Features
from netwright.data.schema import Kind
from netwright.errors import NetwrightError
from netwright.export.forms import find_form
from netwright.export.onnx import GRAPH, fed_with, write_onnx
from netwright.export.parity import Rows, rows_of
from netwright.export.precision import Precision, write_less_precise
from netwright.model import Model
from netwright.train.losses import LOSSES

STARTS = 5
ALONE = Path(__file__).with_name("inference_network.py")
FORMS = {
    "keras": ("model.keras", "jax"),
    "keras on TensorFlow": ("model.keras", "tensorflow"),
    "tensorflow": (".", "tensorflow"),
    "tflite": ("model.tflite", "tensorflow"),
    "torch": ("model.pt2", "torch"),
    "openvino": ("model.xml", "openvino"),
}
"""By its name: the file of an exported network, and the package that it runs on."""

PEERS = ("autogluon-best", "flaml")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("data", nargs="?", type=Path, help="rows to predict, with the target")
    parser.add_argument("--compile", action="store_true", help="torch.compile too, which takes a minute")
    parser.add_argument("--peers", type=Path, help="the folder of tables, to measure others' models too")
    parser.add_argument("--time", default=60.0, type=lambda text: float(text.removesuffix("s")), help="that they have")
    parser.add_argument("--environments", type=Path, default=Path("~/.cache/netwright-peers"), help="where they live")
    parser.add_argument("--out", type=Path, default=Path("inference.jsonl"), help="one JSON line a way")
    parser.add_argument("--table", type=Path, help="print the results of this file as a table, and run nothing")
    options = parser.parse_args()
    if options.table:
        print(as_table(lines_of(options.table)))
        return
    if options.data is None:
        parser.error("a model and a file of rows are missing")
    name = options.model.parent.name
    lines = measured(options.model, options.data, compiled=options.compile)
    for measures in lines:
        told({"model": name, **measures}, options.out)
    for measures in of_peers(name, options.peers, options.time, options.environments) if options.peers else ():
        told({"model": name, **measures}, options.out)


def told(line: dict[str, Any], out: Path) -> None:
    """Write what was measured to a file, and to the screen."""
    append(out, line)
    print(as_table([line]).splitlines()[-1], flush=True)


def measured(file: Path, data: Path, *, compiled: bool) -> Iterator[dict[str, Any]]:
    """Yield a line for each way to run a model."""
    model = netwright.load(file)
    table = model.task.read(str(data.resolve()))
    one, many = table.iloc[:1], pd.concat([table] * (1 + MANY // len(table)), ignore_index=True).iloc[:MANY]
    cold = [start(file, one) for _ in range(STARTS)]
    line = {"way": "predict", "bytes": file.stat().st_size, "cold_s": float(np.median(cold))}
    yield {**line, **timed(lambda: model.predict(one), lambda: model.predict(many))}
    few, all_rows = ([*pieces(model, rows)] for rows in (one, many))
    with tempfile.TemporaryDirectory() as folder:
        write_onnx(model, Path(folder))
        yield {"way": "graph", **of_graph(model, Path(folder) / GRAPH, few, all_rows)}
    with tempfile.TemporaryDirectory() as folder:
        *_, best = write_less_precise(model, Path(folder), Precision("int8", table, np.inf))
        yield {"way": f"graph, {best.name}", **of_graph(model, Path(folder) / GRAPH, few, all_rows)}
    short, long = (together([features(model, rows) for rows in parts]) for parts in (few, all_rows))
    yield {"way": "features", **timed(lambda: model.session.run(short), lambda: model.session.run(long))}
    for way, answer in in_torch(model, compiled=compiled):
        try:
            yield {"way": way, **timed(lambda: answer(short), lambda: answer(long))}  # noqa: B023
        except RuntimeError as error:  # what is not compiled is told, and the other ways are measured all the same
            print(f"{way}: {str(error).splitlines()[0]}", file=sys.stderr)
    yield from in_frameworks(model, long)


def pieces(model: Model, table: pd.DataFrame) -> Iterator[Rows]:
    """Yield rows that a graph takes together: sounds one by one, for each has its own length."""
    alone = any(column.kind == Kind.SOUND for column in model.preparation.schema.used)
    for part in [table.iloc[[place]] for place in range(len(table))] if alone else [table]:
        yield from rows_of(model, part)


def of_graph(model: Model, graph: Path, few: Sequence[Rows], many: Sequence[Rows]) -> dict[str, Any]:
    """Return what an exported graph takes of bytes and time, in plain ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))  # as PyTorch and Netwright have it
    session = onnxruntime.InferenceSession(graph, options)
    one, parts = ([fed(model, session, rows) for rows in some] for some in (few, many))
    took = timed(lambda: session.run(None, one[0]), lambda: [session.run(None, part) for part in parts])
    return {"bytes": graph.stat().st_size, **took}


def in_frameworks(model: Model, arrays: dict[str, NDArray[Any]]) -> Iterator[dict[str, Any]]:
    """Yield a line for each framework that is installed, of a process of its own that has the exported file alone."""
    for name, (file, package) in FORMS.items():
        form = name.partition(" ")[0]
        if find_spec(package) is None or (form == "keras" and find_spec("keras") is None):
            continue
        with tempfile.TemporaryDirectory() as place:
            folder, asked = Path(place, "form"), Path(place, "features.npz")
            np.savez(asked, **arrays)  # type: ignore[arg-type]
            try:
                find_form(form)(model, folder)
            except NetwrightError as error:
                print(f"{name}: {error}", file=sys.stderr)
                continue
            environment = {**os.environ, "KERAS_BACKEND": package, "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
            command = [sys.executable, str(ALONE), str(folder), str(folder / file), str(asked)]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
            yield {"way": form if form != "keras" else f"keras, {package}", "bytes": size, **json.loads(done.stdout)}


def of_peers(name: str, data: Path, limit: float, environments: Path) -> Iterator[dict[str, Any]]:
    """Yield a line for each peer's model of the table of this name."""
    from peers import PEERS as ALL  # other tasks have no such table
    from runs import Contest, run, stand_ready
    from tabular import index

    (entry,) = index(data, [name])
    for peer in PEERS:
        ready = {ALL[peer].needs.environment: stand_ready(environments, ALL[peer].needs)}
        line = run(Contest(data.resolve(), ready, limit, 0, len(os.sched_getaffinity(0))), entry, peer, ALL[peer])
        if line.failed:
            print(f"{peer}: {line.failed}", file=sys.stderr)
        else:
            yield {"way": peer, "bytes": line.model_bytes, "p50_ms": line.row_ms, "rows_s": line.rows_s}


def start(file: Path, rows: pd.DataFrame) -> float:
    """Return the seconds of the command on one row, from nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "row.csv"
        rows.to_csv(path, index=False)
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", "from netwright.cli import main; main()", "predict", str(file), str(path)],
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return time.perf_counter() - began


def fed(model: Model, session: onnxruntime.InferenceSession, rows: Rows) -> dict[str, NDArray[Any]]:
    """Return what the exported graph takes of rows."""
    cells = fed_with(model, rows)
    return {one.name: cells[one.name] for one in session.get_inputs()}


def features(model: Model, rows: Rows) -> dict[str, NDArray[Any]]:
    """Return what the networks take of rows."""
    return dict(model.preparation.encode(rows.frame).arrays)


def together(parts: Sequence[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Return the features of all parts as one."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def in_torch(model: Model, *, compiled: bool) -> Iterator[tuple[str, Callable[[dict[str, NDArray[Any]]], object]]]:
    """Yield PyTorch's ways to answer features, with a thread a core."""
    import torch

    decode = LOSSES[model.preparation.goal.loss].decode
    parts = [(part.candidate.network, tensors(part.weights), part.share) for part in model.parts]

    def mixed(arrays: dict[str, Any]) -> Any:
        total = 0.0
        for network, weights, share in parts:
            stack = len(next(iter(weights.values())))
            batch = {name: array.expand(stack, *array.shape) for name, array in arrays.items()}
            total = total + share * decode(forward(network, weights, batch)).mean(dim=0)
        return total

    def answer(work: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, NDArray[Any]]], object]:
        def run(arrays: dict[str, NDArray[Any]]) -> object:
            with torch.no_grad():
                return work(tensors(Features(arrays).arrays))

        return run

    yield "torch eager", answer(mixed)
    if compiled:
        yield "torch.compile", answer(torch.compile(mixed, dynamic=True))


def tensors(arrays: Any) -> dict[str, Any]:
    """Return arrays as PyTorch has them."""
    import torch

    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def as_table(lines: list[dict[str, Any]]) -> str:
    """Return the results as Markdown, one line a way."""
    rows = ["| model | way | kB | cold start, s | one row, ms (p99) | rows a second |", "|---" * 6 + "|"]
    for line in lines:
        size = f"{line['bytes'] / 1e3:.0f}" if "bytes" in line else ""
        cold = f"{line['cold_s']:.2f}" if "cold_s" in line else ""
        one = f"{line['p50_ms']:.3f}" + (f" ({line['p99_ms']:.3f})" if "p99_ms" in line else "")
        rows.append(f"| {line.get('model', '')} | {line['way']} | {size} | {cold} | {one} | {line['rows_s']:.0f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
