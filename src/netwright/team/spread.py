"""A framework whose trainings are spread over workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from netwright.data.features import Features
from netwright.data.more_rows import MoreRows
from netwright.errors import NoWorkers
from netwright.spec.spaces import Value
from netwright.team.blocks import Blocks
from netwright.team.crew import GLANCE, Crew, LeftBehind
from netwright.team.messages import Facts
from netwright.team.remote import RemoteTrainer
from netwright.team.worker import facts_of
from netwright.train.framework import Framework, Predict
from netwright.train.pace import StepModel


class Spread:
    """See `train.framework.Framework`: what another one does, done by workers, each of which is a lane."""

    def __init__(self, framework: Framework, crew: Crew) -> None:
        """Spread what a framework does here over a crew that has been started."""
        self._framework, self._crew, self._blocks = framework, crew, Blocks(crew.transport)

    @property
    def name(self) -> str:
        """Return what the user calls the framework by."""
        return self._framework.name

    @property
    def device(self) -> str:
        """Return where the workers train; waits for the first."""
        return self._facts().device

    @property
    def sight(self) -> str:
        """Return where the framework looks here: trunks look at rows before there are trainings."""
        return self._framework.sight

    @property
    def pace(self) -> StepModel:
        """Return how long a step takes on a worker; waits for the first."""
        return self._facts().pace

    @property
    def lanes(self) -> int:
        """Return how many workers there are to be."""
        return self._crew.workers

    @property
    def computing(self) -> int:
        """Return how many of them compute at one time."""
        return self._crew.transport.computing

    @property
    def sharing(self) -> int:
        """Return how many of them share the memory of one machine."""
        return self._crew.transport.sharing

    @property
    def stacked(self) -> int:
        """Return how large stacks may be, as for a single worker; waits for the first."""
        return self._facts().stacked

    @property
    def streams(self) -> bool:
        """Return that rows are not read from disk: workers hold those that they are sent."""
        return False

    @property
    def pinned(self) -> Mapping[str, Value]:
        """Return what the framework pins."""
        return self._framework.pinned

    @property
    def predict(self) -> Predict | None:
        """Return what predicts here."""
        return self._framework.predict

    def versions(self) -> dict[str, str]:
        """Return the versions here, which are those of all workers."""
        return self._framework.versions()

    def over(
        self,
        features: Features,
        targets: NDArray[np.float32] | NDArray[np.int64],
        quantiles: NDArray[np.float32],
        more: MoreRows | None = None,
    ) -> RemoteTrainer:
        """Return what trains on these rows; they are sent with the first training that wants them."""
        assert more is None
        return RemoteTrainer(self._crew, self._blocks, features, targets, quantiles)

    def computes(self) -> bool:
        """Return that it does: a worker whose device does not is lost, and another one takes its place."""
        return True

    def run_lanes(self, work: Callable[[], None], *, alike: bool) -> None:
        """Call `work` in as many threads as there are to be workers, and wait for all: they wait for workers.

        Workers train with one core each, alike or not. Ctrl-C in a program of the user's is not waited with, nor is any
        lane that nothing brings to an end some time after that of the run.
        """
        errors: list[BaseException] = []

        def lane() -> None:
            try:
                work()
            except LeftBehind:
                return
            except BaseException as error:  # carried over to the caller's thread below
                errors.append(error)

        lanes = [threading.Thread(target=lane, name=f"lane-{number}", daemon=True) for number in range(self.lanes)]
        for each in lanes:
            each.start()
        while len(alive := [each for each in lanes if each.is_alive()]) > self._crew.left_behind:
            alive[0].join(GLANCE)
        if errors:
            raise errors[0]

    def _facts(self) -> Facts:
        """Return what workers are; what this process is where none has come and the run is at its end.

        What finished trials came to can be handed over without workers.
        """
        try:
            return self._crew.facts()
        except NoWorkers:
            if not self._crew.over:
                raise
            return facts_of(self._framework)

    def in_lane(self, work: Callable[[], None]) -> None:
        """Call `work`, which waits for workers."""
        work()
