"""A short slice of what `make fuzz` tries, always the same: hostile inputs lead to an answer or to an error of ours."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "attacks"))

import fuzz
import fuzz_runs
import fuzz_targets
from fuzz_commands import Outcome, run_command
from fuzz_properties import PROPERTIES, Property
from hypothesis import HealthCheck, given, settings

from netwright.events import BestImproved, TrialStarted
from netwright.journal import Journal

INPUTS = 134  # once for each share
COMMANDS = (0, 1, 6)


def test_hostile_inputs_lead_to_no_fault(tmp_path: Path) -> None:
    """In processes of their own, as `make fuzz` tries them: no traceback, crash, hang, or memory without bounds."""
    tally = fuzz.fuzz(tmp_path, seed=0, workers=1, until=lambda tally: tally.tried.total() >= INPUTS)
    assert tally.faults == []
    assert set(tally.tried) == set(fuzz_targets.TARGETS) == set(fuzz.SHARES)


@pytest.mark.parametrize("number", COMMANDS)
def test_hostile_files_end_a_command_in_words(number: int, tmp_path: Path) -> None:
    """With status 0 or 2, and no traceback."""
    assert run_command(number, tmp_path).fault == ""


@pytest.mark.parametrize("one", PROPERTIES.values(), ids=PROPERTIES.keys())
def test_a_property_holds(one: Property) -> None:
    """For what Hypothesis makes up."""

    @settings(max_examples=40, suppress_health_check=[*HealthCheck])
    @given(one.examples)
    def check(example: object) -> None:
        one.check(example)

    check()


@pytest.mark.parametrize("target", fuzz_targets.TARGETS)
def test_a_number_gives_one_input(target: str) -> None:
    """So that a seed can be told to somebody else."""
    make = fuzz_targets.TARGETS[target].make
    drawn = [make(Random("some number")) for _ in range(2)]
    assert drawn[0] == drawn[1] or drawn[0][0].endswith(".xlsx")  # a workbook says when it was made
    assert len({make(Random(f"number {place}")) for place in range(12)}) > 1


def test_a_number_gives_one_damage_to_a_record(tmp_path: Path) -> None:
    """Also where one row of many is changed: else a fault could not be tried again."""
    with Journal.create(tmp_path / "journal.sqlite") as journal:
        for trial in range(1, 7):
            journal.record(TrialStarted(0.1 * trial, trial, "net", "random", {"width": trial}, 10))
            journal.record(BestImproved(0.1 * trial, 0.5, 0.5, 1))
    for seed in range(20):
        damaged = []
        for turn in ("one", "two"):
            run = tmp_path / f"{turn}-{seed}"
            run.mkdir()
            shutil.copy(tmp_path / "journal.sqlite", run)
            with contextlib.suppress(sqlite3.Error):
                fuzz_runs.DAMAGES["sql"][1](Random(seed), run)
            damaged.append((run / "journal.sqlite").read_bytes())
        assert damaged[0] == damaged[1]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[fuzz.Worker]:
    """Return a worker that is ended in the end."""
    found = fuzz.Worker(tmp_path)
    yield found
    found.end()


def test_a_crash_and_a_hang_are_faults_and_kept(
    worker: fuzz.Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker begins anew after either."""
    good = {"target": "attack", "number": 1}
    assert worker.try_one(good).fault == ""
    assert worker._process is not None
    worker._process.kill()
    worker._process.wait()
    assert worker.try_one(good).fault == ""
    with monkeypatch.context() as patch:  # as if it had ended since it was looked at
        worker._process.kill()
        worker._process.wait()
        ended = worker._process
        patch.setattr(worker, "_begun", lambda: ended)
        assert worker.try_one(good).fault.startswith("the process ended with status -9")
    monkeypatch.setattr(fuzz, "LATEST", -1.0)
    late = worker.try_one({"target": "learn", "number": 1})
    assert "longer than" in late.fault
    assert json.loads((Path(late.kept) / "case.json").read_text()) == {"target": "learn", "number": 1}


def test_a_fault_is_kept_with_its_input_and_tried_again(worker: fuzz.Worker, tmp_path: Path) -> None:
    """Here the input is one that no model answers for: a target that there is not is a fault of the fuzzer itself."""
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "case.json").write_text(json.dumps({"target": "attack", "number": 1, "name": "attack.txt"}))
    (folder / "input").write_bytes(b"no number")
    outcome = fuzz.replay(folder)
    assert isinstance(outcome, Outcome) and "ValueError" in outcome.fault
    again = Path(outcome.kept)
    assert (again / "input").read_bytes() == b"no number" and "Traceback" in (again / "fault.txt").read_text()
