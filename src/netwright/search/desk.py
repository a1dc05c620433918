"""Hands proposals out to several workers and takes their losses back.

With a fixed number of trials everything must come out the same on one core and on eight. So proposals are then asked
for in rounds of a fixed size, and the losses of a round are told, in the order of asking, when all of it is back.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netwright.events import Proposed, Told
from netwright.search.sampler import Handed, Heard, Proposal, Sampler, Siblings, Step
from netwright.spec.spaces import Point, Space, allows

ROUND = 4  # groups asked for at once when the number of trials is fixed
MOST_OPEN = 4_096  # trials in training at one time, of a few lanes: far more than there ever are
MOST_OF_LANE = 64  # of one lane: a stack on a graphics card has 32 places, and as many heirs may have come


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
            if heard := self._take_back(ticket, loss):  # one after another would take the square of their number
                self.state = self.sampler.recall(self.state, heard)
            self._changed.notify_all()

    def _take_back(self, ticket: Ticket, loss: float | None) -> tuple[Heard, ...]:
        """Return what the search is to hear now, in the order of asking."""
        self._open.discard(ticket.number)
        if loss is not None:
            self._back[ticket.number] = (ticket.proposal.point, loss)
        if self.trials is not None and (self._open or self._queue):
            return ()
        heard = tuple(Heard(*self._back[number]) for number in sorted(self._back))
        self._back.clear()
        return heard

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
            if left is not None and left <= 0:  # less where fewer are asked for than before
                return
            proposals, self.state = self.sampler.ask(self.state, self.siblings)
            tickets = tuple(self._issue(proposal) for proposal in proposals[:left])
            self._asked += 1
            self.note(_noted(tickets, asked=True))
            self._queue.append(tickets)

    # --- going on --------------------------------------------------------------------------------------------------

    def replay(self, steps: Sequence[Proposed | Told]) -> None:
        """Come to where an earlier desk was when it had noted these steps; nobody may be at work yet.

        The sampler recalls them, so that it knows what it knew. See `check_steps` for steps that are not trusted, and
        `hand_out_again`.
        """
        known, recalled = tickets_of(steps), list[Step]()
        for step in steps:
            if isinstance(step, Told):
                recalled += self._take_back(known[step.trial], step.loss)
                continue
            tickets = tuple(known[number] for number, _, _ in step.trials)
            if step.asked:
                recalled.append(Handed(tuple(ticket.proposal for ticket in tickets)))
                self._asked += 1
            self._handed += len(tickets)
            self._open |= {ticket.number for ticket in tickets}
        self.state = self.sampler.recall(self.state, recalled)

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


def check_steps(steps: Iterable[Proposed | Told], space: Space, given: Sequence[Point], most: int = MOST_OPEN) -> None:
    """Refuse steps that no desk can have noted.

    Args:
        steps: of an earlier desk, which are not trusted.
        space: that it searched.
        given: points that came first, which may have values that the space has not.
        most: trials that may be in training at one time.

    Raises:
        ValueError: if a trial is not the next one, is told of that was not handed out, or lies outside the space; as
            part of a sentence.
    """
    handed, open_ = 0, set[int]()
    for step in steps:
        if isinstance(step, Told):
            if not 1 <= step.trial <= handed:
                raise ValueError("its search heard of a trial that it had not handed out")
            if step.loss is not None and not math.isfinite(step.loss):
                raise ValueError("its search heard of a loss that is no number")
            open_.discard(step.trial)
            continue
        numbers = [number for number, _, _ in step.trials]
        if not numbers or numbers != [*range(handed + 1, handed + 1 + len(numbers))]:
            raise ValueError("its search did not number its trials one after another")
        if not all(_may_be(space, point, given) for _, point, _ in step.trials):
            raise ValueError("its search tried what this version does not search")
        handed += len(numbers)
        open_ |= {*numbers}
        if len(open_) > most:
            raise ValueError("its search handed out more trials at one time than can be trained")


def _may_be(space: Space, point: Mapping[str, Any], given: Sequence[Point]) -> bool:
    """Return whether a point can come of the space and of the points that came first, by mutations of either."""
    return set(point) == set(space) and all(
        allows(dimension, point[name])
        or any(type(value) is type(point[name]) and value == point[name] for value in (one[name] for one in given))
        for name, dimension in space.items()
    )


def _noted(tickets: Sequence[Ticket], *, asked: bool) -> Proposed:
    return Proposed(tuple((one.number, one.proposal.point, one.proposal.origin) for one in tickets), asked)
