"""How long a training will take here, learnt from the trainings before it."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field

from netwright.spec.costs import network_cost
from netwright.spec.network import Candidate
from netwright.train.growth import mean_area

REMEMBERED = 0.5  # share of the old figure that is kept when a new one comes


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
class Pace:
    """The ratio of real seconds to those of a plain model of a step. Used from any thread."""

    model: StepModel = ONE_CORE
    _log_ratio: float = 0.0
    _known: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def seconds(self, candidate: Candidate, rows: int, networks: int, epochs: float) -> float:
        """Return how long so many epochs will take.

        Args:
            candidate: what is trained.
            rows: that one network learns from.
            networks: that are trained as one stack.
            epochs: passes over the rows.
        """
        return math.exp(self._log_ratio) * _plain(self.model, candidate, rows, networks, epochs)

    def learn(self, candidate: Candidate, rows: int, networks: int, epochs: float, seconds: float) -> None:
        """Take down how long a training took."""
        if epochs <= 0 or seconds <= 0:
            return
        found = math.log(seconds / _plain(self.model, candidate, rows, networks, epochs))
        with self._lock:
            kept = REMEMBERED if self._known else 0.0
            self._log_ratio, self._known = kept * self._log_ratio + (1 - kept) * found, True


def _plain(model: StepModel, candidate: Candidate, rows: int, networks: int, epochs: float) -> float:
    batch, cost = min(candidate.recipe.batch_size, rows), network_cost(candidate.network)
    seen = mean_area(candidate.recipe.growth)
    operations = 3 * cost.flops * seen * batch * networks  # backward costs twice forward
    step = model.overhead + operations / model.speed + model.parameter * cost.parameters * networks
    return epochs * max(1, rows // batch) * step
