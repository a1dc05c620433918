"""Trainings that workers do come out as they do here, byte for byte, also where workers are lost on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from workers_inside import NETWORK, PLAIN, Inside, InsideLink, check_equal, rows, splits, spread_over

from netwright.errors import TrialError
from netwright.spec.network import Recipe
from netwright.team import crew as crews
from netwright.team import remote
from netwright.team.crew import LAST, LATER, Crew
from netwright.team.frames import unpack
from netwright.team.link import Gone
from netwright.team.remote import beat_of
from netwright.team.spread import Spread
from netwright.team.worker import versions_of
from netwright.train import torch as home
from netwright.train.control import Control, Heir, Progress, Snapshot, Trained
from netwright.train.framework import Framework
from netwright.train.lanes import run_lanes
from netwright.train.torch import Torch

TOGETHER = [PLAIN, replace(PLAIN, learning_rate=1e-4, dropout=0.3)]
SPLITS = splits()


@dataclass
class Driver:
    """Steers a training and takes down what it hears."""

    follows: Callable[[Progress], Sequence[Heir]] = lambda progress: ()
    wants: bool = False  # snapshots, after every word
    reports: list[Progress] = field(default_factory=list)
    kept: list[Snapshot] = field(default_factory=list)
    lost: list[tuple[str, str, int]] = field(default_factory=list)
    begun: int = 0

    def control(self, **others: Any) -> Control:
        """Return the control that does so."""
        return Control(
            **{
                "time_used": lambda: 0.0,
                "stop": lambda: False,
                "report": self.reports.append,
                "heirs": self.follows,
                "ready": self._ready,
                "due": lambda: self.wants,
                "keep": self.kept.append,
                "lost": lambda worker, reason, epoch: self.lost.append((worker, reason, epoch)),
                **others,
            }
        )

    def _ready(self) -> None:
        self.begun += 1


def train(
    framework: Framework, recipes: Sequence[Recipe], driver: Driver, snapshot: Snapshot | None = None, **others: Any
) -> tuple[Trained, ...]:
    """Train on three folds."""
    features, targets, quantiles = rows()
    trainer = framework.over(features, targets, quantiles)
    seeds = [*range(len(recipes))]
    control = driver.control(**others)
    found: list[tuple[Trained, ...]] = []

    def work() -> None:
        found.append(trainer.train(NETWORK, recipes, SPLITS, "cross_entropy", control, seeds, snapshot=snapshot))

    run_lanes(1, work)  # with one core, as workers compute
    return found[0]


def check_same(first: Sequence[Trained], second: Sequence[Trained]) -> None:
    """Check that two trainings came to the same, byte for byte."""
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert (one.loss, one.steps) == (other.loss, other.steps)
        check_equal(one.weights, other.weights)
        check_equal(dict(enumerate(one.predictions)), dict(enumerate(other.predictions)))


@pytest.fixture(scope="module")
def here() -> tuple[Driver, tuple[Trained, ...]]:
    """Return what two trials come to in this process, and what was heard of them."""
    driver = Driver()
    return driver, train(Torch(), TOGETHER, driver)


def test_a_worker_comes_to_the_same(here: tuple[Driver, tuple[Trained, ...]]) -> None:
    """Weights, predictions, losses, and every report; results may be written to, as those of this process may."""
    heard, whole = here
    driver, transport = Driver(), Inside(1)
    with spread_over(transport) as spread:
        found = train(spread, TOGETHER, driver)
    check_same(found, whole)
    assert [(one.epoch, one.losses, one.best) for one in driver.reports] == [
        (one.epoch, one.losses, one.best) for one in heard.reports
    ]
    assert all(array.flags.writeable for one in found for array in one.weights.values())
    assert transport.closed and not driver.lost and driver.begun == 2  # and once more after a first step


def test_predictions_are_there_whenever_they_are_worth_showing(here: tuple[Driver, tuple[Trained, ...]]) -> None:
    """Those of the last report that had them, and at the first they are those of this process."""
    heard, _ = here
    driver = Driver()
    with spread_over(Inside(1)) as spread:
        train(spread, TOGETHER, driver)
    assert all(len(folds) == len(SPLITS) for one in driver.reports for folds in one.predictions)
    for one, other in zip(driver.reports[0].predictions, heard.reports[0].predictions, strict=True):
        for fold, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(fold, same)


def test_rows_are_sent_once_to_each_worker() -> None:
    """However many trainings there are; what is said with each is small."""
    transport = Inside(2)
    with spread_over(transport) as spread:
        features, targets, quantiles = rows()
        trainer = spread.over(features, targets, quantiles)

        def work() -> None:
            for seed in range(3):
                trainer.train(NETWORK, [PLAIN], SPLITS, "cross_entropy", Driver().control(), [seed])

        spread.run_lanes(work, alike=True)
    assert len(transport.blocks) == 2  # rows and folds
    assert len(transport.held) == len({*transport.held}) <= 4
    asked = [frame for frames in transport.said.values() for frame in frames]
    assert sum(unpack(frame).document["ask"] == "train" for frame in asked) == 6
    assert max(map(len, asked)) < 10_000


@pytest.mark.parametrize("exchange", [2, 3, 5, 8])
def test_a_worker_that_dies_costs_nothing_but_time(exchange: int, here: tuple[Driver, tuple[Trained, ...]]) -> None:
    """Another one trains from the beginning, and comes to the same."""
    driver = Driver()
    transport = Inside(1, dies=lambda number, turn: number == 1 and turn == exchange)
    with spread_over(transport) as spread:
        found = train(spread, TOGETHER, driver)
    check_same(found, here[1])
    assert driver.lost == [("worker 1", "its process was ended by signal 9", 1)]
    assert transport.begun == 2 and driver.begun in (3, 4)  # in the first worker once, or twice


def test_another_worker_goes_on_from_the_last_snapshot(here: tuple[Driver, tuple[Trained, ...]]) -> None:
    """It trains only what came after it."""
    driver = Driver(wants=True)

    def dies(number: int, turn: int) -> bool:
        return number == 1 and bool(driver.kept) and int(driver.kept[-1].numbers["epoch"]) > 3

    transport = Inside(1, dies=dies)
    with spread_over(transport) as spread:
        found = train(spread, TOGETHER, driver)
    check_same(found, here[1])
    ((_, _, epoch),) = driver.lost
    assert epoch > 3
    (order,) = (frame for frame in transport.said[2] if unpack(frame).document["ask"] == "train")
    assert unpack(order).document["snapshot"]["numbers"]["epoch"] == epoch
    assert driver.begun == 2  # in the first worker: in the second its time goes on


def test_heirs_are_asked_for_and_gone_on_with_elsewhere() -> None:
    """The snapshot that is made as they come knows them, so a worker that dies later loses none."""

    def follow(progress: Progress) -> tuple[Heir, ...]:
        worst, best = int(np.argmax(progress.best)), int(np.argmin(progress.best))
        return (Heir(worst, best, replace(TOGETHER[best], weight_decay=0.5)),)

    whole = train(Torch(), TOGETHER, Driver(follow))
    assert len(whole) > 2
    driver = Driver(follow)
    transport = Inside(1, dies=lambda number, turn: number == 1 and len(driver.kept) == 1)
    with spread_over(transport) as spread:
        found = train(spread, TOGETHER, driver)
    assert len(driver.lost) == 1
    check_same(found, whole)


def test_a_training_that_ends_every_worker_ends_alone() -> None:
    """After three it is not tried again, and others are trained as before; what ended the first is told."""
    driver = Driver()

    class Reasons(InsideLink):
        def exchange(self, frame: bytes, seconds: float) -> bytearray:
            try:
                return super().exchange(frame, seconds)
            except Gone as gone:
                raise Gone(f"{self.name} has gone") from gone

    class Telling(Inside):
        def begin(self, number: int, seat: int) -> InsideLink:
            return Reasons(f"worker {number}", number, self, super().begin(number, seat).workplace)

    transport = Telling(1, dies=lambda number, turn: number <= 3 and turn == 2)
    with spread_over(transport) as spread:
        with pytest.raises(TrialError, match=r"3 workers .*: worker 1 has gone$"):
            train(spread, TOGETHER, driver)
        assert [reason for _, reason, _ in driver.lost] == [f"worker {number} has gone" for number in (1, 2, 3)]
        assert len(train(spread, [PLAIN], Driver())) == 1


def test_a_training_that_diverges_fails_as_it_does_here() -> None:
    """By the same error, and the worker goes on."""
    wild = replace(PLAIN, optimiser="sgd", learning_rate=1.0, schedule="flat_cosine", dropout=0.0)
    features, targets, quantiles = rows()
    broken = replace_numeric(features, np.nan)
    with spread_over(Inside(1)) as spread:
        for framework in (Torch(), spread):
            trainer = framework.over(broken, targets, quantiles)
            with pytest.raises(TrialError, match="not a number"):
                trainer.train(NETWORK, [wild], SPLITS, "cross_entropy", Driver().control(), [0])
        assert len(train(spread, [PLAIN], Driver())) == 1


def replace_numeric(features: Any, value: float) -> Any:
    """Return features whose numbers are all one."""
    return replace(features, arrays={**features.arrays, "numeric": np.full_like(features.arrays["numeric"], value)})


@pytest.mark.parametrize(
    ("error", "kind"), [(MemoryError("no room"), MemoryError), (RuntimeError("broken"), RuntimeError)]
)
def test_other_errors_come_back_as_what_they_are(
    error: Exception, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Want of memory is tried again with a smaller batch, by who knows how."""

    def fail(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr("netwright.train.torch.train_population", fail)
    with spread_over(Inside(1)) as spread, pytest.raises(kind, match=str(error)):
        train(spread, [PLAIN], Driver())


def test_a_training_stops_when_it_is_asked_to() -> None:
    """With what there is by then, long before its epochs are done."""
    long, asked = replace(PLAIN, epochs=3_200), threading.Event()

    def report(progress: Progress) -> None:
        asked.set()

    with spread_over(Inside(1)) as spread:
        (found,) = train(spread, [long], Driver(), report=report, stop=asked.is_set)
    assert found.loss < 10 and found.steps < 3_200


def test_the_time_that_the_driver_allows_ends_a_schedule() -> None:
    """The driver's clock counts, and the schedule follows it to its end."""
    asked = 0

    def used() -> float:
        nonlocal asked
        asked += 1
        return min(1.0, asked / 8)

    driver = Driver()
    with spread_over(Inside(1)) as spread:
        (found,) = train(spread, [replace(PLAIN, epochs=100_000)], driver, time_used=used)
    assert found.steps < 100_000
    assert driver.reports[-1].share == 1.0


def test_who_finds_no_worker_any_more_says_so() -> None:
    """Where none can be started in the place of the last, its trial fails, and with the first cause."""
    transport = Inside(1, dies=lambda number, turn: turn == 2 or (number > 1 and turn == 1))
    with spread_over(transport) as spread, pytest.raises(TrialError, match=r"no worker any more: .* signal 9"):
        train(spread, [PLAIN], Driver())
    assert transport.begun == 4


def test_a_worker_that_is_silent_is_not_waited_for_beyond_the_end() -> None:
    """Of a run that ends in five seconds, whatever a worker may take else."""
    asked: list[float] = []

    class Timed(InsideLink):
        def exchange(self, frame: bytes, seconds: float) -> bytearray:
            asked.append(seconds)
            return super().exchange(frame, seconds)

        def hold(self, key: int, seconds: float) -> None:
            asked.append(seconds)
            super().hold(key, seconds)

    class Timing(Inside):
        def begin(self, number: int, seat: int) -> InsideLink:
            return Timed(f"worker {number}", number, self, super().begin(number, seat).workplace)

    crew = Crew(Timing(1), versions_of(Torch()), lambda: 5.0)
    crew.start()
    try:
        train(Spread(Torch(), crew), [PLAIN], Driver())
    finally:
        crew.close()
    _, *others = asked  # the first is what it is
    assert len(others) > 3 and max(others) <= 5.0 + LAST + LATER + beat_of(1)


class Held(InsideLink):
    """A worker that does not answer, from some exchange on, until it is ended."""

    hangs = 4  # exchange from which on it does
    ends = True  # whether it can be ended
    stuck: threading.Event  # set as soon as it hangs
    freed: threading.Event  # set when it is ended, or answers again

    def exchange(self, frame: bytes, seconds: float) -> bytearray:
        """Answer, or hang."""
        if self.exchanges + 1 >= self.hangs:
            self.stuck.set()
            assert self.freed.wait(60)
            raise Gone("its process was ended by signal 9")
        return super().exchange(frame, seconds)

    def close(self) -> None:
        """Answer that it has ended, if it can be."""
        if self.ends:
            self.freed.set()
        elif self.stuck.is_set():
            self.freed.wait(60)  # the system waits for its end
        super().close()


@dataclass
class Holding(Inside):
    """Workers that do not answer."""

    kind: type[Held] = Held
    stuck: threading.Event = field(default_factory=threading.Event)
    freed: threading.Event = field(default_factory=threading.Event)

    def begin(self, number: int, seat: int) -> InsideLink:
        """Make a worker."""
        made = self.kind(f"worker {number}", number, self, super().begin(number, seat).workplace)
        made.stuck, made.freed = self.stuck, self.freed
        return made


class Lasting:
    """A run that lasts until it is ended."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def left(self) -> float:
        """Return the seconds that are left."""
        return 0.0 if self.over.is_set() else float("inf")


def test_a_wait_that_has_begun_ends_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a worker that would be waited for a minute: it is ended, its trial fails for that, and no other tries."""
    monkeypatch.setattr(crews, "LAST", 0.3)
    run, transport, told = Lasting(), Holding(1), list[tuple[str, str]]()
    crew = Crew(transport, versions_of(Torch()), run.left)
    crew.tell_held_up(lambda name, reason: told.append((name, reason)))
    crew.start()
    threading.Thread(target=lambda: transport.stuck.wait(60) and run.over.set()).start()
    driver = Driver()
    try:
        with pytest.raises(
            TrialError, match="worker 1, was ended: it had not come to an end 10 s after the run was to"
        ):
            train(Spread(Torch(), crew), [PLAIN], driver)
        assert crew.late and transport.begun == 1 and not driver.lost
        assert crew.take(lambda: True) is None
    finally:
        crew.close()
    assert told == [("worker 1", crews.HELD_UP)] and transport.closed


def test_a_worker_that_answers_and_does_not_end_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that it is busy, as often as it is asked."""
    monkeypatch.setattr(crews, "LAST", 0.3)
    hanging, closed = threading.Event(), threading.Event()

    class Mortal(InsideLink):
        def exchange(self, frame: bytes, seconds: float) -> bytearray:
            if closed.is_set():
                raise Gone("its process was ended by signal 9")
            return super().exchange(frame, seconds)

        def close(self) -> None:
            closed.set()

    class Mortals(Inside):
        def begin(self, number: int, seat: int) -> InsideLink:
            return Mortal(f"worker {number}", number, self, super().begin(number, seat).workplace)

    def hang(*arguments: Any) -> Any:
        run.over.set()
        hanging.wait(60)
        raise TrialError("it hung")

    monkeypatch.setattr(home, "train_population", hang)
    run = Lasting()
    crew = Crew(Mortals(1), versions_of(Torch()), run.left)
    crew.start()
    try:
        with pytest.raises(TrialError, match="had not come to an end"):
            train(Spread(Torch(), crew), [PLAIN], Driver(), stop=run.over.is_set)
    finally:
        crew.close()
        hanging.set()


def test_a_worker_that_cannot_be_ended_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one whose card's driver hangs: lanes and the end of the crew go on without it."""
    for name in ("LAST", "CLEARED", "LEAVING"):
        monkeypatch.setattr(crews, name, 0.2)

    class Immortal(Held):
        ends = False

    run, transport, told = Lasting(), Holding(1, kind=Immortal), list[str]()
    crew = Crew(transport, versions_of(Torch()), run.left)
    crew.tell_held_up(lambda name, reason: told.append(name))
    crew.start()
    spread, ended, woken = Spread(Torch(), crew), list[str](), threading.Event()
    features, targets, quantiles = rows()
    trainer = spread.over(features, targets, quantiles)

    def work() -> None:
        try:
            trainer.train(NETWORK, [PLAIN], SPLITS, "cross_entropy", Driver().control(), [0])
        except BaseException as error:
            ended.append(type(error).__name__)
            raise
        finally:
            woken.set()

    threading.Thread(target=lambda: transport.stuck.wait(60) and run.over.set()).start()
    spread.run_lanes(work, alike=True)  # raises nothing
    crew.close()
    assert crew.given_up and transport.closed and told == ["worker 1"] and not ended
    transport.freed.set()
    assert woken.wait(60) and ended == ["LeftBehind"]  # nobody is told of it any more


def test_an_end_in_time_is_left_alone() -> None:
    """Nobody is ended or told of where all come to their end."""
    run, told = Lasting(), list[str]()
    crew = Crew(Inside(2), versions_of(Torch()), run.left)
    crew.tell_held_up(lambda name, reason: told.append(name))
    crew.start()
    train(Spread(Torch(), crew), [PLAIN], Driver())
    run.over.set()
    crew.close()
    assert not told and not crew.late and not crew._guarding.is_alive()


def test_a_worker_that_takes_no_step_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers, but what it trains hangs: after a while another one is asked."""
    monkeypatch.setattr(remote, "STUCK", 0.0)
    hanging = threading.Event()
    turns: list[int] = []
    real = home.train_population

    def hang_once(*arguments: Any) -> Any:
        turns.append(1)
        if len(turns) == 1:
            hanging.wait(60)
            raise TrialError("it hung")
        monkeypatch.setattr(remote, "STUCK", 600.0)
        return real(*arguments)

    monkeypatch.setattr(home, "train_population", hang_once)
    driver = Driver()
    with spread_over(Inside(1)) as spread:
        found = train(spread, [PLAIN], driver)
        hanging.set()
    assert len(found) == 1
    ((_, reason, _),) = driver.lost
    assert "took no step" in reason


def test_a_worker_whose_device_computes_no_more_is_lost(here: tuple[Driver, tuple[Trained, ...]]) -> None:
    """Another one comes to the same; where the device still computes, the training itself has failed."""

    class Broken:
        def train(self, *given: Any) -> tuple[Trained, ...]:
            raise RuntimeError("CUDA error: unspecified launch failure")

    def broken(number: int, *, computes: bool) -> Framework:
        framework: Any = Torch()
        if number == 1:
            framework.over, framework.computes = lambda *given: Broken(), lambda: computes
        return framework

    driver = Driver()
    with spread_over(Inside(1, trains=partial(broken, computes=False))) as spread:
        check_same(train(spread, TOGETHER, driver), here[1])
    ((_, reason, _),) = driver.lost
    assert reason == "its device does not compute any more: CUDA error: unspecified launch failure"
    with (
        spread_over(Inside(1, trains=partial(broken, computes=True))) as spread,
        pytest.raises(RuntimeError, match="unspecified launch failure"),
    ):
        train(spread, TOGETHER, driver)
    assert len(driver.lost) == 1


def test_many_workers_are_asked_less_often() -> None:
    """A driver keeps up with so many words a second."""
    assert beat_of(1) == beat_of(100) == 0.25
    assert 1_000 / beat_of(1_000) == pytest.approx(400)


def test_a_framework_of_workers_is_what_its_workers_are() -> None:
    """Where they train, how many cores they count for, and what predicts here."""
    with spread_over(Inside(3)) as spread:
        assert (spread.name, spread.device, spread.lanes, spread.stacked) == ("torch", "cpu", 3, 1)
        assert (spread.computing, spread.sharing) == (3, 3)
        assert spread.versions() == Torch().versions()
        assert isinstance(spread, Spread) and not spread.over(*rows()).compiles(NETWORK)


def test_an_error_in_a_lane_is_raised_and_the_others_end_first() -> None:
    """As in the lanes of this process."""
    ended: list[int] = []
    numbers = iter(range(3))
    lock = threading.Lock()

    def work() -> None:
        with lock:
            number = next(numbers)
        if number == 1:
            raise ValueError("broken")
        ended.append(number)

    with spread_over(Inside(3)) as spread, pytest.raises(ValueError, match="broken"):
        spread.run_lanes(work, alike=True)
    assert sorted(ended) == [0, 2]


def test_who_leaves_does_not_wait_for_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """By Ctrl-C in a program of the user's; in a command it asks for the end, and they are waited for."""
    at_work, left, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        at_work.set()
        left.wait(60)
        ended.set()

    def interrupted(crew: Crew) -> int:
        assert at_work.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(Crew, "left_behind", property(interrupted))
    with spread_over(Inside(1)) as spread:
        with pytest.raises(KeyboardInterrupt):
            spread.run_lanes(work, alike=True)
        assert not ended.is_set()
        left.set()
        assert ended.wait(60)
