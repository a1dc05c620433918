"""What a model costs where it is used: bytes, a cold start, one row, many rows; in each way that it can be run.

    netwright fit letter_train.parquet --target letter --time 60s --out letter
    python benchmarks/inference.py letter/model.nw letter_test.parquet --out inference.jsonl
    python benchmarks/inference.py --table inference.jsonl        # prints what was measured as a table

Ways: `predict` is a table of pandas in, labels out; `graph` is the exported ONNX file in plain ONNX Runtime, fed with
arrays; `features` is the same graph behind the preparation, in PyTorch as it trained (`eager`) and compiled. What other
programs' models take for the same rows is in the records of `peers.py` (`row_ms`).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray
from tabular import append, lines_of

import netwright
from netwright.build.torch import forward
from netwright.data.features import Features
from netwright.export.onnx import GRAPH, fed_with, write_onnx
from netwright.export.parity import rows_of
from netwright.model import Model
from netwright.train.losses import LOSSES

CALLS, WARM_UP, SECONDS = 300, 10, 5.0  # of one row: as many calls as there is time for
MANY, ROUNDS = 1_024, 5
STARTS = 5

Work = Callable[[], object]


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("data", nargs="?", type=Path, help="rows to predict")
    parser.add_argument("--compile", action="store_true", help="torch.compile too, which takes a minute")
    parser.add_argument("--out", type=Path, default=Path("inference.jsonl"), help="one JSON line a way")
    parser.add_argument("--table", type=Path, help="print the results of this file as a table, and run nothing")
    options = parser.parse_args()
    if options.table:
        print(as_table(lines_of(options.table)))
        return
    if options.data is None:
        parser.error("a model and a file of rows are missing")
    for measures in measured(options.model, options.data, compiled=options.compile):
        line = {"model": options.model.parent.name, **measures}
        append(options.out, line)
        print(as_table([line]).splitlines()[-1], flush=True)


def measured(file: Path, data: Path, *, compiled: bool) -> Iterator[dict[str, Any]]:
    """Yield a line for each way to run a model."""
    model = netwright.load(file)
    table = model.task.read(data)
    one, many = table.iloc[:1], pd.concat([table] * (1 + MANY // len(table))).iloc[:MANY]
    cold = [start(file, one) for _ in range(STARTS)]
    line = {"way": "predict", "bytes": file.stat().st_size, "cold_s": float(np.median(cold))}
    yield {**line, **timed(lambda: model.predict(one), lambda: model.predict(many))}
    with tempfile.TemporaryDirectory() as folder:
        write_onnx(model, Path(folder))
        graph = Path(folder) / GRAPH
        session = onnxruntime.InferenceSession(graph)
        few, all_rows = (fed(model, session, rows) for rows in (one, many))
        yield {
            "way": "graph",
            "bytes": graph.stat().st_size,
            **timed(lambda: session.run(None, few), lambda: session.run(None, all_rows)),
        }
    few, all_rows = (features(model, rows) for rows in (one, many))
    yield {"way": "features", **timed(lambda: model.session.run(few), lambda: model.session.run(all_rows))}
    for way, answer in in_torch(model, compiled=compiled):
        yield {"way": way, **timed(lambda: answer(few), lambda: answer(all_rows))}  # noqa: B023


def start(file: Path, rows: pd.DataFrame) -> float:
    """Return the seconds of the command on one row, from nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "row.parquet"
        rows.to_parquet(path)
        began = time.perf_counter()
        subprocess.run(
            [str(Path(sys.executable).with_name("netwright")), "predict", str(file), str(path)],
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return time.perf_counter() - began


def fed(model: Model, session: onnxruntime.InferenceSession, rows: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return what the exported graph takes of rows."""
    (each,) = rows_of(model, rows)
    cells = fed_with(model, each)
    return {one.name: cells[one.name] for one in session.get_inputs()}


def features(model: Model, rows: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return what the networks take of rows."""
    (each,) = rows_of(model, rows)
    return dict(model.preparation.encode(each.frame).arrays)


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


def timed(one: Work, many: Work) -> dict[str, float]:
    """Return milliseconds of one row, its median and its slowest hundredth, and rows a second of many together."""
    for work in (one, many):  # what is compiled at first use is no part of it
        seconds(work)
    times: list[float] = []
    while len(times) < WARM_UP + CALLS and sum(times) < SECONDS:
        times.append(seconds(one))
    rounds = [seconds(many) for _ in range(ROUNDS)]
    kept = 1e3 * np.array(times[WARM_UP:] or times)
    return {
        "p50_ms": float(np.median(kept)),
        "p99_ms": float(np.quantile(kept, 0.99)),
        "rows_s": MANY / float(np.median(rounds)),
    }


def seconds(work: Work) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def as_table(lines: list[dict[str, Any]]) -> str:
    """Return the results as Markdown, one line a way."""
    rows = ["| model | way | kB | cold start, s | one row, ms (p99) | rows a second |", "|---" * 6 + "|"]
    for line in lines:
        size = f"{line['bytes'] / 1e3:.0f}" if "bytes" in line else ""
        cold = f"{line['cold_s']:.2f}" if "cold_s" in line else ""
        one = f"{line['p50_ms']:.3f} ({line['p99_ms']:.3f})"
        rows.append(f"| {line.get('model', '')} | {line['way']} | {size} | {cold} | {one} | {line['rows_s']:.0f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
