"""Workers that are processes: they train, die, hang and end as processes do."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from workers_inside import NETWORK, PLAIN, rows, splits

from netwright.errors import CannotWrite
from netwright.resources.machine import usable_cores
from netwright.team.crew import Crew, Member
from netwright.team.frames import pack
from netwright.team.link import Gone
from netwright.team.messages import ask_facts, hear
from netwright.team.process import Processes, ProcessLink, block_path
from netwright.team.spread import Spread
from netwright.team.worker import facts_of, versions_of
from netwright.train.control import Control, Progress
from netwright.train.device import device_of_seat
from netwright.train.lanes import run_lanes
from netwright.train.torch import Torch

SPLITS = splits()


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Return processes of this machine, of which none has been started."""
    made = Processes(1, "torch", "cpu")
    yield made
    made.close()


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessLink]:
    """Return a process that is there."""
    made = ProcessLink(1, ("torch", "cpu", "0"), tmp_path_factory.mktemp("worker"))
    yield made
    made.close()


def test_a_process_says_what_it_is(link: ProcessLink) -> None:
    """The same as this one, with one core: it is one lane."""
    assert hear(link.exchange(ask_facts(), 120)) == facts_of(Torch())


def test_a_process_that_is_killed_is_gone_and_says_how(processes: Processes) -> None:
    """Whether it is killed while it works or while nobody asks it."""
    link = processes.begin(1, 0)
    try:
        link.exchange(ask_facts(), 120)
        link._process.kill()
        with pytest.raises(Gone, match="ended by signal 9"):
            link.exchange(ask_facts(), 120)
    finally:
        link.close()
        link.close()


def test_a_process_that_does_not_answer_is_ended(processes: Processes) -> None:
    """A stopped one is as good as none."""
    link = processes.begin(1, 0)
    try:
        link.exchange(ask_facts(), 120)
        link._process.send_signal(signal.SIGSTOP)
        with pytest.raises(Gone, match="did not answer for 1 s"):
            link.exchange(ask_facts(), 1)
    finally:
        link.close()


def test_a_process_that_breaks_has_last_words(processes: Processes) -> None:
    """What it wrote last tells why: here, that it is asked for what there is not."""
    link = processes.begin(1, 0)
    try:
        with pytest.raises(Gone, match=r"its last words: .*BadFrame"):
            link.exchange(pack({"ask": "everything"}), 120)
    finally:
        link.close()


def test_a_process_that_cannot_train_says_so() -> None:
    """In the sentence that a user would get."""
    processes = Processes(1, "torch", "cuda:99")
    link = processes.begin(1, 0)
    try:
        with pytest.raises(Gone, match="cannot compute on the device 'cuda:99'"):
            link.exchange(ask_facts(), 120)
    finally:
        link.close()
        processes.close()


def test_workers_take_the_cards_of_a_machine_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes in the place of a lost one takes the same; a device that was named is everybody's."""
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    assert [device_of_seat("cuda", seat) for seat in range(4)] == ["cuda:0", "cuda:1", "cuda:2", "cuda:0"]
    assert device_of_seat("cuda:1", 0) == "cuda:1"
    assert device_of_seat("cpu", 2) == "cpu"
    processes = Processes(500, "torch", "cpu")
    assert (processes.computing, processes.sharing) == (usable_cores(), 500)
    processes.close()


def test_a_process_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """Also where that one is killed: nothing is left behind, nor are the rows."""
    folder = tmp_path / "blocks"
    folder.mkdir()
    block_path(folder, 1).write_bytes(b"rows")
    code = (
        "import pathlib, sys, time; from netwright.team.process import ProcessLink; "
        "from netwright.team.messages import ask_facts; "
        "link = ProcessLink(1, ('torch', 'cpu', '0'), pathlib.Path(sys.argv[1])); link.exchange(ask_facts(), 120); "
        "print(link._process.pid, flush=True); time.sleep(600)"
    )
    driver = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
    with driver:
        assert driver.stdout is not None
        worker = psutil.Process(int(driver.stdout.readline()))
        driver.kill()
    worker.wait(timeout=60)
    assert not folder.exists()


def test_the_signals_of_a_terminal_do_not_end_a_process(link: ProcessLink) -> None:
    """They reach all that run there, and it is the driver who says when to end."""
    link.exchange(ask_facts(), 120)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(link._process.pid, number)
    assert hear(link.exchange(ask_facts(), 120)) == facts_of(Torch())


def test_nothing_is_imported_from_the_folder_that_one_works_in(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file there that is named as a package is data."""
    (tmp_path / "numpy.py").write_text("raise SystemExit('this was run')")
    monkeypatch.chdir(tmp_path)
    link = processes.begin(1, 0)
    try:
        assert hear(link.exchange(ask_facts(), 120)) == facts_of(Torch())
    finally:
        link.close()


def test_a_block_is_a_file_that_is_mapped_and_may_be_written_to_in_memory(processes: Processes) -> None:
    """It goes when it is withdrawn; a disk that has no room is told of."""
    folder = Path(processes._folder.name)
    assert folder.stat().st_mode & 0o077 == 0
    processes.publish(1, {"a": {"b": np.arange(4)}})
    assert block_path(folder, 1).stat().st_size % 64 == 0
    processes.withdraw(1)
    assert not block_path(folder, 1).exists()
    processes.withdraw(1)
    processes.close()
    with pytest.raises(CannotWrite):
        processes.publish(2, {})


def test_a_disk_without_room_for_a_folder_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence, before a worker is started."""

    def full(prefix: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("netwright.team.process.tempfile.TemporaryDirectory", full)
    with pytest.raises(CannotWrite, match=r"TMPDIR.*No space left"):
        Processes(1, "torch", "cpu")


def test_half_of_a_block_does_not_stay(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that was too small for it would be full from then on."""

    def full(document: object, groups: object) -> Iterator[bytes]:
        yield b"half"
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("netwright.team.process.pieces", full)
    with pytest.raises(CannotWrite, match="No space left"):
        processes.publish(1, {})
    assert not block_path(Path(processes._folder.name), 1).exists()


def test_trainings_go_on_when_a_process_is_killed_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL at the third report of the first: its training comes to the same elsewhere, and no other is harmed."""
    features, targets, quantiles = rows()
    recipe = replace(PLAIN, epochs=32)
    here: list[Any] = []

    def work() -> None:
        trainer = Torch().over(features, targets, quantiles)
        quiet = Control(lambda: 0.0, lambda: False, lambda progress: None)
        here.extend(trainer.train(NETWORK, [recipe], SPLITS, "cross_entropy", quiet, [seed])[0] for seed in range(3))

    run_lanes(1, work)
    lost: list[str] = []
    reports = [0] * 3
    found: dict[int, Any] = {}
    seeds, lock = iter(range(3)), threading.Lock()
    crew = Crew(Processes(2, "torch", "cpu"), versions_of(Torch()), lambda: float("inf"))
    taken: dict[int, Member | None] = {}  # by the thread that works with it
    take = crew.take

    def take_and_tell(worth: Callable[[], bool]) -> Member | None:
        member = taken[threading.get_ident()] = take(worth)
        return member

    monkeypatch.setattr(crew, "take", take_and_tell)
    crew.start()
    try:
        trainer = Spread(Torch(), crew).over(features, targets, quantiles)

        def lane() -> None:
            while True:
                with lock:
                    seed = next(seeds, None)
                if seed is None:
                    return

                def report(progress: Progress, seed: int = seed) -> None:
                    reports[seed] += 1
                    if seed == 0 and reports[0] == 3:
                        _kill(taken[threading.get_ident()])

                control = Control(
                    lambda: 0.0,
                    lambda: False,
                    report,
                    lost=lambda worker, reason, epoch: lost.append(reason),
                )
                (found[seed],) = trainer.train(NETWORK, [recipe], SPLITS, "cross_entropy", control, [seed])

        Spread(Torch(), crew).run_lanes(lane, alike=True)
    finally:
        crew.close()
    assert len(lost) == 1 and "signal 9" in lost[0]
    for seed, expected in enumerate(here):
        assert found[seed].loss == expected.loss
        for name, array in expected.weights.items():
            assert np.asarray(array).tobytes() == found[seed].weights[name].tobytes()


def _kill(member: Member | None) -> None:
    """Kill the process of a worker."""
    assert member is not None and isinstance(member.link, ProcessLink)
    os.kill(member.link._process.pid, signal.SIGKILL)
