"""What the end of a run will take is known before another trial is begun, and costs an ordinary run no time."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest

from netwright.engine import run
from netwright.engine.bench import WRITTEN, Bench, set_up
from netwright.engine.closing import MEASURED, RESERVE, SHORT, USUAL_BYTES, USUAL_SCORING, answering, finishing, leaving
from netwright.engine.course import Course
from netwright.engine.pool import Pool, take_in
from netwright.engine.run import search
from netwright.handover.finish import _time_for_another
from netwright.metrics import find_metric
from netwright.resources.budget import Budget
from netwright.search import SAMPLERS
from netwright.tasks import TASKS
from netwright.tasks.task import Request
from netwright.train.torch import Torch


@pytest.fixture(scope="module")
def bench() -> Bench:
    """Return a toy table, ready for trials, whose preparation is written in no time."""
    task = TASKS["tabular"]
    table, target = task.toy(0)
    loaded = task.load(Request(table, target, {}, "auto"))
    made = set_up(task, loaded, find_metric("auto", loaded.schema.target.outcome), Torch(), seed=0)
    return replace(made, writing=0.0)


@pytest.fixture(scope="module")
def pool(bench: Bench) -> Pool:
    """Return what two trials came to."""
    return search(bench, Budget(trials=2), SAMPLERS["evolution"], lambda event: None)


def test_an_ordinary_run_gives_no_time_to_what_its_rows_add(bench: Bench) -> None:
    """What is mixed and measured in a moment has room in what every run keeps back."""
    usual = Pool(mixing=0.01, tail=0.2, blending=0.03, measuring=0.02)
    choosing = (2 * len(bench.splits) + 5) * 0.01
    assert finishing(bench, usual, 60.0) == pytest.approx(RESERVE + choosing + 0.2)


def test_what_was_measured_of_many_rows_is_kept_back_whatever_the_limit(bench: Bench) -> None:
    """Of a guess a short run keeps back less; of what is known nothing can be saved."""
    many = Pool(mixing=0.5, tail=20.0, blending=2.0, measuring=3.0)
    choosing = (2 * len(bench.splits) + 5) * 0.5
    scoring = 2 * (2.0 + MEASURED * 3.0) + 3 * 2.0 + 3.0 - USUAL_SCORING
    assert finishing(bench, many, 600.0) == pytest.approx(RESERVE + 20 + choosing + scoring)
    assert finishing(bench, many, 4.0) == pytest.approx(4 * SHORT + 20 + choosing + scoring)


def test_large_files_and_rows_to_test_on_have_their_time(bench: Bench, pool: Pool) -> None:
    """Kept answers are written once more; the more rows there are to test on, the longer the mix takes to answer."""
    assert leaving(bench, pool) == 0.0
    large = np.broadcast_to(np.float32(0), (100_000_000, 3))
    kept = replace(pool.trials[0], predictions=large)
    written = leaving(bench, Pool(trials=[kept], weights=np.ones(1)))
    assert written == pytest.approx((1.2e9 - USUAL_BYTES) / WRITTEN, rel=0.01)
    few, many = (answering(replace(bench, tested=rows), pool, Course()) for rows in (40_960, 4_096_000))
    assert answering(bench, pool, Course()) == 0.0
    assert many == pytest.approx(100 * few, rel=0.1) and few > 0
    slow = Course()
    trial = pool.trials[0]
    slow.pace.learn(trial.candidate, 10_000, trial.folds, 1.0, 1e3)
    assert answering(replace(bench, tested=10_000), pool, slow) > 100 * few
    pool = replace(pool, answering=7.0)
    assert leaving(replace(bench, writing=2.0, testing=4.0), pool) == 13.0
    assert finishing(replace(bench, testing=4.0), pool, 60.0) == finishing(bench, replace(pool, answering=11.0), 60.0)


def test_where_a_card_learns_a_processor_answers(bench: Bench, pool: Pool) -> None:
    """How fast the card has been says nothing of it."""
    card = replace(bench, tested=10_000, framework=SimpleNamespace(device="cuda:0", computing=1))
    fast, trial = Course(), pool.trials[0]
    fast.pace.learn(trial.candidate, 10_000, trial.folds, 1.0, 1e-6)
    assert answering(card, pool, fast) == answering(card, pool, Course())


def test_mixing_and_measuring_are_timed_where_there_is_a_limit(bench: Bench, pool: Pool) -> None:
    """Measuring once in a run, mixing every time; without a limit nothing is measured that nobody asks for."""
    ticks = count()
    fresh = Pool()
    budget = Budget(seconds=1e6, started=0.0, clock=lambda: float(next(ticks)))
    tickets = [trial.ticket for trial in pool.trials]
    take_in(fresh, bench, tickets[:1], pool.trials[:1], budget)
    assert fresh.blending == fresh.measuring == fresh.mixing == 1.0
    fresh.measuring = 5.0
    take_in(fresh, bench, tickets[1:], pool.trials[1:], budget)
    assert fresh.measuring == 5.0
    unhurried = Pool()
    take_in(unhurried, bench, tickets, pool.trials, Budget(trials=2))
    assert unhurried.measuring == 0.0


def test_mixes_are_estimated_as_long_as_the_longest_would_fit_once_more() -> None:
    """And what follows them; what takes a moment does in any case, also when somebody asked for the end."""
    now = [0.0]
    budget = Budget(seconds=10.0, started=0.0, clock=lambda: now[0])
    more_time = _time_for_another(budget, after=2.0)
    for now[0], enough in ((0.4, True), (2.9, True), (3.0, True), (5.4, True), (5.6, False)):  # the longest takes 2.5
        assert more_time() is enough
    ended = Budget(seconds=10.0, started=0.0, clock=lambda: now[0])
    ended.end()
    more_time = _time_for_another(ended, after=2.0)
    assert more_time()
    now[0] += 1.0
    assert not more_time()


def test_no_trial_is_begun_after_which_the_end_comes_too_late(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as one has finished, of which there is always one."""
    monkeypatch.setattr(run, "finishing", lambda bench, pool, seconds: 2 * seconds)
    pool = search(bench, Budget(seconds=3_600.0), SAMPLERS["evolution"], lambda event: None)
    assert 1 <= len(pool.trials) <= bench.framework.lanes
