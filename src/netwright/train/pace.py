"""How long a training will take here, learnt from the trainings before it."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field

from netwright.spec.costs import network_cost
from netwright.spec.network import Candidate
from netwright.train.growth import mean_area

REMEMBERED = 0.5  # share of an old figure that is kept when a new one of as long steps comes
ALIKE = 1.5  # a factor of 4.5 between steps, as a natural logarithm: figures of such tell six tenths of each other
FORGOTTEN = 1e-3  # weight below which a figure is of no use


@dataclass(frozen=True)
class StepModel:
    """A plain model of how long a training step takes.

    Attributes:
        overhead: seconds that no arithmetic explains.
        parameter: seconds in which one is changed.
        speed: operations a second, a first guess that the first trainings correct.
    """

    overhead: float
    parameter: float
    speed: float


ONE_CORE = StepModel(overhead=1e-3, parameter=0.5e-9, speed=60e9)
ONE_CARD = StepModel(overhead=0.5e-3, parameter=0.015e-9, speed=20e12)  # recorded ones (`benchmarks/card.py`)


@dataclass
class _Figure:
    """What a training came to: the logarithm of the ratio of its seconds to those of the plain model.

    Attributes:
        step: the logarithm of the seconds of a step, by the plain model.
        ratio: as above.
        weight: beside other figures of as long steps.
    """

    step: float
    ratio: float
    weight: float

    def tells(self, step: float) -> float:
        """Return how much it tells of steps of another length, 0 to 1."""
        return math.exp(-((step - self.step) ** 2) / (2 * ALIKE**2))


@dataclass
class Pace:
    """The ratio of real seconds to those of a plain model of a step. Used from any thread.

    It is not one for all networks: a step of a small one is mostly overhead, of a large one arithmetic. So a training
    is told by those whose steps were about as long, a mean with normal weights (Nadaraya 1964, Watson 1964), and as far
    as there were none, by the plain model.
    """

    model: StepModel = ONE_CORE
    _figures: tuple[_Figure, ...] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def seconds(self, candidate: Candidate, rows: int, networks: int, epochs: float) -> float:
        """Return how long so many epochs will take.

        Args:
            candidate: what is trained.
            rows: that one network learns from.
            networks: that are trained as one stack.
            epochs: passes over the rows.
        """
        step = _step(self.model, candidate, rows, networks)
        return epochs * _steps(candidate, rows) * step * math.exp(self._ratio(math.log(step)))

    def learn(self, candidate: Candidate, rows: int, networks: int, epochs: float, seconds: float) -> None:
        """Take down how long a training took."""
        if epochs <= 0 or seconds <= 0:
            return
        plain = _step(self.model, candidate, rows, networks)
        step, found = math.log(plain), math.log(seconds / (epochs * _steps(candidate, rows) * plain))
        with self._lock:
            told = [one.tells(step) for one in self._figures]
            older = (
                _Figure(one.step, one.ratio, one.weight * REMEMBERED**tells)
                for one, tells in zip(self._figures, told, strict=True)
            )
            new = _Figure(step, found, 1 - (1 - REMEMBERED) * max(told, default=0.0))
            self._figures = (*(one for one in older if one.weight > FORGOTTEN), new)

    def _ratio(self, step: float) -> float:
        """Return the logarithm of the ratio for steps of a length, given as its logarithm."""
        figures = self._figures
        told = [one.tells(step) for one in figures]
        total = sum(one.weight * tells for one, tells in zip(figures, told, strict=True))
        if total <= 0:
            return 0.0
        mean = sum(one.weight * tells * one.ratio for one, tells in zip(figures, told, strict=True)) / total
        return max(told) * mean


def _steps(candidate: Candidate, rows: int) -> int:
    """Return the steps of an epoch."""
    return max(1, rows // min(candidate.recipe.batch_size, rows))


def _step(model: StepModel, candidate: Candidate, rows: int, networks: int) -> float:
    """Return the seconds of a step, by the plain model."""
    batch, cost = min(candidate.recipe.batch_size, rows), network_cost(candidate.network)
    seen = mean_area(candidate.recipe.growth)
    operations = 3 * cost.flops * seen * batch * networks  # backward costs twice forward
    return model.overhead + operations / model.speed + model.parameter * cost.parameters * networks
