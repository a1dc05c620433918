"""Which n-grams are kept, and texts as bags of them."""

from __future__ import annotations

import numpy as np

from netwright.data.vocabulary import FINE, encode_texts, fit_vocabulary

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


def test_words_and_letters_weigh_the_same() -> None:
    """Each half has length 1, whatever the length of the text."""
    vocabulary = fit_vocabulary(TEXTS * 3)
    names, weights = encode_texts(vocabulary, TEXTS)
    letters = (vocabulary.buckets[np.maximum(names, 1) - 1] >= FINE.half) & (names > 0)
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


def test_the_weightiest_are_kept() -> None:
    """Of a long text, those that are rare."""
    generator = np.random.default_rng(0)
    words = [f"word{place}" for place in range(3000)]
    texts = [" ".join(generator.choice(words, 900)) for _ in range(12)]
    vocabulary = fit_vocabulary(texts)
    names, weights = encode_texts(vocabulary, texts)
    assert names.shape[1] == vocabulary.grams <= 512
    assert (np.diff(weights, axis=1) <= 0).all()


def test_nothing_to_read_is_no_error() -> None:
    """A column may be empty."""
    vocabulary = fit_vocabulary([None, None])
    names, weights = encode_texts(vocabulary, [None, "words"])
    assert len(vocabulary) == 0
    assert names.shape == weights.shape == (2, vocabulary.grams)
    assert not names.any()
