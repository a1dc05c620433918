"""What of the machine may be used."""

from __future__ import annotations

import math

import pytest

from netwright.resources.machine import usable_cores, usable_threads


@pytest.mark.parametrize(
    ("asked", "threads"), [("1", 1), ("", usable_cores()), ("many", usable_cores()), ("0", 1), ("999", usable_cores())]
)
def test_threads_are_as_many_as_the_user_says(monkeypatch: pytest.MonkeyPatch, asked: str, threads: int) -> None:
    """By the variable that other programs of this kind look at; never more than there are cores."""
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert usable_threads() == threads


@pytest.mark.parametrize(("allowed", "cores"), [(math.inf, 8), (64.0, 8), (2.0, 2), (1.5, 2), (0.25, 1), (7.5, 8)])
def test_cores_are_no_more_than_a_container_allows(allowed: float, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of one counts as one; and never more than the process may run on."""
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {*range(8)}, raising=False)
    monkeypatch.setattr("netwright.resources.machine.container_cores", lambda: allowed)
    assert usable_cores() == cores
