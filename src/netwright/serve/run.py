"""From what a user asked for to a model that is served: checks first, then the socket, the model, the processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from netwright.serve.bearer import read_token
from netwright.serve.limits import Limits
from netwright.serve.server import serve_here
from netwright.serve.settings import Settings, check_exposure, listening_together, make_tls, url_of
from netwright.serve.workers import serve_in_processes
from netwright.streams import say


@dataclass(frozen=True)
class Asked:
    """What the command line said.

    Attributes:
        host, port: where to listen.
        workers: the number of processes.
        token_file: the file of the token.
        tls_cert, tls_key: PEM files.
        tls_elsewhere: whether a proxy in front ends TLS.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    token_file: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_elsewhere: bool = False


def serve(model: Path, asked: Asked, limits: Limits) -> None:
    """Serve a model until SIGINT or SIGTERM.

    Raises:
        SettingError: if it may not or cannot be served so.
        BundleError: if the model cannot be loaded.
        ServersEnded: if the processes end by themselves.
    """
    token, private = read_token(asked.token_file) if asked.token_file is not None else (None, True)
    tls = make_tls(asked.tls_cert, asked.tls_key)
    check_exposure(asked.host, token, tls, tls_elsewhere=asked.tls_elsewhere)
    if not private:
        say(f"Others may read the token: {asked.token_file} is not closed to them. Close it: chmod 600 FILE")
    local = token is None and not asked.tls_elsewhere  # a proxy hands on the name that it was asked by itself
    settings = Settings(model.absolute(), limits, token, tls, local)
    listeners = listening_together(asked.host, asked.port, asked.workers)
    try:
        by = f" by {asked.workers} processes" if asked.workers > 1 else ""
        ready = f"Serving {model}{by} at {url_of(listeners[0], tls)}, Ctrl-C ends it."
        if asked.workers == 1:
            serve_here(settings, listeners[0], lambda: say(ready))
        else:
            serve_in_processes(settings, listeners, lambda: say(ready))
    finally:
        for listener in listeners:
            listener.close()
