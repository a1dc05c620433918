"""What the driver asks of a way to reach workers. All of it has a time-out; nothing is tried twice here."""

from __future__ import annotations

from typing import Protocol

from netwright.team.frames import Groups

MOST_WORKERS = 1_000  # docs/scaling.md says what gives in with more


class Gone(Exception):
    """A worker has gone, or does not answer; the reason in words."""


class Link(Protocol):
    """One worker, as the driver reaches it. Used by one thread at a time."""

    @property
    def name(self) -> str:
        """What it is called when it is told of."""

    def exchange(self, frame: bytes, seconds: float) -> bytearray:
        """Say something to the worker and return its answer.

        Args:
            frame: see `team.messages`.
            seconds: after which a worker that did not answer counts as lost.

        Raises:
            Gone: if there is no answer.
        """

    def hold(self, key: int, seconds: float) -> None:
        """Let the worker have a block that was published.

        Raises:
            Gone: if it did not take it within so many seconds.
        """

    def close(self) -> None:
        """End the worker, whatever it does. Closing again does nothing."""


class Transport(Protocol):
    """A way to have workers. Used from any thread."""

    @property
    def workers(self) -> int:
        """How many there are to be."""

    @property
    def place(self) -> str:
        """Where they are, for people."""

    @property
    def warning(self) -> str:
        """What the user should know of that; empty where there is nothing."""

    @property
    def computing(self) -> int:
        """How many of them at most compute at one time, where each has a core or a card."""

    @property
    def sharing(self) -> int:
        """How many of them share the memory of one machine."""

    def begin(self, number: int, seat: int) -> Link:
        """Start a worker; it may not be there yet when this returns.

        Args:
            number: that nobody else has, from 1.
            seat: the place that it fills, from 0; of several cards each seat has one.

        Raises:
            Gone: if that cannot be done.
        """

    def publish(self, key: int, groups: Groups) -> None:
        """Lay a block of data where all workers get it from.

        Raises:
            CannotWrite: if there is no room for it.
        """

    def withdraw(self, key: int) -> None:
        """Take a block away: nobody will ask for it again."""

    def close(self) -> None:
        """Let go of everything. Workers have been closed before."""
