"""Workers on a real Ray cluster of two nodes on this machine: `make cluster`.

The nodes are started with tokens, without the dashboard and usage reports. A worker is killed in the middle, then a
node, and the answers are those of a run without a cluster.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from sklearn.datasets import load_iris

import netwright as nw
from netwright.errors import BadCluster, NoCluster, TooFewInCluster
from netwright.events import EpochDone, Event, TeamStarted, TrialFinished, WorkerLost
from netwright.journal import Journal
from netwright.team.link import Gone
from netwright.team.messages import ask_facts

ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")

pytestmark = pytest.mark.filterwarnings("default")  # Ray's own are no errors of ours
TRIALS = 6
WORKER = "ray::ClusterWorker"  # what Ray calls the process of an actor; with a method behind it while it is asked


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Return a cluster of a head and another node, each with two cores, that asks for a token."""
    made = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    made.add_node(num_cpus=2)
    made.wait_for_nodes()
    yield made
    made.shutdown()


def iris() -> pd.DataFrame:
    """Return the irises with the names of their species."""
    data = load_iris(as_frame=True)
    return data.frame.assign(target=data.target_names[data.target])


def answers(run: nw.Run) -> bytes:
    """Return what the model of a run answers for all irises, byte for byte."""
    return np.ascontiguousarray(run.model.predict_proba(iris())).tobytes()


def actors(busy: str = "") -> list[psutil.Process]:
    """Return the processes of workers on all nodes, which are all on this machine; of those alone that do something."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if (process.info["cmdline"] or [""])[0].startswith(f"{WORKER}{busy}")
    ]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> nw.Run:
    """Return a run without workers."""
    return nw.fit(iris(), "target", trials=TRIALS, out=tmp_path_factory.mktemp("alone"))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_answers_do_not_hang_on_how_many_workers_there_are(
    workers: int, cluster: Any, alone: nw.Run, tmp_path: Path
) -> None:
    """One, two and three actors come to the same, byte for byte; the connection is closed, and nobody is left."""
    told: list[Event] = []
    before = _surroundings()
    run = nw.fit(
        iris(), "target", trials=TRIALS, workers=workers, cluster=cluster.address, out=tmp_path, listener=told.append
    )
    assert answers(run) == answers(alone)
    (team,) = (event for event in told if isinstance(event, TeamStarted))
    assert (team.workers, team.place, team.warning) == (workers, f"the Ray cluster {cluster.address}", "")
    assert not ray.is_initialized()
    for now, then in zip(_surroundings(), before, strict=True):
        assert now == then
    _wait_until(lambda: not actors())


def _surroundings() -> tuple[object, ...]:
    """Return what a run must leave as it is: variables that are not Ray's own, usage reports, what SIGTERM means."""
    own = {(name, value) for name, value in os.environ.items() if not name.startswith("RAY_")}
    return own, os.environ["RAY_USAGE_STATS_ENABLED"], signal.getsignal(signal.SIGTERM)


def _wait_until(true: Any) -> None:
    for _ in range(300):
        if true():
            return
        time.sleep(0.2)
    raise AssertionError("it did not come true")


def test_a_worker_that_is_killed_costs_no_trial(cluster: Any, alone: nw.Run, tmp_path: Path) -> None:
    """SIGKILL to one actor while it trains: told, in the report, tried again elsewhere, same answers."""
    told: list[Event] = []
    killed: list[int] = []

    def listen(event: Event) -> None:
        told.append(event)
        if isinstance(event, EpochDone) and not killed:
            for process in actors(".exchange")[:1]:
                killed.append(process.pid)
                process.kill()

    run = nw.fit(iris(), "target", trials=TRIALS, workers=2, cluster=cluster.address, out=tmp_path, listener=listen)
    assert killed
    assert answers(run) == answers(alone)
    assert any(isinstance(event, WorkerLost) and event.trials for event in told)
    assert sum(isinstance(event, TrialFinished) for event in told) == TRIALS
    assert "was lost" in run.report.read_text()
    with Journal.open(run.journal) as journal:
        assert journal.lost()


def test_a_node_that_dies_costs_no_trial(cluster: Any, alone: nw.Run, tmp_path: Path) -> None:
    """All processes of the second node go at once; what is left of the cluster trains on."""
    node = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    told: list[Event] = []

    def listen(event: Event) -> None:
        told.append(event)
        if isinstance(event, EpochDone) and node in cluster.worker_nodes:
            cluster.remove_node(node, allow_graceful=False)

    run = nw.fit(iris(), "target", trials=TRIALS, workers=4, cluster=cluster.address, out=tmp_path, listener=listen)
    assert answers(run) == answers(alone)
    assert sum(isinstance(event, TrialFinished) for event in told) == TRIALS
    cluster.wait_for_nodes()  # until it has noticed: the next test counts its cores


def test_no_worker_begins_once_the_cluster_was_left(cluster: Any) -> None:
    """Ray would join a cluster that nobody has named, or start one of its own."""
    from netwright.team.cluster import Cluster  # which needs Ray

    transport = Cluster(cluster.address, 1, "torch", "cpu", 60.0)
    transport.close()
    with pytest.raises(Gone, match="has been left"):
        transport.begin(1, 0)
    assert not ray.is_initialized()


def test_auto_is_the_cluster_that_the_environment_names(
    cluster: Any, alone: nw.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And as many workers as it has cores, where nothing else is said."""
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    told: list[Event] = []
    run = nw.fit(iris(), "target", trials=TRIALS, cluster="auto", out=tmp_path, listener=told.append)
    assert answers(run) == answers(alone)
    assert [event.workers for event in told if isinstance(event, TeamStarted)] == [4]


def test_a_connection_of_the_caller_stays_open(cluster: Any, tmp_path: Path) -> None:
    """Whoever has joined before is not thrown out."""
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        nw.fit(iris(), "target", trials=1, workers=1, cluster=cluster.address, out=tmp_path)
        assert ray.is_initialized()
        assert ray.get(ray.put(1), timeout=30) == 1
    finally:
        ray.shutdown()


def test_another_cluster_than_that_of_the_caller_is_refused(cluster: Any, tmp_path: Path) -> None:
    """Trials would be given to machines that were not named."""
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        with pytest.raises(NoCluster, match="can be in one at a time"):
            nw.fit(iris(), "target", trials=1, workers=1, cluster="127.0.0.1:9", out=tmp_path)
        assert ray.is_initialized()
    finally:
        ray.shutdown()


def test_a_worker_that_has_answered_is_asked_whether_the_cluster_is_open(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the first that was asked for: it may be lost, or wait for room, and the run would wait with it."""
    from netwright.team import cluster as module  # which needs Ray

    class Open(module.ClusterWorker):
        def guarded(self) -> bool:
            return False

    monkeypatch.setattr(module, "ClusterWorker", Open)
    transport = module.Cluster(cluster.address, 2, "torch", "cpu", 60.0)
    try:
        lost, there = transport.begin(1, 0), transport.begin(2, 1)
        lost.close()
        assert transport.warning == ""
        there.exchange(ask_facts(), 120)
        assert transport.warning == module.OPEN
    finally:
        transport.close()


def test_what_a_worker_says_of_an_error_names_it() -> None:
    """And not where it happened: that is what Ray begins with."""
    from netwright.team.cluster import _words  # which needs Ray

    trace = 'Traceback (most recent call last):\n  File "x.py", line 1, in f\nValueError: this is broken.'
    error = ray.exceptions.RayTaskError("f", trace, ValueError("this is broken."), "ray::f", 1, "127.0.0.1")
    assert _words(error) == _words(ray.exceptions.ActorDiedError(error)) == "ValueError: this is broken"
    assert _words(ray.exceptions.ActorDiedError()) == "The actor died unexpectedly before finishing this task"
    assert _words(ray.exceptions.RayError("\n")) == "RayError"


def test_what_a_cluster_has_no_room_for_is_refused(cluster: Any, tmp_path: Path) -> None:
    """At once, where Ray would wait for ever."""
    with pytest.raises(TooFewInCluster, match=r"9 workers .* room for 4"):
        nw.fit(iris(), "target", trials=1, workers=9, cluster=cluster.address, out=tmp_path)


def test_a_cluster_is_not_joined_without_its_token(cluster: Any, tmp_path: Path) -> None:
    """Another token than its own is of no use: the command ends soon, with a sentence, and has learnt nothing."""
    table = tmp_path / "iris.csv"
    iris().to_csv(table, index=False)
    words = ["fit", str(table), "--target", "target", "--trials", "1", "--cluster", cluster.address]
    done = subprocess.run(
        [sys.executable, "-c", "from netwright.cli import main; main()", *words, "--out", str(tmp_path / "run")],
        env={**os.environ, "RAY_AUTH_TOKEN": "b" * 64},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 2, done.stderr
    assert "cannot be joined" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "model.nw").exists()


@pytest.mark.parametrize("address", ["local", "ray://127.0.0.1:10001", "nowhere", "127.0.0.1:port", ""])
def test_an_address_that_would_start_a_cluster_or_is_none_is_refused(address: str, tmp_path: Path) -> None:
    """Only clusters that run are joined."""
    with pytest.raises(BadCluster):
        nw.fit(iris(), "target", trials=1, cluster=address, out=tmp_path)


def test_an_address_where_nobody_answers_is_refused_soon(tmp_path: Path) -> None:
    """In seconds, where Ray tries for a minute."""
    with pytest.raises(NoCluster, match="nobody answers"):
        nw.fit(iris(), "target", trials=1, cluster="127.0.0.1:9", out=tmp_path)
