"""Hands proposals out to several workers and takes their losses back.

With a fixed number of trials everything must come out the same on one core and on eight. So proposals are then asked
for in rounds of a fixed size, and the losses of a round are told, in the order of asking, when all of it is back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from netwright.events import Proposed, Told
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
        note: told what is handed out and what comes back, in order: by that the desk can be set up again.
    """

    sampler: Sampler
    state: Any
    siblings: Siblings
    trials: int | None = None
    note: Callable[[Proposed | Told], None] = lambda step: None
    _handed: int = 0
    _asked: int = 0
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
                    self._ask(1 if self.trials is None else ROUND)
                if self._queue:
                    return self._queue.pop(0)
                if not self._open:
                    break
                self._changed.wait()
            return ()

    def give(self, ticket: Ticket, loss: float | None) -> None:
        """Take back what a trial came to; None if it failed."""
        with self._changed:
            self.note(Told(ticket.number, loss))
            self._take_back(ticket, loss)

    def _take_back(self, ticket: Ticket, loss: float | None) -> None:
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
            ticket = self._issue(proposal)
            self.note(_noted((ticket,), asked=False))
            return ticket

    def _issue(self, proposal: Proposal) -> Ticket:
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

    def _ask(self, groups: int) -> None:
        for _ in range(groups):
            left = None if self.trials is None else self.trials - self._handed
            if left == 0:
                return
            proposals, self.state = self.sampler.ask(self.state, self.siblings)
            tickets = tuple(self._issue(proposal) for proposal in proposals[:left])
            self._asked += 1
            self.note(_noted(tickets, asked=True))
            self._queue.append(tickets)

    # --- going on --------------------------------------------------------------------------------------------------

    def replay(self, steps: Sequence[Proposed | Told]) -> None:
        """Come to where an earlier desk was when it had noted these steps; nobody may be at work yet.

        The sampler is asked and told the same once more, so that it knows what it knew. See `hand_out_again`.

        Raises:
            ValueError: if the sampler now proposes something else, as another version may.
        """
        known = tickets_of(steps)
        for step in steps:
            if isinstance(step, Told):
                self._take_back(known[step.trial], step.loss)
                continue
            tickets = tuple(known[number] for number, _, _ in step.trials)
            if step.asked:
                again, self.state = self.sampler.ask(self.state, self.siblings)
                self._asked += 1
                if again[: len(tickets)] != tuple(ticket.proposal for ticket in tickets):
                    raise ValueError("the search proposes other trials than it did")
            self._handed += len(tickets)
            self._open |= {ticket.number for ticket in tickets}

    def hand_out_again(self, steps: Sequence[Proposed | Told], elsewhere: Collection[int] = ()) -> tuple[Ticket, ...]:
        """Hand out once more what was handed out in these steps and is not back.

        Args:
            steps: those of `replay`.
            elsewhere: numbers of trials that somebody is going on with.

        Returns:
            Trials that are given up: heirs, which cannot be trained without the stack that they were in.
        """
        known = tickets_of(steps)
        given_up: list[Ticket] = []
        for step in steps:
            if isinstance(step, Proposed):
                open_ = tuple(known[n] for n, _, _ in step.trials if n in self._open and n not in elsewhere)
                if step.asked and open_:
                    self._queue.append(open_)
                elif open_:
                    given_up += open_
        for ticket in given_up:
            self.give(ticket, None)
        if self.trials is not None and self._asked % ROUND:  # cut off while a round was asked for
            self._ask(ROUND - self._asked % ROUND)
        return tuple(given_up)


def tickets_of(steps: Iterable[Proposed | Told]) -> dict[int, Ticket]:
    """Return what was handed out in these steps, by number."""
    proposed = [step.trials for step in steps if isinstance(step, Proposed)]
    return {number: Ticket(number, Proposal(point, origin)) for trials in proposed for number, point, origin in trials}


def _noted(tickets: Sequence[Ticket], *, asked: bool) -> Proposed:
    return Proposed(tuple((one.number, one.proposal.point, one.proposal.origin) for one in tickets), asked)
