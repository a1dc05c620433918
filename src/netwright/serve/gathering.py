"""A transport that sends the head and the body of an answer in one piece."""

from __future__ import annotations

import asyncio
from typing import Any


class Gathering:
    """Stands for a transport in front of uvicorn, which writes head and body one by one.

    Each write is a call of the system that wakes the client up, and one of the dearest things in a small answer.
    What is neither written nor an end is the transport's own.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held: list[bytes] | None = None

    def __getattr__(self, name: str) -> Any:
        """Return what the transport has."""
        return getattr(self._transport, name)

    def hold(self) -> None:
        """Keep what is written from here on."""
        if self._held is None:
            self._held = []

    def release(self) -> None:
        """Send what was kept, and what is written from here on at once."""
        held, self._held = self._held, None
        if held:
            self._transport.write(b"".join(held))

    def write(self, data: bytes) -> None:
        """Send data, or keep it."""
        if self._held is None:
            self._transport.write(data)
        else:
            self._held.append(data)

    def close(self) -> None:
        """Send what was kept, and end."""
        self.release()
        self._transport.close()
