"""Which n-grams are kept, and texts as bags of them."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.data.ngrams import Reading, count_grams
from netwright.data.vocabulary import FINE, LARGEST, MINGLED, Vocabulary, encode_texts, fit_vocabulary

CHINESE, ARABIC = ["一只猫坐着", "一只狗坐着"], ["مرحبا بالعالم", "مرحبا يا صديقي"]
TEXTS = ["the cat sat on the mat", "the dog sat", *CHINESE, None, "", *ARABIC]


def test_what_stands_in_one_text_alone_is_left_out() -> None:
    """It cannot help with a new text."""
    vocabulary = fit_vocabulary(TEXTS)
    assert len(vocabulary) > 10
    assert (np.diff(vocabulary.buckets) > 0).all()
    names, _ = encode_texts(vocabulary, ["zebra"])
    assert not names.any()
    shared = [encode_texts(vocabulary, [text])[0].any() for text in ("cat and dog sat", "猫坐着", "مرحبا")]
    assert shared == [True, True, True]


@pytest.mark.parametrize("reading", [FINE, MINGLED], ids=["apart", "mingled"])
def test_words_and_letters_weigh_the_same(reading: Reading) -> None:
    """Each half has length 1, however many there are of each."""
    buckets = np.unique(count_grams(TEXTS, reading).buckets)
    vocabulary = Vocabulary(buckets, np.linspace(1, 3, len(buckets), dtype=np.float32), 512, reading)
    names, weights = encode_texts(vocabulary, TEXTS)
    letters = (vocabulary.buckets[np.maximum(names, 1) - 1] >= reading.runs) & (names > 0)
    words = ~letters & (names > 0)
    for row in (0, 1, 2, 6):
        assert np.isclose(np.square(weights[row][letters[row]]).sum(), 1, atol=1e-5)
        assert np.isclose(np.square(weights[row][words[row]]).sum(), 1, atol=1e-5)
    assert not names[4].any() and not names[5].any()


def test_each_text_is_on_its_own() -> None:
    """Whatever stands beside it, and however many there are."""
    vocabulary = fit_vocabulary(TEXTS * 2)
    names, weights = encode_texts(vocabulary, TEXTS * 50)
    for row, text in enumerate(TEXTS):
        alone = encode_texts(vocabulary, [text])
        assert np.array_equal(alone[0][0], names[row]) and np.array_equal(alone[1][0], weights[row])


def test_letters_weigh_what_they_cover() -> None:
    """Runs are taken of the first 400 letters: of a text of 1,600 a fourth, whose root is their length."""
    texts = ["four char " * 160, "four char " * 40]
    vocabulary = fit_vocabulary(texts)
    names, weights = encode_texts(vocabulary, texts)
    letters = (vocabulary.buckets[np.maximum(names, 1) - 1] >= FINE.runs) & (names > 0)
    lengths = np.sqrt((np.square(weights) * letters).sum(axis=1))
    np.testing.assert_allclose(lengths, [0.5, 1.0], atol=1e-4)


def test_words_are_found_among_all_that_stands_in_texts() -> None:
    """There are places for them, though their letters stand in more texts; and of a long text they are kept first."""
    generator = np.random.default_rng(0)
    words = ["".join(generator.choice([*"abcdefghijkl"], 8)) for _ in range(6_000)]
    vocabulary = fit_vocabulary([" ".join(generator.choice(words, 30, replace=False)) for _ in range(1_000)])
    assert len(vocabulary) == LARGEST
    found = count_grams(words, FINE).buckets
    assert np.isin(found[found < FINE.part], vocabulary.buckets).mean() > 0.9  # the others stand in one text or in none
    names, _ = encode_texts(vocabulary, [" ".join(words[:600])])
    assert (vocabulary.buckets[names - 1] < FINE.part).all()


@pytest.mark.parametrize("text", ["我们今天去图书馆看书" * 300, "ประเทศไทยสวยงามมาก" * 200], ids=["Chinese", "Thai"])
def test_short_runs_are_the_words_where_none_are_parted(text: str) -> None:
    """They keep their weight however long the text is."""
    short, long = text[:300], text
    vocabulary = fit_vocabulary([short, long, short, long])
    names, weights = encode_texts(vocabulary, [short, long])
    words = (vocabulary.buckets[np.maximum(names, 1) - 1] < FINE.part) & (names > 0)
    assert (words.sum(axis=1) > 8).all()
    np.testing.assert_allclose((np.square(weights) * words).sum(axis=1), 1, atol=1e-4)


def test_the_weightiest_are_kept() -> None:
    """Of a long text, the words that are rare."""
    generator = np.random.default_rng(0)
    words = [f"word{place}" for place in range(3000)]
    texts = [" ".join(generator.choice(words, 900)) for _ in range(12)]
    vocabulary = fit_vocabulary(texts)
    names, weights = encode_texts(vocabulary, texts)
    assert names.shape[1] == vocabulary.grams <= 512
    words = vocabulary.buckets[np.maximum(names, 1) - 1] < FINE.part
    assert words[:, 0].all() and (np.diff(words.astype(int), axis=1) <= 0).all()
    assert (np.diff(weights, axis=1) <= 0)[words[:, 1:]].all()


def test_nothing_to_read_is_no_error() -> None:
    """A column may be empty."""
    vocabulary = fit_vocabulary([None, None])
    names, weights = encode_texts(vocabulary, [None, "words"])
    assert len(vocabulary) == 0
    assert names.shape == weights.shape == (2, vocabulary.grams)
    assert not names.any()
