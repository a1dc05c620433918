"""The graph makes of cells what the encoder makes of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from netwright.build.graph import Graph
from netwright.data.encoding import TableEncoder, encode, fit_encoder
from netwright.data.frame import Frame
from netwright.data.inference import infer_schema
from netwright.data.parsing import parse_frame
from netwright.data.schema import Schema
from netwright.inference.cells import table_features
from netwright.inference.dates import cycles, days_and_seconds
from netwright.inference.feed import fed_cells
from netwright.inference.session import start

ROWS = 400


def table(seed: int) -> pd.DataFrame:
    """Return columns of every kind but free text, with missing cells in some of them."""
    generator = np.random.default_rng(seed)
    holes = generator.random(ROWS) < 0.1
    letters = [f"level {number}" for number in range(60)]
    days = pd.Timestamp("1600-01-01") + pd.to_timedelta(generator.integers(0, 300_000, ROWS), unit="D")
    moments = pd.Timestamp("1999-12-31") + pd.to_timedelta(generator.integers(-(10**9), 10**9, ROWS), unit="s")
    return pd.DataFrame(
        {
            "even": generator.normal(size=ROWS),
            "holes": np.where(holes, np.nan, generator.normal(50, 20, ROWS)),
            "heavy": np.exp(3 * generator.normal(size=ROWS)),
            "heavy.holes": np.where(holes, np.nan, np.exp(generator.normal(size=ROWS) ** 3)),
            "mostly zero": np.where(generator.random(ROWS) < 0.5, 0, generator.integers(0, 99, ROWS)),
            "two values": generator.choice([3.5, 7.0], ROWS),
            "huge": generator.normal(size=ROWS) * 1e200,
            "truth": pd.array(np.where(holes, None, generator.random(ROWS) < 0.5), "boolean"),
            "day": np.where(holes, np.datetime64("NaT"), days.to_numpy().astype("datetime64[s]")),
            "moment": moments,
            "pair": generator.choice(["yes please", "no thanks"], ROWS),
            "few": np.where(holes, None, generator.choice(["red", "grün", "青い"], ROWS)),
            "many": generator.choice(letters, ROWS),
            "many holes": np.where(holes, None, generator.choice(letters, ROWS)),
            "Add": generator.normal(size=ROWS),
            "y": generator.normal(size=ROWS),
        }
    )


@pytest.fixture(scope="module")
def fitted() -> tuple[TableEncoder, Schema]:
    """Return an encoder of such a table, and its schema."""
    schema, _ = infer_schema(table(0), "y", kinds={}, task="regression")
    return fit_encoder(parse_frame(table(0), schema), schema, 0), schema


def features_of_graph(encoder: TableEncoder, schema: Schema, frame: Frame, kind: str) -> np.ndarray:
    """Return the features of one kind as the graph makes them."""
    graph = Graph()
    types = {"float64": np.float64, "datetime64[s]": np.int64, "object": np.str_}
    cells = {
        column.name: graph.input(column.name, types[str(frame.columns[column.name].dtype)], ("batch", 1))
        for column in schema.used
    }
    found = table_features(graph, encoder, cells, {})[kind]
    graph.output(found, "found", np.int64 if kind == "categories" else np.float32, ("batch", "features"))
    fed = fed_cells(pd.DataFrame(), frame, schema, encoder, encode(encoder, frame))
    return start(graph.finish("test", {}), rows=10_000).run(fed)


def unlike(seed: int) -> pd.DataFrame:
    """Return rows unlike those learnt from: far numbers, unseen categories, other dates, empty cells."""
    cells = table(seed)
    cells.loc[:9, ["even", "heavy", "two values", "mostly zero"]] = np.nan
    cells.loc[10:19, ["even", "heavy", "two values", "huge"]] = 1e300
    cells.loc[20:29, ["even", "heavy", "two values", "huge"]] = -1e300
    cells.loc[30:39, ["pair", "few", "many"]] = "never seen"
    cells.loc[40:49, ["pair", "few", "many"]] = None
    cells.loc[50:59, "moment"] = pd.NaT
    cells.loc[60:69, "two values"] = 5.25
    return cells


@pytest.mark.parametrize("kind", ["numeric", "plain", "categories"])
def test_features_are_those_of_the_encoder(fitted: tuple[TableEncoder, Schema], kind: str) -> None:
    """In the same order, to a millionth; on rows learnt from and on rows unlike them."""
    encoder, schema = fitted
    for cells in (table(0), unlike(1)):
        frame = parse_frame(cells, schema)
        right = encode(encoder, frame)[kind]
        found = features_of_graph(encoder, schema, frame, kind)
        assert found.dtype == right.dtype
        np.testing.assert_allclose(found, right, rtol=1e-6, atol=1e-6)


def test_every_encoding_is_among_them(fitted: tuple[TableEncoder, Schema]) -> None:
    """Else the test above would show less than it says."""
    encoder, _ = fitted
    columns = encoder.columns
    assert columns["heavy"].heavy and columns["mostly zero"].common == 0 and columns["holes"].flagged
    assert columns["two values"].kind == "pair" and columns["truth"].kind == "pair"
    assert columns["moment"].cycles == ("year", "month", "week", "day") and "day" not in columns["day"].cycles
    assert columns["many"].cardinality and not columns["few"].cardinality and len(columns["pair"].levels) == 2


def test_infinite_numbers_count_as_missing(fitted: tuple[TableEncoder, Schema]) -> None:
    """A graph may be fed anything; a reader of tables never gives it such."""
    encoder, schema = fitted
    frame = parse_frame(table(0), schema)
    infinite = {name: np.full_like(cells, np.inf) for name, cells in frame.columns.items() if cells.dtype == np.float64}
    nothing = {name: np.full_like(cells, np.nan) for name, cells in infinite.items()}
    found = [
        features_of_graph(encoder, schema, Frame({**frame.columns, **cells}, frame.rows), "numeric")
        for cells in (infinite, nothing)
    ]
    np.testing.assert_array_equal(*found)


def test_the_calendar_is_that_of_numpy() -> None:
    """Every day of 1,200 years, leap years and turns of centuries among them."""
    graph = Graph()
    moments = graph.input("moments", np.int64, ("batch", 1))
    days, seconds = days_and_seconds(graph, moments)
    views = cycles(graph, ("year", "month"), days, seconds)
    graph.output(graph.join(views, 1), "found", np.float32, ("batch", 4))
    all_days = np.arange("1500-01-01", "2700-01-01", dtype="datetime64[D]")
    fed = (all_days.astype("datetime64[s]") + np.timedelta64(86_399, "s")).astype(np.int64)[:, None]
    found = start(graph.finish("test", {}), rows=10**6).run({"moments": fed})
    years, months = (all_days - all_days.astype(f"datetime64[{unit}]").astype("datetime64[D]") for unit in "YM")
    for place, (since, around) in enumerate(((years, 366), (months, 31))):
        angle = 2 * np.pi * since.astype(np.int64) / around
        np.testing.assert_allclose(found[:, 2 * place], np.sin(angle), atol=1e-6)
        np.testing.assert_allclose(found[:, 2 * place + 1], np.cos(angle), atol=1e-6)
