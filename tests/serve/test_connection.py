"""A connection between the socket and the protocol: what it passes on, what it closes, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from netwright.serve.connection import BESIDE, Connection
from netwright.serve.gathering import Gathering
from netwright.serve.limits import Limits

QUICK = Limits(wait=0.1, slowest=1_000, head=100)  # 100 bytes have to be taken within 0.1 s


class Transport(asyncio.Transport):
    """Remembers what is written, and has as many unsent bytes as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.closed, self.aborted, self.unsent = list[bytes](), False, False, 0

    def write(self, data: Any) -> None:
        """Remember data."""
        self.written.append(bytes(data))

    def close(self) -> None:
        """Remember that it is to end."""
        self.closed = True

    def abort(self) -> None:
        """Remember that it has ended at once."""
        self.aborted = True

    def is_closing(self) -> bool:
        """Return whether it ends."""
        return self.closed or self.aborted

    def get_write_buffer_size(self) -> int:
        """Return how much is unsent."""
        return self.unsent


class Inner(asyncio.Protocol):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.data, self.lost = b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Remember data."""
        self.data += data

    def connection_lost(self, error: Exception | None) -> None:
        """Remember the end."""
        self.lost += 1


Story = Callable[[Connection, Transport, Inner], Awaitable[None]]


def told(story: Story, limits: Limits = QUICK, *, crowded: bool = False) -> tuple[Transport, Inner, int]:
    """Return a connection's transport and protocol, and how many were slow, after a story."""
    slow = list[int]()

    async def run() -> tuple[Transport, Inner]:
        transport, inner = Transport(), Inner()
        connection = Connection(lambda outer: inner, limits, lambda: crowded, lambda: slow.append(1))
        connection.connection_made(transport)
        await story(connection, transport, inner)
        connection.connection_lost(None)
        return transport, inner

    return *asyncio.run(run()), len(slow)


def test_a_head_that_stops_is_answered_and_closed_then_ended() -> None:
    """The client has a second to take the answer."""

    async def story(connection: Connection, transport: Transport, inner: Inner) -> None:
        connection.data_received(b"GET /")
        await asyncio.sleep(0.2)
        assert transport.closed and not transport.aborted
        await asyncio.sleep(1.1)
        assert transport.aborted

    transport, inner, slow = told(story)
    assert transport.written[0].startswith(b"HTTP/1.1 408 ") and slow == 1
    assert inner.data == b"GET /" and inner.lost == 1


def test_the_clock_stands_while_a_request_is_answered_and_starts_again() -> None:
    """However long that takes; the next head has its whole time."""

    async def story(connection: Connection, transport: Transport, inner: Inner) -> None:
        connection.data_received(b"GET / HTTP/1.1\r\n\r\n")
        connection.head_arrived()
        await asyncio.sleep(0.8)
        assert not transport.closed
        for _ in range(6):
            connection.answered()
            await asyncio.sleep(0.15)
            connection.head_arrived()
        assert not transport.closed
        connection.answered()
        await asyncio.sleep(1.4)
        assert transport.closed

    transport, _, slow = told(story, Limits(wait=0.6))
    assert transport.written == [] and slow == 0  # it asked nothing more


@pytest.mark.parametrize(("taken", "kept"), [(0, False), (20, False), (150, True)])
def test_an_answer_that_is_not_taken_is_given_up(taken: int, kept: bool) -> None:
    """One that is taken too slowly too; one that is taken fast enough may last."""

    async def story(connection: Connection, transport: Transport, inner: Inner) -> None:
        transport.unsent = 10_000
        connection.answered()
        for _ in range(5):
            await asyncio.sleep(0.1)
            transport.unsent -= taken
        assert transport.closed is not kept

    told(story)


def test_a_head_has_a_largest_size() -> None:
    """The rest of it is not even passed on."""

    async def story(connection: Connection, transport: Transport, inner: Inner) -> None:
        for _ in range(20):
            connection.data_received(b"x" * 30)

    transport, inner, _ = told(story)
    assert transport.written[0].startswith(b"HTTP/1.1 431 ") and len(inner.data) == 120


def test_a_body_is_no_head() -> None:
    """It may be longer."""

    async def story(connection: Connection, transport: Transport, inner: Inner) -> None:
        connection.data_received(b"POST / HTTP/1.1\r\n\r\n")
        connection.head_arrived()
        for _ in range(20):
            connection.data_received(b"x" * 30)

    transport, inner, _ = told(story)
    assert transport.written == [] and len(inner.data) == 619


@pytest.mark.parametrize(("taken", "ended"), [(0, True), (BESIDE, False)])
def test_what_belongs_to_no_head_and_no_body_has_an_end(taken: int, ended: bool) -> None:
    """Trailers, or the head of a next request while one is answered: httptools keeps all of it."""

    async def story(connection: Connection, transport: Transport, inner: Inner) -> None:
        connection.data_received(b"POST / HTTP/1.1\r\n\r\n")
        connection.head_arrived()
        connection.body_arrived(taken)
        for _ in range(20):
            connection.data_received(b"x" * (BESIDE // 10))
        assert transport.aborted is ended

    transport, inner, _ = told(story)
    assert transport.written == []
    assert (len(inner.data) < 2 * BESIDE) is ended


def test_a_connection_too_many_is_told_so() -> None:
    """The protocol hears nothing of it."""

    async def story(connection: Connection, transport: Transport, inner: Inner) -> None:
        assert transport.aborted

    transport, inner, _ = told(story, crowded=True)
    assert transport.written[0].startswith(b"HTTP/1.1 503 ")
    assert inner.transport is None and inner.lost == 0


def test_an_answer_is_sent_in_one_piece() -> None:
    """What is written while it is held; the end of the connection lets it go first."""
    transport = Transport()
    gathering = Gathering(transport)
    gathering.write(b"0")
    gathering.hold()
    gathering.write(b"1")
    gathering.write(b"2")
    assert transport.written == [b"0"]
    gathering.release()
    gathering.release()
    gathering.hold()
    gathering.write(b"3")
    gathering.close()
    gathering.write(b"4")
    assert transport.written == [b"0", b"12", b"3", b"4"] and transport.closed
    assert gathering.get_write_buffer_size() == 0
