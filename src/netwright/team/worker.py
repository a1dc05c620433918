"""What a worker does, whoever brings it its orders: it holds blocks of data, and trains one stack at a time."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from netwright._version import __version__
from netwright.errors import TrialError
from netwright.team.frames import Array, BadFrame, Buffer, Frame, unpack
from netwright.team.messages import (
    Broken,
    Done,
    Facts,
    Job,
    read_job,
    read_steering,
    rows_of,
    say,
    splits_of,
)
from netwright.team.steered import Abandoned, Steered
from netwright.train.framework import AT_RANDOM, Framework, Trainer

WORDS = 400  # letters of an error that are passed on


def versions_of(framework: Framework) -> dict[str, str]:
    """Return what has to be the same for the driver and for all workers, or trials would hang on who trained them."""
    return {"python": platform.python_version(), "netwright": __version__, **framework.versions()}


def facts_of(framework: Framework) -> Facts:
    """Return what somebody is who trains by a framework, one training at a time."""
    return Facts(framework.device, framework.stacked, framework.pace, versions_of(framework))


@dataclass
class Workplace:
    """Where a worker works. Asked by one thread at a time.

    Attributes:
        framework: trains.
    """

    framework: Framework
    _blocks: dict[int, Frame] = field(default_factory=dict)
    _trainers: dict[int, Trainer] = field(default_factory=dict)
    _steered: Steered | None = None
    _making: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, key: int, block: Buffer) -> None:
        """Keep a block of data for trainings to come.

        Raises:
            BadFrame: if it is none.
        """
        self._blocks[key] = unpack(block)

    def exchange(self, frame: Buffer) -> bytes:
        """Do what the driver says; return what is to be told.

        Raises:
            BadFrame: if it says nothing that is understood.
        """
        said, steered = unpack(frame), self._steered
        match said.document.get("ask"):
            case "facts":
                return say(facts_of(self.framework))
            case "train":
                return self._begin(read_job(said)).next()
            case "on" if steered is not None:
                steered.steer(read_steering(said.document["steering"]))
                return steered.next()
        raise BadFrame("it asks for nothing that there is")

    def _begin(self, job: Job) -> Steered:
        if self._steered is not None:
            self._steered.give_up()  # its driver has turned to something else
        self._blocks = {key: block for key, block in self._blocks.items() if key in job.needed}
        self._trainers = {key: trainer for key, trainer in self._trainers.items() if key in job.needed}
        missing = {job.rows, job.splits, *([] if job.begun is None else [job.begun])} - {*self._blocks}
        if missing:
            raise BadFrame("it orders a training on data that were never sent")
        steered = self._steered = Steered(job.steering)
        begun = AT_RANDOM if job.begun is None else _own(self._blocks[job.begun].group("begun"))
        trainer = partial(self._trainer, job.rows, self._blocks[job.rows])
        work = _Work(self.framework, trainer, job, self._blocks[job.splits], begun, steered)
        threading.Thread(target=work.run, name="training", daemon=True).start()
        return steered

    def _trainer(self, key: int, block: Frame) -> Trainer:
        """Return what trains on the rows of a block; made once, by the first training that wants it."""
        with self._making:
            if key not in self._trainers:
                self._trainers[key] = self.framework.over(*rows_of(block))
            return self._trainers[key]


@dataclass(frozen=True, eq=False)
class _Work:
    """One training, as its thread sees it."""

    framework: Framework
    trainer: Callable[[], Trainer]
    job: Job
    splits: Frame
    begun: Mapping[str, Array]
    steered: Steered

    def run(self) -> None:
        """Train to the end; what goes wrong is told, whatever it is: else the driver would wait for ever."""
        try:
            self.framework.in_lane(self._train)
        except Abandoned:
            return  # nobody is there to be told
        except TrialError as error:
            self.steered.tell(Broken("trial", _words(error)))
        except MemoryError as error:
            self.steered.tell(Broken("memory", _words(error)))
        except Exception as error:
            self.steered.tell(Broken("other" if self.framework.computes() else "device", _words(error)))

    def _train(self) -> None:
        job = self.job
        trained = self.trainer().train(
            job.network,
            job.recipes,
            splits_of(self.splits),
            job.loss,
            self.steered.control(),
            job.seeds,
            self.begun,
            job.snapshot,
        )
        self.steered.tell(Done(trained))


def _own(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays that may be written to: networks begin in them."""
    return {name: np.array(array) for name, array in arrays.items()}


def _words(error: BaseException) -> str:
    return (str(error).partition("\n")[0] or type(error).__name__)[:WORDS]
