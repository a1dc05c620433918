"""What of the machine may be used."""

from __future__ import annotations

import pytest

from netwright.machine import usable_cores, usable_threads


@pytest.mark.parametrize(
    ("asked", "threads"), [("1", 1), ("", usable_cores()), ("many", usable_cores()), ("0", 1), ("999", usable_cores())]
)
def test_threads_are_as_many_as_the_user_says(monkeypatch: pytest.MonkeyPatch, asked: str, threads: int) -> None:
    """By the variable that other programs of this kind look at; never more than there are cores."""
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert usable_threads() == threads
