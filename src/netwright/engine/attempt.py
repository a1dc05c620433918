"""One stack of trials, from proposals to scores: how long it may take, who ends early, who follows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from netwright.engine.bench import Bench, Trial
from netwright.engine.checkpoints import Checkpoints, SavedStack
from netwright.engine.course import Course
from netwright.engine.stacks import HEIR, candidate_of
from netwright.errors import TrialError
from netwright.events import EpochDone, Listener, NotKept, StackKept, TrialResumed, TrialStarted, WorkerLost
from netwright.pretrained.extended import beginning
from netwright.resources.budget import Budget
from netwright.search.desk import Ticket
from netwright.search.halving import far_behind, successions
from netwright.search.sampler import Proposal
from netwright.spec.costs import network_cost, step_bytes
from netwright.spec.network import Candidate
from netwright.train.control import RUNGS, WORTH_SHOWING, Control, Heir, Progress, Snapshot, Trained
from netwright.train.failures import in_words, short_of_memory
from netwright.train.framework import AT_RANDOM

FIRST_SHARE = 0.06  # of the time left, for each of the first two small networks: a usable model comes early
GLANCE = 2.0  # seconds at most for the very first: there shall be a usable model five seconds after the command
MOST_PIECES = 3  # see `Attempt._allowed`
NO_MEMORY = "memory did not suffice, even for few rows at a time"
KEPT_EVERY = 4.0  # seconds after which a stack in training is written to disk: no more are lost to a kill
KEEPING_SHARE = 25  # times as long is trained as that took, at least: it costs 4 % of the time
FEWEST_ROWS = 8  # of a step: with fewer, memory is short of other things than rows

Given = ParamSpec("Given")
Returned = TypeVar("Returned")


class Attempt:
    """Trials that are trained as one stack; heirs join them."""

    def __init__(
        self,
        bench: Bench,
        tickets: Sequence[Ticket],
        budget: Budget,
        left: float,
        course: Course,
        issue: Callable[[Proposal], Ticket],
        tell: Listener,
        improve: Callable[[NDArray[Any], float], None] = lambda predictions, loss: None,
        parent: Trial | None = None,
        kept: float = 0.0,
        checkpoints: Checkpoints | None = None,
        begun: SavedStack | None = None,
    ) -> None:
        """Get ready to train.

        Args:
            bench: what trials share.
            tickets: the trials; their networks have one shape.
            budget: tells the time, and whether to end early.
            left: seconds that there are for training, of this stack and of those after it.
            course: what the trials before have shown.
            issue: proposal → ticket, for heirs.
            tell: told what happens.
            improve: shown what a trial would answer out of fold if it ended now, and its loss, when that got better.
            parent: a finished trial of the same network whose weights the one ticket goes on from.
            kept: seconds that were left out of `left`, for what comes after a training.
            checkpoints: where the stack is kept every few seconds, for a run that goes on with this one.
            begun: the stack of these tickets as it was kept, to go on with.
        """
        self._parent, self._inherits = parent, parent is not None
        self._checkpoints, self._begun = checkpoints, begun
        self.tickets = list(tickets)  # in the order in which they began
        self._bench, self._budget, self._course, self._issue, self._tell = bench, budget, course, issue, tell
        self._improve = improve
        self._shown = [math.inf] * len(tickets)  # by place: the loss at which a trial was last shown
        self._places = list(tickets)  # by place in the stack
        self._candidates = [self._candidate(ticket) for ticket in tickets]
        self._quick = tickets[0].proposal.point in bench.quick_points
        self._began = budget.elapsed()
        self._left = left - max(0.0, course.tail(bench, self._candidates) - kept)
        self._readying = course.until_ready(bench, self._candidates)
        # After which the schedule ends, whatever the epochs.
        self.seconds = self._allowed(self._left - self._readying)
        self._rungs = dict(zip(RUNGS, (*RUNGS[1:], 1.0), strict=True))  # those to come, with where the next one is
        self._given_up = False
        self._stepping = self._began  # when the first step was taken
        self._asked = self._began  # when training last looked at the clock
        self.tail = 0.0  # seconds that it took after its time: the last checks and predictions
        self._kept_at, self._every, self._on_disk = self._began, KEPT_EVERY, begun is not None
        self._keeping = 0.0  # seconds that this took the last time
        self._batch = self._fitting(self._candidates[0].recipe.batch_size)
        self._outside: Exception | None = None  # what went wrong in who is told or asked
        if begun is not None:
            self._go_on_from(begun)

    def run(self) -> tuple[Trial | str, ...]:
        """Train; return each of `tickets` as it came out, or the reason why it failed."""
        here = self._budget.elapsed()
        if self._begun is None:
            for ticket, candidate in zip(self.tickets, self._candidates, strict=True):
                self._announce(ticket, candidate)
        else:
            for ticket in self._places:
                epoch = int(self._begun.snapshot.numbers["epoch"])
                self._tell(TrialResumed(self._budget.elapsed(), ticket.number, epoch))
        try:
            judged = self._judged(self._train())
        except TrialError as error:
            return (str(error),) * len(self.tickets)
        # Where a check, or a long step, went on over the end of its time, nobody looked at the clock then.
        due = max(here, self._stepping + self.seconds)
        self.tail = self._budget.elapsed() - min(self._asked, due)
        return judged

    def _candidate(self, ticket: Ticket) -> Candidate:
        return candidate_of(self._bench, ticket.proposal.point, inherits=self._parent is not None)

    def _announce(self, ticket: Ticket, candidate: Candidate) -> None:
        parameters = len(self._bench.splits) * network_cost(candidate.network).parameters
        name, origin = self._bench.task.describe(ticket.proposal.point), ticket.proposal.origin
        now = self._budget.elapsed()
        self._tell(TrialStarted(now, ticket.number, name, origin, candidate.to_json(), parameters))

    # --- time ------------------------------------------------------------------------------------------------------

    def _allowed(self, left: float) -> float:
        """Return the seconds after which the schedule ends, if its epochs are not done before.

        The first small networks have a share of the time, so that there is a usable model early. Where only two or
        three trainings still fit, each gets an equal part of the time: a last one that is cut to a few epochs brings
        less than epochs taken from all. And one training alone never takes all the time: two designs are better, which
        two lanes have anyway.
        """
        if self._budget.seconds is None:
            return left
        if self._quick:
            first = self.tickets[0].proposal.point == self._bench.quick_points[0]
            return max(min(FIRST_SHARE * left, GLANCE if first else left), min(left, 0.5))
        if self._parent is not None:
            return left
        pieces = int(left / (self._course.need(self._bench, self._candidates) + self._readying) + 0.7)
        if self._bench.framework.lanes < 2 and not self._course.has_seen(RUNGS[-1]):
            pieces = max(pieces, 2)
        return left / pieces if 0 < pieces <= MOST_PIECES else left

    def _time_used(self) -> float:
        if self._budget.seconds is None:
            return 0.0
        self._asked = self._budget.elapsed()
        return min(1.0, (self._asked - self._stepping) / self.seconds) if self.seconds > 0 else 1.0

    def _ready(self) -> None:
        """Count the time allowed from now on, as long as there is so much."""
        self._stepping = self._budget.elapsed()
        taken = self._stepping - self._began
        self._course.readying = max(self._course.readying, taken)
        self.seconds = min(self.seconds, self._left - taken)

    def _learn_pace(self, trained: Sequence[Trained], seconds: float) -> None:
        first, rows = self._candidates[0], self._bench.learnt
        per_epoch = max(1, rows // min(first.recipe.batch_size, rows))
        steps = max(result.steps for result in trained)
        networks = len(self._places) * len(self._bench.splits)
        self._course.pace.learn(first, rows, networks, steps / per_epoch, seconds)

    # --- training --------------------------------------------------------------------------------------------------

    def _train(self) -> tuple[Trained, ...]:
        """Train the stack; where memory does not suffice, once more with half the batch, down to single rows."""
        bench = self._bench
        candidates = dict(zip((ticket.number for ticket in self.tickets), self._candidates, strict=True))
        recipes = [replace(candidates[one.number].recipe, batch_size=self._batch) for one in self._places]
        snapshot = None if self._begun is None else self._begun.snapshot
        seeds = [bench.seed * 100_003 + self.tickets[0].number + place for place in range(len(recipes))]
        network, loss = self._candidates[0].network, bench.preparation.goal.loss
        if self._step_bytes(self._batch) > bench.lane_room:
            raise TrialError(NO_MEMORY)
        while True:
            try:
                return bench.trainer.train(
                    network,
                    recipes,
                    bench.splits,
                    loss,
                    self._control(),
                    seeds,
                    self._beginning() if snapshot is None else AT_RANDOM,
                    snapshot,
                )
            except TrialError:
                raise
            except Exception as error:  # whatever can go wrong ends a trial, and not the run
                smaller = recipes[0].batch_size // 2
                if not short_of_memory(error):
                    if error is self._outside:
                        raise  # the fault of who listens
                    raise TrialError(f"training stopped: {in_words(error)}") from error
                if smaller < FEWEST_ROWS or len(self.tickets) > len(recipes):
                    raise TrialError(NO_MEMORY) from error
                self._batch, snapshot, self._outside = smaller, None, None
                recipes = [replace(recipe, batch_size=smaller) for recipe in recipes]

    def _fitting(self, batch: int) -> int:
        """Return as many rows of a step as there is memory for, by what they are told to take: halved until they fit.

        The system gives more memory than there is, and then ends the process; so nobody can wait for an error.
        """
        while batch >= 2 * FEWEST_ROWS and self._step_bytes(batch) > self._bench.lane_room:
            batch //= 2
        return batch

    def _step_bytes(self, batch: int) -> int:
        networks = len(self._candidates) * len(self._bench.splits)
        return step_bytes(self._candidates[0].network, networks, batch)

    def _beginning(self) -> Mapping[str, NDArray[Any]]:
        """Return the weights to go on from: a parent's, or those of a trained trunk; none for random ones."""
        if self._parent is not None:
            return self._parent.weights
        return beginning(self._bench.preparation) if self._candidates[0].recipe.trunk_rate else AT_RANDOM

    def _control(self) -> Control:
        return Control(
            time_used=self._time_used,
            stop=lambda: self._given_up or self._budget.ended_early,
            report=self._noting(self._report),
            heirs=self._noting(self._succeeded),
            ready=self._ready,
            due=self._due,
            keep=self._noting(self._keep),
            lost=self._noting(self._lost),
        )

    def _noting(self, call: Callable[Given, Returned]) -> Callable[Given, Returned]:
        """Return a function that notes what goes wrong in it: that is no fault of the training that calls it."""

        def called(*given: Given.args, **named: Given.kwargs) -> Returned:
            try:
                return call(*given, **named)
            except Exception as error:
                self._outside = error
                raise

        return called

    # --- being cut off ---------------------------------------------------------------------------------------------

    def _due(self) -> bool:
        """Return whether the stack is to be written now: not where that would go on over the end of its training."""
        now = self._budget.elapsed()
        left = self._stepping + self.seconds - now
        return self._checkpoints is not None and now - self._kept_at >= self._every and left > self._keeping

    def _keep(self, snapshot: Snapshot) -> None:
        """Write the stack to disk; the longer that takes, the less often.

        Heirs alone are no reason to begin with it: a short training is done again sooner than it is written.
        """
        if self._checkpoints is None or not (self._on_disk or self._due()):
            return
        began = self._budget.elapsed()
        numbers = tuple(ticket.number for ticket in self.tickets)
        stack = SavedStack(
            tickets=numbers,
            places=tuple(ticket.number for ticket in self._places),
            candidates=tuple(self._candidates),
            batch_size=self._batch,
            shown=tuple(self._shown),
            began=self._began,
            stepping=self._stepping,
            seconds=self.seconds,
            rungs=tuple(self._rungs),
            inherits=self._inherits,
            snapshot=snapshot,
        )
        failure = self._checkpoints.keep_stack(stack)
        self._kept_at, self._on_disk = self._budget.elapsed(), not failure
        self._keeping = self._kept_at - began
        self._every = max(KEPT_EVERY, KEEPING_SHARE * self._keeping)
        if failure:
            self._every = math.inf  # it will not be otherwise the next time
        self._tell(NotKept(self._kept_at, failure) if failure else StackKept(self._kept_at))

    def _lost(self, worker: str, reason: str, epoch: int) -> None:
        """Tell that the worker is gone that trained the stack, which another one goes on with."""
        trials = tuple(ticket.number for ticket in self._places)
        self._tell(WorkerLost(self._budget.elapsed(), trials, worker, reason, epoch))

    def _go_on_from(self, begun: SavedStack) -> None:
        """Stand where the stack stood when it was kept."""
        known = {ticket.number: ticket for ticket in self.tickets}
        self._places = [known[number] for number in begun.places]
        self._candidates, self._batch = [*begun.candidates], begun.batch_size
        until = self._began + self._left  # the limit may be less than it was when the stack was begun
        self._shown, self._began, self._stepping = [*begun.shown], begun.began, begun.stepping
        self.seconds = min(begun.seconds, until - begun.stepping)
        self._inherits = begun.inherits
        self._rungs = {rung: following for rung, following in self._rungs.items() if rung in begun.rungs}

    def _report(self, progress: Progress) -> None:
        for ticket, loss in zip(self._places, progress.losses, strict=True):
            self._tell(EpochDone(self._budget.elapsed(), ticket.number, progress.epoch, progress.epochs, loss))
        self._show(progress)
        if self._inherits or self._quick:
            return  # who goes on from trained weights is ahead of all others, and a first glance is soon behind
        for rung in [rung for rung in self._rungs if rung <= progress.share]:
            following = self._rungs.pop(rung)
            if progress.share < following:  # else nobody looked in time, and the loss is one of later
                loss = min(progress.best)
                behind = far_behind(loss, self._course.passed(rung, loss, self._candidates[0]))
                self._given_up = self._given_up or (behind and self._steered)

    def _show(self, progress: Progress) -> None:
        """Show what trials have come to that are better than ever: whoever ends the run now gets them."""
        for place, loss in enumerate(progress.best):
            if loss < WORTH_SHOWING * self._shown[place]:
                self._shown[place] = loss
                self._improve(self._bench.answers(progress.predictions[place]), loss)

    @property
    def _steered(self) -> bool:
        """Whether trials may be ended early: not where a fixed number of them must come out the same on any machine."""
        return self._budget.trials is None

    def _succeeded(self, progress: Progress) -> tuple[Heir, ...]:
        """Let heirs of the better half of the stack take the places of the worse."""
        if not self._steered or len(self._places) < 2 or self._given_up or self._budget.ended_early:
            return ()
        generator = np.random.default_rng((self._bench.seed, self._places[0].number, progress.epoch))
        points = [ticket.proposal.point for ticket in self._places]
        heirs = []
        for one in successions(progress.best, points, self._bench.space, generator):
            ticket = self._issue(Proposal(one.point, HEIR))
            candidate = self._candidate(ticket)
            self._places[one.place], self._shown[one.place] = ticket, math.inf
            self.tickets.append(ticket)
            self._candidates.append(candidate)
            self._announce(ticket, candidate)
            heirs.append(Heir(one.place, one.parent, candidate.recipe))
        return tuple(heirs)

    def _judged(self, trained: Sequence[Trained]) -> tuple[Trial | str, ...]:
        """Return what came of all trials of the stack.

        Raises:
            TrialError: if it cannot be told.
        """
        total = self._budget.elapsed() - self._began
        self._learn_pace(trained, self._budget.elapsed() - self._stepping)
        try:
            return tuple(
                self._judge(ticket, candidate, result, total / len(trained))
                for ticket, candidate, result in zip(self.tickets, self._candidates, trained, strict=True)
            )
        except Exception as error:
            why = "memory did not suffice for it" if short_of_memory(error) else in_words(error)
            raise TrialError(f"what was trained could not be judged: {why}") from error

    def _judge(self, ticket: Ticket, candidate: Candidate, trained: Trained, seconds: float) -> Trial | str:
        """Put the folds' predictions in the order of the rows and score them."""
        bench = self._bench
        if not all(np.isfinite(fold).all() for fold in trained.predictions) or not np.isfinite(trained.loss):
            return "the loss was not a number: training diverged"
        predictions = bench.answers(trained.predictions)
        score = bench.metric.function(bench.truth, predictions)
        folds = len(bench.splits)
        return Trial(ticket, candidate, trained.weights, folds, predictions, score, trained.loss, seconds)
