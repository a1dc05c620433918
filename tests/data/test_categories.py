"""Categories as features."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.data.categories import (
    MOST_BYTES_IN_ALL,
    MOST_LEVELS,
    MOST_LEVELS_IN_ALL,
    ONE_HOT,
    CategoryEncoding,
    Room,
    room_for,
)

AMPLE = room_for(1)


def words(*cells: str | None) -> np.ndarray:
    """Return cells of words."""
    return np.array(cells, dtype=object)


def test_few_categories_have_a_feature_each() -> None:
    """One feature a category, the most frequent first; what is unseen or missing is none of them."""
    fitted = CategoryEncoding.fit(words("b", "a", "b", "c"), AMPLE)
    assert fitted.levels == ("b", "a", "c")
    piece = fitted.encode(words("a", "b", "new", None))
    assert np.stack(piece.plain, axis=1).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert (piece.numeric, piece.categories, fitted.cardinality) == ((), (), 0)


def test_missing_categories_have_a_flag_if_they_were_seen() -> None:
    """The last feature says that a cell is missing, which is not the same as unseen."""
    fitted = CategoryEncoding.fit(words("b", "a", "c", None), AMPLE)
    assert fitted.encode(words("new", None)).plain[-1].tolist() == [0, 1]


def test_two_categories_are_one_feature() -> None:
    """The more frequent is -1, the other 1, anything else 0."""
    (plain,) = CategoryEncoding.fit(words("x", "y", "x"), AMPLE).encode(words("x", "y", "z", None)).plain
    assert plain.tolist() == [-1, 1, 0, 0]


def many(rows: int = 3, levels: int = 20) -> np.ndarray:
    """Return categories `v00`, `v01`, … of which each is in `rows` more rows than the next but one."""
    return words(*(f"v{i:02}" for i in range(levels) for _ in range(rows + (levels - i) // 2)))


def test_many_categories_have_numbers_and_frequencies() -> None:
    """Numbers from 1 by falling frequency; 0 for what is unseen, in one row only, or missing."""
    cells = np.concatenate([many(), words("once")])
    fitted = CategoryEncoding.fit(cells, AMPLE)
    piece = fitted.encode(words("v00", "v19", "once", "new", None))
    assert fitted.cardinality == 21
    assert piece.categories[0].tolist() == [1, 20, 0, 0, 0]
    frequency = piece.numeric[0]
    assert frequency[0] > frequency[1] > frequency[2] == frequency[3] == frequency[4]
    known = fitted.encode(cells).numeric[0]
    assert known.mean() == pytest.approx(0, abs=0.05)
    assert known.std() == pytest.approx(1, abs=0.1)


def test_missing_cells_among_many_categories_have_a_flag() -> None:
    """Number 0 alone would not tell a missing cell from a rare one."""
    piece = CategoryEncoding.fit(np.concatenate([many(), words(None)]), AMPLE).encode(words("new", None))
    assert [view.tolist() for view in piece.plain] == [[0, 1]]


def test_categories_of_one_row_each_are_none() -> None:
    """What never repeats teaches nothing; the flag of missing cells is left, so that the column is not empty."""
    fitted = CategoryEncoding.fit(words(*(str(i) for i in range(50))), AMPLE)
    assert fitted.levels == ()
    assert [view.tolist() for view in fitted.encode(words("1", None)).plain] == [[0, 1]]


def test_equal_frequencies_say_nothing() -> None:
    """Categories of one frequency have the frequency 0, not rounding blown up to variance 1."""
    fitted = CategoryEncoding.fit(words(*(f"v{i}" for i in range(20) for _ in range(7))), AMPLE)
    assert np.abs(fitted.shares[1:]).max() == 0
    assert fitted.shares[0] == pytest.approx(-np.log(7), abs=1e-3)


def test_names_are_kept_to_the_last_letter() -> None:
    """A category that ends in a zero character, or in a space, is not another."""
    fitted = CategoryEncoding.fit(words("a", "a\0", "a ", "a", "a\0", "a "), AMPLE)
    assert fitted.levels == ("a", "a\0", "a ")


def test_ties_are_broken_by_name() -> None:
    """The order of rows does not matter to the numbers."""
    assert CategoryEncoding.fit(words("b", "a", "c"), AMPLE).levels == ("a", "b", "c")


def test_the_most_frequent_are_kept_where_room_is_short() -> None:
    """Limits of number and of bytes keep the first ones."""
    assert CategoryEncoding.fit(many(), Room(12, 10**6)).levels == tuple(f"v{i:02}" for i in range(12))
    assert CategoryEncoding.fit(many(), Room(12, 10 * len('"v00"'))).levels == tuple(f"v{i:02}" for i in range(10))


@pytest.mark.parametrize("columns", [0, 1, 3, 400, 5_000, 10**6])
def test_room_in_all_is_bounded(columns: int) -> None:
    """However many columns there are, their categories fit into the model file."""
    room = room_for(columns)
    assert room.levels <= MOST_LEVELS
    assert room.levels * columns <= MOST_LEVELS_IN_ALL
    assert room.size * columns <= MOST_BYTES_IN_ALL


@given(st.lists(st.none() | st.text(max_size=3), max_size=60), st.lists(st.none() | st.text(max_size=3), max_size=9))
def test_any_words_give_finite_features_and_known_numbers(fitted: list[str | None], seen: list[str | None]) -> None:
    """Features are finite, numbers below the cardinality, and a document of JSON holds all of it."""
    encoding = CategoryEncoding.fit(words(*fitted), AMPLE)
    piece = encoding.encode(words(*seen))
    assert encoding.agrees
    assert json.loads(json.dumps(encoding.levels)) == list(encoding.levels)
    assert all((np.abs(view) <= 3).all() and view.dtype == np.float32 for view in (*piece.numeric, *piece.plain))
    assert all(((codes >= 0) & (codes < encoding.cardinality)).all() for codes in piece.categories)
    assert len(piece.plain) + len(piece.categories) >= 1
    assert len(encoding.levels) > ONE_HOT or not piece.categories
