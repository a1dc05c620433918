"""A connection whose requests have to arrive in time.

uvicorn waits for the end of a head for ever, and httptools takes one of any length. It also keeps what nobody asks for:
the trailers behind a body in pieces, and the head of a next request while one is answered. This stands between the
socket and uvicorn's own protocol: it passes everything on and closes what is too slow or too long. `gate` says when a
head was complete, how much of a body has come, and when an answer was sent.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

from netwright.serve.gathering import Gathering
from netwright.serve.limits import Limits
from netwright.serve.problems import JSON_TYPE, Refusal, title

STATE = "connection"  # the key in the ASGI state under which a request finds its connection
BESIDE = 512 * 2**10  # bytes that may come beside a body, beyond as many as it has: more than is read ahead of it
FAREWELL = 1.0  # seconds that a client has to take the last answer


class Connection(asyncio.Protocol):
    """One connection.

    Args:
        make: connection → uvicorn's protocol, which does the work.
        limits: for the time and the length of a head.
        crowded: whether there are too many connections already.
        slow: told when one is closed because its request did not arrive.
    """

    def __init__(
        self,
        make: Callable[[Connection], asyncio.Protocol],
        limits: Limits,
        crowded: Callable[[], bool],
        slow: Callable[[], None],
    ) -> None:
        self._inner, self._limits, self._crowded, self._slow = make(self), limits, crowded, slow
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._gathering: Gathering | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0  # when the head that is waited for has to be complete
        self._taken = False  # whether the inner protocol knows of the connection
        self._waits, self._received = True, 0  # whether a head is waited for, and how many bytes of it have come
        self._beside = 0  # bytes since the head, less twice those of the body: pieces bring frames along
        self._unsent = math.inf  # bytes of the last answer that the client had not taken when it was last looked at

    # --- from the socket ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._crowded():
            transport.write(_answer(Refusal(503, "There are too many connections. Try again in a second.")))
            transport.abort()
            return
        self._taken, self._gathering = True, Gathering(transport)
        self._inner.connection_made(self._gathering)  # type: ignore[arg-type] # it has all that a transport has
        self.answered()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on, unless the head that they belong to is too long, or they belong to no head and no body."""
        if self._waits:
            if self._received > self._limits.head:
                self._close(Refusal(431, f"The head of a request may have {self._limits.head:,} bytes at most."))
                return
            self._received += len(data)
        else:
            self._beside += len(data)
            if self._beside > self._limits.head + BESIDE:
                self.abort()  # an answer may be under way, so nothing can be said
                return
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on that the client sends no more."""
        return self._inner.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """Pass on that the connection has ended."""
        self._stop()
        self._transport = None
        if self._taken:
            self._inner.connection_lost(error)

    def pause_writing(self) -> None:
        """Pass on that the client does not read as fast as it is written to."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that it reads again."""
        self._inner.resume_writing()

    # --- from the gate ---

    def head_arrived(self) -> None:
        """Stop the clock: the request is complete but for its body, which the gate sees to."""
        self._waits, self._received, self._beside = False, 0, 0

    def body_arrived(self, length: int) -> None:
        """Count bytes of the body, which the gate has taken."""
        self._beside -= 2 * length

    def answered(self) -> None:
        """Start the clock: the next request has to arrive in time, or the answer to be taken."""
        if self._transport is None:
            return  # the client has gone meanwhile
        self._waits, self._received, self._unsent = True, 0, math.inf
        self._until = self._loop.time() + self._limits.wait
        if self._timer is None:
            self._timer = self._loop.call_at(self._until, self._look)

    def hold(self) -> None:
        """Keep what is written until the answer is complete, or a part of it that the client should have now."""
        if self._gathering is not None:
            self._gathering.hold()

    def release(self) -> None:
        """Send what was kept."""
        if self._gathering is not None:
            self._gathering.release()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _look(self) -> None:
        """See whether the time is over: one timer serves many requests, since to set one costs more than to look."""
        self._timer = None
        if not self._waits:
            return  # the answer will start the clock again
        if self._loop.time() < self._until:
            self._timer = self._loop.call_at(self._until, self._look)
        else:
            self._too_slow()

    def _too_slow(self) -> None:
        unsent = self._transport.get_write_buffer_size() if self._transport is not None else 0
        if 0 < unsent <= self._unsent - self._limits.wait * self._limits.slowest:
            self._unsent = unsent  # a long answer is on its way, fast enough
            self._until = self._loop.time() + self._limits.wait
            self._timer = self._loop.call_at(self._until, self._look)
            return
        if self._received:
            self._slow()
        self._close(Refusal(408, f"The head of the request did not arrive within {self._limits.wait:g} s."))

    def _close(self, refusal: Refusal) -> None:
        """Say why and end; a client that has sent nothing is told nothing."""
        self._stop()
        transport = self._transport
        if transport is None:
            return
        if self._received and not transport.is_closing():
            transport.write(_answer(refusal))
        transport.close()
        self._timer = self._loop.call_later(FAREWELL, transport.abort)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _answer(refusal: Refusal) -> bytes:
    """Return a refusal as HTTP: the request has not reached whoever else would write it."""
    body = refusal.body()
    head = [
        f"HTTP/1.1 {refusal.status} {title(refusal.status)}",
        f"content-type: {JSON_TYPE}",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def taking(limits: Limits, slow: Callable[[], None], make: Callable[..., asyncio.Protocol]) -> Callable[..., Any]:
    """Return what uvicorn makes a protocol of each connection with, by the keywords that it hands over.

    Args:
        limits: for the time and the length of heads, and for how many connections there may be.
        slow: told when one is closed because its request did not arrive.
        make: uvicorn's own protocol.
    """

    def connection(
        config: Any, server_state: Any, app_state: dict[str, Any], _loop: asyncio.AbstractEventLoop | None = None
    ) -> Connection:
        def inner(outer: Connection) -> asyncio.Protocol:
            return make(config=config, server_state=server_state, app_state={**app_state, STATE: outer}, _loop=_loop)

        return Connection(inner, limits, lambda: len(server_state.connections) >= limits.connections, slow)

    return connection
