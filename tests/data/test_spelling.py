"""Texts as the bytes that spell them."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.data.spelling import LONGEST, MOST_BYTES, Spelling, fit_spelling
from netwright.errors import SpecError

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)  # halves of surrogate pairs among them


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (None, []),
        ("Ab", [65, 98]),
        ("你", [0xE4, 0xBD, 0xA0]),
        ("😀", [0xF0, 0x9F, 0x98, 0x80]),
        ("\ud83d", [0xED, 0xA0, 0xBD]),  # half of a surrogate pair, as UTF-8 would write it
        ("a\x00b", [97, 255, 98]),
    ],
)
def test_a_text_is_its_bytes(text: str | None, expected: list[int]) -> None:
    """Zeros stand behind its end only."""
    (row,) = Spelling(8).encode([text])
    assert row.tolist() == expected + [0] * (8 - len(expected))


def test_a_long_text_is_cut() -> None:
    """Even in the middle of a letter."""
    assert Spelling(5).encode(["你你你"]).tolist() == [[0xE4, 0xBD, 0xA0, 0xE4, 0xBD]]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.one_of(st.none(), ANY_TEXT), max_size=8))
def test_any_texts_can_be_encoded(texts: list[str | None]) -> None:
    """Each by itself, and what is not cut can be read again."""
    found = fit_spelling(texts).encode(texts)
    assert found.dtype == np.uint8 and len(found) == len(texts)
    for row, text in enumerate(texts):
        whole = Spelling(LONGEST).encode([text])[0]
        assert np.array_equal(whole[: found.shape[1]], found[row])
        spelled = whole[: np.count_nonzero(whole)].tobytes().replace(b"\xff", b"\x00")
        assert spelled.decode("utf-8", "surrogatepass") == (text or "")


def test_the_length_is_that_of_nearly_all_texts() -> None:
    """And within the limits of one text, and of all together."""
    assert fit_spelling([]).length == fit_spelling([None, ""]).length == 1
    assert fit_spelling(["12345678"] * 50).length == 9
    assert fit_spelling(["12345678"] * 500 + ["x" * 900]).length == 9
    assert fit_spelling(["é" * 900]).length == LONGEST
    many = 600_000
    assert fit_spelling(["x" * 1_000] * many).length == MOST_BYTES // many < LONGEST


def test_memory_is_bounded_whatever_the_texts() -> None:
    """Of a text of megabytes no more is looked at than is kept."""
    texts = ["\N{SNOWMAN}" * 1_000_000, "x" * 1_000_000]
    tracemalloc.start()
    encoded = fit_spelling(texts).encode(texts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert encoded.shape == (2, LONGEST)
    assert peak < 100_000


def test_only_a_length_is_a_spelling() -> None:
    """A model file is not trusted."""
    assert Spelling.from_json(0) is None
    assert Spelling.from_json(7) == Spelling(7)
    for length in (-1, LONGEST + 1, True, 3.0, "3", None):
        with pytest.raises(SpecError):
            Spelling.from_json(length)
