"""Deadlines of all requests, looked at by one timer: a timer for each would cost more than to predict a row."""

from __future__ import annotations

import asyncio
from types import TracebackType

GLANCE = 0.1  # seconds between two looks: a deadline is kept to as much


class Deadline:
    """Cancels the task within its block once its time is over, and raises TimeoutError there, as `asyncio.timeout`."""

    def __init__(self, watch: Watch, until: float) -> None:
        self._watch, self.until = watch, until
        self._task: asyncio.Task[None] | None = None
        self._late = False

    def __enter__(self) -> Deadline:
        self._task = asyncio.current_task()
        self._watch.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.remove(self)
        if self._late and self._task is not None and self._task.uncancel() <= 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def restart(self, seconds: float) -> None:
        """Set the end of the time to so many seconds from now."""
        self.until = asyncio.get_running_loop().time() + seconds

    def end(self) -> None:
        """Say that the time is over."""
        if not self._late and self._task is not None:
            self._late = True
            self._task.cancel()


class Watch:
    """Looks at deadlines as long as there are any. Belongs to one event loop, in which all of it happens."""

    def __init__(self) -> None:
        self._deadlines: set[Deadline] = set()
        self._looking = False

    def within(self, seconds: float) -> Deadline:
        """Return a deadline so many seconds from now."""
        return Deadline(self, asyncio.get_running_loop().time() + seconds)

    def add(self, deadline: Deadline) -> None:
        """Begin to look at a deadline."""
        self._deadlines.add(deadline)
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(GLANCE, self._look)

    def remove(self, deadline: Deadline) -> None:
        """Look at it no more."""
        self._deadlines.discard(deadline)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for deadline in [each for each in self._deadlines if each.until <= now]:
            deadline.end()
        self._looking = bool(self._deadlines)
        if self._looking:
            loop.call_later(GLANCE, self._look)
