"""What holds for whatever Hypothesis makes up: nothing but errors of ours comes out, for bytes, texts and objects.

Each property is a strategy and a check. `tests/test_fuzz.py` runs a few examples of each, `attacks/fuzz.py` many more.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fuzz_bundles import RELEASED
from hypothesis import strategies as st

from netwright.bundle import read_bundle
from netwright.data.cells import is_missing, read_number, read_truth, read_word, uses_decimal_comma
from netwright.data.dates import find_order, read_date
from netwright.data.delimited import decode, read_delimited
from netwright.data.reading import as_table
from netwright.data.schema import DATE_ORDERS
from netwright.errors import BundleError, DataError, SettingError
from netwright.model import Model, load
from netwright.tasks import find_task
from netwright.tasks.task import Request


@dataclass(frozen=True)
class Property:
    """What holds.

    Attributes:
        name: of it.
        examples: what it is tried on.
        check: raises something where it does not hold.
    """

    name: str
    examples: st.SearchStrategy[Any]
    check: Callable[[Any], None]


LETTERS = st.text(st.sampled_from(" \t\n\r,;|\"'#\0\x1fa1.-+eéß漢\ufeff\u2028\U0001f600"), max_size=60)
TEXTS = st.one_of(st.text(max_size=40), LETTERS)
CONTENTS = st.one_of(st.binary(max_size=400), TEXTS.map(str.encode), LETTERS.map(lambda text: text.encode("utf-16")))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    TEXTS,
    st.binary(max_size=8),
    st.dates(),
    st.datetimes(timezones=st.none() | st.timezones()),
    st.timedeltas(),
    st.complex_numbers(),
    st.just(pd.NaT),
    st.just(pd.NA),
)
OBJECTS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2))
ROWS = 14


def _column() -> st.SearchStrategy[Any]:
    """Return columns of a frame: of one type, of objects of all types, or of the types of pandas."""
    typed = st.sampled_from(
        [st.integers(-(2**63), 2**63 - 1), st.floats(), st.booleans(), TEXTS, st.dates(), SCALARS, OBJECTS]
    )
    cells = typed.flatmap(lambda one: st.lists(one, min_size=ROWS, max_size=ROWS))
    few = st.lists(SCALARS, min_size=1, max_size=3).flatmap(
        lambda values: st.lists(st.sampled_from(values), min_size=ROWS, max_size=ROWS)
    )
    return (
        st.one_of(cells, few)
        .map(lambda values: pd.Series(values, dtype=object))
        .flatmap(lambda series: st.sampled_from([series, series.infer_objects(), _categories(series)]))
    )


def _categories(series: pd.Series) -> pd.Series:
    """Return a column of categories, where its cells can be some."""
    try:
        return series.astype("category")
    except TypeError:
        return series


NAMES = st.one_of(TEXTS, st.integers(), st.none(), st.tuples(TEXTS, TEXTS))
FRAMES = st.lists(st.tuples(NAMES, _column()), min_size=1, max_size=4).map(
    lambda columns: pd.concat([series for _, series in columns], axis=1).set_axis([name for name, _ in columns], axis=1)
)


def _reads_or_refuses(content: bytes) -> None:
    with contextlib.suppress(DataError):
        read_delimited(content, "a table")
    assert isinstance(decode(content), str)


def _tells_cells(text: str) -> None:
    is_missing(text)
    read_word(text)
    uses_decimal_comma([text])
    find_order([text], 0.5, stated=True)
    for mark in (".", ","):
        number = read_number(text, mark)
        assert np.isnan(number) or np.isfinite(number)
    assert np.isnan(read_truth(text)) or read_truth(text) in (0.0, 1.0)
    for order in DATE_ORDERS:
        assert isinstance(read_date(text, order), np.datetime64)


def _learns_from_frames(frame: pd.DataFrame) -> None:
    kept = frame.copy(deep=True)
    with contextlib.suppress(DataError, SettingError):
        table = as_table(frame)
        task, outcome = find_task("auto", table, str(frame.columns[0]), {})
        loaded = task.load(Request(table, str(frame.columns[0]), {}, outcome))
        task.prepare(loaded, 0).encode(loaded.frame)
    assert frame.columns.equals(kept.columns) and len(frame) == len(kept)


def _answers_rows(columns: list[pd.Series]) -> None:
    model = _model()
    names = [column.name for column in model.preparation.schema.columns]
    frame = pd.concat([columns[place % len(columns)] for place in range(len(names))], axis=1).set_axis(names, axis=1)
    with contextlib.suppress(DataError):
        answers = model.answers(frame)
        assert answers.shape == (len(frame), len(model.labels)) and np.isfinite(answers).all()
        assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)


@cache
def _model() -> Model:
    return load(RELEASED / "tabular.nw")


def _refuses_bundles(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.nw")
        path.write_bytes(b"PK\x03\x04" + content)
        try:
            read_bundle(path)
        except BundleError:
            return
    raise AssertionError("it was read")


PROPERTIES = {
    one.name: one
    for one in (
        Property("delimited", CONTENTS, _reads_or_refuses),
        Property("cells", TEXTS, _tells_cells),
        Property("frames", FRAMES, _learns_from_frames),
        Property("rows", st.lists(_column(), min_size=1, max_size=5), _answers_rows),
        Property("archives", st.binary(max_size=300), _refuses_bundles),
    )
}
