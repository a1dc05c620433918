"""Ctrl-C and SIGTERM hand over the best so far, the same again ends at once; short memory ends in a sentence."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from failing import table

import netwright as nw
from netwright.events import Event, TrialFinished
from netwright.journal import Journal
from netwright.resources.budget import Budget

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals to other processes")

START = [sys.executable, "-c", "from netwright.cli import main; main()", "fit"]
SHORT = """
import resource, sys, threading
from pathlib import Path
from netwright import api, cli
room = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + int(sys.argv.pop(1)) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (room, room))
cli.main()
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a file of a table."""
    path = tmp_path / "table.csv"
    table().to_csv(path, index=False)
    return path


def begun(data: Path, out: Path) -> subprocess.Popen[str]:
    """Return a run of a minute that has read its data: training begins."""
    words = [str(data), "--target", "target", "--time", "60s", "--out", str(out)]
    running = subprocess.Popen([*START, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    assert "90 rows" in running.stderr.readline()
    return running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_hands_over_all_that_a_run_hands_over(number: signal.Signals, data: Path, tmp_path: Path) -> None:
    """Model, trials, report and record, status 0, and a note."""
    out = tmp_path / "run"
    running = begun(data, out)
    running.send_signal(number)
    said, noted = running.communicate(timeout=60)
    assert running.returncode == 0, noted
    assert "Ended early, as asked; this is the best so far." in noted and "Traceback" not in noted
    assert "model" in said
    assert {path.name for path in out.iterdir()} == {"model.nw", "trials.nw", "report.html", "journal.sqlite"}
    model = nw.load(out / "model.nw")
    assert model.result.ended_early and len(model.predict(table())) == len(table())
    assert "ended early" in (out / "report.html").read_text()
    with Journal.open(out / "journal.sqlite") as journal:
        assert journal.finished
    assert nw.pick(out).parts


def test_an_early_end_does_not_wait_for_what_explains_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a number of trials, where else many columns are looked at, however long a slow model takes for them."""
    monkeypatch.setattr("netwright.handover.finish.IMPORTANCE_SECONDS", 0.0)
    budget = Budget(trials=50)

    def end(event: Event) -> None:
        if isinstance(event, TrialFinished):
            budget.end()

    run = nw.fit(table(), "target", budget=budget, out=tmp_path, listener=end)
    assert run.result.ended_early and run.result.importance == ()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_same_signal_again_ends_at_once(number: signal.Signals, data: Path, tmp_path: Path) -> None:
    """By that signal, and without a word; repeating the command goes on with what there is."""
    out = tmp_path / "run"
    running = begun(data, out)
    while running.poll() is None:
        running.send_signal(number)
    _, noted = running.communicate(timeout=60)
    assert running.returncode == -number
    assert "Traceback" not in noted
    words = [str(data), "--target", "target", "--time", "60s", "--out", str(out)]
    again = subprocess.Popen([*START, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert again.stderr is not None
    assert re.search("90 rows", again.stderr.readline())
    again.send_signal(number)
    again.communicate(timeout=60)
    assert again.returncode == 0
    assert nw.load(out / "model.nw").parts


@pytest.mark.skipif(sys.platform != "linux", reason="no such limit elsewhere")
@pytest.mark.parametrize("mebibytes", [40, 400])
def test_memory_that_is_short_ends_in_a_model_or_in_a_sentence(mebibytes: int, data: Path, tmp_path: Path) -> None:
    """By a limit that the system sets, once PyTorch is loaded.

    A library may end the process where it can have no memory, as the system's own killer does. Once there is memory,
    the same command ends the run.
    """
    words = ["fit", str(data), "--target", "target", "--trials", "2", "--out", str(tmp_path / "run")]
    ended = subprocess.run(
        [sys.executable, "-c", SHORT, str(mebibytes), *words],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    )
    assert "Traceback" not in ended.stderr
    assert ended.returncode in (0, 1, -signal.SIGABRT), ended.stderr
    if ended.returncode == 1:
        assert re.search("Memory does not suffice|No network could be trained.*memory did not suffice", ended.stderr)
    again = subprocess.run([*START, *words[1:]], capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert nw.load(tmp_path / "run" / "model.nw").parts
