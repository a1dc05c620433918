"""What every request has to pass before the application sees it: how many there are, the token, its size, its time.

ASGI servers leave all of that to the application: uvicorn hands over a body of any length, as slowly as it comes. So
the body is read here, whole, within its limits; a request that breaks one is answered and its connection closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import time
from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from typing import Any

from netwright.serve.bearer import Token
from netwright.serve.connection import STATE, Connection
from netwright.serve.lane import App, Message, Receive, Send
from netwright.serve.limits import Limits
from netwright.serve.metrics import Metrics
from netwright.serve.problems import JSON_TYPE, Refusal
from netwright.serve.settings import is_loopback
from netwright.serve.watch import Deadline, Watch

HEALTH, PAGE = "/health", "/"
LINGER = 1.0  # seconds in which a client may go on sending what is thrown away, so that it gets to read the answer
RETRY = {"retry-after": "1"}
SAFE_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


class Gate:
    """The application behind its limits, as an ASGI application.

    Args:
        app: what answers.
        limits: what is refused.
        token: what a request has to carry, but for `/health`; None where everybody is let in.
        metrics: told of every request.
        local: whether it is meant for programs of this machine, and only asked by a name of it. Else a page from
            anywhere could give its own name the address 127.0.0.1, and read what a browser here may (DNS rebinding).
    """

    def __init__(self, app: App, limits: Limits, token: Token | None, metrics: Metrics, *, local: bool = False) -> None:
        self._app, self._limits, self._token, self._metrics, self._local = app, limits, token, metrics, local
        self._running = 0  # requests, those to `/health` aside
        self._held = 0  # bytes of their bodies
        self._watch = Watch()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection: Connection | None = scope.get("state", {}).get(STATE)
        if connection is not None:
            connection.head_arrived()
        answer, body = _Answer(send, connection), _Body(receive, connection)
        started, counted = time.perf_counter(), scope["path"] != HEALTH
        self._running += counted
        self._metrics.began()
        try:
            await self._answer(scope, body, answer)
        finally:
            self._running -= counted
            self._metrics.ended(scope["path"], answer.status, time.perf_counter() - started)
            if connection is not None:
                connection.answered()

    async def _answer(self, scope: MutableMapping[str, Any], body: _Body, answer: _Answer) -> None:
        refusal = self._refusal(scope["path"], scope["headers"])
        try:
            if refusal is not None:
                raise refusal
            with self._watch.within(self._limits.wait) as deadline:
                await self._read(body, deadline, 0 if scope["path"] == HEALTH else self._limits.body)
                deadline.restart(self._limits.seconds)
                await self._app(scope, body, answer)
        except Refusal as error:
            await _refuse(answer, body, error)
        except TimeoutError:
            if answer.status == _NO_STATUS:
                await _refuse(answer, body, self._too_slow(body))
            else:
                answer.abort()
        except _Gone:
            return
        finally:
            self._held -= body.length

    def _refusal(self, path: str, headers: Iterable[tuple[bytes, bytes]]) -> Refusal | None:
        """Return why a request is refused by its head alone; None where it is not."""
        if path == HEALTH:
            return None
        if self._running > self._limits.requests:
            return Refusal(503, "There are too many requests at one time. Try again in a second.", headers=RETRY)
        named = dict(headers)
        if self._local and not names_this_machine(named.get(b"host", b"")):
            return Refusal(421, "Only programs of this machine are answered, which ask localhost or 127.0.0.1.")
        if self._token is not None and not self._token.opens(named.get(b"authorization", b"").decode("latin-1")):
            # A browser asks the person in front of it for a name and a password where it is told of `Basic`.
            challenge = 'Basic realm="netwright", charset="UTF-8"' if path == PAGE else "Bearer"
            detail = "A token is needed. Send it in the header Authorization, as Bearer TOKEN."
            return Refusal(401, detail, headers={"www-authenticate": challenge})
        length = named.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > self._limits.body:
            return _too_large(self._limits.body)
        return None

    def _too_slow(self, body: _Body) -> Refusal:
        if not body.whole:
            return Refusal(408, f"The body did not arrive in time: {body.length:,} bytes of it did.")
        took = f"The answer took longer than {self._limits.seconds:g} s. Send fewer rows, or try again later."
        return Refusal(503, took, headers=RETRY)

    async def _read(self, body: _Body, deadline: Deadline, most: int) -> None:
        """Read the body of a request; the more of it has come, the more time it has.

        Args:
            body: to read.
            deadline: for its arrival.
            most: bytes that it may have: none for whoever needs no token, or strangers could take the room of `held`.

        Raises:
            Refusal: if it is too large, or there is no room for it now.
            _Gone: if the client has gone.
        """
        limits = self._limits
        while not body.whole:
            length = await body.take()
            self._held += length
            deadline.until += length / limits.slowest
            if body.length > most:
                raise _too_large(most)
            if self._held > max(limits.held, limits.body):
                raise Refusal(503, "There is no room for the request now. Try again later.", headers=RETRY)


def _too_large(most: int) -> Refusal:
    if not most:
        return Refusal(413, "The request has a body, but nothing is asked for here that would need one.")
    return Refusal(413, f"The body may have {most:,} bytes at most. Send fewer rows at a time.")


@lru_cache(maxsize=128)
def names_this_machine(host: bytes) -> bool:
    """Return whether the header `Host` names this machine, or nothing, which no browser sends.

    >>> [names_this_machine(host) for host in (b"localhost:80", b"[::1]:80", b"127.0.0.1", b"127.0.0.1.example.org")]
    [True, True, True, False]
    """
    name = host.decode("latin-1").rpartition("]")[0].removeprefix("[") or host.decode("latin-1").partition(":")[0]
    return not host or is_loopback(name)


_NO_STATUS = 499  # what is counted where the client went before it had an answer, as nginx has it


class _Gone(Exception):
    """The client has closed the connection before the request was complete."""


class _Answer:
    """Sends an answer on, with the headers that each has, and remembers its status."""

    def __init__(self, send: Send, connection: Connection | None) -> None:
        self._send, self._connection = send, connection
        self.status = _NO_STATUS

    async def __call__(self, message: Message) -> None:
        connection = self._connection
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *SAFE_HEADERS]
            if connection is not None:
                connection.hold()
            await self._send(message)
        else:
            await self._send(message)
            if connection is not None:
                connection.release()

    def abort(self) -> None:
        """End the connection: the answer has begun, so nothing else can be said."""
        if self._connection is not None:
            self._connection.abort()


class _Body:
    """The body of a request: taken piece by piece, then handed over whole as the application receives it."""

    def __init__(self, receive: Receive, connection: Connection | None) -> None:
        self._receive, self._connection = receive, connection
        self._pieces: list[bytes] = []
        self.length, self.whole, self._given = 0, False, False

    async def take(self) -> int:
        """Take the next piece and return its length.

        Raises:
            _Gone: if the client has gone.
        """
        message = await self.message()
        if message["type"] != "http.request":
            raise _Gone
        piece = message.get("body", b"")
        self._pieces.append(piece)
        self.length += len(piece)
        self.whole = not message.get("more_body", False)
        return len(piece)

    async def message(self) -> Message:
        """Return what the server says next; its connection is told how much of a body that is."""
        message = await self._receive()
        if self._connection is not None:
            self._connection.body_arrived(len(message.get("body", b"")))
        return message

    async def __call__(self) -> Message:
        """Return the whole body; after it, what the server says: that the client has gone."""
        if self._given:
            return await self._receive()
        self._given = True
        pieces = self._pieces
        return {"type": "http.request", "body": pieces[0] if len(pieces) == 1 else b"".join(pieces), "more_body": False}


async def _refuse(answer: _Answer, body: _Body, refusal: Refusal) -> None:
    """Send a refusal, and close the connection when the client has had the time to read it.

    A connection that is closed while the client still sends is reset, and with it goes the answer: what else comes is
    taken and thrown away for a moment.
    """
    said = refusal.body()
    headers = {"content-type": JSON_TYPE, "content-length": str(len(said)), "connection": "close", **refusal.headers}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await answer({"type": "http.response.start", "status": refusal.status, "headers": encoded})
    await answer({"type": "http.response.body", "body": said, "more_body": True})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            more = refusal.status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            while more:
                message = await body.message()
                more = message["type"] == "http.request" and message.get("more_body", False)
    await answer({"type": "http.response.body", "body": b"", "more_body": False})
