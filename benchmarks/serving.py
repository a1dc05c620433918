"""Requests a second and their times under load: `netwright serve` beside a plain FastAPI loop around ONNX Runtime.

    python benchmarks/serving.py model.nw rows.csv              what `netwright serve` answers
    python benchmarks/serving.py model.nw rows.csv --onnx FILE  and, in turns with it, the loop around an ONNX graph

Clients keep one connection each and ask for one row at a time, the next as soon as an answer has come. The loop is
what a person writes in an afternoon: a pydantic model of the row, an `async` route, one run of the graph, the answer as
a dictionary; no limits, no token, no counters, no batches. It runs by the same uvicorn with the same parser. Servers
and clients share the machine, so the figures are to be compared, not believed.

A graph for it is one with an input for each column, float32 or string (B, 1), and an output of probabilities or values,
or one with a single float32 input (B, F), which takes the numbers of the row. Where no graph was exported two stand in:
`--onnx mlp` is a small one with random weights, the least work that a model can be, and `--onnx torch` the model itself
by PyTorch, from a data frame.

Prints one JSON line a round, and the medians at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

START = 60.0  # seconds that a server may take to start
SERVE = ("-c", "from netwright.cli import main; main()", "serve")
LOOP = str(Path(__file__).with_name("serving_loop.py"))


@dataclass(frozen=True)
class Round:
    """What clients saw of one server.

    Attributes:
        server: netwright or loop.
        clients: how many asked at one time.
        requests: that were answered; errors: that were not, or not by status 200.
        rate: answered requests a second.
        p50, p99: milliseconds from the first byte sent to the last received.
    """

    server: str
    clients: int
    requests: int
    errors: int
    rate: float
    p50: float
    p99: float


def rows_of(path: Path, model: Path) -> list[bytes]:
    """Return the rows of a table as the bodies of requests, with the types that the model's schema wants."""
    from netwright.model import load
    from netwright.serve.inputs import inputs_of

    table, bodies = pd.read_csv(path), []
    inputs = inputs_of(load(model))
    for row in table.astype(object).where(table.notna(), None).to_dict("records"):
        cells: dict[str, Any] = {}
        for each in inputs:
            cell = row[each.name]
            typed = cell is None or str(each.kind) in ("numeric", "boolean")
            cells[each.name] = cell if typed else str(cell)
        bodies.append(json.dumps(cells).encode())
    return bodies


@contextmanager
def running(words: list[str]) -> Iterator[int]:
    """Run a server and yield its port, which it says on standard error."""
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        until = time.monotonic() + START
        for line in process.stderr:
            found = re.search(r"http://[\d.]+:(\d+)", line)
            if found:
                yield int(found[1])
                break
            assert time.monotonic() < until, "it did not start"
        else:
            raise SystemExit(f"the server did not start: {' '.join(words)}")
    finally:
        process.terminate()
        process.wait()


async def client(port: int, bodies: list[bytes], until: float, times: list[float]) -> int:
    """Ask one row after the other until a moment; return how many requests failed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    errors = place = 0
    while time.perf_counter() < until:
        body = bodies[place % len(bodies)]
        place += 1
        head = f"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        started = time.perf_counter()
        writer.write(head.encode() + b"\r\n\r\n" + body)
        try:
            top = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", top)
            answer = await reader.readexactly(int(length[1]) if length else 0)
        except (asyncio.IncompleteReadError, ConnectionError):
            return errors + 1
        times.append(time.perf_counter() - started)
        errors += not (top.startswith(b"HTTP/1.1 200") and b"prediction" in answer)
    writer.close()
    return errors


async def load(port: int, bodies: list[bytes], clients: int, seconds: float) -> tuple[list[float], int, float]:
    """Return the times of all requests, how many failed, and how long it took."""
    started, times = time.perf_counter(), list[float]()
    step = max(1, len(bodies) // clients)
    asking = (client(port, bodies[place * step :] + bodies, started + seconds, times) for place in range(clients))
    errors = sum(await asyncio.gather(*asking))
    return times, errors, time.perf_counter() - started


def measure(server: str, port: int, bodies: list[bytes], clients: int, seconds: float) -> Round:
    """Load a server for a second to warm it up, then for so many seconds."""
    asyncio.run(load(port, bodies, clients, 1.0))
    times, errors, took = asyncio.run(load(port, bodies, clients, seconds))
    ordered = sorted(times)
    p50, p99 = (1e3 * ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
    return Round(server, clients, len(times), errors, round(len(times) / took, 1), round(p50, 2), round(p99, 2))


def main() -> None:
    """Measure in turns, so that what else the machine does falls on both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--onnx", help="a graph, mlp or torch; without it only netwright serve is measured")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    bodies = rows_of(asked.rows, asked.model)
    commands = {"netwright": [*SERVE, str(asked.model), "--port", "0", "--workers", str(asked.workers)]}
    if asked.onnx:
        commands["loop"] = [LOOP, str(asked.model), asked.onnx]
    rounds: list[Round] = []
    for _ in range(asked.rounds):
        for server, words in commands.items():
            with running(words) as port:
                rounds.append(measure(server, port, bodies, asked.clients, asked.seconds))
            print(json.dumps(asdict(rounds[-1])), flush=True)
    medians = {}
    for server in commands:
        mine = [each for each in rounds if each.server == server]
        found = {name: statistics.median(getattr(each, name) for each in mine) for name in ("rate", "p50", "p99")}
        medians[server] = found | {"errors": sum(each.errors for each in mine)}
    if "loop" in medians:
        medians["ratio"] = round(medians["netwright"]["rate"] / medians["loop"]["rate"], 3)
    print(json.dumps(medians))


if __name__ == "__main__":
    main()
