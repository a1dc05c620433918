"""What a request has to pass: each limit refuses with its own status, and says so before the application is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from netwright.serve.bearer import Token, _digest
from netwright.serve.connection import STATE
from netwright.serve.gate import Gate
from netwright.serve.limits import Limits
from netwright.serve.metrics import Metrics

TOKEN = Token(_digest(b"0123456789abcdef"))
PATIENT = Limits(body=1_000, seconds=5.0, wait=5.0)
Messages = list[dict[str, Any]]


class Echo:
    """An application that answers with the length of what it was sent, and counts how often it was asked."""

    def __init__(self, wait: float = 0.0) -> None:
        self.asked, self.wait = 0, wait

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        self.asked += 1
        body = (await receive())["body"]
        await asyncio.sleep(self.wait)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(len(body)).encode()})


def scope_of(path: str = "/predict", **headers: str) -> dict[str, Any]:
    """Return what an ASGI server says of a request."""
    encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "path": path, "method": "POST", "headers": encoded}


def asked(gate: Gate, scope: dict[str, Any], *pieces: bytes, pause: float = 0.0, ends: bool = True) -> Messages:
    """Return the messages that a gate sends to a client that sends pieces of a body with pauses between them."""

    async def ask() -> Messages:
        sent, left = Messages(), [*pieces]

        async def receive() -> dict[str, Any]:
            if not left:
                await asyncio.sleep(0 if ends else 60)
                return {"type": "http.disconnect"}
            if pause:
                await asyncio.sleep(pause)
            piece = left.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(left) or not ends}

        async def send(message: Any) -> None:
            sent.append(message)

        await gate(scope, receive, send)
        return sent

    return asyncio.run(ask())


def status(messages: Messages) -> int:
    """Return the status of an answer, which is whole."""
    assert messages[0]["type"] == "http.response.start"
    assert messages[-1]["type"] == "http.response.body" and not messages[-1].get("more_body", False)
    return int(messages[0]["status"])


def gate_of(app: Callable[..., Any], limits: Limits = PATIENT, token: Token | None = None) -> Gate:
    """Return an application behind its limits."""
    return Gate(app, limits, token, Metrics(frozenset({"/predict"})))


def test_a_body_is_handed_over_whole() -> None:
    """However it was cut."""
    messages = asked(gate_of(Echo()), scope_of(), b"a" * 400, b"", b"b" * 600)
    assert status(messages) == 200 and messages[1]["body"] == b"1000"


def test_a_body_that_is_too_large_is_refused_before_it_is_read_or_while_it_is() -> None:
    """By what its head says, or by what comes: in pieces nobody has to say how much it will be."""
    app = Echo()
    assert status(asked(gate_of(app), scope_of(content_length="1001"), b"x" * 1001)) == 413
    assert status(asked(gate_of(app), scope_of(transfer_encoding="chunked"), *([b"x" * 300] * 10))) == 413
    lying = scope_of(content_length="9" * 5_000)
    assert status(asked(gate_of(app), lying, b"x")) == 413
    assert app.asked == 0


def test_a_refusal_closes_the_connection_after_the_client_could_read_it() -> None:
    """What is still sent is thrown away for a moment, else the connection would be reset under the answer."""
    messages = asked(gate_of(Echo()), scope_of(), *([b"x" * 300] * 10))
    assert dict(messages[0]["headers"])[b"connection"] == b"close"
    body = b"".join(message["body"] for message in messages[1:])
    assert json.loads(body)["status"] == 413


def test_a_slow_body_is_refused() -> None:
    """One that stops, and one that trickles; one that comes fast enough may take longer than the wait."""
    quick = Limits(body=10**6, wait=0.2, slowest=1_000)
    app = Echo()
    assert status(asked(gate_of(app, quick), scope_of(), b"x", ends=False)) == 408
    assert status(asked(gate_of(app, quick), scope_of(), *([b"x"] * 100), pause=0.02)) == 408
    assert app.asked == 0
    assert status(asked(gate_of(app, quick), scope_of(), *([b"x" * 100] * 20), pause=0.02)) == 200


def test_a_client_that_goes_is_no_error() -> None:
    """Nothing is sent, and nothing is asked."""
    app = Echo()
    assert asked(gate_of(app), scope_of()) == []
    assert app.asked == 0


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    """With a word of what to do."""
    messages = asked(gate_of(Echo(wait=60), Limits(seconds=0.05)), scope_of(), b"x")
    assert status(messages) == 503 and b"0.05 s" in messages[1]["body"]


def test_an_answer_has_its_whole_time_however_long_the_body_took() -> None:
    """Each has a limit of its own."""
    limits = Limits(seconds=0.5, wait=5.0)
    assert status(asked(gate_of(Echo(wait=0.1), limits), scope_of(), *([b"x"] * 6), pause=0.1)) == 200


def test_an_answer_that_stops_half_way_ends_the_connection() -> None:
    """There is no way to say it any more."""

    class Connection:
        ended = False

        def head_arrived(self) -> None: ...

        def body_arrived(self, length: int) -> None: ...

        def answered(self) -> None: ...

        def hold(self) -> None: ...

        def abort(self) -> None:
            self.ended = True

    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(60)

    connection = Connection()
    messages = asked(gate_of(half, Limits(seconds=0.05)), scope_of() | {"state": {STATE: connection}}, b"x")
    assert len(messages) == 1 and connection.ended


def test_too_many_requests_are_refused_and_health_is_not() -> None:
    """With the time after which to try again."""

    async def ask() -> list[int]:
        gate, sent = gate_of(Echo(wait=0.2), Limits(requests=3)), dict[int, Messages]()

        async def one(place: int, path: str) -> None:
            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: Any) -> None:
                sent.setdefault(place, []).append(message)

            await gate(scope_of(path), receive, send)

        await asyncio.gather(*(one(place, "/health" if place == 7 else "/predict") for place in range(8)))
        refused = [messages for messages in sent.values() if status(messages) == 503]
        assert all(dict(messages[0]["headers"])[b"retry-after"] == b"1" for messages in refused)
        again: Messages = sent.setdefault(99, [])
        await one(99, "/predict")
        return [status(sent[place]) for place in sorted(sent)] if again is not None else []

    assert asyncio.run(ask()) == [200, 200, 200, 503, 503, 503, 503, 200, 200]


def test_bodies_together_have_a_limit() -> None:
    """So that many clients cannot fill the memory by what each of them may send."""
    limits = Limits(body=1_000, held=1_500, wait=5.0)

    async def ask() -> list[int]:
        gate, codes = gate_of(Echo(wait=0.1), limits), list[int]()

        async def one() -> None:
            sent = Messages()

            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": b"x" * 900, "more_body": False}

            async def send(message: Any) -> None:
                sent.append(message)

            await gate(scope_of(), receive, send)
            codes.append(status(sent))

        await asyncio.gather(one(), one())
        await one()
        return codes

    assert asyncio.run(ask()) == [503, 200, 200]


def test_who_needs_no_token_is_given_no_room() -> None:
    """A body at `/health` is refused with its first byte: else strangers could fill the memory that bodies share."""
    app = Echo()
    gate = gate_of(app, token=TOKEN)
    assert status(asked(gate, scope_of("/health"), b"x", b"x" * 500)) == 413
    assert app.asked == 0
    assert status(asked(gate, scope_of("/health"), b"")) == 200


@pytest.mark.parametrize("path", ["/predict", "/", "/metrics", "/openapi.json", "/nowhere"])
def test_a_token_is_asked_for_everywhere_but_at_health(path: str) -> None:
    """A browser is told in a way that lets it ask the person; a body is not read."""
    app = Echo()
    gate = gate_of(app, token=TOKEN)
    messages = asked(gate, scope_of(path), ends=False)
    headers = dict(messages[0]["headers"])
    assert status(messages) == 401
    assert headers[b"www-authenticate"].startswith(b"Basic" if path == "/" else b"Bearer")
    assert status(asked(gate, scope_of(path, authorization="Bearer wrong"), b"")) == 401
    assert app.asked == 0
    assert status(asked(gate, scope_of(path, authorization="Bearer 0123456789abcdef"), b"")) == 200
    assert status(asked(gate, scope_of("/health"), b"")) == 200
