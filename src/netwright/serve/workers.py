"""Several processes that serve one model at one address; one that ends by itself is started again."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from types import FrameType

from prometheus_client.multiprocess import mark_process_dead

from netwright.errors import NetwrightError, ServerNotStarted, ServersEnded
from netwright.model import load
from netwright.resources.machine import usable_cores
from netwright.serve.metrics import FOLDER
from netwright.serve.server import serve_here
from netwright.serve.settings import Settings
from netwright.streams import say

MOST_ENDS, WITHIN = 5, 60  # processes that may end by themselves within so many seconds
GLANCE = 0.5  # seconds between two looks at whether the server is to end
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

_spawn = multiprocessing.get_context("spawn")  # a copy of a process with threads may hang


@dataclass
class _Worker:
    """A process, the socket that it serves, and whether it has begun to."""

    process: SpawnProcess
    listener: socket.socket
    ready: Event


def serve_in_processes(settings: Settings, listeners: list[socket.socket], ready: Callable[[], None]) -> None:
    """Serve by a process for each socket until SIGINT or SIGTERM; requests that are running then are answered first.

    The sockets stay open here, so that connections wait for a process that is started again.

    Args:
        settings: what is served, and how.
        listeners: sockets that listen.
        ready: called once every process answers requests.

    Raises:
        BundleError: if the model cannot be loaded.
        ServerNotStarted: if a process ends before it has answered anything.
        ServersEnded: if processes end again and again.
    """
    load(settings.model)  # refused here, once, rather than by every process
    with _counting_together(), _sharing_cores(len(listeners)), _asked_to_end() as end:
        workers = [_started(settings, listener) for listener in listeners]
        try:
            _wait_until_ready(workers, end)
            if not end.is_set():
                ready()
            _keep(workers, settings, end)
        finally:
            for listener in listeners:
                listener.close()  # else new connections would wait here for processes that end
            _end(workers, settings)


def _wait_until_ready(workers: list[_Worker], end: threading.Event) -> None:
    """Wait until all processes answer requests, or the end is asked for.

    Raises:
        ServerNotStarted: if one has ended.
    """
    for worker in workers:
        while not worker.ready.wait(GLANCE) and not end.is_set():
            if not worker.process.is_alive():
                raise ServerNotStarted(worker.process.exitcode)


def _keep(workers: list[_Worker], settings: Settings, end: threading.Event) -> None:
    """Start each process again that ends by itself, until the end is asked for.

    Raises:
        ServersEnded: if `MOST_ENDS` of them ended within `WITHIN` seconds.
    """
    ended: deque[float] = deque(maxlen=MOST_ENDS)
    while not end.is_set():
        wait([worker.process.sentinel for worker in workers], timeout=GLANCE)
        for place, worker in enumerate(workers):
            process = worker.process
            if end.is_set() or process.is_alive():
                continue
            ended.append(time.monotonic())
            if len(ended) == MOST_ENDS and ended[-1] - ended[0] < WITHIN:
                raise ServersEnded(MOST_ENDS, WITHIN)
            mark_process_dead(process.pid)  # type: ignore[no-untyped-call]
            say(f"A process that served the model ended with status {process.exitcode} and is started again.")
            workers[place] = _started(settings, worker.listener)


def _end(workers: list[_Worker], settings: Settings) -> None:
    """Ask all processes to end, and wait; whichever does not is ended."""
    processes = [worker.process for worker in workers]
    for process in processes:
        if process.is_alive():
            process.terminate()
    last = time.monotonic() + 2 * settings.limits.seconds + WITHIN
    for process in processes:
        process.join(max(0.0, last - time.monotonic()))
        if process.is_alive():
            process.kill()


def _started(settings: Settings, listener: socket.socket) -> _Worker:
    ready = _spawn.Event()
    process = _spawn.Process(target=_work, args=(settings, listener, ready), daemon=True)
    process.start()
    return _Worker(process, listener, ready)


def _work(settings: Settings, listener: socket.socket, ready: Event) -> None:
    """Serve in a process of its own, which ends with the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes: the first one tells the others
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        serve_here(settings, listener, ready.set)
    except (NetwrightError, ModuleNotFoundError) as error:
        say(str(error))
        raise SystemExit(NetwrightError.exit_status) from error


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _counting_together() -> Iterator[None]:
    """Name a folder, closed to others, in which the processes keep their counts."""
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder, _environment({FOLDER: folder}):
        yield


@contextmanager
def _sharing_cores(workers: int) -> Iterator[None]:
    """Give each process its share of the cores, unless the user has said how many threads there are to be."""
    share = str(max(1, usable_cores() // workers))
    with _environment({name: share for name in _THREADS if name not in os.environ}):
        yield


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _asked_to_end() -> Iterator[threading.Event]:
    """Yield an event that SIGINT or SIGTERM sets."""
    end = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        end.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield end
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
