"""The conductor: asks, trains together, tells, stops on budget, selects. It alone knows both search and trainer."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from netwright.budget import Budget
from netwright.data.splits import split_folds
from netwright.errors import NoTrialFinished, TrialError
from netwright.events import BestImproved, EpochDone, Event, Listener, TrialFailed, TrialFinished, TrialStarted
from netwright.metrics import Metric
from netwright.search import Sampler
from netwright.search.desk import Desk, Ticket
from netwright.select.ensemble import select_weights
from netwright.spec.costs import network_cost
from netwright.spec.network import Candidate
from netwright.spec.spaces import Point
from netwright.tasks.task import Loaded, Preparation, Task
from netwright.train.control import Control, Progress, Trained
from netwright.train.lanes import run_lanes, usable_cores
from netwright.train.losses import LOSSES
from netwright.train.rows import Rows, Split, as_rows
from netwright.train.training import train_population

RESERVE = 1.6  # seconds for the estimate, importance, writing and leaving, beside what the size of the data adds
SHORTEST = 0.03  # of the time limit: with less left no trial is begun
KEPT = 24  # trials whose weights are kept: more never entered an ensemble, and memory stays bounded
LARGEST_MIX = 16 * 2**20  # bytes of weights in one model: the file then stays under 20 MB
SMALL_STEP = 60e6  # operations of a step below which its overhead outweighs them: train several trials as one
MOST_SIBLINGS = 4
FIRST_SHARE = 0.06  # of the time left, for each of the first two small networks: a usable model comes early


@dataclass(frozen=True)
class Trial:
    """A finished trial.

    Attributes:
        ticket: its number, its point and who proposed it.
        candidate: the network and recipe that the point stands for.
        trained: its weights, one network a fold.
        predictions: out of fold, for every row: probabilities (N, K), or values (N,) in the unit of the target.
        score: the metric on them; loss: the validation loss, lower is better.
        seconds: training time.
    """

    ticket: Ticket
    candidate: Candidate
    trained: Trained
    predictions: NDArray[np.float32]
    score: float
    loss: float
    seconds: float

    @property
    def parameters(self) -> int:
        """Trained numbers of all its networks."""
        return len(self.trained.predictions) * network_cost(self.candidate.network).parameters


@dataclass(frozen=True)
class Bench:
    """Everything that trials share and none changes.

    Attributes:
        folds: (N,) the fold of each row.
        splits: the folds as rows to learn from and to be judged on.
        rows: encoded rows and targets.
    """

    task: Task
    loaded: Loaded
    preparation: Preparation
    metric: Metric
    seed: int
    folds: NDArray[np.int64]
    splits: tuple[Split, ...]
    rows: Rows


def set_up(task: Task, loaded: Loaded, metric: Metric, seed: int) -> Bench:
    """Fit the preparation, encode the rows and cut the folds."""
    preparation = task.prepare(loaded, seed)
    count = min(fold_count(len(loaded.truth)), len(np.unique(loaded.groups)))
    outcome = loaded.schema.target.outcome
    folds = split_folds(loaded.truth, loaded.groups, folds=count, outcome=outcome, seed=seed)
    splits = tuple(Split(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(count))
    features = preparation.encode(loaded.frame)
    rows = as_rows(features, preparation.targets(loaded.truth), preparation.quantiles)
    return Bench(task, loaded, preparation, metric, seed, folds, splits, rows)


def fold_count(rows: int) -> int:
    """Return the number of folds: more where rows are few, since then each network should see most of them."""
    return 8 if rows < 2_000 else 5 if rows < 6_000 else 4


@dataclass
class Pool:
    """The finished trials and the mix of them that would be handed over now. Changed only under the run's lock."""

    trials: list[Trial] = field(default_factory=list)
    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    failures: list[str] = field(default_factory=list)
    dropped: list[Trial] = field(default_factory=list)  # finished, but too far behind to keep their weights
    best: float = float("inf")
    curve: list[tuple[float, float]] = field(default_factory=list)  # (seconds, score) of the mix, when it got better
    mixing: float = 0.0  # seconds that choosing the mix took the last time


def search(bench: Bench, budget: Budget, sampler: Sampler, listener: Listener) -> Pool:
    """Try candidates until the budget ends, less the time that finishing takes.

    Args:
        bench: what trials share.
        budget: time or number of trials.
        sampler: the way to search.
        listener: told what happens, from any thread, one event at a time.

    Raises:
        NoTrialFinished: if every trial failed; it names the first cause.
    """
    rows = len(bench.loaded.truth)
    outcome = bench.loaded.schema.target.outcome
    points = (*_quick_points(bench), *(bench.task.portfolio(rows, outcome) if sampler.portfolio else ()))
    state = sampler.init(bench.task.space(rows), points, bench.seed)
    desk = Desk(sampler, state, lambda point: _siblings(bench, point), budget.trials)
    pool, lock = Pool(), threading.RLock()

    def tell(event: Event) -> None:
        with lock:
            listener(event)

    def work() -> None:
        try:
            while (tickets := desk.take()) and not _over(bench, budget, pool):
                finished = _attempt(bench, tickets, budget, pool, tell)
                with lock:
                    _account(bench, pool, tickets, finished, budget, listener)
                for ticket, trial in zip(tickets, finished, strict=True):
                    desk.give(ticket, trial.loss if isinstance(trial, Trial) else None)
        finally:
            desk.close()  # also when this lane breaks: the others must not wait for it

    run_lanes(usable_cores(), work)
    if not pool.trials:
        raise NoTrialFinished(pool.failures[0] if pool.failures else "the time was over before the first began")
    return pool


def _quick_points(bench: Bench) -> tuple[Point, Point]:
    """Return the first two points: a small network that is soon there, and the default to compare with."""
    rows = len(bench.loaded.truth)
    return bench.task.first_glance(rows), bench.task.default_network(rows)


def _over(bench: Bench, budget: Budget, pool: Pool) -> bool:
    """Return whether it is too late to begin another trial: one that is cut off at once only costs its set-up."""
    if budget.seconds is None:
        return budget.ended_early and bool(pool.trials)
    return bool(pool.trials) and _left(bench, budget, pool) < max(0.3, SHORTEST * budget.seconds)


def _left(bench: Bench, budget: Budget, pool: Pool) -> float:
    """Return the seconds left for training: without those for choosing anew for each fold, and for writing."""
    if budget.seconds is None:
        return budget.left()
    finishing = RESERVE + (len(bench.splits) + 2) * pool.mixing
    return max(0.0, budget.left() - min(finishing, 0.3 * budget.seconds))


def _siblings(bench: Bench, point: Point) -> int:
    """Return how many trials of the point's shape make a step that is worth its overhead."""
    if point in _quick_points(bench):
        return 1
    candidate = bench.task.candidate(point, bench.preparation)
    rows = min(candidate.recipe.batch_size, len(bench.loaded.truth))
    step = 3 * network_cost(candidate.network).flops * rows * len(bench.splits)
    return max(1, min(MOST_SIBLINGS, int(SMALL_STEP / step)))


def _attempt(
    bench: Bench, tickets: tuple[Ticket, ...], budget: Budget, pool: Pool, tell: Listener
) -> tuple[Trial | str, ...]:
    """Train the trials as one stack; return each as it came out, or the reason why it failed."""
    candidates = [bench.task.candidate(ticket.proposal.point, bench.preparation) for ticket in tickets]
    began = budget.elapsed()
    for ticket, candidate in zip(tickets, candidates, strict=True):
        parameters = len(bench.splits) * network_cost(candidate.network).parameters
        name, origin = bench.task.describe(ticket.proposal.point), ticket.proposal.origin
        tell(TrialStarted(began, ticket.number, name, origin, candidate.to_json(), parameters))
    control = _control(bench, tickets, budget, pool, tell)
    try:
        trained = _train(bench, candidates, control, tickets[0].number)
    except TrialError as error:
        return (str(error),) * len(tickets)
    seconds = (budget.elapsed() - began) / len(tickets)
    return tuple(
        _judge(bench, ticket, candidate, result, seconds)
        for ticket, candidate, result in zip(tickets, candidates, trained, strict=True)
    )


def _train(bench: Bench, candidates: list[Candidate], control: Control, number: int) -> tuple[Trained, ...]:
    """Train a stack; where memory does not suffice, once more with half the batch, down to single rows."""
    recipes = [candidate.recipe for candidate in candidates]
    seeds = [bench.seed * 100_003 + number + place for place in range(len(recipes))]
    while True:
        try:
            loss = LOSSES[bench.preparation.loss]
            return train_population(candidates[0].network, recipes, bench.rows, bench.splits, loss, control, seeds)
        except (MemoryError, RuntimeError) as error:
            smaller = recipes[0].batch_size // 2
            if "memory" not in str(error) and not isinstance(error, MemoryError):
                raise TrialError(f"training stopped: {error}") from error
            if smaller < 8:
                raise TrialError("memory did not suffice, even for 8 rows at a time") from error
            recipes = [replace(recipe, batch_size=smaller) for recipe in recipes]


def _control(bench: Bench, tickets: tuple[Ticket, ...], budget: Budget, pool: Pool, tell: Listener) -> Control:
    """Return how the budget steers one training.

    Its schedule ends when its epochs are done or the time is up, whichever comes first; the first small networks have
    a share of the time only, so that there is a usable model early.
    """
    began, left = budget.elapsed(), _left(bench, budget, pool)
    quick = tickets[0].proposal.point in _quick_points(bench)
    allowed = max(FIRST_SHARE * left, min(left, 0.5)) if quick else left

    def time_used() -> float:
        if budget.seconds is None:
            return 0.0
        return min(1.0, (budget.elapsed() - began) / allowed) if allowed > 0 else 1.0

    def report(progress: Progress) -> None:
        for ticket, loss in zip(tickets, progress.losses, strict=True):
            tell(EpochDone(budget.elapsed(), ticket.number, progress.epoch, progress.epochs, loss))

    return Control(time_used, lambda: budget.ended_early, report)


def _judge(bench: Bench, ticket: Ticket, candidate: Candidate, trained: Trained, seconds: float) -> Trial | str:
    """Put the folds' predictions in the order of the rows and score them."""
    raw = np.empty((len(bench.folds), bench.preparation.outputs), np.float32)
    for split, predictions in zip(bench.splits, trained.predictions, strict=True):
        raw[split.valid] = predictions
    if not np.isfinite(raw).all() or not np.isfinite(trained.loss):
        return "the loss was not a number: training diverged"
    predictions = bench.preparation.decode(raw)
    score = bench.metric.function(bench.loaded.truth, predictions)
    return Trial(ticket, candidate, trained, predictions, score, trained.loss, seconds)


def _account(
    bench: Bench,
    pool: Pool,
    tickets: tuple[Ticket, ...],
    finished: tuple[Trial | str, ...],
    budget: Budget,
    listener: Listener,
) -> None:
    """Take finished trials into the pool, choose the mix again, and tell."""
    for ticket, trial in zip(tickets, finished, strict=True):
        if isinstance(trial, str):
            pool.failures.append(trial)
            listener(TrialFailed(budget.elapsed(), ticket.number, trial))
            continue
        pool.trials.append(trial)
        listener(TrialFinished(budget.elapsed(), ticket.number, trial.score, trial.loss, trial.seconds))
    if not pool.trials:
        return
    pool.trials.sort(key=lambda trial: (trial.loss, trial.ticket.number))
    pool.dropped += [replace(trial, trained=replace(trial.trained, weights={})) for trial in pool.trials[KEPT:]]
    del pool.trials[KEPT:]
    mix(bench, pool, budget)
    blended = blend([trial.predictions for trial in pool.trials], pool.weights)
    score = bench.metric.function(bench.loaded.truth, blended)
    worth = -score if bench.metric.greater_is_better else score
    if worth < pool.best:
        pool.best = worth
        pool.curve.append((budget.elapsed(), score))
        members = int((pool.weights > 0).sum())
        listener(BestImproved(pool.curve[-1][0], score, pool.trials[0].loss, members))


def mix(bench: Bench, pool: Pool, budget: Budget) -> None:
    """Choose the mixing weights of the pool's trials."""
    began = budget.elapsed()
    pool.weights = select_weights(
        [trial.predictions for trial in pool.trials],
        bench.loaded.truth,
        bench.metric.name,
        sizes=[4 * trial.parameters for trial in pool.trials],
        largest=LARGEST_MIX,
    )
    pool.mixing = budget.elapsed() - began


def blend(predictions: list[NDArray[np.float32]], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted mean of predictions."""
    chosen = np.flatnonzero(weights)
    return np.asarray(sum(weights[i] * predictions[i].astype(np.float64) for i in chosen))
