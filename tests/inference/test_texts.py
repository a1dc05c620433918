"""The graph makes of texts what the encoders make of them: the same n-grams in every script, weighed alike."""

from __future__ import annotations

import random

import numpy as np
import pytest

from netwright.build.graph import Graph
from netwright.data.ngrams import COARSE, Reading, code_points, count_grams
from netwright.data.text import fit_projection, project
from netwright.data.vocabulary import FINE, MINGLED, Vocabulary, encode_texts
from netwright.inference.grams import grams
from netwright.inference.session import start
from netwright.inference.texts import bags, projected

TEXTS: tuple[str | None, ...] = (
    "",
    None,
    " ",
    "a",
    "Two words",
    "The quick brown fox, the quick brown dog; the end!",
    "naïve café ÉCOLE ﬁne Ⅷ ½",
    "日本語のテキストと中文和한국어",
    "สวัสดีครับ มิตรภาพ",
    "Привет, мир! мир?",
    "مرحبا بالعالم",
    "🙂🙂 ok 👍🏽 $5 + €6",
    "x" * 40 + " " + "y" * 3,
    "a-b_c.d/e\\f",
    "é" * 5,
    "\ud800 half",
    "tab\tand\nline\x00zero",
    "ﷺ and 日a本b",
)


def random_texts(count: int, seed: int) -> list[str | None]:
    """Return texts of letters, marks, signs and spaces of several scripts at random."""
    generator = random.Random(seed)
    letters = "abc ABC  é,.!?_-0日本กั🙂\u0301\u00a0ß"
    return ["".join(generator.choices(letters, k=generator.randrange(60))) for _ in range(count)]


def counted(texts: list[str | None], reading: Reading) -> np.ndarray:
    """Return how often each text has n-grams of each bucket (B, buckets), as the graph finds them."""
    graph = Graph()
    codes = graph.input("codes", np.int64, ("batch", "letters"))
    found = grams(graph, codes, reading)
    marked = graph.apply("Where", found.there, found.buckets, graph.constant(-1, np.int64))
    graph.output(marked, "found", np.int64, ("batch", "grams"))
    marks = start(graph.finish("test", {}), rows=10_000).run(
        {"codes": code_points(texts, reading.letters).astype(np.int64)}
    )
    counts = np.zeros((len(texts), reading.buckets), np.int64)
    for row, each in enumerate(marks):
        np.add.at(counts[row], each[each >= 0], 1)
    return counts


def expected(texts: list[str | None], reading: Reading) -> np.ndarray:
    """Return the same as the encoder finds them."""
    found = count_grams(texts, reading)
    counts = np.zeros((len(texts), reading.buckets), np.int64)
    counts[found.rows, found.buckets] = found.counts
    return counts


@pytest.mark.parametrize("texts", [list(TEXTS), random_texts(200, 0)], ids=["hard ones", "random ones"])
def test_every_gram_is_in_its_bucket(texts: list[str | None]) -> None:
    """Words, pairs, runs of letters, and short runs where words are not parted, to the last of 64 bits."""
    np.testing.assert_array_equal(counted(texts, COARSE), expected(texts, COARSE))


def test_how_far_a_text_is_read_and_spelled() -> None:
    """Runs of letters are taken of the first words of a long text only."""
    reading = Reading(bits=10, letters=200, spelled=30, apart=True)
    texts: list[str | None] = ["one two three four five six seven eight nine ten eleven twelve " * 5, "日本語" * 90]
    np.testing.assert_array_equal(counted(texts, reading), expected(texts, reading))


def test_texts_are_projected_as_by_the_encoder() -> None:
    """Weighed, projected and squashed; a text without a word is nothing in every dimension."""
    learnt = random_texts(300, 1) + list(TEXTS)
    projection = fit_projection(learnt, 0)
    graph = Graph()
    codes = graph.input("codes", np.int64, ("batch", "letters"))
    width = projection.axes.shape[1]
    graph.output(projected(graph, codes, projection), "found", np.float32, ("batch", width))
    texts = list(TEXTS) + random_texts(100, 2)
    fed = {"codes": code_points(texts, COARSE.letters).astype(np.int64)}
    found = start(graph.finish("test", {}), rows=10_000).run(fed)
    np.testing.assert_allclose(found, project(texts, projection), atol=2e-5)
    assert not found[0].any() and not found[1].any()


@pytest.mark.parametrize("reading", [FINE, MINGLED], ids=["apart", "mingled"])
@pytest.mark.parametrize("most", [512, 20])
def test_bags_hold_what_the_vocabulary_knows(reading: Reading, most: int) -> None:
    """The known n-grams of each text that are kept, each with its weight, in files of any format."""
    learnt = random_texts(300, 1) + list(TEXTS)
    buckets = np.unique(count_grams(learnt, reading).buckets)
    rarity = np.random.default_rng(0).uniform(1, 6, len(buckets)).astype(np.float32)
    vocabulary = Vocabulary(buckets, rarity, most, reading)
    graph = Graph()
    codes = graph.input("codes", np.int64, ("batch", "letters"))
    names, weights = bags(graph, codes, vocabulary)
    both = graph.join([graph.cast(names, np.float64), graph.cast(weights, np.float64)], 1)
    graph.output(both, "found", np.float64, ("batch", "grams"))
    texts = [*TEXTS, *random_texts(100, 2), "ab 日本 " * 200]
    fed = {"codes": code_points(texts, FINE.letters).astype(np.int64)}
    found = start(graph.finish("test", {}), rows=10_000).run(fed)
    right_names, right_weights = encode_texts(vocabulary, texts)
    half = found.shape[1] // 2
    dense = np.zeros((2, len(texts), len(vocabulary) + 1))
    for row in range(len(texts)):
        np.add.at(dense[0, row], found[row, :half].astype(int), found[row, half:])
        np.add.at(dense[1, row], right_names[row], right_weights[row])
    np.testing.assert_allclose(dense[0, :, 1:], dense[1, :, 1:], atol=2e-6)
