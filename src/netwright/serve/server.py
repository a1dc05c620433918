"""One process that serves a model: uvicorn on a socket that listens already, ended by SIGINT or SIGTERM.

uvicorn, and not a server with limits of its own: granian closes slow heads, but neither slow bodies nor long ones in
pieces, so most of `gate` would be needed all the same; and it starts and ends its processes by itself, where a model
should be loaded and refused before anything is served. What uvicorn lacks stands in `connection` and `gate`.
"""

from __future__ import annotations

import gc
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from netwright.model import load
from netwright.serve.app import PATHS, make_app
from netwright.serve.connection import taking
from netwright.serve.metrics import Metrics
from netwright.serve.settings import BACKLOG, Settings

LAST_SECONDS = 10.0  # that requests have to end in beyond their own limit, once the server is to end


def serve_here(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; requests that are being answered then are answered first.

    Args:
        settings: what is served, and how.
        listener: a socket that listens.
        ready: called once requests are answered.

    Raises:
        BundleError: if the model cannot be loaded.
    """
    metrics = Metrics(PATHS)
    app = make_app(load(settings.model), settings.limits, settings.token, metrics, local=settings.local)
    server = uvicorn.Server(_config(app, settings, metrics))
    _set_aside()
    ready()
    with _signals_spent():
        server.run(sockets=[listener])


def _config(app: object, settings: Settings, metrics: Metrics) -> uvicorn.Config:
    tls = settings.tls
    return uvicorn.Config(
        app,  # type: ignore[arg-type] # an ASGI application; uvicorn names the types of its messages one by one
        http=taking(settings.limits, metrics.slow_head, HttpToolsProtocol),  # type: ignore[arg-type] # it is only called
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,  # neither tokens nor rows are written anywhere; `/metrics` counts
        proxy_headers=False,  # else a client could say where it comes from
        server_header=False,
        backlog=BACKLOG,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else tls.key,
        timeout_graceful_shutdown=round(settings.limits.seconds + LAST_SECONDS),
    )


def _set_aside() -> None:
    """Let the collector of cycles look no more at what is there before the first request.

    With PyTorch and pandas loaded it would search a million objects again and again: under load that took half of the
    time of a request, and held the slowest ones up by a fifth of a second.
    """
    gc.collect()
    gc.freeze()


@contextmanager
def _signals_spent() -> Iterator[None]:
    """Let the signals that end the server end nothing else: uvicorn raises them again when it is done."""

    def spent(number: int, frame: FrameType | None) -> None:
        """Do nothing: the server has ended, as it was asked to."""

    before = {number: signal.signal(number, spent) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
