"""Trainings that workers do: the driver's side of each, from the order to what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from netwright.data.features import Features
from netwright.errors import CannotWrite, NoWorkers, TrialError
from netwright.spec.network import Network, Recipe
from netwright.team.blocks import Blocks
from netwright.team.crew import ANSWER, HELD_UP, TRANSFER, Crew, LeftBehind, Member
from netwright.team.link import Gone
from netwright.team.messages import (
    Broken,
    Busy,
    Checked,
    Done,
    HeirsWanted,
    Job,
    Kept,
    Readied,
    Said,
    Steering,
    ask_on,
    ask_train,
    rows_groups,
    splits_groups,
)
from netwright.train.control import Control, Folds, Heir, Progress, Snapshot, Trained
from netwright.train.framework import AT_RANDOM, Array, Split

MOST_LOSSES = 3  # workers that one training may lose: what has ended so many, such as by its memory, would end the next
SOON = 0.05  # seconds of the first waits of a training: until two are over, nobody knows how fast its time goes
BEAT = 0.25  # seconds that a worker waits for something to tell: a training hears so late that it is to stop
BEATS = 400  # exchanges a second of all workers together that a driver keeps up with: many workers wait longer
KEPT_BYTES = 2e9  # of the last snapshots of all trainings, in the memory of the driver, as far as they hold no heirs
STUCK = 600.0  # seconds after which a worker is lost whose training takes no step: as where a graphics card hangs
LATE = "the time was over before a worker was free"
ENDING = 120.0  # seconds after which it is lost if it has not come to its end though its time was up; see `crew.LAST`


def beat_of(workers: int) -> float:
    """Return the seconds that each of so many workers waits for something to tell.

    >>> beat_of(2), beat_of(1_000)
    (0.25, 2.5)
    """
    return max(BEAT, workers / BEATS)


@dataclass
class _Course:
    """How a training stands, as far as the driver was told: what going on with it elsewhere takes.

    Attributes:
        recipes: by place, of those who have the places now.
        then: the same at the time of the snapshot.
        snapshot: the last that was kept; None before there is one.
        room: bytes that one may have which could be done without.
        followed: whether heirs came: then there is no going on without a snapshot.
        unknown: whether heirs came whom the last does not know.
        shown: by place: what was predicted when that was last sent.
    """

    recipes: list[Recipe]
    then: tuple[Recipe, ...]
    snapshot: Snapshot | None
    room: float
    followed: bool = False
    unknown: bool = False
    shown: dict[int, Folds] = field(default_factory=dict)

    def follow(self, heirs: Sequence[Heir]) -> None:
        """Take down who has the places now."""
        for heir in heirs:
            self.recipes[heir.place] = heir.recipe
            self.shown.pop(heir.place, None)
        self.followed, self.unknown = self.followed or bool(heirs), self.unknown or bool(heirs)

    def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot, unless it is large and its training can as well begin again."""
        if self.followed or sum(array.nbytes for array in snapshot.arrays.values()) <= self.room:
            self.snapshot, self.then, self.unknown = snapshot, tuple(self.recipes), False

    def completed(self, progress: Progress) -> Progress:
        """Return a report with the predictions that were not sent again."""
        for place, folds in enumerate(progress.predictions):
            if folds:
                self.shown[place] = folds
        places = range(len(progress.losses))
        return replace(progress, predictions=tuple(self.shown.get(place, ()) for place in places))


@dataclass
class _Clock:
    """What share of the time allowed has gone, and how fast it goes, by the answers that the driver gave so far."""

    time_used: Callable[[], float]
    clock: Callable[[], float] = time.monotonic
    _before: tuple[float, float] | None = None

    def now(self) -> tuple[float, float]:
        """Return the share and its growth a second, 0 as long as that is not known."""
        used, now = self.time_used(), self.clock()
        before, self._before = self._before, (used, now)
        if before is None or now <= before[1] or used >= 1:
            return used, 0.0
        return used, max(0.0, used - before[0]) / (now - before[1])

    def restart(self) -> None:
        """Forget how fast it went: it counts anew."""
        self._before = None


class RemoteTrainer:
    """See `train.framework.Trainer`: trains on whichever worker is free."""

    def __init__(
        self, crew: Crew, blocks: Blocks, features: Features, targets: NDArray[Any], quantiles: NDArray[Any]
    ) -> None:
        """Train on these rows."""
        self._crew, self._blocks = crew, blocks
        self._rows = (features, targets, quantiles)

    def compiles(self, network: Network) -> bool:
        """Return that nothing is compiled: only what trains without that has workers."""
        return False

    def train(
        self,
        network: Network,
        recipes: Sequence[Recipe],
        splits: Sequence[Split],
        loss: str,
        control: Control,
        seeds: Sequence[int],
        begun: Mapping[str, Array] = AT_RANDOM,
        snapshot: Snapshot | None = None,
    ) -> tuple[Trained, ...]:
        """Train on a worker; where it is lost, once more on another, from the last snapshot on if there is one."""
        room = KEPT_BYTES / self._crew.workers
        course = _Course([*recipes], tuple(recipes), snapshot, room, followed=snapshot is not None)
        first: Gone | None = None
        for _ in range(MOST_LOSSES):
            member = self._worker(control)
            try:
                job = self._job(network, course, splits, loss, seeds, begun)
                beat, patience = beat_of(self._crew.workers), self._crew.patience
                trained = _Exchange(member, control, course, beat, patience).run(job)
            except Gone as gone:
                self._crew.lose(member)
                if self._crew.given_up:
                    raise LeftBehind from gone
                if self._crew.late:
                    raise TrialError(f"its worker, {member.link.name}, was ended: {HELD_UP}") from gone
                epoch = 1 if course.snapshot is None else int(course.snapshot.numbers.get("epoch", 1))
                control.lost(member.link.name, str(gone), epoch)
                if course.unknown:  # in the moment between their coming and the snapshot that knows them
                    raise TrialError(f"its worker was lost just as others took places in its stack: {gone}") from gone
                first = first or gone
                continue
            except CannotWrite as error:
                self._crew.give_back(member)
                raise TrialError(str(error)) from error
            except BaseException:
                self._crew.give_back(member)  # who goes on with it lets go of this training
                raise
            self._crew.give_back(member)
            if self._crew.given_up:
                raise LeftBehind
            return trained
        raise TrialError(f"{MOST_LOSSES} workers were lost that trained it, one after another; the first: {first}")

    def _worker(self, control: Control) -> Member:
        try:
            member = self._crew.take(lambda: not control.stop())
        except NoWorkers as error:
            raise TrialError(f"there is no worker any more: {error}") from error
        if member is None:
            raise TrialError(LATE)
        return member

    def _job(
        self,
        network: Network,
        course: _Course,
        splits: Sequence[Split],
        loss: str,
        seeds: Sequence[int],
        begun: Mapping[str, Array],
    ) -> Job:
        key = self._blocks.key
        rows = key(self._rows, self._rows, lambda: rows_groups(*self._rows))
        folds = key(splits, tuple(split.train for split in splits), lambda: splits_groups(splits))
        snapshot = course.snapshot
        first = None
        if begun and snapshot is None:
            first = key(begun, tuple(begun.values()), lambda: {"begun": begun})
        needed = self._blocks.keys()
        return Job(network, course.then, loss, tuple(seeds), snapshot, rows, folds, first, needed, Steering(wait=SOON))


class _Exchange:
    """One training on one worker."""

    def __init__(
        self, member: Member, control: Control, course: _Course, beat: float, patience: Callable[[float], float]
    ) -> None:
        self._member, self._control, self._course, self._beat = member, control, course, beat
        self._patience = patience  # seconds that something may take → seconds to wait for it
        self._clock = _Clock(control.time_used)
        self._asked = False  # whether a snapshot was asked for that has not come yet
        self._quick = 2  # waits that are short
        self._moved = self._now()  # when the training last took a step, as far as was heard
        self._looked = -1
        self._over: float | None = None  # since when its time is up

    def run(self, job: Job) -> tuple[Trained, ...]:
        """Order the training and go along with it to its end.

        Raises:
            Gone: if the worker is lost.
            TrialError, MemoryError, RuntimeError: as the training itself says.
        """
        for key in (job.rows, job.splits, job.begun):
            if key is not None and key not in self._member.held:
                self._member.link.hold(key, self._patience(TRANSFER))
                self._member.held.add(key)
        self._member.held &= {*job.needed}
        if job.snapshot is None:
            self._control.ready()  # the time allowed counts from now on, and not while there was no worker
            self._clock.restart()
            if self._control.time_used() >= 1:
                raise TrialError(LATE)
        order = ask_train(replace(job, steering=self._steering()))
        said = self._member.ask(order, self._patience(TRANSFER))
        while not isinstance(said, Done):
            answer = self._answer(said)
            said = self._member.ask(ask_on(answer), answer.wait + self._patience(ANSWER))
        return said.trained

    def _answer(self, said: Said) -> Steering:
        """Return what is to be said to what a worker says."""
        control, course = self._control, self._course
        match said:
            case Busy(looked):
                self._watch(looked)
                return self._steering()
            case Checked(progress):
                control.report(course.completed(progress))
            case HeirsWanted(progress):
                heirs = tuple(control.heirs(course.completed(progress)))
                course.follow(heirs)
                return self._steering(heirs=heirs)
            case Readied():
                control.ready()
                self._clock.restart()
                return self._steering(go=True)
            case Kept(snapshot):
                self._asked = False
                course.keep(snapshot)
                control.keep(snapshot)
            case Broken("device", words):
                raise Gone(f"its device does not compute any more: {words}")
            case Broken(kind, words):
                raise _ERRORS[kind](words) if kind in _ERRORS else RuntimeError(words)
            case _:
                raise Gone("it said what nobody had asked for")
        self._moved = self._now()
        return self._steering()

    def _steering(self, heirs: tuple[Heir, ...] | None = None, go: bool = False) -> Steering:
        """Return how things stand now."""
        used, rate = self._clock.now()
        stop = self._control.stop()
        due = not self._asked and self._control.due()
        self._asked = self._asked or due
        wait = SOON if self._quick > 0 else self._beat
        self._quick -= 1
        if (stop or used >= 1) and self._over is None:
            self._over = self._now()
        return Steering(used, rate, stop, due, wait, heirs, go)

    def _watch(self, looked: int) -> None:
        """Count a worker as lost that lives but does not get on.

        Raises:
            Gone: if so.
        """
        now = self._now()
        if looked != self._looked:
            self._looked, self._moved = looked, now
        if now - self._moved > STUCK:
            raise Gone(f"it took no step of its training for {STUCK:.0f} s")
        if self._over is not None and now - self._over > ENDING:
            raise Gone(f"it did not come to an end within {ENDING:.0f} s after its time was up")

    def _now(self) -> float:
        return time.monotonic()


_ERRORS: Mapping[str, type[Exception]] = {"memory": MemoryError, "trial": TrialError}
