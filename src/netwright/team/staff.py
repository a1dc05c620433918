"""Who is to train, as the user said it; and the workers of a run, from their start to their end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

from netwright.errors import BadWorkers, MissingExtra, NotWithFramework, NoWorkers
from netwright.events import Listener, TeamStarted, WorkerLost
from netwright.resources.budget import Budget
from netwright.team.crew import Crew
from netwright.team.link import MOST_WORKERS, Transport
from netwright.team.process import Processes
from netwright.team.spread import Spread
from netwright.team.worker import versions_of
from netwright.train.framework import Framework


@dataclass(frozen=True)
class Staff:
    """Who trains.

    Attributes:
        workers: how many; None where that is not said.
        cluster: where: auto or HOST:PORT of a Ray cluster; None for processes of this machine, or for this process
            itself where no workers are asked for either.
        device: as the user said it: workers of a cluster look for it where they are.
    """

    workers: int | None = None
    cluster: str | None = None
    device: str = "auto"

    @property
    def asked(self) -> bool:
        """Whether there are to be workers."""
        return self.workers is not None or self.cluster is not None


HERE = Staff()
"""This process trains."""


def make_staff(workers: int | None, cluster: str | None, framework: str, device: str) -> Staff:
    """Return who is to train.

    Raises:
        BadWorkers: if there cannot be so many.
        MissingExtra: if Ray is asked for and not installed.
        NotWithFramework: if the framework spreads its trainings over the cores itself.
    """
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise BadWorkers(workers, MOST_WORKERS)
    if cluster is not None and find_spec("ray") is None:
        raise MissingExtra("ray", "ray")
    staff = Staff(workers, cluster, device)
    if staff.asked and framework != "torch":
        raise NotWithFramework("--cluster" if workers is None else "--workers", framework)
    return staff


class Team:
    """What trains in a run: the framework itself, or workers."""

    def __init__(self, framework: Framework, crew: Crew | None, budget: Budget) -> None:
        """Take over a crew that has been started; None where the framework trains here."""
        self.framework: Framework = framework if crew is None else Spread(framework, crew)
        self._crew, self._budget = crew, budget

    def meet(self, tell: Listener) -> None:
        """Wait for the first worker, and tell of it; from now on also of those that cannot be started.

        Raises:
            NoWorkers: if none comes in the time that the run has.
            OtherVersions: if they run other versions.
        """
        if self._crew is None:
            return
        try:
            self._crew.facts()
        except NoWorkers:
            if self._crew.over:
                return  # an earlier run may have come to something that is handed over
            raise
        transport, budget = self._crew.transport, self._budget
        tell(TeamStarted(budget.elapsed(), transport.workers, transport.place, transport.warning))
        self._crew.tell_absences(lambda name, reason: tell(WorkerLost(budget.elapsed(), (), name, reason, 0)))
        self._crew.tell_held_up(lambda name, reason: tell(WorkerLost(budget.elapsed(), (), name, reason, 0, True)))


@contextmanager
def team_of(staff: Staff, framework: Framework, budget: Budget) -> Iterator[Team]:
    """Start the workers that are asked for, without waiting for them, and end them in any case.

    Args:
        staff: who is asked for.
        framework: what they train by.
        budget: nobody waits for a worker longer than it lasts.

    Raises:
        NoCluster, TooFewInCluster, BadCluster: see `team.cluster`.
    """
    if not staff.asked:
        yield Team(framework, None, budget)
        return
    crew = Crew(_transport(staff, framework, budget), versions_of(framework), budget.left)
    try:
        crew.start()
        yield Team(framework, crew, budget)
    finally:
        crew.close()


def _transport(staff: Staff, framework: Framework, budget: Budget) -> Transport:
    if staff.cluster is None:
        assert staff.workers is not None
        return Processes(staff.workers, framework.name, framework.device)
    from netwright.team.cluster import Cluster  # Ray, which nothing else needs

    return Cluster(staff.cluster, staff.workers, framework.name, staff.device, budget.left())
