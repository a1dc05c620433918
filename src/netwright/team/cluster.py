"""Workers that are actors of a Ray cluster which the user has named. No other is ever joined, and none is started."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import ray

from netwright.errors import CannotWrite, NoCluster, TooFewInCluster
from netwright.resources.machine import usable_cores
from netwright.team.address import check_joined, named, reach
from netwright.team.cluster_worker import ClusterWorker
from netwright.team.frames import Groups, pack
from netwright.team.link import MOST_WORKERS, Gone

JOINING = 60.0  # seconds to join a cluster
REACHED = 5.0  # seconds for the first word of its head
LEAVING = 10.0  # seconds to leave it
GUARDED = 5.0  # seconds for a worker that is there to say whether the cluster asks for tokens
LAYING = 300.0  # seconds to lay a block into its store
USAGE = "RAY_USAGE_STATS_ENABLED"
OPEN = (
    "This Ray cluster asks for no token: whoever reaches its ports can run programs on all of its machines, and read "
    "what is learnt from. Start it with RAY_AUTH_MODE=token on every machine; docs/scaling.md says how."
)

T = TypeVar("T")


class Cluster:
    """See `team.link.Transport`."""

    def __init__(self, address: str, workers: int | None, framework: str, device: str, seconds: float) -> None:
        """Join a cluster.

        Args:
            address: auto, for the one that runs on this machine or that RAY_ADDRESS names, or HOST:PORT of its head;
                this machine has to be a node of it.
            workers: how many; None for one a graphics card, or one a processor core where there are no cards.
            framework: what trains.
            device: where.
            seconds: after which it counts as out of reach.

        Raises:
            BadCluster: if the address is none.
            NoCluster: if it cannot be joined, or this process is in another one.
            TooFewInCluster: if it has not room for so many workers.
        """
        self._address, self._words = named(address), (framework, device)
        self._blocks: dict[int, Any] = {}
        self._some: Any = None  # one of the actors, that has answered
        self._using, self._left = threading.Lock(), False  # whoever begins a worker may be later than who closes
        self._own = not ray.is_initialized()  # a connection that its owner made before stays his
        self._before: dict[str, str | None] = {}  # variables that are other than they were, as they were
        try:
            if self._own:
                self._join(min(JOINING, seconds))
            elif self._address != "auto":
                check_joined(self._address, ray.get_runtime_context().gcs_address, ray.util.get_node_ip_address())
            cards, self.workers = _room(self._resources(), workers, device)
        except BaseException:
            self._leave()
            raise
        self._make = ray.remote(ClusterWorker).options(
            num_cpus=1,
            num_gpus=1 if cards else 0,
            max_restarts=0,  # one that Ray started again would have forgotten its blocks: the driver starts another
            max_task_retries=0,
            scheduling_strategy="SPREAD",
        )

    @property
    def place(self) -> str:
        """Return where the workers are."""
        return f"the Ray cluster {self._address}"

    @property
    def computing(self) -> int:
        """Return how many compute at one time: all, since Ray gives each a core or a card."""
        return self.workers

    @property
    def sharing(self) -> int:
        """Return how many share the memory of one machine: one a core, if its nodes are as this machine is."""
        return min(self.workers, usable_cores())

    @property
    def warning(self) -> str:
        """Return that the cluster is open to all, if it is; as a worker says, once there is one."""
        if self._some is None:
            return ""
        try:
            return "" if ray.get(self._some.guarded.remote(), timeout=GUARDED) else OPEN
        except ray.exceptions.RayError:
            return ""  # it is lost, and will be told of

    def begin(self, number: int, seat: int) -> ActorLink:
        """Ask for an actor, which Ray starts wherever there is room."""
        with self._using:
            if self._left:  # Ray would join another cluster, or start one, for whoever asks it then
                raise Gone("the cluster has been left")
            try:
                actor = self._make.remote(*self._words)
            except ray.exceptions.RayError as error:
                raise Gone(_words(error)) from error
        return ActorLink(number, actor, self._blocks, self._met)

    def publish(self, key: int, groups: Groups) -> None:
        """Lay a block into Ray's store: each node fetches it once, and its workers read it there."""
        block = np.frombuffer(pack({}, groups), np.uint8)
        try:
            self._blocks[key] = _in_time(lambda: ray.put(block), LAYING)
        except (TimeoutError, ray.exceptions.RayError) as error:
            raise CannotWrite("The store of the Ray cluster", _words(error)) from error

    def withdraw(self, key: int) -> None:
        """Let go of a block; the store clears it away when no worker has it any more."""
        self._blocks.pop(key, None)

    def close(self) -> None:
        """Let go of all blocks, and leave the cluster as it was found."""
        with self._using:
            self._left = True
            self._blocks.clear()
            self._some = None
        self._leave()

    def _met(self, actor: Any) -> None:
        """Hear of an actor that has answered."""
        if self._some is None and not self._left:
            self._some = actor

    def _resources(self) -> Mapping[str, float]:
        """Return what the cluster has.

        Raises:
            NoCluster: if it does not say.
        """
        try:
            has: Mapping[str, float] = _in_time(ray.cluster_resources, REACHED)
        except (TimeoutError, ray.exceptions.RayError) as error:
            raise NoCluster(self._address, _words(error)) from error
        return has

    def _join(self, seconds: float) -> None:
        if ":" in self._address:
            reach(self._address, REACHED)
        before = dict(os.environ)
        os.environ[USAGE] = "0"

        def join() -> None:
            ray.init(
                address=self._address,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )

        try:
            # In a thread of its own Ray leaves alone what SIGTERM means here.
            _in_time(join, seconds)
        except Exception as error:  # Ray has errors of many kinds, and of other libraries, for what a user can mend
            raise NoCluster(self._address, _words(error)) from error
        finally:
            # Ray sets some of its own too, such as what `breakpoint` does.
            self._before = {name: before.get(name) for name in {*before, *os.environ} if _differs(name, before)}

    def _leave(self) -> None:
        if self._own:
            try:
                _in_time(ray.shutdown, LEAVING)
            except TimeoutError:
                logging.getLogger(__name__).warning("Ray did not let go of the cluster in time.")
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class ActorLink:
    """See `team.link.Link`."""

    def __init__(self, number: int, actor: Any, blocks: dict[int, Any], met: Callable[[Any], None]) -> None:
        """Take over an actor that was asked for; it may wait for room still. `met` is told when it has answered."""
        self.name = f"worker {number}"
        self._actor, self._blocks, self._met = actor, blocks, met

    def exchange(self, frame: bytes, seconds: float) -> bytearray:
        """Say something to the actor and return its answer."""
        with _gone(seconds):
            answer = bytearray(ray.get(self._actor.exchange.remote(frame), timeout=seconds))
        self._met(self._actor)
        return answer

    def hold(self, key: int, seconds: float) -> None:
        """Let the actor have a block of the store."""
        with _gone(seconds):
            ray.get(self._actor.hold.remote(key, self._blocks[key]), timeout=seconds)

    def close(self) -> None:
        """End the actor."""
        with _gone(0.0, quiet=True):
            ray.kill(self._actor, no_restart=True)


@contextmanager
def _gone(seconds: float, quiet: bool = False) -> Iterator[None]:
    """Turn what Ray says of an actor that has ended, or does not answer, into `Gone`; quiet: into nothing."""
    try:
        yield
    except ray.exceptions.GetTimeoutError as error:
        if not quiet:
            raise Gone(f"it did not answer for {seconds:.0f} s, or the cluster had no room for it") from error
    except ray.exceptions.RayError as error:
        if not quiet:
            raise Gone(_words(error)) from error


def _room(has: Mapping[str, float], workers: int | None, device: str) -> tuple[bool, int]:
    """Return whether each worker has a graphics card, and how many there are to be, in a cluster that has this.

    Raises:
        TooFewInCluster: if there is not so much room.
    """
    cards = device != "cpu" and has.get("GPU", 0) >= 1
    what = "graphics card" if cards else "processor core"
    most = int(has.get("GPU" if cards else "CPU", 0))
    if most < (workers or 1):
        raise TooFewInCluster(workers or 1, most, what)
    return cards, workers or min(most, MOST_WORKERS)


def _differs(name: str, before: Mapping[str, str]) -> bool:
    """Return whether a variable is other than it was."""
    return os.environ.get(name) != before.get(name)


def _in_time(work: Callable[[], T], seconds: float) -> T:
    """Call `work` in another thread and return what it does.

    Raises:
        TimeoutError: if it takes longer.
        Exception: what it raises.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(work())
        except BaseException as error:  # carried over to the caller's thread below
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"it did not answer within {seconds:.0f} s")
    return results[0]


def _words(error: BaseException) -> str:
    """Return the line of an error that says most: the first, or the last of what the program of a worker raised."""
    raised = isinstance(error, ray.exceptions.RayTaskError) or getattr(error, "actor_init_failed", False)
    lines = [line.strip() for line in str(error).split("\n") if line.strip()] or [type(error).__name__]
    return lines[-1 if raised else 0][:300].rstrip(".")
