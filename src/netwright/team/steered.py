"""The control of a training whose driver is elsewhere: what it is told last holds until it hears more."""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from netwright.team.messages import Busy, Checked, HeirsWanted, Kept, Readied, Said, Steering, say
from netwright.train.control import WORTH_SHOWING, Control, Folds, Heir, Progress, Snapshot

PATIENCE = 120.0  # seconds that a training waits for an answer of its driver, which hears of it within a second or two


class Abandoned(BaseException):
    """The driver does not answer: there is nobody to train for. It passes what takes errors for those of a trial."""


class Steered:
    """Stands between a training, in a thread of its own, and whoever speaks for its driver.

    The driver keeps the clock: it says what share of the time has gone and how fast that grows, and the worker counts
    on from there for the second until it hears more.
    """

    def __init__(self, steering: Steering, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin as the driver said."""
        self._clock = clock
        self._says: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Steering] = queue.SimpleQueue()
        self._shown: dict[int, float] = {}  # by place: the loss whose predictions were sent last
        self._looked = 0
        self._steering, self._heard = steering, clock()
        self._due = steering.due

    # --- for whoever speaks for the driver ---------------------------------------------------------------------------

    def steer(self, steering: Steering) -> None:
        """Take what the driver says."""
        self._steering, self._heard = steering, self._clock()
        self._due = self._due or steering.due
        if steering.heirs is not None or steering.go:
            self._answers.put(steering)

    def give_up(self) -> None:
        """Let the training end as soon as it looks, since nobody will ask for what comes of it."""
        self._steering = replace(self._steering, used=1.0, stop=True)
        self._answers.put(replace(self._steering, heirs=(), go=True))  # should it wait for one

    def next(self) -> bytes:
        """Return what is to be told next, as a frame; that the training is busy, where nothing is for a while."""
        try:
            return self._says.get(timeout=max(0.0, self._steering.wait))
        except queue.Empty:
            return say(Busy(self._looked))

    def tell(self, said: Said) -> None:
        """Take down what is to be told."""
        self._says.put(say(said))

    # --- for the training --------------------------------------------------------------------------------------------

    def control(self) -> Control:
        """Return what the training asks and tells."""
        return Control(
            time_used=self._time_used,
            stop=lambda: self._steering.stop,
            report=self._report,
            heirs=self._heirs,
            ready=self._ready,
            due=self._is_due,
            keep=self._keep,
        )

    def _time_used(self) -> float:
        self._looked += 1
        steering, heard = self._steering, self._heard
        return min(1.0, steering.used + steering.rate * max(0.0, self._clock() - heard))

    def _report(self, progress: Progress) -> None:
        """Tell of a check, with the predictions of trials that the driver would show: they are most of the bytes."""
        shown: list[Folds] = []
        for place, loss in enumerate(progress.best):
            worth = loss < WORTH_SHOWING * self._shown.get(place, math.inf)
            shown.append(progress.predictions[place] if worth else ())
            if worth:
                self._shown[place] = loss
        self.tell(Checked(replace(progress, predictions=tuple(shown))))

    def _heirs(self, progress: Progress) -> Sequence[Heir]:
        self.tell(HeirsWanted(replace(progress, predictions=())))
        heirs = self._answer().heirs or ()
        for heir in heirs:
            self._shown.pop(heir.place, None)
        return heirs

    def _ready(self) -> None:
        self.tell(Readied())
        self._answer()

    def _answer(self) -> Steering:
        try:
            return self._answers.get(timeout=PATIENCE)
        except queue.Empty as error:
            raise Abandoned("the driver does not answer") from error

    def _is_due(self) -> bool:
        due, self._due = self._due, False
        return due

    def _keep(self, snapshot: Snapshot) -> None:
        self.tell(Kept(snapshot))  # as bytes, since what it holds changes with the next step
