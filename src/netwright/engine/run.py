"""The conductor: asks, trains together, tells, stops on budget, selects. It alone knows both search and trainer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from netwright.engine.attempt import Attempt
from netwright.engine.bench import Bench, Trial
from netwright.engine.carried import NOTHING, Carried, take_over
from netwright.engine.checkpoints import Checkpoints, SavedStack
from netwright.engine.closing import answering, finishing
from netwright.engine.course import Course
from netwright.engine.pool import KEPT_BYTES, Pool, improvement, take_in
from netwright.engine.stacks import HEIR, heir_of, siblings
from netwright.errors import NoTrialFinished
from netwright.events import Event, GaveUp, Listener, NotKept, TrialFailed
from netwright.mix.choosing import largest_mix
from netwright.resources.budget import Budget
from netwright.resources.limits import NO_LIMITS, Limits
from netwright.search.desk import Desk, Ticket, tickets_of
from netwright.search.sampler import Proposal, Sampler
from netwright.spec.spaces import Point
from netwright.train.pace import Pace

SHORTEST = 0.03  # of the time limit: with less left no trial is begun
SHORTEST_LEFT = 0.3, 10.0  # seconds, that this is at least and at most: of an hour it would be nearly two minutes
SHORTEST_TRAINING = 0.2  # seconds, without its last checks
HOPELESS = 20  # trials that failed one after another: the next one will not be better, as where a card has gone


def search(
    bench: Bench,
    budget: Budget,
    sampler: Sampler,
    listener: Listener,
    *,
    limits: Limits = NO_LIMITS,
    kept_back: float = 0.0,
    needless: Callable[[Pool], bool] = lambda pool: False,
    carried: Carried = NOTHING,
    checkpoints: Checkpoints | None = None,
    tell_all: Callable[[Sequence[Event]], None] | None = None,
) -> Pool:
    """Try candidates until the budget ends, less the time that finishing takes.

    Args:
        bench: what trials share.
        budget: time or number of trials.
        sampler: the way to search.
        listener: told what happens, from any thread, one event at a time.
        limits: what the model may cost; only a size beyond the usual is looked at here.
        kept_back: share of the time limit that is not for the search.
        needless: asked when only that share is left: whether the search may have it after all.
        carried: what an earlier run came to, which this one goes on with.
        checkpoints: where finished trials are kept for a run that goes on with this one; None to keep none.
        tell_all: told in the place of `listener`, of all at once that happened while it was busy, in order.

    Raises:
        NoTrialFinished: if every trial failed; it names the first cause.
    """
    points = bench.first_points(portfolio=sampler.portfolio)
    state = sampler.init(bench.space, points, bench.seed)

    def company(point: Point) -> int:
        # Designs that were chosen for being different come first, before variations of any of them.
        return 1 if point in points else siblings(bench, point)

    kept_bytes = min(KEPT_BYTES, bench.kept_room)
    pool = Pool(kept_back=kept_back, largest=largest_mix(limits, bench.task), kept_bytes=kept_bytes)
    course = Course(Pace(bench.framework.pace))
    ended: deque[tuple[Attempt, Sequence[Trial | str]]] = deque()  # what lanes came to and nobody has taken in yet
    happened: deque[Event] = deque()  # what nobody has been told of yet
    changing, telling = threading.Lock(), threading.Lock()  # two, so that nobody waits for a mix to tell of an epoch

    def tell(event: Event) -> None:
        # One sync of the disk for all that happened during the last: else hundreds of lanes would wait for each other.
        happened.append(event)
        with telling:
            together = [happened.popleft() for _ in range(len(happened))]
            if together and tell_all is not None:
                tell_all(together)
            elif together:
                for one in together:
                    listener(one)

    gone_on: list[int] = []  # numbers of the trials that go on from finished ones
    desk = Desk(sampler, state, company, budget.trials, tell)
    if carried is not NOTHING:
        take_over(carried, desk, pool, bench, budget, tell)

    def keep(finished: Sequence[Trial | str]) -> None:
        # Before it is told that they finished: what is recorded so is never trained again.
        for trial in finished:
            failure = checkpoints.keep(trial) if checkpoints and isinstance(trial, Trial) else ""
            if failure:
                tell(NotKept(budget.elapsed(), failure))

    def take_in_all() -> list[int]:  # numbers of trials whose files nobody needs any more
        # One mix for all that have ended while the last was chosen: else hundreds of lanes would wait for each other.
        with changing:
            together = [ended.popleft() for _ in range(len(ended))]
            if not together:
                return []  # whoever chose the last mix took this lane's trials in too
            pool.tail, before = max(pool.tail, *(attempt.tail for attempt, _ in together)), len(pool.dropped)
            tickets = [ticket for attempt, _ in together for ticket in attempt.tickets]
            results = [result for _, finished in together for result in finished]
            events = take_in(pool, bench, tickets, results, budget)
            pool.answering = answering(bench, pool, course)
            for event in events:
                tell(event)  # still under the lock, so that improvements are told in their order
            if budget.left() > 0 and (reason := _hopeless(bench, pool)):  # else it ends anyway, whatever failed
                pool.given_up = reason
                tell(GaveUp(budget.elapsed(), reason))
            dropped = [trial.ticket.number for trial in pool.dropped[before:]]
            return [*dropped, *(event.trial for event in events if isinstance(event, TrialFailed))]

    going_on = [*carried.stacks]

    def next_attempt() -> Attempt | None:
        with changing:  # two lanes may be here at one time
            stack = going_on.pop() if going_on else None
        if stack is not None:
            return resumed(stack)
        tickets = desk.take()
        return begin(tickets) if tickets and not _over(bench, budget, pool) else None

    def work() -> None:
        try:
            while attempt := next_attempt():
                if pool.trials and attempt.seconds < SHORTEST_TRAINING:
                    break  # its last checks would take all that is left
                finished = attempt.run()
                ending = budget.elapsed()
                keep(finished)
                attempt.tail += budget.elapsed() - ending
                ended.append((attempt, finished))
                dropped = take_in_all()
                if checkpoints:
                    checkpoints.drop(dropped)
                    checkpoints.drop_stack(attempt.tickets[0].number)
                for ticket, trial in zip(attempt.tickets, finished, strict=True):
                    desk.give(ticket, trial.loss if isinstance(trial, Trial) else None)
        finally:
            desk.close()  # also when this lane breaks: the others must not wait for it

    def improve(answers: NDArray[Any], loss: float) -> None:
        if changing.acquire(blocking=False):  # a mix is being chosen: who learns does not wait for it
            try:
                for event in improvement(pool, bench, budget, answers, loss, 1):
                    tell(event)
            finally:
                changing.release()

    def begin(tickets: tuple[Ticket, ...]) -> Attempt:
        left = _left(bench, budget, pool)
        heir = None if budget.seconds is None else heir_of(bench, tickets, pool.trials, left, course, len(gone_on))
        if heir is None:
            attempt = Attempt(
                bench, tickets, budget, left, course, desk.issue, tell, improve, None, pool.tail, checkpoints
            )
            if budget.seconds is not None and pool.trials and attempt.seconds < SHORTEST_TRAINING:
                heir = heir_of(bench, tickets, pool.trials, left, course, last=True)
            if heir is None:
                return attempt
        for ticket in tickets:
            desk.give(ticket, None)
        parent, point = heir
        ticket = desk.issue(Proposal(point, HEIR))
        gone_on.append(ticket.number)
        return Attempt(bench, [ticket], budget, left, course, desk.issue, tell, improve, parent, pool.tail, checkpoints)

    def resumed(stack: SavedStack) -> Attempt:
        known = tickets_of(carried.steps)
        tickets, left = [known[number] for number in stack.tickets], _left(bench, budget, pool)
        return Attempt(
            bench, tickets, budget, left, course, desk.issue, tell, improve, None, pool.tail, checkpoints, stack
        )

    def run_lanes() -> None:
        try:
            bench.framework.run_lanes(work, alike=budget.seconds is None)
        except BaseException:  # as by Ctrl-C in a program of the user's: who has left leaves no lanes at work
            budget.end()
            desk.close()
            raise

    run_lanes()
    if pool.kept_back and pool.trials and budget.seconds and not budget.ended_early and needless(pool):
        pool.kept_back = 0.0
        desk.reopen()
        run_lanes()
    if not pool.trials:
        raise NoTrialFinished(pool.failures[0] if pool.failures else "the time was over before the first began")
    return pool


def _hopeless(bench: Bench, pool: Pool) -> str:
    """Return why nothing would come of more trials, as a sentence; empty where something may, or it was said."""
    if pool.given_up or not pool.failing:
        return ""
    last = pool.failures[-1]
    if not bench.framework.computes():
        return f"The device {bench.framework.device} does not compute any more. The last trial on it failed: {last}."
    if pool.failing < HOPELESS:
        return ""
    return f"{pool.failing} trials failed one after another, the last of them because of this: {last}."


def _over(bench: Bench, budget: Budget, pool: Pool) -> bool:
    """Return whether it is too late to begin another trial: one that is cut off at once only costs its set-up."""
    if pool.given_up:
        return True
    if not pool.trials:
        return bool(pool.failures) and budget.left() <= 0
    if budget.seconds is None:
        return budget.ended_early
    least, most = SHORTEST_LEFT
    return _left(bench, budget, pool) < max(least, min(most, SHORTEST * budget.seconds))


def _left(bench: Bench, budget: Budget, pool: Pool) -> float:
    """Return the seconds left for training: without those for finishing, and those kept back for other work."""
    if budget.seconds is None:
        return budget.left()
    ending = finishing(bench, pool, budget.seconds)
    return max(0.0, budget.left() - ending - pool.kept_back * budget.seconds)
