"""A time limit counts from the start of the process, whatever else the clocks of the machine do."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from netwright.cli import clock

SHOW = "from netwright.cli.clock import process_start; print(process_start())"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="elsewhere the start is known to a second only")
def test_the_start_of_a_process_is_right_to_a_fraction_of_a_second() -> None:
    """Between the moments before and after it was started, by the same clock."""
    before = time.monotonic()
    done = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True)
    assert before - 0.05 < float(done.stdout) < time.monotonic()


def test_without_a_clock_from_boot_the_wall_clock_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on other systems than Linux."""
    monkeypatch.setattr(clock, "_age_since_boot", lambda: None)
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: time.time() - 2.5)
    assert time.monotonic() - clock.process_start() == pytest.approx(2.5, abs=0.2)


@pytest.mark.parametrize("age", [-5.0, 1e6])
def test_a_clock_that_was_set_meanwhile_does_not_eat_the_budget(age: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start in the future or long ago counts as now."""
    monkeypatch.setattr(clock, "_age_since_boot", lambda: age)
    assert clock.process_start() == pytest.approx(time.monotonic(), abs=0.2)
