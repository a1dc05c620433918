"""A training that goes wrong costs its trial; the run says why and goes on; where nothing works, it says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from failing import Trainings, failing, placed, table

import netwright as nw
from netwright.cli.progress import notice
from netwright.engine.run import HOPELESS
from netwright.errors import FailedDevice, NoTrialFinished, ShortOfMemory
from netwright.events import EpochDone, Event, GaveUp, RunResumed, TrialFailed, TrialFinished
from netwright.journal import Journal, TrialRecord
from netwright.train import device, predict
from netwright.train.device import PROCESSOR
from netwright.train.torch import Torch

LOST = "CUDA error: unspecified launch failure"


def failed(run: nw.Run) -> list[TrialRecord]:
    """Return the trials that failed by the record, which the report names too."""
    with Journal.open(run.journal) as journal:
        found = [record for record in journal.trials() if record.status == "failed"]
    page = run.report.read_text()
    assert all(str(record.reason)[:26] in page for record in found)
    return found


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyError("x"), "training stopped: KeyError: 'x'"),
        (RuntimeError("the graph is broken\nat line 3"), "training stopped: the graph is broken"),
        (
            RuntimeError("CUDA error: an illegal memory access was encountered"),
            "training stopped: CUDA error: an illegal memory access was encountered",
        ),
        (OSError(5, "Input/output error"), "training stopped: OSError: [Errno 5] Input/output error"),
    ],
)
def test_a_training_that_raises_is_a_trial_that_failed(
    error: Exception, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it raises; it is not tried again with fewer rows, unless memory is short."""
    trainings = failing(monkeypatch, error, {2})
    run = nw.fit(table(), "target", trials=3, out=tmp_path)
    (record,) = failed(run)
    assert record.reason == reason
    assert run.result.failed == 1 and run.result.trials == 2
    assert len(trainings.batches) == 3
    assert len(nw.load(run.bundle).predict(table())) == len(table())


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")],
)
def test_where_memory_is_short_half_of_the_rows_are_tried(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And then the trial is one like others."""
    trainings = failing(monkeypatch, error, {2, 3})
    run = nw.fit(table(), "target", trials=2, out=tmp_path)
    assert failed(run) == []
    first, *again = trainings.batches[1:]
    assert again == [first // 2, first // 4]


def test_memory_that_is_short_even_for_few_rows_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one trial of three."""
    halved = Trainings(lambda number, given: MemoryError() if given[6][0] % 100_003 == 2 else given, range(1, 100))
    placed(monkeypatch, halved)
    run = nw.fit(table(), "target", trials=3, out=tmp_path)
    (record,) = failed(run)
    assert (record.trial, record.reason) == (2, "memory did not suffice, even for few rows at a time")


def test_a_trial_that_does_not_fit_beside_the_others_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory that is short while the mix is chosen costs the last trial, and no file of it stays."""
    from netwright.engine import pool

    real, turns = pool._mix, count(1)

    def mix(*given: Any) -> None:
        if next(turns) == 2:
            raise MemoryError
        real(*given)

    monkeypatch.setattr(pool, "_mix", mix)
    told: list[Event] = []
    run = nw.fit(table(), "target", trials=3, out=tmp_path, listener=told.append)
    (record,) = failed(run)
    assert record.reason == pool.NO_ROOM
    assert {event.trial for event in told if isinstance(event, TrialFinished)}.isdisjoint({record.trial})
    assert record.trial not in {standing.trial for standing in run.result.leaderboard}


def test_a_loss_that_is_not_a_number_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run goes on with the other trials, and the model answers with numbers."""

    def diverging(number: int, given: tuple[Any, ...]) -> tuple[Any, ...]:
        loss = given[4]
        broken = replace(loss, training=lambda *values: loss.training(*values) * float("nan"))
        return (*given[:4], broken, *given[5:])

    placed(monkeypatch, Trainings(diverging, {1, 3}))
    run = nw.fit(table(), "target", trials=4, out=tmp_path)
    assert {record.reason for record in failed(run)} == {"the loss was not a number: training diverged"}
    assert run.result.failed == 2 and run.result.trials == 2
    assert (nw.load(run.bundle).predict_proba(table()) >= 0).all()


def test_a_listener_that_raises_ends_the_run(tmp_path: Path) -> None:
    """It is no fault of the training in which it was told."""

    def listen(event: Event) -> None:
        if isinstance(event, EpochDone):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        nw.fit(table(), "target", trials=2, out=tmp_path, listener=listen)


# --- a graphics card that vanishes -----------------------------------------------------------------------------------


def test_a_card_that_fails_once_costs_one_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it computes afterwards."""
    failing(monkeypatch, RuntimeError(LOST), {2})
    told: list[Event] = []
    run = nw.fit(table(), "target", trials=4, out=tmp_path, listener=told.append)
    assert [record.reason for record in failed(run)] == [f"training stopped: {LOST}"]
    assert run.result.trials == 3
    assert not any(isinstance(event, GaveUp) for event in told)


def test_a_card_that_is_gone_ends_the_run_with_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, by a sentence on the screen, in the record and in the report."""
    trainings = failing(monkeypatch, RuntimeError(LOST), range(3, 100))
    monkeypatch.setattr(Torch, "computes", lambda self: len(trainings.batches) < 3)
    told: list[Event] = []
    run = nw.fit(table(), "target", trials=9, out=tmp_path, listener=told.append)
    (gave_up,) = (event for event in told if isinstance(event, GaveUp))
    assert f"does not compute any more. The last trial on it failed: training stopped: {LOST}." in gave_up.reason
    assert gave_up.reason in notice(gave_up)
    assert run.result.trials == 2 and 1 <= len(failed(run)) < HOPELESS
    assert "The search ended before its time: The device" in run.report.read_text()
    with Journal.open(run.journal) as journal:
        assert journal.given_up() == gave_up.reason
    assert nw.load(run.bundle).parts


def test_a_run_that_ended_so_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the card is back, by the same command: what had failed stays so, the other trials are made."""
    with monkeypatch.context() as patch:
        trainings = failing(patch, RuntimeError(LOST), range(2, 100))
        patch.setattr(Torch, "computes", lambda self: len(trainings.batches) < 2)
        first = nw.fit(table(), "target", trials=5, out=tmp_path)
    again = nw.fit(table(), "target", trials=5, out=tmp_path)
    assert again.result.trials + again.result.failed == 5
    assert again.result.failed == first.result.failed
    with Journal.open(again.journal) as journal:
        assert journal.given_up() == ""


@pytest.mark.parametrize("words", [LOST, "CUDA out of memory. Tried to allocate 2.00 GiB"])
def test_where_a_card_does_not_predict_the_processor_does(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nothing could be mixed of what was trained before; a mistake of the program stays one."""
    asked: list[torch.device] = []

    def predict_stack(*given: Any) -> Any:
        asked.append(given[4] if len(given) > 4 else PROCESSOR)
        if asked[-1] != PROCESSOR:
            raise RuntimeError(words)
        return "answers"

    monkeypatch.setattr(predict, "predict_stack", predict_stack)
    ask: Any = predict.predicting_on(torch.device("cuda"))
    assert ask(None, {}, None, "cross_entropy") == "answers"
    assert asked == [torch.device("cuda"), PROCESSOR]
    words = "the shapes do not fit"
    with pytest.raises(RuntimeError, match="do not fit"):
        ask(None, {}, None, "cross_entropy")


def test_a_card_that_does_not_compute_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody named it; one that was named is refused by `find_device`."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(device, "_compute", lambda found: None)
    assert device.find_device("auto") == torch.device("cuda")

    def broken(found: torch.device) -> None:
        raise RuntimeError(LOST)

    monkeypatch.setattr(device, "_compute", broken)
    assert device.find_device("auto") == PROCESSOR


# --- nothing works ---------------------------------------------------------------------------------------------------


def test_where_nothing_works_the_first_cause_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not the last; that of the first trial is it."""
    placed(monkeypatch, Trainings(lambda number, given: ValueError(f"broken {number}"), range(1, 100)))
    with pytest.raises(NoTrialFinished, match=r"the first cause: training stopped: ValueError: broken 1\.") as caught:
        nw.fit(table(), "target", trials=4, out=tmp_path)
    assert caught.value.exit_status == 1
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        assert {record.status for record in journal.trials()} == {"failed"}
    assert not (tmp_path / "model.nw").exists()


def test_many_failures_one_after_another_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends with what it has, and says why."""
    failing(monkeypatch, ValueError("broken"), range(2, 1_000))
    told: list[Event] = []
    run = nw.fit(table(), "target", time=600, out=tmp_path, listener=told.append, device="cpu")  # in small stacks
    (gave_up,) = (event for event in told if isinstance(event, GaveUp))
    assert "trials failed one after another, the last of them because of this: training stopped" in gave_up.reason
    assert HOPELESS <= sum(isinstance(event, TrialFailed) for event in told) < 2 * HOPELESS
    assert run.result.trials == 1

    def listen(event: Event) -> None:
        if isinstance(event, RunResumed):
            raise KeyError("it goes on")

    with pytest.raises(KeyError, match="it goes on"):  # since nearly all of its time is left
        nw.fit(table(), "target", time=600, out=tmp_path, listener=listen, device="cpu")


@pytest.fixture(params=[(MemoryError(), ShortOfMemory), (RuntimeError(LOST), FailedDevice)], ids=["memory", "device"])
def broken_bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Exception]]:
    """Let preparing the rows fail; return the error of ours that is to come of it."""
    error, kind = request.param

    def broken(*given: Any, **named: Any) -> None:
        raise error

    monkeypatch.setattr("netwright.intake.preparing.set_up", broken)
    yield kind


def test_what_no_trial_is_to_blame_for_is_a_sentence(broken_bench: type[Exception], tmp_path: Path) -> None:
    """Where memory or the card fails before the first of them; the status says that nothing came of it."""
    with pytest.raises(broken_bench) as caught:
        nw.fit(table(), "target", trials=2, out=tmp_path)
    assert getattr(caught.value, "exit_status", None) == 1
