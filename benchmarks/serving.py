"""Requests a second and their times under load: `netwright serve` beside a plain FastAPI loop around ONNX Runtime.

    python benchmarks/serving.py model.nw rows.csv              what `netwright serve` answers
    python benchmarks/serving.py model.nw rows.csv --onnx FILE  and, in turns with it, the loop around an ONNX graph

Clients keep one connection each and ask for one row at a time, the next as soon as an answer has come. The loop is
what a person writes in an afternoon: a pydantic model of the row, an `async` route, one run of the graph, the answer as
a dictionary; no limits, no token, no counters, no batches. It runs by the same uvicorn with the same parser. Servers
and clients share the machine, so the figures are to be compared, not believed.

A graph for it is one with an input for each column (B, 1) and an output of probabilities or values, as
`netwright export --to onnx` writes it of the same model: then both run exactly the same. Or it is one with a single
float32 input (B, F), which takes the numbers of the row. Two others can stand in: `--onnx mlp` is a small one with
random weights, the least work that a model can be, and `--onnx torch` the model itself by PyTorch, from a data frame.

Prints one JSON line a round, and the medians at the end.
"""

from __future__ import annotations

import argparse
import json
import re
import selectors
import socket
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
import psutil

START = 60.0  # seconds that a server may take to start
SERVE = ("-c", "from netwright.cli import main; main()", "serve")
HEAD = b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
LENGTH = re.compile(rb"content-length: (\d+)")
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
        cpu: microseconds of a processor that the server took for a request, of all its processes: what other work on
            the machine changes least.
    """

    server: str
    clients: int
    requests: int
    errors: int
    rate: float
    p50: float
    p99: float
    cpu: float


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
def running(words: list[str]) -> Iterator[tuple[int, psutil.Process]]:
    """Run a server and yield its port, which it says on standard error, and its process."""
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        until = time.monotonic() + START
        for line in process.stderr:
            found = re.search(r"http://[\d.]+:(\d+)", line)
            if found:
                yield int(found[1]), psutil.Process(process.pid)
                break
            assert time.monotonic() < until, "it did not start"
        else:
            raise SystemExit(f"the server did not start: {' '.join(words)}")
    finally:
        process.terminate()
        process.wait()


@dataclass
class Client:
    """A connection that asks one row after the other.

    Attributes:
        connection: to the server.
        place: of the next row.
        sent: when the last request was sent.
        answer: what has come of its answer.
    """

    connection: socket.socket
    place: int
    sent: float = 0.0
    answer: bytes = b""

    def ask(self, requests: list[bytes]) -> None:
        """Send the next request."""
        self.answer, self.sent = b"", time.perf_counter()
        self.connection.sendall(requests[self.place % len(requests)])
        self.place += 1

    def take(self) -> bool | None:
        """Take what has come; return whether the answer is a right one, None while it is not whole."""
        piece = self.connection.recv(65_536)
        self.answer += piece
        top, end, body = self.answer.partition(b"\r\n\r\n")
        length = LENGTH.search(top) if end else None
        if piece and (length is None or len(body) < int(length[1])):
            return None
        return top.startswith(b"HTTP/1.1 200") and b"prediction" in body


def load(port: int, bodies: list[bytes], clients: int, seconds: float) -> tuple[list[float], int, float]:
    """Return the times of all requests, how many failed, and how long it took.

    Plain sockets and one selector: clients by asyncio would take more of the machine than the server.
    """
    requests = [HEAD % len(body) + body for body in bodies]
    started, times, errors = time.perf_counter(), list[float](), 0
    with selectors.DefaultSelector() as selector:
        for number in range(clients):
            each = Client(socket.create_connection(("127.0.0.1", port)), number * len(bodies) // clients)
            selector.register(each.connection, selectors.EVENT_READ, each)
            each.ask(requests)
        while selector.get_map():
            for key, _ in selector.select():
                right = key.data.take()
                if right is None:
                    continue
                now = time.perf_counter()
                times.append(now - key.data.sent)
                errors += not right
                if right and now < started + seconds:
                    key.data.ask(requests)
                else:
                    selector.unregister(key.fileobj)
                    key.data.connection.close()
    return times, errors, time.perf_counter() - started


def measure(
    server: str, port: int, process: psutil.Process, bodies: list[bytes], clients: int, seconds: float
) -> Round:
    """Load a server for a second to warm it up, then for so many seconds."""
    load(port, bodies, clients, 1.0)
    before = processor_seconds(process)
    times, errors, took = load(port, bodies, clients, seconds)
    cpu = 1e6 * (processor_seconds(process) - before) / max(1, len(times))
    ordered = sorted(times)
    p50, p99 = (1e3 * ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
    rate, p50, p99, cpu = (round(value, 2) for value in (len(times) / took, p50, p99, cpu))
    return Round(server, clients, len(times), errors, rate, p50, p99, cpu)


def processor_seconds(process: psutil.Process) -> float:
    """Return the processor time that a process and those it has started have taken."""
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


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
            with running(words) as (port, process):
                rounds.append(measure(server, port, process, bodies, asked.clients, asked.seconds))
            print(json.dumps(asdict(rounds[-1])), flush=True)
    medians = {}
    for server in commands:
        mine = [each for each in rounds if each.server == server]
        found = {
            name: statistics.median(getattr(each, name) for each in mine) for name in ("rate", "p50", "p99", "cpu")
        }
        medians[server] = found | {"errors": sum(each.errors for each in mine)}
    if "loop" in medians:
        medians["ratio"] = round(medians["netwright"]["rate"] / medians["loop"]["rate"], 3)
    print(json.dumps(medians))


if __name__ == "__main__":
    main()
