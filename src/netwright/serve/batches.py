"""Rows of requests that wait at one time are predicted together; each request gets the replies to its own rows.

Nobody waits for company: what has come in by the time that the model is free is one batch. So a lone request is as
fast as it can be, and under load batches grow by themselves.

A batch that is quick is predicted in the event loop itself, since handing it to a thread costs more than it does, and
the two would wait for Python's lock. Anything else runs in one thread of its own, and the loop goes on answering.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from netwright.serve.form import Reply

QUICK = 0.004  # seconds: below Python's switch interval of 5 ms, which a thread would make the loop wait
FEW = 64  # weight up to which a batch can be quick
WARM = 3  # predictions before the first request
LATEST = 16  # batches of few rows, the fastest of which says how fast the model is: other work only slows it down


@dataclass(frozen=True)
class _Job:
    rows: list[Any]
    weight: int
    future: asyncio.Future[list[Reply]]


class Batcher:
    """Gathers rows, and hands their replies back.

    Args:
        predict: rows → replies; what it raises is raised to the request whose rows were at fault.
        most: weight of a batch; a single request may have more.
        heard: told the number of rows of each batch.
        weigh: rows → how much work and memory they take together.
    """

    def __init__(
        self,
        predict: Callable[[list[Any]], list[Reply]],
        most: int,
        heard: Callable[[int], None],
        weigh: Callable[[list[Any]], int] = len,
    ) -> None:
        self._predict, self._most, self._heard, self._weigh = predict, most, heard, weigh
        self._waiting: deque[_Job] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="predict")
        self._busy = False  # whether a batch runs, or is about to
        self._took: deque[float] = deque(maxlen=LATEST)  # seconds of the latest batches of few rows

    def warm_up(self, rows: list[Any]) -> None:
        """Predict rows that stand for those to come, so that no request waits for what is loaded at first use."""
        self._predict(rows)  # the first takes as long as what it loads
        for _ in range(WARM):
            started = time.perf_counter()
            self._predict(rows)
            self._took.append(time.perf_counter() - started)

    async def replies(self, rows: list[Any]) -> list[Reply]:
        """Return a reply for each row."""
        if not rows:
            return []
        loop = asyncio.get_running_loop()
        job = _Job(rows, self._weigh(rows), loop.create_future())
        self._waiting.append(job)
        if not self._busy:
            self._busy = True
            loop.call_soon(self._next, loop)  # after the requests that have arrived at the same time
        return await job.future

    async def alone(self, work: Callable[[], list[Reply]]) -> list[Reply]:
        """Return what a piece of work gives that is no batch, in the thread of batches and in turn with them."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Predict what waits, here or in the thread; called again until nothing waits."""
        jobs = self._taken()
        if not jobs:
            self._busy = False
            return
        self._heard(sum(len(job.rows) for job in jobs))
        if sum(job.weight for job in jobs) <= FEW and min(self._took, default=QUICK) < QUICK:
            _hand_back(jobs, self._outcomes(jobs))
            loop.call_soon(self._next, loop)
            return
        running = loop.run_in_executor(self._thread, self._outcomes, jobs)
        running.add_done_callback(lambda done: self._finished(loop, jobs, done))

    def _finished(
        self, loop: asyncio.AbstractEventLoop, jobs: list[_Job], done: asyncio.Future[list[list[Reply] | Exception]]
    ) -> None:
        if not done.cancelled():
            _hand_back(jobs, done.result())
        self._next(loop)

    def _taken(self) -> list[_Job]:
        """Return the jobs of the next batch: of those that somebody still waits for, as many as fit."""
        jobs, weight = list[_Job](), 0
        while self._waiting and (not jobs or weight + self._waiting[0].weight <= self._most):
            job = self._waiting.popleft()
            if not job.future.done():
                jobs.append(job)
                weight += job.weight
        return jobs

    def _outcomes(self, jobs: list[_Job]) -> list[list[Reply] | Exception]:
        """Return the replies to each job, or what went wrong; where a batch fails, each job is tried alone."""
        rows = [row for job in jobs for row in job.rows]
        started = time.perf_counter()
        try:
            replies = self._predict(rows)
        except Exception as error:  # of whatever kind: it is raised again where the request is answered
            return [error] if len(jobs) == 1 else [each for job in jobs for each in self._outcomes([job])]
        if sum(job.weight for job in jobs) <= FEW:
            self._took.append(time.perf_counter() - started)
        found, start = list[list[Reply] | Exception](), 0
        for job in jobs:
            found.append(replies[start : start + len(job.rows)])
            start += len(job.rows)
        return found


def _hand_back(jobs: list[_Job], outcomes: list[list[Reply] | Exception]) -> None:
    for job, outcome in zip(jobs, outcomes, strict=True):
        if job.future.done():  # nobody waits any longer
            continue
        if isinstance(outcome, Exception):
            job.future.set_exception(outcome)
        else:
            job.future.set_result(outcome)
