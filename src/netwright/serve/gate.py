"""What every request has to pass before the application sees it: how many there are, the token, its size, its time.

ASGI servers leave all of that to the application: uvicorn hands over a body of any length, as slowly as it comes. So
the body is read here, whole, within its limits; a request that breaks one is answered and its connection closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from netwright.serve.bearer import Token
from netwright.serve.connection import STATE, Connection
from netwright.serve.limits import Limits
from netwright.serve.metrics import Metrics
from netwright.serve.problems import JSON_TYPE, Refusal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

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
    """

    def __init__(self, app: App, limits: Limits, token: Token | None, metrics: Metrics) -> None:
        self._app, self._limits, self._token, self._metrics = app, limits, token, metrics
        self._running = 0  # requests, those to `/health` aside
        self._held = 0  # bytes of their bodies

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection: Connection | None = scope.get("state", {}).get(STATE)
        if connection is not None:
            connection.head_arrived()
        answer = _Answer(send)
        started, counted = time.perf_counter(), scope["path"] != HEALTH
        self._running += counted
        self._metrics.began()
        try:
            await self._answer(scope, receive, answer, connection)
        finally:
            self._running -= counted
            self._metrics.ended(scope["path"], answer.status, time.perf_counter() - started)
            if connection is not None:
                connection.answered()

    async def _answer(
        self, scope: MutableMapping[str, Any], receive: Receive, answer: _Answer, connection: Connection | None
    ) -> None:
        headers = dict(scope["headers"])
        refusal, body = self._refusal(scope["path"], headers), b""
        if refusal is None:
            try:
                body = await self._body(receive)
            except Refusal as error:
                refusal = error
            except _Gone:
                return
        if refusal is not None:
            await _refuse(answer, receive, refusal)
            return
        self._held += len(body)
        try:
            async with asyncio.timeout(self._limits.seconds):
                await self._app(scope, _Replay(body, receive), answer)
        except TimeoutError:
            if answer.status == _NO_STATUS:
                took = f"The answer took longer than {self._limits.seconds:g} s. Send fewer rows, or try again later."
                await _refuse(answer, receive, Refusal(503, took, headers=RETRY))
            elif connection is not None:
                connection.abort()
        finally:
            self._held -= len(body)

    def _refusal(self, path: str, headers: dict[bytes, bytes]) -> Refusal | None:
        """Return why a request is refused by its head alone; None where it is not."""
        if path == HEALTH:
            return None
        if self._running > self._limits.requests:
            return Refusal(503, "There are too many requests at one time. Try again in a second.", headers=RETRY)
        given = headers.get(b"authorization")
        if self._token is not None and not self._token.opens(None if given is None else given.decode("latin-1")):
            # A browser asks the person in front of it for a name and a password where it is told of `Basic`.
            challenge = 'Basic realm="netwright", charset="UTF-8"' if path == PAGE else "Bearer"
            detail = "A token is needed. Send it in the header Authorization, as Bearer TOKEN."
            return Refusal(401, detail, headers={"www-authenticate": challenge})
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > self._limits.body:
            return self._too_large()
        return None

    def _too_large(self) -> Refusal:
        return Refusal(413, f"The body may have {self._limits.body:,} bytes at most. Send fewer rows at a time.")

    async def _body(self, receive: Receive) -> bytes:
        """Return the body of a request.

        Raises:
            Refusal: if it is too large, too slow, or there is no room for it now.
            _Gone: if the client has gone.
        """
        loop, limits = asyncio.get_running_loop(), self._limits
        started, pieces, length, more = loop.time(), list[bytes](), 0, True
        try:
            async with asyncio.timeout_at(started + limits.wait) as timer:
                while more:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise _Gone
                    piece, more = message.get("body", b""), message.get("more_body", False)
                    length += len(piece)
                    self._held += len(piece)
                    pieces.append(piece)
                    if length > limits.body:
                        raise self._too_large()
                    if self._held > max(limits.held, limits.body):
                        raise Refusal(503, "There is no room for the request now. Try again later.", headers=RETRY)
                    if more:
                        timer.reschedule(started + limits.wait + length / limits.slowest)
        except TimeoutError:
            raise Refusal(408, f"The body did not arrive in time: {length:,} bytes of it did.") from None
        finally:
            self._held -= length
        return b"".join(pieces)


_NO_STATUS = 499  # what is counted where the client went before it had an answer, as nginx has it


class _Gone(Exception):
    """The client has closed the connection before the request was complete."""


class _Answer:
    """Sends an answer on, with the headers that each has, and remembers its status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = _NO_STATUS

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *SAFE_HEADERS]
        await self._send(message)


class _Replay:
    """Hands a body that was read over once, and then whatever the server says: that the client has gone."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _refuse(answer: _Answer, receive: Receive, refusal: Refusal) -> None:
    """Send a refusal, and close the connection when the client has had the time to read it.

    A connection that is closed while the client still sends is reset, and with it goes the answer: what else comes is
    taken and thrown away for a moment.
    """
    body = refusal.body()
    headers = {"content-type": JSON_TYPE, "content-length": str(len(body)), "connection": "close", **refusal.headers}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await answer({"type": "http.response.start", "status": refusal.status, "headers": encoded})
    await answer({"type": "http.response.body", "body": body, "more_body": True})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            more = refusal.status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            while more:
                message = await receive()
                more = message["type"] == "http.request" and message.get("more_body", False)
    await answer({"type": "http.response.body", "body": b"", "more_body": False})
