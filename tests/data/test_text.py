"""Free text as features."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.data.text import BUCKETS, DIMENSIONS, ROWS_A_DIMENSION, Projection, TextEncoding, fit_projection, project

Calls = Callable[[Callable[[], object]], int]

TOPICS = (
    "harbour ship sail anchor crew captain deck wave tide storm",
    "flour butter oven sugar bake cake dough spoon bowl cream",
    "船 海 港口 水手 风暴 波浪 锚 甲板 船长 潮汐",
)


def texts(rows: int, seed: int = 0, words: int = 12) -> tuple[list[str | None], np.ndarray]:
    """Return texts of three topics, each a few words of its topic, and the topics."""
    generator = np.random.default_rng(seed)
    topics = generator.integers(0, 3, rows)
    return [" ".join(generator.choice(TOPICS[topic].split(), words)) for topic in topics], topics


def cells(*found: str | None) -> np.ndarray:
    """Return cells of text."""
    return np.array(found, dtype=object)


def test_topics_are_told_apart() -> None:
    """Texts on one topic are near to each other, new ones too, in any script."""
    fitted, _ = texts(400)
    projection = fit_projection(fitted, 0)
    seen, topics = texts(100, seed=1, words=4)
    points = project(seen, projection)[:, :3]
    centres = np.stack([points[topics == topic].mean(axis=0) for topic in range(3)])
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == topics).mean() > 0.95


def test_dimensions_have_unit_variance() -> None:
    """Over the texts it was fitted on each dimension has mean 0, and variance 1 less what the smooth clip takes."""
    fitted, _ = texts(600)
    points = project(fitted, fit_projection(fitted, 0))
    assert points.shape == (600, DIMENSIONS)
    assert points.mean(axis=0) == pytest.approx(np.zeros(DIMENSIONS), abs=0.1)
    assert points.std(axis=0) == pytest.approx(np.full(DIMENSIONS, 0.87), abs=0.13)


def test_few_texts_have_few_dimensions() -> None:
    """With ten texts for each dimension, none is mere noise; texts without a word do not count."""
    fitted, _ = texts(5 * ROWS_A_DIMENSION)
    assert fit_projection(fitted, 0).axes.shape == (BUCKETS, 5)
    assert fit_projection([*fitted, *[None] * 100], 0).axes.shape == (BUCKETS, 5)


@pytest.mark.parametrize("fitted", [[], [None], [None, ""], ["word"], ["same"] * 30, ["a", "b", None]])
def test_hardly_any_text_is_no_reason_to_stop(fitted: list[str | None]) -> None:
    """Nothing to learn from gives features that are finite."""
    points = project([*fitted, "new word", None], fit_projection(fitted, 0))
    assert np.isfinite(points).all()
    assert (points[-1] == 0).all()


def test_a_projection_made_by_hand_gives_no_infinity() -> None:
    """The largest numbers that a file can hold, or a rarity of 0, still give features within ±3."""
    largest = np.finfo(np.float32).max
    for rarity in (0.0, largest):
        wild = Projection(np.full(BUCKETS, rarity, np.float32), np.full((BUCKETS, 2), largest), np.zeros(2, np.float32))
        assert (np.abs(project(["some words", None], wild)) <= 3).all()


def test_the_seed_decides_the_projection() -> None:
    """The same seed gives the same numbers, bit for bit."""
    fitted, _ = texts(100)
    one, again = fit_projection(fitted, 3), fit_projection(fitted, 3)
    assert np.array_equal(one.axes, again.axes)
    assert np.array_equal(one.middle, again.middle)


@settings(max_examples=50)
@given(st.lists(st.none() | st.text(max_size=30), min_size=1, max_size=20), st.data())
def test_each_text_is_on_its_own(found: list[str | None], data: st.DataObject) -> None:
    """A text's features are the same bits whatever texts stand beside it."""
    projection = fit_projection(texts(60)[0], 0)
    place = data.draw(st.integers(0, len(found) - 1))
    assert np.array_equal(project(found, projection)[place], project([found[place]], projection)[0])


def test_a_long_text_among_many_is_on_its_own() -> None:
    """So it is beyond the limits of what is looked at together."""
    fitted, _ = texts(60)
    projection = fit_projection(fitted, 0)
    many = [*texts(3_000, seed=2)[0], " ".join(f"word{i}" for i in range(2_000)), *texts(50, seed=3, words=300)[0]]
    together = project(many, projection)
    for place in (0, 1_234, 3_000, 3_050):
        assert np.array_equal(together[place], project([many[place]], projection)[0])


def test_lengths_and_missing_texts_are_features() -> None:
    """Letters and words are counted; a missing text has neither few nor many, and its flag."""
    encoding = TextEncoding.fit(cells("one", "two words", "now three words", "and here are five words", None), 0)
    letters, words = encoding.encode(cells("one", "four words are here", None)).numeric
    assert letters[0] < 0 < letters[1]
    assert words[0] < 0 < words[1]
    assert letters[2] == words[2] == 0
    assert encoding.encode(cells("one", None)).plain[-1].tolist() == [0, 1]
    assert not TextEncoding.fit(cells("one", "two words"), 0).flagged


@pytest.mark.parametrize("rows, words", [(3_000, 9), (300, 400)])
def test_fitting_grows_no_faster_than_the_texts(rows: int, words: int, calls_of: Calls) -> None:
    """Many short texts, or few long ones: ten times as many take at most ten times the calls and the memory."""
    fitted, _ = texts(rows, words=words)
    few = fitted[: rows // 10]
    assert calls_of(lambda: fit_projection(fitted, 0)) < 12 * calls_of(lambda: fit_projection(few, 0))
    assert _peak(lambda: fit_projection(fitted, 0)) < 12 * _peak(lambda: fit_projection(few, 0))


def _peak(work: Callable[[], object]) -> int:
    """Return the bytes that some work holds at the most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
