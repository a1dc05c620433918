"""Workers in this very process: the same frames go to the same workplace, without a pipe or a network in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netwright.data.features import Features, table_features
from netwright.spec.blocks import Dense, Head, Periodic, TableInput
from netwright.spec.network import Network, Recipe
from netwright.team.crew import Crew
from netwright.team.frames import Groups, pack
from netwright.team.link import Gone
from netwright.team.spread import Spread
from netwright.team.worker import Workplace, versions_of
from netwright.train.framework import Framework, Split
from netwright.train.torch import Torch

ROWS, FOLDS = 120, 3
NETWORK = Network((TableInput(4, 0, (), Periodic(frequencies=4, width=3)), Dense(16), Dense(16), Head(3)))
PLAIN = Recipe(epochs=8, batch_size=16)


@dataclass
class Inside:
    """See `team.link.Transport`. What happens to workers is up to the test.

    Attributes:
        workers: how many.
        dies: (number of the worker, number of its exchange from 1) → whether it dies then.
        trains: number of the worker → what it trains by.
        said: the frames that each worker was asked, by its number.
    """

    workers: int
    dies: Callable[[int, int], bool] = lambda number, exchange: False
    trains: Callable[[int], Framework] = lambda number: Torch()
    place: str = "this process"
    warning: str = ""
    begun: int = 0
    said: dict[int, list[bytes]] = field(default_factory=dict)
    held: list[tuple[int, int]] = field(default_factory=list)
    blocks: dict[int, bytearray] = field(default_factory=dict)
    closed: bool = False

    @property
    def computing(self) -> int:
        """Return that all compute at one time."""
        return self.workers

    @property
    def sharing(self) -> int:
        """Return that all share the memory of this machine."""
        return self.workers

    def begin(self, number: int, seat: int) -> InsideLink:
        """Make a worker."""
        self.begun += 1
        self.said[number] = []
        return InsideLink(f"worker {number}", number, self, Workplace(self.trains(number)))

    def publish(self, key: int, groups: Groups) -> None:
        """Keep a block."""
        self.blocks[key] = bytearray(pack({}, groups))

    def withdraw(self, key: int) -> None:
        """Forget it."""
        del self.blocks[key]

    def close(self) -> None:
        """Take down that it was closed."""
        self.closed = True


@dataclass(eq=False)
class InsideLink:
    """See `team.link.Link`."""

    name: str
    number: int
    transport: Inside
    workplace: Workplace
    exchanges: int = 0

    def exchange(self, frame: bytes, seconds: float) -> bytearray:
        """Hand the frame over, or be gone."""
        self.exchanges += 1
        self.transport.said[self.number].append(frame)
        if self.transport.dies(self.number, self.exchanges):
            raise Gone("its process was ended by signal 9")
        return bytearray(self.workplace.exchange(frame))

    def hold(self, key: int, seconds: float) -> None:
        """Hand a block over."""
        self.transport.held.append((self.number, key))
        self.workplace.hold(key, self.transport.blocks[key])

    def close(self) -> None:
        """Nothing is left open; a training on its way ends, since nobody asks it any more."""
        if self.workplace._steered is not None:
            self.workplace._steered.give_up()


def never_over() -> float:
    """Return the seconds that a run without a limit has left."""
    return float("inf")


@contextmanager
def spread_over(transport: Inside) -> Iterator[Spread]:
    """Yield a framework of workers; they, and what they train, have ended afterwards."""
    crew = Crew(transport, versions_of(Torch()), never_over)
    crew.start()
    try:
        yield Spread(Torch(), crew)
    finally:
        crew.close()
        for thread in threading.enumerate():
            if thread.name == "training":
                thread.join(30)


def rows() -> tuple[Features, Any, Any]:
    """Return features, targets and quantiles of a table with three classes."""
    numeric = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)
    features = table_features(numeric, np.zeros((ROWS, 0), np.float32), np.zeros((ROWS, 0), np.int64))
    classes = (numeric[:, 0] > 0.3).astype(np.int64) + (numeric[:, 1] > 0.5)
    return features, classes, np.quantile(numeric, np.linspace(0, 1, 49), axis=0).T.astype(np.float32)


def splits() -> tuple[Split, ...]:
    """Return three folds."""
    fold = np.arange(ROWS) % FOLDS
    return tuple(Split(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(FOLDS))


def check_equal(first: Mapping[Any, Any], second: Mapping[Any, Any]) -> None:
    """Check that two sets of arrays are equal, byte for byte."""
    assert first.keys() == second.keys()
    for name, array in first.items():
        one, other = np.asarray(array), np.asarray(second[name])
        assert one.dtype == other.dtype and one.shape == other.shape
        assert one.tobytes() == other.tobytes(), name
