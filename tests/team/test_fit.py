"""Whole runs whose networks workers train: what a user is promised of `--workers`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from sklearn.datasets import load_iris
from workers_inside import Inside

import netwright as nw
from netwright.errors import BadWorkers, FolderInUse, MissingExtra, NoTrialFinished, NotWithFramework
from netwright.events import DataRead, EpochDone, Event, TeamStarted, TrialFinished, WorkerLost
from netwright.journal import Journal
from netwright.resources.budget import Budget
from netwright.team import crew
from netwright.team.crew import Crew
from netwright.team.staff import make_staff

TRIALS = 4


def iris() -> pd.DataFrame:
    """Return the irises with the names of their species."""
    data = load_iris(as_frame=True)
    return data.frame.assign(target=data.target_names[data.target])


def answers(run: nw.Run) -> bytes:
    """Return what the model of a run answers for all irises, byte for byte."""
    return np.ascontiguousarray(run.model.predict_proba(iris())).tobytes()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> nw.Run:
    """Return a run of one worker."""
    return nw.fit(iris(), "target", trials=TRIALS, workers=1, out=tmp_path_factory.mktemp("alone"))


@pytest.mark.parametrize("workers", [2, None])
def test_answers_do_not_hang_on_how_many_workers_there_are(workers: int | None, alone: nw.Run, tmp_path: Path) -> None:
    """Of one, two and none: equal byte for byte, and so are the losses of all trials."""
    run = nw.fit(iris(), "target", trials=TRIALS, workers=workers, out=tmp_path)
    assert answers(run) == answers(alone)
    with Journal.open(run.journal) as one, Journal.open(alone.journal) as other:
        assert [trial.loss for trial in one.trials()] == [trial.loss for trial in other.trials()]
        assert (one.team() is None) == (workers is None)
    assert not psutil.Process().children(recursive=True)


def test_a_worker_that_is_killed_costs_no_trial(alone: nw.Run, tmp_path: Path) -> None:
    """It is told, the report shows it, its epochs are in the record once, and the answers are the same."""
    told: list[Event] = []

    def listen(event: Event) -> None:
        told.append(event)
        if isinstance(event, EpochDone) and event.trial == 4 and not any(isinstance(one, WorkerLost) for one in told):
            for child in psutil.Process().children():
                child.send_signal(signal.SIGKILL)

    run = nw.fit(iris(), "target", trials=TRIALS, workers=2, out=tmp_path, listener=listen)
    assert answers(run) == answers(alone)
    lost = [event for event in told if isinstance(event, WorkerLost)]
    assert lost and all("signal 9" in event.reason for event in lost)
    assert {4} <= {trial for event in lost for trial in event.trials}
    assert sum(isinstance(event, TrialFinished) for event in told) == TRIALS
    (team,) = (event for event in told if isinstance(event, TeamStarted))
    assert (team.workers, team.place, team.warning) == (2, "this machine", "")
    report = run.report.read_text()
    assert "2 workers on this machine" in report and "ended by signal 9; trial" in report
    with Journal.open(run.journal) as journal:
        assert journal.lost() == tuple(lost)
        for trial in journal.trials():
            epochs = [epoch for _, epoch, _ in trial.curve]
            assert epochs == sorted({*epochs})


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no signal that stops a process")
def test_workers_that_hang_do_not_hold_the_end_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that are stopped, as by a disk that hangs, just before the run is asked to end: they are ended."""
    monkeypatch.setattr(crew, "LAST", 0.5)
    budget, stopped = Budget(trials=1_000), list[bool]()

    def listen(event: Event) -> None:
        if isinstance(event, EpochDone) and not stopped and any(isinstance(one, TrialFinished) for one in told):
            stopped.append(True)
            for child in psutil.Process().children():
                child.send_signal(signal.SIGSTOP)
            budget.end()
        told.append(event)

    told: list[Event] = []
    run = nw.fit(iris(), "target", budget=budget, workers=2, out=tmp_path, listener=listen)
    assert run.result.ended_early and run.result.trials >= 1 and stopped
    lost = [event for event in told if isinstance(event, WorkerLost)]
    assert lost and all(event.ended and event.reason == crew.HELD_UP for event in lost)
    assert "was ended: it had not come to an end" in run.report.read_text()
    with Journal.open(run.journal) as journal:
        assert journal.lost() == tuple(lost)
        reasons = [trial.reason for trial in journal.trials() if trial.status == "failed"]
    assert reasons and all(crew.HELD_UP in str(reason) for reason in reasons)
    assert not psutil.Process().children(recursive=True)


def test_a_run_is_gone_on_with_by_another_number_of_workers(alone: nw.Run, tmp_path: Path) -> None:
    """Cut off in the middle of three workers, it ends with one, and with the same answers."""

    class Cut(BaseException):
        """Stands for the end of the process."""

    def listen(event: Event) -> None:
        if isinstance(event, TrialFinished) and event.trial == 3:
            raise Cut

    with pytest.raises(Cut):
        nw.fit(iris(), "target", trials=TRIALS, workers=3, out=tmp_path, listener=listen)
    assert answers(nw.fit(iris(), "target", trials=TRIALS, workers=1, out=tmp_path)) == answers(alone)


def test_what_was_finished_is_handed_over_also_where_no_worker_has_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a run that goes on and is asked to end at once."""

    class Cut(BaseException):
        """Stands for the end of the process."""

    def listen(event: Event) -> None:
        if isinstance(event, TrialFinished):
            raise Cut

    def end(event: Event) -> None:
        if isinstance(event, DataRead):
            budget.end()

    with pytest.raises(Cut):
        nw.fit(iris(), "target", trials=TRIALS, out=tmp_path, listener=listen)
    monkeypatch.setattr("netwright.team.staff._transport", lambda *given: Inside(1, dies=lambda number, turn: True))
    budget = Budget(trials=TRIALS)
    run = nw.fit(iris(), "target", budget=budget, workers=1, out=tmp_path, listener=end)
    assert run.result.ended_early and run.result.trials >= 1 and run.result.failed == 0
    budget = Budget(trials=TRIALS)
    with pytest.raises(NoTrialFinished, match=r"before a worker was free|no worker any more"):
        nw.fit(iris(), "target", budget=budget, workers=1, out=tmp_path / "new", listener=end)


def test_the_record_is_open_as_long_as_a_worker_may_be_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot be started may be given up at the very end."""
    ended: list[Crew] = []
    real = Crew.close

    def close(crew: Crew) -> None:
        with pytest.raises(FolderInUse):
            Journal.go_on(tmp_path / "journal.sqlite")
        real(crew)
        ended.append(crew)

    monkeypatch.setattr(Crew, "close", close)
    nw.fit(iris(), "target", trials=1, workers=1, out=tmp_path)
    assert len(ended) == 1


def test_the_command_takes_workers_and_ends_early_with_the_best_so_far(tmp_path: Path) -> None:
    """SIGINT to all processes, as a terminal sends it: model and report are there, the status is 0, nobody is left."""
    table = tmp_path / "iris.csv"
    iris().to_csv(table, index=False)
    words = ["fit", str(table), "--target", "target", "--time", "10m", "--workers", "2", "--out", str(tmp_path / "run")]
    command = [sys.executable, "-c", "from netwright.cli import main; main()", *words, "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        _wait_for_a_trial(tmp_path / "run" / "journal.sqlite", process)
        children = psutil.Process(process.pid).children()
        os.killpg(process.pid, signal.SIGINT)
        out, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "2 workers on this machine" in said
    assert json.loads(out)["score"] > 0.8
    assert (tmp_path / "run" / "report.html").exists()
    assert len(children) == 2
    psutil.wait_procs(children, timeout=30)
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


def _wait_for_a_trial(path: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a trial has finished."""
    for _ in range(600):
        assert process.poll() is None, process.communicate()
        if path.exists():
            with Journal.open(path) as journal:
                if any(trial.status == "finished" for trial in journal.trials()):
                    return
        time.sleep(0.2)
    raise AssertionError("no trial finished")


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"workers": 0}, BadWorkers),
        ({"workers": 1_001}, BadWorkers),
        ({"workers": 2, "framework": "jax"}, NotWithFramework),
    ],
)
def test_workers_that_there_cannot_be_are_refused_at_once(asked: dict[str, Any], error: type[Exception]) -> None:
    """Before anything is read or started."""
    with pytest.raises(error):
        nw.fit("nothing.csv", "target", **asked)


def test_a_cluster_needs_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says how to get it."""
    monkeypatch.setattr("netwright.team.staff.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"netwright\[ray\]"):
        make_staff(None, "auto", "torch", "auto")


def test_estimators_have_workers(tmp_path: Path) -> None:
    """As settings like all others."""
    table = iris()
    estimator = nw.Classifier(trials=1, workers=1, out=tmp_path)
    assert estimator.get_params()["cluster"] is None
    estimator.fit(table.drop(columns="target"), table["target"])
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        team = journal.team()
    assert team is not None and team.workers == 1
