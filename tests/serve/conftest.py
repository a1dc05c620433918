"""Models of every kind to serve, each fitted once, and a client that asks the application without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

import netwright as nw
from netwright.serve.app import PATHS, make_app
from netwright.serve.limits import Limits
from netwright.serve.metrics import Metrics
from netwright.tasks import TASKS
from netwright.testing.models import untrained_model

ROWS = 240
TARGET = "<b>kind</b>"


def odd_table(seed: int = 0) -> pd.DataFrame:
    """Return a table with a column of each kind, the names of which are no names in Python, and three classes."""
    generator = np.random.default_rng(seed)
    size = generator.normal(10, 3, ROWS)
    colour = generator.choice(["red", "green", "blue"], ROWS)
    score = size / 3 + (colour == "red") + 0.1 * generator.normal(size=ROWS)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 700, ROWS), "D")
    words = generator.choice(["quite good", "very bad", "rather plain"], ROWS)
    return pd.DataFrame(
        {
            "größe (cm)": np.where(generator.random(ROWS) < 0.1, np.nan, size),
            "petal.length": generator.normal(size=ROWS),
            "class": colour,
            "lambda": generator.choice(["1", "2", "3"], ROWS),
            "c1": generator.random(ROWS) < 0.5,
            "day of sale": days.strftime("%d.%m.%Y"),
            "note": [f"{word} thing number {generator.integers(1000)}" for word in words],
            TARGET: np.array(["low", "mid", "high"])[np.digitize(score, [3.2, 4.2])],
        }
    )


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    """Return the rows that the model was fitted on."""
    return odd_table()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, table: pd.DataFrame) -> Path:
    """Return the file of a model of the table."""
    folder = tmp_path_factory.mktemp("odd")
    return nw.fit(table, TARGET, trials=1, kinds={"lambda": "categorical"}, out=folder).bundle


@pytest.fixture(scope="session")
def model(bundle: Path) -> nw.Model:
    """Return the model of the table."""
    return nw.load(bundle)


Serve = Callable[..., TestClient]


@pytest.fixture(scope="session")
def serve() -> Serve:
    """Return what makes a client of a model; what goes wrong in the server is an answer, as it is to a stranger."""

    def client_of(model: nw.Model, limits: Limits | None = None) -> TestClient:
        return TestClient(make_app(model, limits or Limits(), None, Metrics(PATHS)), raise_server_exceptions=False)

    return client_of


@pytest.fixture(scope="session")
def client(serve: Serve, model: nw.Model) -> Iterator[TestClient]:
    """Return a client of the model of the table."""
    with serve(model) as found:
        yield found


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[nw.Model, pd.DataFrame]]:
    """Return what gives a model of a task's own small data, and the data: of sentences it has learnt what is in them.

    What a model says of images and sounds does not matter here, and nothing is learnt from them.
    """

    @cache
    def toy(task: str) -> tuple[nw.Model, pd.DataFrame]:
        data, target = TASKS[task].toy(0)
        folder = tmp_path_factory.mktemp(task)
        if task == "tagging":
            return nw.load(nw.fit(data, target, trials=1, task=task, out=folder).bundle), data
        model = untrained_model(TASKS[task], data, target, parts=1)
        model.save(folder / "model.nw")
        return nw.load(folder / "model.nw"), data

    return toy
