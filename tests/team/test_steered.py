"""The control of a training whose driver is elsewhere."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from workers_inside import PLAIN

from netwright.team import steered
from netwright.team.messages import Busy, Checked, HeirsWanted, Kept, Readied, Steering, hear
from netwright.team.steered import Abandoned, Steered
from netwright.train.control import Heir, Progress, Snapshot


class Hands:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def progress(*best: float) -> Progress:
    """Return a report of trials with these losses."""
    folds = tuple((np.full((2, 1), loss, np.float32),) for loss in best)
    return Progress(1, 9, 0.1, best, best, folds)


def test_time_goes_on_between_two_words_of_the_driver() -> None:
    """From the share that it said, at the rate that it said, to the end and no further."""
    clock = Hands()
    control = (training := Steered(Steering(used=0.5, rate=0.1), clock)).control()
    assert control.time_used() == 0.5
    clock.now += 2
    assert control.time_used() == pytest.approx(0.7)
    training.steer(Steering(used=0.6, rate=0.0))
    clock.now += 50
    assert control.time_used() == 0.6
    training.steer(Steering(used=0.9, rate=0.1))
    clock.now += 50
    assert control.time_used() == 1.0


def test_a_training_stops_when_its_driver_says_so() -> None:
    """And not before."""
    training = Steered(Steering())
    assert not training.control().stop()
    training.steer(Steering(stop=True))
    assert training.control().stop()


def test_a_snapshot_is_made_once_for_each_wish() -> None:
    """The bytes are those of the moment: what it holds changes with the next step."""
    training = Steered(Steering())
    control = training.control()
    assert not control.due()
    training.steer(Steering(due=True))
    assert control.due() and not control.due()
    array = np.zeros(3, np.float32)
    control.keep(Snapshot({"a": array}, {"epoch": 2}))
    array += 1
    kept = hear(training.next())
    assert isinstance(kept, Kept)
    assert kept.snapshot.arrays["a"].tolist() == [0, 0, 0]


def test_only_predictions_that_are_worth_showing_are_sent() -> None:
    """A loss has to fall by a fiftieth; who takes a place begins anew."""
    training = Steered(Steering())
    control = training.control()
    training.steer(Steering(heirs=(Heir(0, 1, PLAIN),)))
    sent = []
    for number, best in enumerate([(1.0, 1.0), (0.99, 0.9), (0.97, 0.89)]):
        control.report(progress(*best))
        sent.append(_sent(training))
        if number == 1:
            assert control.heirs(progress(*best)) == (Heir(0, 1, PLAIN),)
            assert isinstance(hear(training.next()), HeirsWanted)
    assert sent == [[True, True], [False, True], [True, False]]


def _sent(training: Steered) -> list[bool]:
    said = hear(training.next())
    assert isinstance(said, Checked)
    return [bool(folds) for folds in said.progress.predictions]


def test_a_question_waits_for_its_answer() -> None:
    """The training goes on with what the driver says, and other words of his are no answer."""
    training = Steered(Steering(wait=30.0))
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(training.control().heirs(progress(1.0, 2.0))))
    thread.start()
    assert isinstance(hear(training.next()), HeirsWanted)
    training.steer(Steering(wait=0.0))
    assert isinstance(hear(training.next()), Busy)
    assert not answers
    training.steer(Steering(heirs=(Heir(1, 0, replace(PLAIN, dropout=0.2)),)))
    thread.join(30)
    assert answers == [(Heir(1, 0, replace(PLAIN, dropout=0.2)),)]


def test_who_needs_long_waits_until_the_time_counts_anew() -> None:
    """It says that it is ready, and takes no step before it hears that it may."""
    training = Steered(Steering(wait=30.0))
    thread = threading.Thread(target=training.control().ready)
    thread.start()
    assert hear(training.next()) == Readied()
    assert thread.is_alive()
    training.steer(Steering(go=True))
    thread.join(30)
    assert not thread.is_alive()


def test_a_training_without_a_driver_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait for ever; and one that was given up gets an answer at once."""
    monkeypatch.setattr(steered, "PATIENCE", 0.01)
    with pytest.raises(Abandoned):
        Steered(Steering()).control().heirs(progress(1.0))
    training = Steered(Steering())
    training.give_up()
    control = training.control()
    assert control.heirs(progress(1.0)) == ()
    assert control.stop() and control.time_used() == 1.0


def test_a_busy_training_says_how_often_it_looked() -> None:
    """By that the driver sees that it takes steps."""
    training = Steered(Steering())
    for _ in range(3):
        training.control().time_used()
    assert hear(training.next()) == Busy(3)
