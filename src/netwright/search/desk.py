"""Hands proposals out to several workers and takes their losses back.

With a fixed number of trials everything must come out the same on one core and on eight. So proposals are then asked
for in rounds of a fixed size, and the losses of a round are told, in the order of asking, when all of it is back.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from netwright.search.sampler import Proposal, Sampler, Siblings
from netwright.spec.spaces import Point

ROUND = 4  # groups asked for at once when the number of trials is fixed


@dataclass(frozen=True)
class Ticket:
    """A proposal handed out under the number of its trial, counted from 1."""

    number: int
    proposal: Proposal


@dataclass
class Desk:
    """Where workers meet the search.

    Attributes:
        sampler: the way to search.
        state: of the search, as the sampler keeps it.
        siblings: point → how many trials to train with it as one stack.
        trials: the number of trials to hand out in all; None to go on until closed, telling every loss at once.
    """

    sampler: Sampler
    state: Any
    siblings: Siblings
    trials: int | None = None
    _handed: int = 0
    _closed: bool = False
    _queue: list[tuple[Ticket, ...]] = field(default_factory=list)
    _open: set[int] = field(default_factory=set)
    _back: dict[int, tuple[Point, float]] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self) -> tuple[Ticket, ...]:
        """Return trials to train together; nothing when there are no more. Waits while a round is being trained."""
        with self._changed:
            while not self._closed:
                if not self._queue and (self.trials is None or not self._open):
                    self._ask()
                if self._queue:
                    return self._queue.pop(0)
                if not self._open:
                    break
                self._changed.wait()
            return ()

    def give(self, ticket: Ticket, loss: float | None) -> None:
        """Take back what a trial came to; None if it failed."""
        with self._changed:
            self._open.discard(ticket.number)
            if loss is not None:
                self._back[ticket.number] = (ticket.proposal.point, loss)
            if self.trials is None or (not self._open and not self._queue):
                for number in sorted(self._back):
                    self.state = self.sampler.tell(self.state, *self._back[number])
                self._back.clear()
            self._changed.notify_all()

    def issue(self, proposal: Proposal) -> Ticket:
        """Return a ticket for a proposal that somebody else made, as if it had been asked for."""
        with self._changed:
            self._handed += 1
            self._open.add(self._handed)
            return Ticket(self._handed, proposal)

    def close(self) -> None:
        """Hand out nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def reopen(self) -> None:
        """Hand out again; nobody may be at work."""
        self._closed = False

    def _ask(self) -> None:
        for _ in range(1 if self.trials is None else ROUND):
            left = None if self.trials is None else self.trials - self._handed
            if left == 0:
                return
            proposals, self.state = self.sampler.ask(self.state, self.siblings)
            proposals = proposals[:left]
            tickets = tuple(Ticket(self._handed + place, proposal) for place, proposal in enumerate(proposals, start=1))
            self._handed += len(tickets)
            self._open |= {ticket.number for ticket in tickets}
            self._queue.append(tickets)
