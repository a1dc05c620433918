"""Texts as words and pieces of rarer words."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.data.subwords import MOST_BYTES, MOST_PIECES, Subwords, fit_subwords
from netwright.errors import SpecError

TEXTS = ["walking and talking", "walked and talked", "我们走路", "我们说话 😀", "the walker walks 😀"] * 3
SUBWORDS = fit_subwords(TEXTS)


def spelled(row: np.ndarray) -> list[str]:
    """Return the pieces that a row of numbers names."""
    return [SUBWORDS.pieces[number - 1] for number in row if number]


def test_usual_words_are_whole_and_rare_ones_parted() -> None:
    """A word that nobody wrote before is made of what others are made of."""
    assert spelled(SUBWORDS.encode(["walking AND talked"])[0]) == ["walking", "and", "talked"]
    assert "".join(spelled(SUBWORDS.encode(["talker"])[0])).replace("+", "") == "talker"
    assert spelled(SUBWORDS.encode(["我们 😀"])[0]) == ["我", "们", "😀"]


def test_marks_on_letters_belong_to_their_word() -> None:
    """Hindi has its vowels from marks; what earlier bundles encode goes on as it was."""
    hindi = fit_subwords(["हिन्दी भाषा"] * 2)
    assert hindi.encode(["हिन्दी भाषा।"])[0].tolist()[:2] == [1 + hindi.pieces.index(one) for one in ("हिन्दी", "भाषा")]
    assert hindi.marked and hindi.to_json()["marked"] is True and "marked" not in SUBWORDS.to_json()
    earlier = Subwords.from_json(9, ["ह", "ि", "भ"])
    assert earlier is not None and not earlier.marked and earlier.encode(["हि भ"])[0].tolist()[:4] == [1, 2, 3, 0]


def test_what_nobody_wrote_is_left_out() -> None:
    """Letters that stand in no text have no piece."""
    assert spelled(SUBWORDS.encode(["жжж walking"])[0]) == ["walking"]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.none(), st.text(max_size=80)), max_size=8))
def test_any_texts_can_be_encoded(texts: list[str | None]) -> None:
    """By their own vocabulary, each by itself, within its length."""
    subwords = fit_subwords(texts)
    found = subwords.encode(texts)
    assert found.shape == (len(texts), subwords.length)
    assert found.min(initial=0) >= 0 and found.max(initial=0) <= len(subwords)
    for row, text in enumerate(texts):
        assert np.array_equal(subwords.encode([text])[0], found[row])


def test_it_survives_json_and_nothing_else_does() -> None:
    """A model file is not trusted."""
    again = Subwords.from_json(**SUBWORDS.to_json())
    assert again == SUBWORDS and np.array_equal(again.encode(TEXTS), SUBWORDS.encode(TEXTS))
    assert Subwords.from_json(0, []) is None
    for length, pieces in ((0, ["a"]), (True, ["a"]), (9_999, ["a"]), (3, "a"), (3, ["a", "a"]), (3, [1]), (3, [""])):
        with pytest.raises(SpecError):
            Subwords.from_json(length, pieces)
    with pytest.raises(SpecError):
        Subwords.from_json(3, ["a"], 1)


def test_memory_is_bounded_whatever_the_texts() -> None:
    """Texts are read one after the other, and of one of megabytes no more than can be kept."""
    letters = np.random.default_rng(0).integers(0x4E00, 0x9FFF, (50, 4_000))
    texts = [*("".join(map(chr, row)) for row in letters), "a long one " * 100_000]
    tracemalloc.start()
    subwords = fit_subwords(texts)
    encoded = subwords.encode(texts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert encoded.shape == (51, MOST_PIECES)
    assert peak < 12_000_000  # all words of these texts as objects take 17 MB
    many = 300_000
    assert fit_subwords(["of many words " * 200] * many).length == MOST_BYTES // (4 * many) < MOST_PIECES
