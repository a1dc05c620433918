"""The conductor: what the search does with the time that was kept back for other work."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from netwright.data.features import Features
from netwright.data.frame import Frame
from netwright.engine import run
from netwright.engine.attempt import NO_MEMORY, Attempt
from netwright.engine.bench import KEPT_SHARE, TRAINING_SHARE, Bench, Trial, set_up, within_memory
from netwright.engine.course import LAST_CHECKS, Course
from netwright.engine.pool import FEWEST_KEPT, Pool, take_over_trials
from netwright.engine.run import HOPELESS, search
from netwright.engine.stacks import heir_of
from netwright.errors import NoTrialFinished, TrialError
from netwright.events import BestImproved, Event, GaveUp, Told, TrialFailed, TrialFinished, TrialStarted
from netwright.handover.finish import keeps
from netwright.metrics import find_metric
from netwright.resources.budget import Budget
from netwright.resources.limits import Limits
from netwright.search import SAMPLERS
from netwright.search.desk import Ticket
from netwright.search.sampler import Proposal
from netwright.spec.blocks import Head, Identity, TableInput
from netwright.spec.costs import step_bytes
from netwright.spec.network import Candidate, Network, Recipe
from netwright.spec.spaces import Range
from netwright.tasks import TASKS
from netwright.tasks.media import MAPS_SHARE
from netwright.tasks.task import Request
from netwright.train.control import Control, Snapshot, Trained
from netwright.train.lanes import run_lanes
from netwright.train.torch import Torch


@pytest.fixture(scope="module")
def bench() -> Bench:
    """Return a toy table, ready for trials."""
    task = TASKS["tabular"]
    table, target = task.toy(0)
    loaded = task.load(Request(table, target, {}, "auto"))
    return set_up(task, loaded, find_metric("auto", loaded.schema.target.outcome), Torch(), seed=0)


@pytest.fixture(scope="module")
def searched(bench: Bench) -> tuple[Pool, tuple[Event, ...]]:
    """Return what two trials came to, and all that was told of them."""
    told: list[Event] = []
    return search(bench, Budget(trials=2), SAMPLERS["evolution"], told.append), tuple(told)


def test_a_run_whose_trials_all_fail_ends_and_names_the_first_cause(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long before its time is up: what failed so often will not work the next time either."""
    numbers = count(1)
    monkeypatch.setattr(Attempt, "run", lambda self: (f"broken {next(numbers)}",) * len(self.tickets))
    told: list[Event] = []
    with pytest.raises(NoTrialFinished, match="broken 1"):
        search(bench, Budget(seconds=3_600.0), SAMPLERS["evolution"], told.append)
    assert HOPELESS <= sum(isinstance(event, TrialFailed) for event in told) < 2 * HOPELESS + 8


@pytest.mark.parametrize("needless", [True, False])
def test_time_kept_back_goes_to_the_search_only_where_it_is_needless(bench: Bench, needless: bool) -> None:
    """It is asked once, when nothing else is left, and trials follow only after a yes."""
    asked: list[int] = []

    def answer(pool: Pool) -> bool:
        asked.append(len(pool.trials) + len(pool.dropped))
        return needless

    # Of the processor: how busy the machine is with other work does not count.
    budget = Budget(seconds=4.0, started=time.process_time(), clock=time.process_time)
    pool = search(bench, budget, SAMPLERS["evolution"], lambda event: None, kept_back=0.4, needless=answer)
    tried = len(pool.trials) + len(pool.dropped)
    assert len(asked) == 1
    assert pool.kept_back == (0.0 if needless else 0.4)
    assert tried > asked[0] if needless else tried == asked[0]


def test_a_mix_is_measured_in_the_middle_of_a_run(bench: Bench, searched: tuple[Pool, tuple[Event, ...]]) -> None:
    """It keeps a wide limit, and not one of ten bytes."""
    budget, (pool, _) = Budget(trials=2), searched
    assert keeps(bench, pool, budget, Limits(size=1e9, latency=10.0))
    assert not keeps(bench, pool, budget, Limits(size=10.0))


def test_a_trial_counts_while_it_still_learns(searched: tuple[Pool, tuple[Event, ...]]) -> None:
    """The best so far is told before the first trial has ended, and never gets worse."""
    pool, told = searched
    kinds = [type(event) for event in told]
    assert kinds.index(BestImproved) < kinds.index(TrialFinished)
    scores = [event.score for event in told if isinstance(event, BestImproved)]
    assert len(scores) > 2
    assert scores == sorted(scores)
    assert [score for _, score in pool.curve] == scores


def test_what_happens_in_many_lanes_is_told_together_and_in_order(bench: Bench) -> None:
    """To one listener in place of the other: who is slow is told of all that happened meanwhile at once."""
    batches: list[list[Event]] = []
    many = replace(bench, framework=FourLanes())
    search(many, Budget(trials=4), SAMPLERS["evolution"], _never, tell_all=lambda events: batches.append([*events]))
    told = [event for batch in batches for event in batch]
    for number in range(1, 5):
        own = [type(event) for event in told if getattr(event, "trial", None) == number]
        assert own[0] is TrialStarted and own[-2:] == [TrialFinished, Told]
    scores = [event.score for event in told if isinstance(event, BestImproved)]
    assert scores == sorted(scores)


class FourLanes(Torch):
    """Trains four stacks at one time, however many cores there are."""

    lanes = 4


def _never(event: Event) -> None:
    raise AssertionError("the other is told")


def test_mixes_are_chosen_for_all_that_have_ended_meanwhile(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four lanes end while the first mix is chosen: a second one takes the other three in."""
    chosen: list[int] = []
    arrived = threading.Barrier(4)
    real = run.take_in

    def slow(pool: Pool, bench: Bench, tickets: Any, finished: Any, budget: Budget) -> list[Event]:
        chosen.append(len(tickets))
        if len(chosen) == 1:
            time.sleep(0.5)
        return real(pool, bench, tickets, finished, budget)

    train = Attempt.run

    def together(self: Attempt) -> tuple[Trial | str, ...]:
        finished = train(self)
        arrived.wait(60)
        return finished

    monkeypatch.setattr(run, "take_in", slow)
    monkeypatch.setattr(Attempt, "run", together)
    pool = search(replace(bench, framework=FourLanes()), Budget(trials=4), SAMPLERS["evolution"], lambda event: None)
    assert sum(chosen) == 4 and len(chosen) < 4
    assert len(pool.trials) == 4


def test_the_last_checks_of_a_large_network_have_their_time(bench: Bench) -> None:
    """They are counted by what an epoch takes, unless as much has been left out for them already."""
    course = Course()
    point = bench.task.portfolio(bench.preparation, len(bench.loaded.truth))[0]
    candidate = bench.task.candidate(point, bench.preparation)
    course.pace.learn(candidate, bench.learnt, len(bench.splits), 1.0, 60.0)
    assert course.tail(bench, [candidate]) == pytest.approx(LAST_CHECKS * 60 / (3 * (len(bench.splits) - 1)))

    def seconds(kept: float, lanes: int) -> float:
        ticket = Ticket(0, Proposal(point, "portfolio"))
        budget, where = Budget(seconds=200.0), replace(bench, framework=SimpleNamespace(lanes=lanes))
        return Attempt(
            where, [ticket], budget, 100.0, course, lambda one: ticket, lambda event: None, kept=kept
        ).seconds

    tail = course.tail(bench, [candidate])
    assert seconds(1e6, lanes=1) - seconds(0.0, lanes=1) == pytest.approx(tail / 2)  # two shall find room
    assert seconds(1e6, lanes=2) - seconds(0.0, lanes=2) == pytest.approx(tail)  # two do, side by side


def test_a_network_that_begins_from_nothing_is_not_behind_those_that_have_a_trained_trunk() -> None:
    """Each is compared with its like alone, while any of them shows that a training fits into its time."""
    course = Course()
    own = Candidate(Network((TableInput(4, 0, (), Identity()), Head(2))), Recipe())
    seeing = Candidate(Network((TableInput(0, 0, (), Identity(), frozen=8), Head(2))), Recipe())
    assert [course.passed(0.25, loss, seeing) for loss in (0.1, 0.2)] == [[], [0.1]]
    assert course.passed(0.25, 0.9, own) == []
    assert course.passed(0.25, 0.3, replace(own, recipe=Recipe(trunk_rate=0.1))) == [0.1, 0.2]
    assert course.passed(0.25, 0.8, own) == [0.9]
    assert course.has_seen(0.25) and not course.has_seen(0.5)


def test_a_program_that_is_compiled_first_has_its_time_all_the_same(bench: Bench) -> None:
    """The schedule begins with the first step, and the trainings after it leave room for as much."""
    clock, used, known = SimpleNamespace(now=0.0), [], list[Network]()

    class Compiled:
        def train(self, *given: object) -> None:
            (control,) = (each for each in given if isinstance(each, Control))
            clock.now += 6.0
            control.ready()
            for _ in range(3):
                used.append(control.time_used())
                clock.now += 1.0
            raise TrialError("enough seen")

        def compiles(self, network: Network) -> bool:
            return not any(network == each for each in known)

    budget = SimpleNamespace(elapsed=lambda: clock.now, seconds=100.0, trials=None, ended_early=False)
    ticket = Ticket(0, Proposal(bench.task.portfolio(bench.preparation, len(bench.loaded.truth))[0], "portfolio"))
    compiled, course = replace(bench, trainer=Compiled(), framework=SimpleNamespace(lanes=1)), Course()

    def attempt(left: float) -> Attempt:
        return Attempt(compiled, [ticket], budget, left, course, lambda one: ticket, lambda event: None, kept=1e6)

    first = attempt(20.0)
    assert first.seconds == 20.0
    assert first.run() == ("enough seen",)
    assert first.seconds == 14.0 and course.readying == 6.0
    assert used == pytest.approx([0.0, 1 / 14, 2 / 14])
    assert attempt(20.0).seconds == 7.0  # two shall find room
    late = attempt(8.0)
    late.run()
    assert late.seconds == 1.0 and used[3:] == [0.0, 1.0, 1.0]
    known.append(bench.task.candidate(ticket.proposal.point, bench.preparation).network)
    assert attempt(20.0).seconds == 20.0


def test_what_goes_on_over_the_end_of_a_training_counts_as_its_tail(bench: Bench) -> None:
    """Where nobody looked at the clock in time, as during a check, or somebody went on looking, as for a worker."""
    clock = SimpleNamespace(now=0.0)
    predictions = tuple(np.zeros((len(split.valid), 3), np.float32) for split in bench.splits)

    class Checks:
        looks = 0.0  # seconds after the time is up at which the clock is looked at once more

        def train(self, *given: object) -> tuple[Trained, ...]:
            (control,) = (each for each in given if isinstance(each, Control))
            assert control.time_used() == 0.0
            clock.now += attempt.seconds + self.looks
            assert control.time_used() == 1.0
            clock.now += 2.0
            return (Trained({}, predictions, 1.0, 1),)

        def compiles(self, network: Network) -> bool:
            return False

    checks = Checks()
    budget = SimpleNamespace(elapsed=lambda: clock.now, seconds=100.0, trials=None, ended_early=False)
    ticket = Ticket(0, Proposal(bench.task.portfolio(bench.preparation, len(bench.loaded.truth))[0], "portfolio"))
    for checks.looks in (0.0, 3.0):
        attempt = Attempt(
            replace(bench, trainer=checks), [ticket], budget, 20.0, Course(), lambda one: ticket, lambda event: None
        )
        (trial,) = attempt.run()
        assert isinstance(trial, Trial)
        assert attempt.tail == pytest.approx(checks.looks + 2.0)


def test_where_no_trial_fits_any_more_one_that_has_finished_is_gone_on_with(
    bench: Bench, searched: tuple[Pool, tuple[Event, ...]]
) -> None:
    """Be it the only one, or a first small network; else the rest of the time would be left."""
    trials = searched[0].trials
    points = bench.task.portfolio(bench.preparation, len(bench.loaded.truth))
    later = replace(trials[0], ticket=Ticket(8, Proposal(points[0], "portfolio")))
    ticket, slow = Ticket(9, Proposal(points[0], "portfolio")), Course()
    candidate = bench.task.candidate(points[0], bench.preparation)
    slow.pace.learn(candidate, bench.learnt, len(bench.splits), 1.0, 1e3)
    assert heir_of(bench, [ticket], trials, 1.0, slow) is None
    for finished in (trials, [later, *trials]):
        found = heir_of(bench, [ticket], finished, 1.0, slow, last=True)
        assert found is not None
        assert found[0] in ([later] if later in finished else trials)
    assert heir_of(bench, [trials[0].ticket], [later], 1.0, slow, last=True) is None  # the first are trained


def test_with_little_time_left_a_finished_trial_is_gone_on_with(
    bench: Bench, searched: tuple[Pool, tuple[Event, ...]]
) -> None:
    """One of two where less than a quarter of the time is left, any where hardly some is; numbers alone change."""
    rows = len(bench.loaded.truth)
    points = bench.task.portfolio(bench.preparation, rows)
    first, second = (
        replace(searched[0].trials[0], ticket=Ticket(number, Proposal(point, "portfolio")))
        for number, point in enumerate(points[:2], 7)
    )
    ticket, slow = Ticket(9, Proposal(points[0], "portfolio")), Course()
    candidate = bench.task.candidate(points[0], bench.preparation)
    slow.pace.learn(candidate, bench.learnt, len(bench.splits), 1.0, 1e3)
    need = slow.need(bench, [candidate])
    assert heir_of(bench, [ticket], [first, second], 0.3 * need, slow) is None
    assert heir_of(bench, [ticket], [first], 0.2 * need, slow) is None
    assert heir_of(bench, [ticket], [first, second], 0.2 * need, slow, 2) is None  # each went on once
    for finished, left, gone_on in (([first, second], 0.2, 1), ([first], 0.09, 0), ([first, second], 0.02, 2)):
        found = heir_of(bench, [ticket], finished, left * need, slow, gone_on)
        assert found is not None and found[0] in finished
        parent, point = found[0].ticket.proposal.point, found[1]
        changed = [name for name in point if point[name] != parent[name]]
        assert changed and all(isinstance(bench.space[name], Range) for name in changed)


@pytest.mark.parametrize(("limit", "left", "over"), [(60.0, 1.5, True), (60.0, 2.0, False), (3_600.0, 11.0, False)])
def test_a_trial_is_begun_as_long_as_there_is_time_for_a_short_one(
    bench: Bench,
    searched: tuple[Pool, tuple[Event, ...]],
    monkeypatch: pytest.MonkeyPatch,
    limit: float,
    left: float,
    over: bool,
) -> None:
    """A share of the limit, but of hours no more than some seconds."""
    monkeypatch.setattr(run, "finishing", lambda bench, pool, seconds: 0.0)
    budget = Budget(seconds=limit, started=0.0, clock=lambda: limit - left)
    assert run._over(bench, budget, searched[0]) is over
    late = Budget(seconds=limit, started=0.0, clock=lambda: limit - 0.2)
    assert run._over(bench, late, searched[0])


def test_no_stack_is_written_over_the_end_of_its_training(bench: Bench) -> None:
    """What that took the last time must be left: of millions of rows the order alone is hundreds of megabytes."""
    clock = SimpleNamespace(now=0.0)

    def keep_stack(stack: object) -> str:
        clock.now += 3.0
        return ""

    budget = SimpleNamespace(elapsed=lambda: clock.now, seconds=1_000.0, trials=None, ended_early=False)
    ticket = Ticket(0, Proposal(bench.task.portfolio(bench.preparation, len(bench.loaded.truth))[0], "portfolio"))
    checkpoints: Any = SimpleNamespace(keep_stack=keep_stack)
    attempt = Attempt(
        bench, [ticket], budget, 400.0, Course(), lambda one: ticket, lambda event: None, checkpoints=checkpoints
    )
    assert not attempt._due()
    clock.now = 4.0
    assert attempt._due()
    attempt._keep(Snapshot({}, {}))
    clock.now = attempt.seconds - 4.0
    assert attempt._due()
    clock.now = attempt.seconds - 2.0
    assert not attempt._due()


# --- memory ----------------------------------------------------------------------------------------------------------


class Narrow:
    """Trains as PyTorch does, but has memory for few rows of a step only."""

    def __init__(self, bench: Bench, most: int, error: Exception) -> None:
        """Take so many rows; for more, fail with an error."""
        self._bench, self._most, self._error = bench, most, error
        self.asked: list[int] = []

    def train(self, network: Network, recipes: Sequence[Recipe], *given: Any) -> Any:
        """Train, or fail."""
        self.asked.append(recipes[0].batch_size)
        if recipes[0].batch_size > self._most:
            raise self._error
        return self._bench.trainer.train(network, recipes, *given)

    def compiles(self, network: Network) -> bool:
        """Return that nothing is compiled."""
        return False


def attempt_with(bench: Bench, **changes: Any) -> Attempt:
    """Return an attempt at the first of the portfolio, on a bench with changes."""
    ticket = Ticket(0, Proposal(bench.task.portfolio(bench.preparation, len(bench.loaded.truth))[0], "portfolio"))
    changed, budget = replace(bench, **changes), Budget(trials=1)
    return Attempt(changed, [ticket], budget, math.inf, Course(), lambda one: ticket, lambda event: None)


def test_a_batch_that_does_not_fit_is_halved_until_it_does(bench: Bench) -> None:
    """The trial then comes out as others do; where not even few rows fit, it fails with its reason."""
    narrow = Narrow(bench, 20, MemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."))
    (trial,) = attempt_with(bench, trainer=narrow).run()
    assert isinstance(trial, Trial)
    assert [larger // 2 for larger in narrow.asked[:-1]] == narrow.asked[1:]
    assert len(narrow.asked) > 1 and 10 < narrow.asked[-1] <= 20
    none = Narrow(bench, 0, MemoryError())
    assert attempt_with(bench, trainer=none).run() == (NO_MEMORY,)
    assert none.asked[-1] >= 8


def test_no_other_error_is_taken_for_a_lack_of_memory(bench: Bench) -> None:
    """Though it may have the word in it: such a card is broken, and smaller batches do not mend it."""
    broken = Narrow(bench, 0, RuntimeError("CUDA error: an illegal memory access was encountered"))
    (reason,) = attempt_with(bench, trainer=broken).run()
    assert "illegal memory access" in str(reason) and len(broken.asked) == 1


def test_a_step_is_planned_to_fit(bench: Bench) -> None:
    """The batch is halved beforehand, since a system may end a process that takes too much; an empty room fails."""
    ticket = bench.task.portfolio(bench.preparation, len(bench.loaded.truth))[0]
    candidate = bench.task.candidate(ticket, bench.preparation)
    networks, usual = len(bench.splits), candidate.recipe.batch_size
    room = step_bytes(candidate.network, networks, usual // 3)
    wide = Narrow(bench, 10**9, MemoryError())
    assert isinstance(attempt_with(bench, trainer=wide).run()[0], Trial)
    tight = Narrow(bench, 10**9, MemoryError())
    assert isinstance(attempt_with(bench, trainer=tight, lane_room=room).run()[0], Trial)
    assert (wide.asked, tight.asked) == ([usual], [usual // 4])
    assert attempt_with(bench, trainer=tight, lane_room=1_000.0).run() == (NO_MEMORY,)


def test_memory_is_shared_out_when_trials_begin(bench: Bench) -> None:
    """Among those that train at one time, and the answers that are kept; of a card it is not foretold."""
    shared, lanes = within_memory(bench, 1e9, 1e9), bench.framework.lanes
    assert shared.lane_room == pytest.approx(TRAINING_SHARE * 1e9 / lanes, rel=0.01)  # the rows are few
    assert shared.kept_room == pytest.approx(KEPT_SHARE * 1e9, rel=0.01)
    assert within_memory(bench, 1e9, 1e6).lane_room == 1e6 / lanes
    elsewhere = replace(bench, framework=SimpleNamespace(lanes=1_000, sharing=4, device="cpu"))  # of a cluster
    assert within_memory(elsewhere, 1e9, 1e6).lane_room == 1e6 / 4
    card = replace(bench, framework=SimpleNamespace(sharing=1, device="cuda:0"))
    assert within_memory(card, 1e9, 0.0).lane_room == math.inf


def test_images_are_held_once_and_leave_room_to_learn_from_them(bench: Bench) -> None:
    """What networks eat is what was read, and no copy of it: as many as are read leave the room for a training."""
    images = np.zeros((1_000, 8, 8, 1), np.uint8)
    held, room = Features({"images": images}), images.nbytes / MAPS_SHARE
    own = replace(bench.loaded, frame=Frame({"image": images}, len(images)))
    lanes = bench.framework.lanes
    alike = within_memory(replace(bench, features=held, loaded=own), room, room)
    assert alike.lane_room == pytest.approx(TRAINING_SHARE * (room - images.nbytes) / lanes)
    assert within_memory(replace(bench, features=held), room, room).lane_room == 0.0  # cells, and features beside them


def test_answers_of_kept_trials_take_no_more_than_there_is(bench: Bench) -> None:
    """With little room fewer trials are kept, four at least."""
    few = replace(bench, kept_room=1.0)
    pool = search(few, Budget(trials=FEWEST_KEPT + 1), SAMPLERS["evolution"], lambda event: None)
    assert (len(pool.trials), len(pool.dropped)) == (FEWEST_KEPT, 1)


def test_no_more_trials_are_taken_over_than_are_kept(bench: Bench, searched: tuple[Pool, tuple[Event, ...]]) -> None:
    """A process may have been killed before it removed the file of one that it had let go."""
    one = searched[0].trials[0]
    trials = [
        replace(one, ticket=replace(one.ticket, number=number), loss=one.loss + 0.01 * number)
        for number in range(FEWEST_KEPT + 2)
    ]
    pool = Pool(kept_bytes=1.0)
    take_over_trials(pool, bench, Budget(trials=len(trials)), [*reversed(trials)], (), ())
    assert all(one is same for one, same in zip(pool.trials, trials[:FEWEST_KEPT], strict=True))
    assert [one.ticket for one in pool.dropped] == [one.ticket for one in trials[FEWEST_KEPT:]]
    assert len(pool.weights) == FEWEST_KEPT and pool.weights.sum() == pytest.approx(1.0)


def test_a_run_whose_time_is_over_does_not_give_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where many lanes have waited for workers that never came: it ends when its time does, and not before."""
    budget, arrived, told = Budget(seconds=3_600.0), threading.Barrier(HOPELESS), list[Event]()

    class Many(Torch):
        lanes = HOPELESS

        def run_lanes(self, work: Any, *, alike: bool) -> None:
            run_lanes(HOPELESS, work)

    def late(self: Attempt) -> tuple[str, ...]:
        arrived.wait(60)
        budget.end()
        return ("it was too late",) * len(self.tickets)

    monkeypatch.setattr(Attempt, "run", late)
    with pytest.raises(NoTrialFinished, match="too late"):
        search(replace(bench, framework=Many()), budget, SAMPLERS["evolution"], told.append)
    assert sum(isinstance(event, TrialFailed) for event in told) >= HOPELESS
    assert not any(isinstance(event, GaveUp) for event in told)


def test_who_leaves_a_run_leaves_no_lanes_at_work(bench: Bench) -> None:
    """As by Ctrl-C in a notebook, where nothing else asks for the end: they stop at the next step."""
    begun, lanes = threading.Event(), list[threading.Thread]()

    class Left(Torch):
        def run_lanes(self, work: Any, *, alike: bool) -> None:
            lanes.append(threading.Thread(target=work, daemon=True))
            lanes[0].start()
            assert begun.wait(60)
            raise KeyboardInterrupt

    def listen(event: Event) -> None:
        if isinstance(event, TrialStarted):
            begun.set()

    with pytest.raises(KeyboardInterrupt):
        search(replace(bench, framework=Left()), Budget(seconds=3_600.0), SAMPLERS["evolution"], listen)
    lanes[0].join(60)
    assert not lanes[0].is_alive()
