"""The conductor: what the search does with the time that was kept back for other work."""

from __future__ import annotations

import pytest

from netwright.bench import Bench, set_up
from netwright.budget import Budget
from netwright.metrics import find_metric
from netwright.run import Pool, search
from netwright.search import SAMPLERS
from netwright.tasks import TASKS
from netwright.tasks.task import Request


@pytest.fixture(scope="module")
def bench() -> Bench:
    """Return a toy table, ready for trials."""
    task = TASKS["tabular"]
    table, target = task.toy(0)
    loaded = task.load(Request(table, target, {}, "auto"))
    return set_up(task, loaded, find_metric("auto", loaded.schema.target.outcome), seed=0)


@pytest.mark.parametrize("needless", [True, False])
def test_time_kept_back_goes_to_the_search_only_where_it_is_needless(bench: Bench, needless: bool) -> None:
    """It is asked once, when nothing else is left, and trials follow only after a yes."""
    asked: list[int] = []

    def answer(pool: Pool) -> bool:
        asked.append(len(pool.trials) + len(pool.dropped))
        return needless

    pool = search(bench, Budget(seconds=6.0), SAMPLERS["evolution"], lambda event: None, kept_back=0.4, needless=answer)
    tried = len(pool.trials) + len(pool.dropped)
    assert len(asked) == 1
    assert pool.kept_back == (0.0 if needless else 0.4)
    assert tried > asked[0] if needless else tried == asked[0]
