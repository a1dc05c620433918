"""The memory that a run may take: as the user says, or what the machine and its containers leave."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import netwright as nw
from netwright.errors import BadMemory, TooLittleMemory
from netwright.resources import memory
from netwright.resources.limits import parse_memory
from netwright.resources.memory import LEAST, LOADED, Memory, free_memory, make_memory, peak_memory, used_memory

GIB = 2**30


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process hold 1 GiB, on a machine with 10 GiB free."""
    monkeypatch.setattr(memory, "used_memory", lambda: GIB)
    monkeypatch.setattr(memory, "free_memory", lambda: 10 * GIB)


def test_usual_ways_of_writing_are_read() -> None:
    """As sizes of files, and terabytes too; from Python a number is bytes."""
    assert [parse_memory(text) for text in ("4GB", "500 mb", "8GiB", "1TB", 2e9)] == [4e9, 5e8, 8 * GIB, 1e12, 2e9]


@pytest.mark.parametrize("text", ["0", "0GB", "4XB", "", "-4GB", "much", "4 GB each", "nan", "infGB", True])
def test_what_is_no_size_is_refused(text: Any) -> None:
    """A sentence says how to write it."""
    with pytest.raises(BadMemory, match="4GB"):
        make_memory(text)


@pytest.mark.usefixtures("roomy")
def test_a_limit_is_for_the_whole_process() -> None:
    """What it holds already counts; what is free is not given away beyond."""
    assert make_memory("4GiB").limit == 4 * GIB
    assert make_memory("100GiB").limit == 11 * GIB
    assert make_memory(None).limit == GIB + 8 * GIB


@pytest.mark.usefixtures("roomy")
def test_less_than_a_run_takes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how much is needed, and whose limit it is."""
    with pytest.raises(TooLittleMemory, match=r"--memory allows 1100 MB\. Allow more"):
        make_memory("1100MB")
    assert make_memory(GIB + LEAST).limit == GIB + LEAST
    monkeypatch.setattr(memory, "free_memory", lambda: LEAST // 2)
    for text in (None, "4GB"):
        with pytest.raises(TooLittleMemory, match=r"are free for it\. Close other programs"):
            make_memory(text)


def test_room_is_the_same_for_one_limit_and_what_is_left_is_not() -> None:
    """What a process holds when a run begins counts from some hundred megabytes on; nothing is negative."""
    assert Memory(GIB, 10**6).room == Memory(GIB, 10**8).room == GIB - LOADED
    assert Memory(3 * GIB, 2 * GIB).room == GIB
    assert Memory(10).room == Memory(10, used=lambda: 40).left == 0
    assert Memory(10, used=lambda: 4).left == 6


def test_this_process_holds_something() -> None:
    """And its peak is no less."""
    assert 10**6 < used_memory() <= peak_memory() + 10**6
    assert 0 <= free_memory() < 2**60


def test_what_is_free_is_what_the_narrowest_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine may have more than a container allows."""
    monkeypatch.setattr(memory, "container_rooms", lambda: (5 * GIB, 123))
    assert free_memory() == 123


# --- the way in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "said"), [("0", "is not a size"), ("4XB", "'4XB' is not a size"), ("20MB", "A run takes at least")]
)
def test_the_command_refuses_what_cannot_be(limit: str, said: str, tmp_path: Path) -> None:
    """One sentence, status 2, and nothing is written."""
    (tmp_path / "data.csv").write_text("a,b\n" + "1,2\n3,4\n" * 20)
    words = ["fit", str(tmp_path / "data.csv"), "--target", "b", "--memory", limit, "--out", str(tmp_path / "out")]
    code = "from netwright.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2 and said in ended.stderr and len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_python_and_the_estimators_refuse_it_too(tmp_path: Path) -> None:
    """As a faulty setting, which scikit-learn takes for a `ValueError`."""
    frame = pd.DataFrame({"a": range(40), "b": [0, 1] * 20})
    with pytest.raises(BadMemory):
        nw.fit(frame, "b", memory="4XB", trials=1, out=tmp_path)
    for estimator in (nw.Classifier, nw.Regressor):
        with pytest.raises(ValueError, match="A run takes at least"):
            estimator(memory="20MB", trials=1).fit(frame[["a"]], frame["b"])
        assert estimator(memory="4GB").get_params()["memory"] == "4GB"
