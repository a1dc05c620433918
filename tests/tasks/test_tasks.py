"""Every registered task keeps the contract."""

from __future__ import annotations

import pytest

from netwright.tasks import TASKS, Task
from netwright.testing.tasks import check_task


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())
def test_a_task_keeps_the_contract(task: Task) -> None:
    """Its toy data is read, learnt, and survives a bundle."""
    check_task(task)
