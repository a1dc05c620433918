"""The workers that there are: started together, handed out one at a time, put in the place of each other when lost."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from netwright.errors import NoWorkers, OtherVersions
from netwright.team.frames import BadFrame
from netwright.team.link import Gone, Link, Transport
from netwright.team.messages import Facts, Said, ask_facts, hear

START = 120.0  # seconds that a worker may take to be there: PyTorch is read from a disk that others may use too
ANSWER = 60.0  # seconds beyond those that it was given after which a worker that says nothing is lost
TRANSFER = 300.0  # seconds that a block of data or a training's beginning may take to arrive
LAST = 10.0  # seconds after the end of the run for which any of that is waited for at the most
CLEARED = 6.0  # seconds for workers to be ended, all together
LEAVING = 2.0  # seconds for who waited for them to hear of it
CLOSERS = 32  # workers that are ended at one time
HELD_UP = f"it had not come to an end {LAST:.0f} s after the run was to"
LATER = 2.0  # seconds for which a single one is waited for after that
GLANCE = 0.2  # seconds between two looks at whether it is still worth waiting
MOST_STARTS = 3  # times that a place may fail to be filled, one after another: what fails so often will not work


class LeftBehind(BaseException):
    """The run has gone on without what a lane waited for: nobody wants to hear of that any more."""


@dataclass
class Member:
    """A worker that has answered.

    Attributes:
        link: leads to it.
        seat: which of the places it fills.
        facts: what it is.
        held: the blocks that it has.
    """

    link: Link
    seat: int
    facts: Facts
    held: set[int] = field(default_factory=set)

    def ask(self, frame: bytes, seconds: float) -> Said:
        """Say something and return what the worker says.

        Raises:
            Gone: if that cannot be understood, or does not come in time.
        """
        try:
            return hear(self.link.exchange(frame, seconds))
        except BadFrame as error:
            raise Gone(f"what it said could not be understood: {error}") from error


class Crew:
    """All workers of a run. Used from any thread."""

    def __init__(self, transport: Transport, versions: dict[str, str], left: Callable[[], float]) -> None:
        """Nobody is there yet: see `start`.

        Args:
            transport: how to have them.
            versions: of the driver, which theirs have to be.
            left: seconds that the run has left; who waits for a worker waits no longer.
        """
        self.transport = transport
        self._versions, self._left = versions, left
        self._idle: queue.SimpleQueue[Member] = queue.SimpleQueue()
        self._changing = threading.Lock()
        self._links: set[Link] = set()
        self._begun = 0  # links so far
        self._failed = [0] * transport.workers  # by seat: how often it could not be filled, one time after another
        self._closed = False
        self._closing = threading.Event()
        self._late, self._given_up = threading.Event(), threading.Event()
        self._guarding = threading.Thread(target=self._guard, name="guard", daemon=True)
        self._at_work: set[str] = set()  # names of those that are handed out
        self._tell_held_up: Callable[[str, str], None] | None = None
        self._facts: Facts | None = None
        self._met = threading.Event()  # somebody is there, or nobody will ever be
        self._reason: Exception | None = None  # the first why somebody could not be started
        self._absent: list[tuple[str, str]] = []  # (who, why) of seats that stay empty, not told yet
        self._tell: Callable[[str, str], None] | None = None

    @property
    def workers(self) -> int:
        """How many there are to be."""
        return self.transport.workers

    @property
    def over(self) -> bool:
        """Whether the time of the run is."""
        return self._left() <= 0

    @property
    def late(self) -> bool:
        """Whether the end of the run was so long ago that all workers were ended, whatever they were doing."""
        return self._late.is_set()

    @property
    def given_up(self) -> bool:
        """Whether not even that may bring those to an end who wait for them: as where a process cannot be killed."""
        return self._given_up.is_set()

    @property
    def left_behind(self) -> int:
        """How many wait for workers without end; 0 as long as there is hope."""
        with self._changing:
            return len(self._at_work) if self.given_up else 0

    def start(self) -> None:
        """Start all of them, without waiting."""
        for seat in range(self.workers):
            self._fill(seat)
        self._guarding.start()

    def facts(self) -> Facts:
        """Return what the first of them is; waits for it.

        Raises:
            NoWorkers: if none comes in time.
            OtherVersions: if they run other versions than the driver.
        """
        for _ in range(int(START / GLANCE)):  # in short waits, since who wants to end lets the time be over
            if self._met.is_set() or self.over or self._met.wait(GLANCE):
                break
        if self._facts is None:
            raise self._nobody()
        return self._facts

    def tell_absences(self, tell: Callable[[str, str], None]) -> None:
        """Have it told, from now on and of before, who could not be started: its name and the reason."""
        with self._changing:
            absent, self._absent, self._tell = self._absent, [], tell
        for name, reason in absent:
            tell(name, reason)

    def tell_held_up(self, tell: Callable[[str, str], None]) -> None:
        """Have it told who is ended since it holds the end of the run up: its name and the reason."""
        with self._changing:
            self._tell_held_up = tell

    def take(self, worth: Callable[[], bool]) -> Member | None:
        """Return a worker that nobody else has, until it is given back or said to be lost.

        Args:
            worth: asked again and again whether waiting for one is still worth it. If not, or if the time of the run is
                over, nothing is returned where nobody is free.

        Raises:
            NoWorkers: if there are none any more.
        """
        while not self.late:
            try:
                member = self._idle.get(timeout=GLANCE)  # also at the end of a run, which may train one network still
            except queue.Empty:
                if not self._hopeful():
                    raise self._nobody() from None
                if not worth() or self.over:
                    break
                continue
            with self._changing:
                self._at_work.add(member.link.name)
            return member
        return None

    def patience(self, seconds: float) -> float:
        """Return how long to wait for what may take so many seconds: a worker that hangs does not hold the end up.

        A little longer than until all are ended, which says why they are.
        """
        return min(seconds, self._left() + LAST + LATER)

    def give_back(self, member: Member) -> None:
        """Let others have a worker."""
        with self._changing:
            self._at_work.discard(member.link.name)
        self._idle.put(member)

    def lose(self, member: Member) -> None:
        """Count a worker as lost, and start another in its place, as long as the run is not over."""
        with self._changing:
            self._at_work.discard(member.link.name)
        if not self.late:  # then they are all ended
            self._end(member.link)
            self._fill(member.seat)

    def close(self) -> None:
        """End all workers."""
        self._closing.set()
        if self._guarding.is_alive():
            self._guarding.join(CLEARED)
        self._end_all()
        self.transport.close()

    def _guard(self) -> None:
        """End all workers some time after the end of the run, so that a wait that has begun before ends too."""
        while not self.over:
            if self._closing.wait(GLANCE):
                return
        if self._closing.wait(LAST):
            return
        self._late.set()
        with self._changing:
            held_up, tell = sorted(self._at_work), self._tell_held_up
        self._end_all()
        for name in held_up if tell is not None else ():
            assert tell is not None
            tell(name, HELD_UP)
        self._closing.wait(LEAVING)
        self._given_up.set()

    def _end_all(self) -> None:
        """End all workers, and let none begin; one that does not end holds nobody up."""
        with self._changing:
            self._closed = True
            links, self._links = [*self._links], set()
        waiting: queue.SimpleQueue[Link] = queue.SimpleQueue()
        for link in links:
            waiting.put(link)

        def close() -> None:
            with suppress(queue.Empty):
                while True:
                    waiting.get_nowait().close()

        closers = [threading.Thread(target=close, daemon=True) for _ in links[:CLOSERS]]
        for closer in closers:
            closer.start()
        until = time.monotonic() + CLEARED
        for closer in closers:
            closer.join(max(0.0, until - time.monotonic()))

    def _hopeful(self) -> bool:
        """Return whether there is a worker, or may be one."""
        with self._changing:
            return not self._closed and any(failed < MOST_STARTS for failed in self._failed)

    def _nobody(self) -> Exception:
        """Return the error that says that there is no worker."""
        if isinstance(self._reason, OtherVersions):
            return self._reason
        return NoWorkers(str(self._reason or "none was there in time"))

    def _fill(self, seat: int) -> None:
        threading.Thread(target=self._bring, args=(seat,), name=f"seat-{seat}", daemon=True).start()

    def _bring(self, seat: int) -> None:
        """Start a worker, wait until it has said what it is, and put it among the idle; try again a few times."""
        while self._hopeful() and self._failed[seat] < MOST_STARTS:
            try:
                member = self._meet(seat)
            except Exception as error:  # whatever it is: a thread that ends without a word leaves others waiting
                self._take_down(seat, error)
                continue
            with self._changing:
                self._failed[seat] = 0
                self._facts = self._facts or member.facts
            self._idle.put(member)
            self._met.set()
            return

    def _meet(self, seat: int) -> Member:
        """Return a new worker.

        Raises:
            Gone: if it does not come.
            OtherVersions: if it runs other versions than the driver, or others train elsewhere than it does.
        """
        with self._changing:
            self._begun += 1
            number = self._begun
        link = self.transport.begin(number, seat)
        with self._changing:
            closed = self._closed
            self._links.add(link)
        try:
            if closed:
                raise Gone("the run has ended")
            facts = _facts(link)
            if dict(facts.versions) != self._versions:
                raise OtherVersions(link.name, dict(facts.versions), self._versions)
            first = self._facts or facts
            if first.device.partition(":")[0] != facts.device.partition(":")[0]:
                raise Gone(f"it trains on {facts.device}, where others train on {first.device}")
        except BaseException:
            self._end(link)
            raise
        return Member(link, seat, facts)

    def _take_down(self, seat: int, error: Exception) -> None:
        """Count that a seat could not be filled; versions do not change by trying again."""
        with self._changing:
            self._reason = self._reason or error
            self._failed[seat] = MOST_STARTS if isinstance(error, OtherVersions) else self._failed[seat] + 1
            given_up = self._failed[seat] >= MOST_STARTS and not self._closed
            nobody, tell = all(failed >= MOST_STARTS for failed in self._failed), self._tell
            if given_up and tell is None:
                self._absent.append((f"worker {seat + 1}", str(error)))
        if nobody:
            self._met.set()
        if given_up and tell is not None:
            tell(f"worker {seat + 1}", str(error))

    def _end(self, link: Link) -> None:
        with self._changing:
            self._links.discard(link)
        link.close()


def _facts(link: Link) -> Facts:
    """Return what a worker says that it is.

    Raises:
        Gone: if it says something else, or nothing.
    """
    try:
        said = hear(link.exchange(ask_facts(), START))
    except BadFrame as error:
        raise Gone(f"what it said could not be understood: {error}") from error
    if not isinstance(said, Facts):
        raise Gone("it did not say what it is")
    return said
