"""What waits together is predicted together; each request gets its own replies, or its own error."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from netwright.serve.batches import FEW, Batcher
from netwright.serve.form import Reply


class Model:
    """Answers a row with itself, and remembers what it was asked together; refuses a row that is negative."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[int] = set()

    def __call__(self, rows: list[Any]) -> list[Reply]:
        """Answer rows."""
        self.batches.append(rows)
        self.threads.add(threading.get_ident())
        if any(row < 0 for row in rows):
            raise ValueError(f"{min(rows)} is negative")
        return [{"prediction": row} for row in rows]


def values(replies: list[Reply]) -> list[int]:
    """Return what was answered."""
    return [reply["prediction"] for reply in replies]


def asked_together(batcher: Batcher, *requests: list[int]) -> list[Any]:
    """Return what comes of requests that are made at one time."""

    async def ask() -> list[Any]:
        return await asyncio.gather(*(batcher.replies(rows) for rows in requests), return_exceptions=True)

    return asyncio.run(ask())


@pytest.mark.parametrize("quick", [True, False])
def test_requests_that_wait_together_are_one_batch(quick: bool) -> None:
    """In the event loop where the model is quick, in a thread where it is not known to be."""
    model, heard = Model(), list[int]()
    batcher = Batcher(model, 100, heard.append)
    if quick:
        batcher.warm_up([0])
        model.batches.clear(), model.threads.clear()
    found = asked_together(batcher, [1], [2, 3], [4])
    assert [values(each) for each in found] == [[1], [2, 3], [4]]
    assert model.batches == [[1, 2, 3, 4]] and heard == [4]
    assert (model.threads == {threading.get_ident()}) is quick


def test_a_batch_has_a_largest_size() -> None:
    """What does not fit is the next one; a request that is larger by itself is alone."""
    model = Model()
    asked_together(Batcher(model, 3, lambda rows: None), [1, 2], [3], [4], [5, 6, 7, 8], [9])
    assert model.batches == [[1, 2, 3], [4], [5, 6, 7, 8], [9]]


def test_rows_have_a_weight() -> None:
    """Long sentences fill a batch sooner than short ones."""
    model = Model()
    asked_together(Batcher(model, 10, lambda rows: None, weigh=sum), [4], [6], [1], [10], [2])
    assert model.batches == [[4, 6], [1], [10], [2]]


def test_a_request_at_fault_fails_alone() -> None:
    """The others in its batch are answered."""
    one, bad, other = asked_together(Batcher(Model(), 100, lambda rows: None), [1], [2, -3], [4])
    assert values(one) == [1] and values(other) == [4]
    assert isinstance(bad, ValueError) and "-3" in str(bad)


def test_no_rows_need_no_model() -> None:
    """The replies are none."""
    model = Model()
    assert asked_together(Batcher(model, 100, lambda rows: None), []) == [[]]
    assert model.batches == []


def test_what_nobody_waits_for_is_not_predicted() -> None:
    """A request that was given up while another one ran."""
    model, free = Model(), threading.Event()

    def slow(rows: list[Any]) -> list[Reply]:
        free.wait(10)
        return model(rows)

    async def ask() -> list[Reply]:
        batcher = Batcher(slow, 100, lambda rows: None)
        first = asyncio.create_task(batcher.replies([1]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # now the first runs in its thread
        second, third = (asyncio.create_task(batcher.replies([row])) for row in (2, 3))
        await asyncio.sleep(0)
        second.cancel()
        free.set()
        return [*await first, *await third]

    assert values(asyncio.run(ask())) == [1, 3]
    assert model.batches == [[1], [3]]


def test_many_rows_are_left_to_the_thread() -> None:
    """However quick the model is with a few: the loop has others to answer."""
    model = Model()
    batcher = Batcher(model, 1_000, lambda rows: None)
    batcher.warm_up([1])
    model.threads.clear()
    asked_together(batcher, [*range(FEW + 1)])
    assert threading.get_ident() not in model.threads


def test_a_table_is_answered_beside_the_batches() -> None:
    """In the same thread, so that two predictions do not fight for the cores."""
    model = Model()

    async def ask() -> list[Reply]:
        batcher = Batcher(model, 100, lambda rows: None)
        both = await asyncio.gather(batcher.alone(lambda: model([7])), batcher.replies([8]))
        return [*both[0], *both[1]]

    assert values(asyncio.run(ask())) == [7, 8]
    assert len(model.threads) == 1 and threading.get_ident() not in model.threads
