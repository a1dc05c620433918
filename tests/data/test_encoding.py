"""Tables as features."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.data.columns import FEW
from netwright.data.encoding import TableEncoder, decode_encoder, encode, fit_encoder
from netwright.data.features import Features
from netwright.data.frame import Frame
from netwright.data.numeric import KNOTS, LARGEST, SCORES, NumberEncoding
from netwright.data.schema import Column, Kind, Outcome, Schema, Target
from netwright.errors import BundleError, UnreadableDocument

KINDS = {
    "amount": Kind.NUMERIC,
    "tail": Kind.NUMERIC,
    "pair": Kind.NUMERIC,
    "open": Kind.BOOLEAN,
    "when": Kind.DATETIME,
    "colour": Kind.CATEGORICAL,
    "place": Kind.CATEGORICAL,
    "note": Kind.TEXT,
}
MISSING: dict[Kind, Any] = {Kind.NUMERIC: np.nan, Kind.BOOLEAN: np.nan, Kind.DATETIME: np.datetime64("NaT", "s")}


def schema_of(kinds: Mapping[str, Kind], distinct: int = 20) -> Schema:
    """Return a schema of columns of these kinds."""
    columns = tuple(Column(name, kind, stated=False, missing=0.0, distinct=distinct) for name, kind in kinds.items())
    return Schema(columns, Target("y", Outcome.REGRESSION, ()))


def table(rows: int, seed: int = 0, missing: float = 0.1) -> Frame:
    """Return a frame with every kind of column and missing cells in each."""
    generator = np.random.default_rng(seed)
    words = np.array(["red", "green", "blue", "small", "large", "round", "open", "shut"], object)
    columns: dict[str, Any] = {
        "amount": generator.normal(50, 9, rows),
        "tail": generator.standard_cauchy(rows),
        "pair": generator.choice([3.0, 8.0], rows),
        "open": generator.integers(0, 2, rows).astype(float),
        "when": generator.integers(10**9, 2 * 10**9, rows).astype("datetime64[s]"),
        "colour": generator.choice(words[:3], rows),
        "place": np.array([f"place {i}" for i in generator.integers(0, 15, rows)], object),
        "note": np.array([" ".join(generator.choice(words, 4)) for _ in range(rows)], object),
    }
    for name, cells in columns.items():
        cells[generator.random(rows) < missing] = MISSING.get(KINDS[name])
    return Frame(columns, rows)


SCHEMA = schema_of(KINDS)
FRAME = table(300)
ENCODER = fit_encoder(FRAME, SCHEMA, 0)


def same(one: Features, other: Features) -> bool:
    """Return whether features are equal, bit for bit."""
    return all(array.tobytes() == other[name].tobytes() for name, array in one.arrays.items())


def test_features_are_as_the_encoder_says() -> None:
    """Shapes and types are those that networks are built for."""
    features = encode(ENCODER, FRAME)
    assert features["numeric"].shape == (300, len(ENCODER.quantiles))
    assert features["plain"].shape == (300, ENCODER.plain_columns)
    assert features["categories"].shape == (300, 1)
    assert ENCODER.cardinalities == (16,)
    assert ENCODER.quantiles.shape == (7, KNOTS)  # amount, tail twice, when, frequency of place, letters, words
    assert (features["numeric"].dtype, features["plain"].dtype) == (np.float32, np.float32)
    assert features["categories"].dtype == np.int64
    assert (np.diff(ENCODER.quantiles, axis=1) > 0).all()


@settings(max_examples=30)
@given(st.lists(st.integers(0, 299), min_size=1, max_size=40))
def test_each_row_is_on_its_own(index: list[int]) -> None:
    """Any rows in any order have the features, bit for bit, that they have among all."""
    rows = np.array(index)
    assert same(encode(ENCODER, FRAME.take(rows)), encode(ENCODER, FRAME).rows(rows))


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
ODD_CELLS = st.floats(allow_infinity=False) | st.sampled_from([-0.0, 5e-324, LARGEST, -1e308, 255.0, float("nan")])


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_columns_of_few_rows_are_scaled_together_to_the_bits_that_each_has_alone(data: st.DataObject) -> None:
    """Whatever cells and settings are: huge, tiny, missing, of one value, with normal scores or flags beside them."""
    rows = data.draw(st.integers(0, FEW))
    columns, cells = {}, {}
    for name in "abcd"[: data.draw(st.integers(1, 4))]:
        factor, common = data.draw(st.just(0.0) | NUMBERS.map(abs)), data.draw(st.none() | NUMBERS)
        flagged, heavy = data.draw(st.booleans()), data.draw(st.booleans())
        knots = np.linspace(-1.0, 1.0, SCORES) * data.draw(st.floats(0, LARGEST)) if heavy else None
        columns[name] = NumberEncoding(data.draw(NUMBERS), factor, flagged, heavy, common, knots=knots)
        cells[name] = np.array(data.draw(st.lists(ODD_CELLS, min_size=rows, max_size=rows)), np.float64)
    found = encode(TableEncoder(columns, np.empty((0, KNOTS), np.float32), 0), Frame(cells, rows))
    alone = [column.encode(cells[name]) for name, column in columns.items()]
    for part in ("numeric", "plain"):
        views = [view for piece in alone for view in getattr(piece, part)]
        assert found[part].T.tobytes() == b"".join(view.tobytes() for view in views)


def test_strided_cells_give_the_same_bits() -> None:
    """Columns of a wider array are encoded as those that lie on their own."""
    wide = np.stack([FRAME.columns["amount"], FRAME.columns["tail"]], axis=1)
    columns = {
        **FRAME.columns,
        "amount": wide[:, 0],
        "tail": wide[:, 1],
        "when": np.repeat(FRAME.columns["when"], 2)[::2],
    }
    assert same(encode(ENCODER, Frame(columns, 300)), encode(ENCODER, FRAME))


def test_other_columns_and_another_order_do_not_matter() -> None:
    """The order of the features is that of the schema."""
    columns = dict(reversed(FRAME.columns.items())) | {"more": np.zeros(300)}
    assert same(encode(ENCODER, Frame(columns, 300)), encode(ENCODER, FRAME))


def test_no_rows_have_no_features_of_the_right_width() -> None:
    """An empty table is encoded too."""
    features = encode(ENCODER, FRAME.take(np.zeros(0, np.int64)))
    assert len(features) == 0
    assert features["plain"].shape[1] == ENCODER.plain_columns


CELLS: dict[Kind, Any] = {
    Kind.NUMERIC: st.floats(),
    Kind.BOOLEAN: st.sampled_from([0.0, 1.0, np.nan]),
    Kind.DATETIME: st.integers(-(2**60), 2**60).map(lambda second: np.datetime64(second, "s")),
    Kind.CATEGORICAL: st.none() | st.text(max_size=2),
    Kind.TEXT: st.none() | st.text(max_size=12),
}
TYPES: dict[Kind, Any] = {Kind.NUMERIC: np.float64, Kind.BOOLEAN: np.float64, Kind.DATETIME: "datetime64[s]"}


@st.composite
def frames(draw: st.DrawFn, kinds: tuple[Kind, ...]) -> Frame:
    """Draw a frame of these kinds with any cells."""
    rows = draw(st.integers(1, 25))
    columns = {}
    for place, kind in enumerate(kinds):
        cells = draw(st.lists(CELLS[kind], min_size=rows, max_size=rows))
        columns[str(place)] = np.empty(rows, TYPES.get(kind, object))
        columns[str(place)][:] = cells
    return Frame(columns, rows)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_table_is_encoded_finitely_and_the_same_after_a_round_trip(data: st.DataObject) -> None:
    """Whatever is fitted on and seen: features are finite, equal after writing and reading, and no cell is changed."""
    kinds = tuple(data.draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=4)))
    fitted, seen = data.draw(frames(kinds)), data.draw(frames(kinds))
    before = copy.deepcopy((fitted, seen))
    encoder = fit_encoder(fitted, schema_of({str(i): kind for i, kind in enumerate(kinds)}), 0)
    document = json.loads(json.dumps(encoder.to_json(), allow_nan=False))
    features = encode(encoder, seen)
    assert np.isfinite(features["numeric"]).all()
    assert np.isfinite(features["plain"]).all()
    assert features["numeric"].shape[1] + features["plain"].shape[1] + features["categories"].shape[1] > 0
    assert all((features["categories"][:, i] < size).all() for i, size in enumerate(encoder.cardinalities))
    assert same(features, encode(decode_encoder(document, encoder.tensors()), seen))
    for one, other in zip(before, (fitted, seen), strict=True):
        assert all(
            one.columns[name].tolist() == other.columns[name].tolist() or _all_missing(one, name)
            for name in one.columns
        )


def _all_missing(frame: Frame, name: str) -> bool:
    """Return whether a column has cells that are not equal to themselves."""
    cells = frame.columns[name]
    return cells.dtype != object and bool((cells != cells).any())


def test_the_seed_alone_decides() -> None:
    """Fitting twice gives the same encoder, bit for bit."""
    again = fit_encoder(FRAME, SCHEMA, 0)
    assert again.to_json() == ENCODER.to_json()
    arrays = again.tensors()
    assert all(arrays[name].tobytes() == array.tobytes() for name, array in ENCODER.tensors().items())


def test_missing_cells_take_no_knots() -> None:
    """Quantiles are those of the cells that are there: a column that is mostly missing keeps its intervals."""
    cells = np.full(1_000, np.nan)
    cells[:200] = np.linspace(0, 1, 200)
    one = {"x": Kind.NUMERIC}
    encoder = fit_encoder(Frame({"x": cells}, 1_000), schema_of(one), 0)
    alone = fit_encoder(Frame({"x": cells[:200]}, 200), schema_of(one), 0)
    assert np.array_equal(encoder.quantiles, alone.quantiles)


def test_columns_of_categories_share_the_room() -> None:
    """A thousand columns of many categories keep fewer of each, so that the model file can be written."""
    kinds = {str(i): Kind.CATEGORICAL for i in range(1_000)}
    cells = np.array([f"v{i}" for i in range(100)] * 2, object)
    encoder = fit_encoder(Frame(dict.fromkeys(kinds, cells), 200), schema_of(kinds, distinct=100), 0)
    assert sum(encoder.cardinalities) <= 50_000
    assert len(json.dumps(encoder.to_json())) < 2**22


# --- reading an encoder back -----------------------------------------------------------------------------------------


def decode(document: Any, tensors: Mapping[str, Any]) -> TableEncoder:
    """Return an encoder as it comes out of a file."""
    return decode_encoder(json.loads(json.dumps(document)), tensors)


def test_an_encoder_comes_back_as_it_was() -> None:
    """From JSON and read-only arrays come the same features, bit for bit, and the same description."""
    arrays = {name: array.copy() for name, array in ENCODER.tensors().items()}
    for array in arrays.values():
        array.flags.writeable = False
    back = decode(ENCODER.to_json(), arrays)
    assert same(encode(back, FRAME), encode(ENCODER, FRAME))
    assert back.to_json() == ENCODER.to_json()
    assert back.cardinalities == ENCODER.cardinalities
    assert back.fits(SCHEMA)


def test_arrays_are_small() -> None:
    """A column of text takes less than 2 MB of a file, and all arrays are of types that a file holds."""
    arrays = ENCODER.tensors()
    assert sum(array.nbytes for array in arrays.values()) < 2e6
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32), np.dtype(np.float64)}


Change = Callable[[dict[str, Any], dict[str, Any]], None]


def column(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the fields of a column in a document."""
    fields: dict[str, Any] = dict(document["columns"])[name]
    return fields


NAMES = list(KINDS)
NOTE = NAMES.index("note")
CHANGES: dict[str, Change] = {
    "no columns": lambda document, _: document.pop("columns"),
    "more fields": lambda document, _: document.update(more=1),
    "a column twice": lambda document, _: document["columns"].append(document["columns"][0]),
    "a column of an unknown kind": lambda document, _: column(document, "amount").update(kind="pickle"),
    "a field too many": lambda document, _: column(document, "amount").update(knots=[1.0]),
    "an array in the document": lambda document, _: column(document, "note").update(projection=[1.0]),
    "a field missing": lambda document, _: column(document, "amount").pop("centre"),
    "a text for a number": lambda document, _: column(document, "amount").update(centre="1"),
    "not a number": lambda document, _: column(document, "amount").update(centre=float("nan")),
    "infinity": lambda document, _: column(document, "when").update(factor=float("inf")),
    "a negative factor": lambda document, _: column(document, "amount").update(factor=-1.0),
    "a flag too many": lambda document, _: column(document, "amount").update(flagged=False),
    "scores without knots": lambda document, _: column(document, "amount").update(heavy=True),
    "knots without scores": lambda document, _: column(document, "tail").update(heavy=False),
    "two values that are one": lambda document, _: column(document, "pair").update(high=3.0),
    "an unknown cycle": lambda document, _: column(document, "when").update(cycles=["eon"]),
    "cycles without end": lambda document, _: column(document, "when").update(cycles=["year"] * 9),
    "a category twice": lambda document, _: column(document, "place")["levels"].__setitem__(0, "place 1"),
    "a frequency missing": lambda document, _: column(document, "place")["shares"].pop(),
    "frequencies of few": lambda document, _: column(document, "colour").update(shares=[0.0, 0.0, 0.0, 0.0]),
    "a wild frequency": lambda document, _: column(document, "place")["shares"].__setitem__(0, 1e30),
    "a category that is no text": lambda document, _: column(document, "colour")["levels"].__setitem__(0, 1),
    "fewer features": lambda document, _: document.update(plain_columns=3),
    "features that are no number": lambda document, _: document.update(plain_columns=True),
    "no quantiles": lambda _, arrays: arrays.pop("quantiles"),
    "no projection": lambda _, arrays: arrays.pop(f"{NOTE}.axes"),
    "one array more": lambda _, arrays: arrays.update(more=np.zeros(3)),
    "falling quantiles": lambda _, arrays: arrays.update(quantiles=arrays["quantiles"][:, ::-1]),
    "quantiles of another width": lambda _, arrays: arrays.update(quantiles=arrays["quantiles"][:, :9]),
    "quantiles of one column more": lambda _, arrays: arrays.update(quantiles=arrays["quantiles"][[0, *range(7)]]),
    "quantiles of another type": lambda _, arrays: arrays.update(quantiles=arrays["quantiles"].astype(np.float64)),
    "quantiles that are no array": lambda _, arrays: arrays.update(quantiles=[[1.0]]),
    "falling knots": lambda _, arrays: arrays.update(scores=arrays["scores"][:, ::-1]),
    "knots of no column": lambda _, arrays: arrays.update(scores=np.zeros((2, SCORES))),
    "endless knots": lambda _, arrays: arrays.update(scores=np.full((1, SCORES), np.inf)),
    "a flat projection": lambda _, arrays: arrays.update({f"{NOTE}.axes": arrays[f"{NOTE}.axes"][:, 0]}),
    "a short projection": lambda _, arrays: arrays.update({f"{NOTE}.axes": arrays[f"{NOTE}.axes"][1:]}),
    "an empty projection": lambda _, arrays: arrays.update({f"{NOTE}.axes": arrays[f"{NOTE}.axes"][:, :0]}),
    "a wide projection": lambda _, arrays: arrays.update({f"{NOTE}.axes": np.zeros((8_192, 500), np.float32)}),
    "a projection without numbers": lambda _, arrays: arrays.update({f"{NOTE}.axes": arrays[f"{NOTE}.axes"] * np.nan}),
    "another middle": lambda _, arrays: arrays.update({f"{NOTE}.middle": arrays[f"{NOTE}.middle"][1:]}),
    "another rarity": lambda _, arrays: arrays.update({f"{NOTE}.rarity": arrays[f"{NOTE}.rarity"][None]}),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("what", CHANGES)
def test_what_does_not_fit_is_refused(what: str) -> None:
    """Every part that Netwright would not write is refused as an unreadable document, before it is used."""
    document, arrays = copy.deepcopy(ENCODER.to_json()), dict(ENCODER.tensors())
    document = json.loads(json.dumps(document))
    CHANGES[what](document, arrays)
    with pytest.raises(UnreadableDocument, match="preprocessing"):
        decode_encoder(document, arrays)


@pytest.mark.parametrize(
    "document", [None, [], 3, "columns", {}, {"columns": 3, "plain_columns": 0}, {1: 2}, float("nan")]
)
def test_other_documents_are_refused(document: Any) -> None:
    """Whatever else stands in the file is refused too."""
    with pytest.raises(BundleError):
        decode_encoder(document, ENCODER.tensors())


def test_nesting_without_end_is_refused() -> None:
    """A document that is too deep for Python is one more that describes nothing."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UnreadableDocument):
        decode_encoder({"columns": deep, "plain_columns": 0}, ENCODER.tensors())


def test_an_encoder_of_other_columns_does_not_fit() -> None:
    """An encoder fits the schema that names its columns with their kinds, and no other."""
    assert ENCODER.fits(SCHEMA)
    assert not ENCODER.fits(schema_of({**KINDS, "more": Kind.NUMERIC}))
    assert not ENCODER.fits(schema_of({**KINDS, "open": Kind.TEXT}))
    assert not ENCODER.fits(schema_of(dict(list(KINDS.items())[1:])))
    assert ENCODER.fits(schema_of({**KINDS, "unused": Kind.IDENTIFIER}))
