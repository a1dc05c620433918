"""What is said of a token by its neighbours."""

from __future__ import annotations

import numpy as np

from netwright.data.context import BUCKETS, FEATURES, PLAIN, context_buckets, context_numbers

TOKENS = np.array(["Ada", "lives", "in", "Oslo", ".", "She", "lives", "in", "Rome", "."], object)
SENTENCES = np.array([0] * 5 + [1] * 5)


def test_equal_surroundings_have_equal_features() -> None:
    """Of two tokens only what differs around them differs."""
    found = context_buckets(TOKENS, SENTENCES)
    assert found.shape == (10, FEATURES)
    assert found.min() >= 0 and found.max() < BUCKETS
    same = (found[1] == found[6]).mean()  # "lives", with "in" behind it both times
    assert 0.5 < same < 1
    assert (found[0] == found[3]).mean() < 0.3


def test_a_sentence_does_not_look_into_the_next() -> None:
    """However it stands in the file."""
    alone = context_buckets(TOKENS[5:], SENTENCES[5:])
    assert np.array_equal(alone, context_buckets(TOKENS, SENTENCES)[5:])
    assert np.array_equal(context_numbers(TOKENS[5:], SENTENCES[5:]), context_numbers(TOKENS, SENTENCES)[5:])


def test_numbers_tell_how_a_token_is_written_and_where_it_stands() -> None:
    """Upper case, digits, length, from the beginning and to the end."""
    found = context_numbers(np.array(["NATO", "b", "1999"], object), np.zeros(3, np.int64))
    assert found.shape == (3, PLAIN)
    assert found[0].tolist() == [1, 1, 0, np.float32(0.4), 1, np.float32(1 / 3)]
    assert found[2].tolist() == [0, 0, 1, np.float32(0.4), np.float32(1 / 3), 1]


def test_any_token_has_features() -> None:
    """Empty, endless, or of half a letter."""
    strange = np.array(["", "a" * 10_000, "\ud800", "\0", "😀", "한국어"], object)
    assert context_buckets(strange, np.zeros(6, np.int64)).shape == (6, FEATURES)
    assert np.isfinite(context_numbers(strange, np.zeros(6, np.int64))).all()
