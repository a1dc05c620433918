"""The short way for what is asked most: one row as JSON.

FastAPI's own way through routes, dependencies and exit stacks takes as long as everything else together that a small
answer needs. Its route for the same path stays: it is what the OpenAPI document is made of, and takes what is no JSON.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from netwright.serve.form import JSON, Reply
from netwright.serve.problems import JSON_TYPE, Refusal
from netwright.serve.uploads import media_type

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

written = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
"""Replies as JSON; a number that is not finite is a fault of ours."""

FAULT_OF_OURS = Refusal(500, "Something went wrong in the server, not in the request. Its log says more.")


class Lane:
    """An ASGI application that answers JSON at one path itself, and leaves the rest to another.

    Args:
        app: the other one.
        path: of `POST`.
        ask: body → the reply. Raises Refusal.
    """

    def __init__(self, app: App, path: str, ask: Callable[[bytes], Awaitable[Reply]]) -> None:
        self._app, self._path, self._ask = app, path, ask

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, the body of which comes whole."""
        mine = scope["type"] == "http" and scope["path"] == self._path and scope["method"] == "POST"
        if not mine or _kind(scope["headers"]) not in (JSON, ""):
            await self._app(scope, receive, send)
            return
        try:
            reply = await self._ask((await receive())["body"])
            await _send(send, 200, JSON, written(reply).encode(), {})
        except Refusal as error:
            await _send(send, error.status, JSON_TYPE, error.body(), error.headers)
        except Exception:
            await _send(send, FAULT_OF_OURS.status, JSON_TYPE, FAULT_OF_OURS.body(), {})
            raise  # the server writes it into its log


def _kind(headers: list[tuple[bytes, bytes]]) -> str:
    """Return the media type of a request, empty where nobody said."""
    for name, value in headers:
        if name == b"content-type":
            return JSON if value == b"application/json" else media_type(value.decode("latin-1"))
    return ""


async def _send(send: Send, status: int, kind: str, body: bytes, more: Mapping[str, str]) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
    headers += [(name.encode(), value.encode()) for name, value in more.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
