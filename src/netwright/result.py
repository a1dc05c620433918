"""What came of a run: the numbers that the command prints, the report shows and the bundle carries."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Baseline:
    """A plain thing to compare with: `score` in the metric of the run, on the same rows as the estimate."""

    name: str
    score: float


@dataclass(frozen=True)
class Standing:
    """One line of the leaderboard.

    Attributes:
        trial: its number; name: what it is in two or three words; origin: portfolio, mutation, random.
        score: the metric out of fold; loss: the selection loss out of fold (lower is better).
        weight: its share of the ensemble, 0 to 1; parameters: of all its fold networks together.
        seconds: its training time.
    """

    trial: int
    name: str
    origin: str
    score: float
    loss: float
    weight: float
    parameters: int
    seconds: float


@dataclass(frozen=True)
class FrontPoint:
    """A mix of the run's trials that no other one beats in score, latency and size together.

    Attributes:
        score: the honest estimate, made as that of the run's own model.
        latency_ms: measured milliseconds to predict one row in a running process.
        size_bytes: measured bytes of the file.
        networks: how many there are in it.
        trials: the numbers of its trials.
    """

    score: float
    latency_ms: float
    size_bytes: int
    networks: int
    trials: tuple[int, ...]


@dataclass(frozen=True)
class Result:
    """The outcome of a run.

    Attributes:
        task: tabular_binary, tabular_multiclass or tabular_regression.
        metric: the metric of `score`; `greater_is_better` says which way it goes.
        score: the honest estimate, with its 95 % interval `score_low` to `score_high`.
        estimate: in one sentence, how the estimate was made.
        metrics: every metric of the task, made the same way as `score`.
        test_metrics: the metrics on the file given by --test; empty without one.
        baselines: trivial baseline and untuned default network.
        leaderboard: the finished trials, best first.
        seconds: wall clock from the start of the command.
        trials: finished trials; failed: trials that ended badly.
        labels: the class names in the order of `confusion`; empty for regression.
        confusion: (K, K) counts, true class by row; empty for regression or over 30 classes.
        reliability: (mean predicted probability, observed share, rows) per bin; for regression (predicted, true)
            of at most 500 rows with a third entry of 1.
        importance: (column, loss of score when it is shuffled), largest first.
        ended_early: whether the run was asked to end before its time.
        latency_ms: median milliseconds to predict one row in a running process, measured; None where it was not.
        size_bytes: bytes of the model's file, measured; None where it was not.
        front: mixes of the run that no other beats in score, latency and size together, the fastest first.
        missed: for each limit that the model does not keep, a sentence.
        distilled: whether the model is one network that learnt from a mix, and holds none of the trials.
        curve: (seconds since the start, score of the mix as the search saw it) at each improvement.
    """

    task: str
    metric: str
    greater_is_better: bool
    score: float
    score_low: float
    score_high: float
    estimate: str
    metrics: dict[str, float]
    test_metrics: dict[str, float]
    baselines: tuple[Baseline, ...]
    leaderboard: tuple[Standing, ...]
    seconds: float
    trials: int
    failed: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[tuple[float, float, float], ...]
    importance: tuple[tuple[str, float], ...]
    ended_early: bool
    curve: tuple[tuple[float, float], ...] = ()
    latency_ms: float | None = None
    size_bytes: int | None = None
    front: tuple[FrontPoint, ...] = ()
    missed: tuple[str, ...] = ()
    distilled: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)
