"""What passes once passes again: property tests draw the same examples every time, and work is counted, not timed."""

from __future__ import annotations

import cProfile
from collections.abc import Callable

import pandas as pd
import pytest
from hypothesis import settings
from sklearn.datasets import load_iris

import netwright as nw

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def irises() -> pd.DataFrame:
    """Return the irises, the names of their species as the target."""
    data = load_iris(as_frame=True)
    return data.frame.assign(target=data.target_names[data.target])


@pytest.fixture(scope="session")
def iris_run(irises: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> nw.Run:
    """Return a short run on the irises, for those who look at what it has kept."""
    return nw.fit(irises, "target", trials=4, out=tmp_path_factory.mktemp("iris"))


@pytest.fixture
def calls_of() -> Callable[[Callable[[], object]], int]:
    """Return what counts the calls of functions, of Python's and of C's, that some work takes.

    They are as many on a busy machine as on a quiet one, and show how the work grows: a loop over the rows of a table
    calls something for each row. The work is done twice, since what is done for the first time may import more.
    """

    def count(work: Callable[[], object]) -> int:
        work()
        profile = cProfile.Profile()
        profile.runcall(work)
        return sum(entry.callcount for entry in profile.getstats())

    return count
