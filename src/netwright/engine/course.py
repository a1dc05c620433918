"""What the trials of a run have shown of the time that trainings take here, and of how losses fall."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from netwright.engine.bench import Bench
from netwright.spec.network import Candidate, learns_from_trunk
from netwright.train.pace import Pace

LAST_CHECKS = 1.2  # passes forward over all rows that an ended training takes as long as; two, which go faster


@dataclass
class Course:
    """What the trials so far have shown, for those that follow. Used from any thread.

    Attributes:
        pace: how long trainings take here.
        rungs: rung, and whether the trials had a trained trunk → the losses that they had come to there.
        readying: the most seconds that a training took until its first step, where the framework says when that is.
    """

    pace: Pace = field(default_factory=Pace)
    rungs: dict[tuple[float, bool], list[float]] = field(default_factory=lambda: defaultdict(list))
    readying: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def need(self, bench: Bench, candidates: Sequence[Candidate]) -> float:
        """Return the seconds that candidates of one shape will take as one stack, with all their epochs."""
        networks = len(candidates) * len(bench.splits)
        return self.pace.seconds(candidates[0], bench.learnt, networks, candidates[0].recipe.epochs)

    def tail(self, bench: Bench, candidates: Sequence[Candidate]) -> float:
        """Return the seconds that candidates of one shape will take after their training: to be judged, and kept.

        A row that is judged goes forward through one fold's network; one that is learnt from twice backward as well.
        """
        epoch = self.need(bench, candidates) / candidates[0].recipe.epochs
        return LAST_CHECKS * epoch * len(bench.truth) / (3 * len(bench.splits) * max(1, bench.learnt))

    def until_ready(self, bench: Bench, candidates: Sequence[Candidate]) -> float:
        """Return the seconds that candidates of one shape may take until their first step."""
        return self.readying if bench.trainer.compiles(candidates[0].network) else 0.0

    def passed(self, rung: float, loss: float, candidate: Candidate) -> list[float]:
        """Take down a candidate's loss at a rung; return those that others like it had come to there.

        Those that learn from a trained trunk are compared among themselves, as are those that begin from nothing.
        """
        trained = learns_from_trunk(candidate)
        with self._lock:
            others = [*self.rungs[rung, trained]]
            self.rungs[rung, trained].append(loss)
            return others

    def has_seen(self, rung: float) -> bool:
        """Return whether any trial has passed a rung."""
        return any(losses for (passed, _), losses in [*self.rungs.items()] if passed == rung)
