"""What a run takes over from one that was cut off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netwright.engine.bench import Bench, Trial
from netwright.engine.checkpoints import SavedStack
from netwright.engine.pool import Pool, take_over_trials
from netwright.events import Listener, Proposed, RunResumed, Told, TrialFailed, TrialFinished
from netwright.resources.budget import Budget
from netwright.search.desk import Desk, tickets_of

CUT_OFF = "it was cut off together with the run"


@dataclass(frozen=True)
class Carried:
    """What an earlier run came to; nothing where there was none.

    Attributes:
        steps: what its search handed out and heard, in order; such as `search.desk.check_steps` lets pass.
        trials: finished trials with their weights.
        dropped: finished trials whose weights were let go.
        failures: number of trial → why it failed.
        running: numbers of trials that had begun and came to no end.
        stacks: trials in training as they were last kept.
        curve: (seconds, score) of the mix, when it got better.
    """

    steps: tuple[Proposed | Told, ...] = ()
    trials: tuple[Trial, ...] = ()
    dropped: tuple[Trial, ...] = ()
    failures: Mapping[int, str] = field(default_factory=dict)
    running: frozenset[int] = frozenset()
    stacks: tuple[SavedStack, ...] = ()
    curve: tuple[tuple[float, float], ...] = ()


NOTHING = Carried()


def take_over(carried: Carried, desk: Desk, pool: Pool, bench: Bench, budget: Budget, tell: Listener) -> None:
    """Bring the search and the pool of a run to where the earlier one was; nobody may be at work yet.

    Args:
        carried: what there is to take over.
        desk: new, of the same sampler.
        pool: empty.
        bench: what trials share.
        budget: tells the time.
        tell: told what becomes of trials whose end was not recorded, and how many are carried over.

    """
    desk.replay(carried.steps)
    heard = {step.trial for step in carried.steps if isinstance(step, Told)}
    for trial in (*carried.trials, *carried.dropped):
        number = trial.ticket.number
        if number in carried.running:  # it was kept, and then all ended before that was recorded
            tell(TrialFinished(budget.elapsed(), number, trial.score, trial.loss, trial.seconds))
        if number not in heard:
            desk.give(trial.ticket, trial.loss)
    tickets = tickets_of(carried.steps)
    for number in sorted({*carried.failures} - heard):
        desk.give(tickets[number], None)
    known = {trial.ticket.number for trial in carried.trials}
    elsewhere = {number for stack in carried.stacks for number in stack.tickets}
    lost = desk.hand_out_again(carried.steps, elsewhere)
    given_up = [ticket.number for ticket in lost if ticket.number in carried.running]
    for number in given_up:
        tell(TrialFailed(budget.elapsed(), number, CUT_OFF))
    reasons = [carried.failures[number] for number in sorted(carried.failures)]
    take_over_trials(pool, bench, budget, carried.trials, carried.dropped, carried.curve)
    pool.failures = [*reasons, *(CUT_OFF for _ in given_up)]
    begun = len(carried.running - known - {*given_up})
    tell(RunResumed(budget.elapsed(), budget.seconds, len(carried.trials) + len(carried.dropped), begun))
