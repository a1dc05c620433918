"""Texts that are nearly the same are found; others are not."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.data import near_texts
from netwright.data.frame import Frame
from netwright.data.near_texts import with_near_texts
from netwright.data.schema import Column, Kind, Outcome, Schema, Target

GENERATOR = np.random.default_rng(0)
LEXICON = np.array(
    ["".join(GENERATOR.choice([*"aeioubdfgklmnprst"], size)) for size in GENERATOR.integers(2, 9, 3_000)]
)
SIGNS = np.array([chr(0x4E00 + place) for place in range(2_000)])
WITH_TEXT = Schema((Column("text", Kind.TEXT, False, 0.0, 9, ""),), Target("kind", Outcome.BINARY, ("no", "yes")))


def written(count: int, words: int) -> list[str]:
    """Return random texts of so many words, each different from the others."""
    return [" ".join(GENERATOR.choice(LEXICON, words)) for _ in range(count)]


def changed(text: str, words: int) -> str:
    """Return a text with so many of its words replaced, in capitals, and with other punctuation."""
    found = text.split(" ")
    for place in GENERATOR.choice(len(found), words, replace=False):
        found[place] = str(GENERATOR.choice(LEXICON))
    return f"{', '.join(found)}.".upper()


def grouped(texts: list[str | None], truth: np.ndarray | None = None, groups: np.ndarray | None = None) -> np.ndarray:
    """Return the groups of texts, which by default are of one class and in no group."""
    frame = Frame({"text": np.array(texts, object)}, len(texts))
    truth = np.zeros(len(texts), np.int64) if truth is None else truth
    return with_near_texts(frame, WITH_TEXT, truth, np.arange(len(texts)) if groups is None else groups)


@pytest.mark.parametrize(("words", "new"), [(14, 0), (40, 1), (60, 2), (400, 10), (3_000, 60)])
def test_texts_with_a_few_other_words_share_a_group(words: int, new: int) -> None:
    """And no others do, be they short or long."""
    texts = written(120, words)
    groups = grouped([*texts, *(changed(text, new) for text in texts[:40])])
    assert len(np.unique(groups[:120])) == 120
    assert np.mean(groups[120:] == groups[:40]) >= 0.95


def test_what_stands_before_and_behind_may_differ() -> None:
    """As where somebody passes a text on, or cuts it."""
    texts = written(120, 40)
    again = [f"rt somebody: {text}" for text in texts[:40]] + [text[: 4 * len(text) // 5] for text in texts[40:80]]
    groups = grouped([*texts, *again])
    assert np.mean(groups[120:] == groups[:80]) >= 0.95


def test_texts_that_share_a_half_are_different_things() -> None:
    """A quotation is no copy."""
    texts = written(60, 80)
    halves = [f"{' '.join(text.split()[:40])} {other}" for text, other in zip(texts, written(60, 40), strict=True)]
    assert len(np.unique(grouped([*texts, *halves]))) == 120


def test_scripts_without_spaces_are_compared_by_letters() -> None:
    """A sentence is no single word."""
    texts = ["".join(GENERATOR.choice(SIGNS, 60)) for _ in range(80)]
    again = [text[:30] + "猫" + text[31:] for text in texts[:30]]
    groups = grouped([*texts, *again])
    assert np.mean(groups[80:] == groups[:30]) >= 0.95
    assert len(np.unique(groups)) <= 82


def test_chains_are_one_group() -> None:
    """Versions of a text: each is near the next, and the last one far from the first."""
    versions = written(1, 100)
    for _ in range(12):
        versions.append(changed(versions[-1], 3).lower())
    groups = grouped([*versions, *written(150, 100)])
    assert len(np.unique(groups[:13])) == 1
    assert len(np.unique(groups)) == 151


@pytest.mark.parametrize("texts", [["", None, "  ", "?!"] * 10, ["good product", "very good product"] * 20])
def test_short_texts_are_equal_by_chance(texts: list[str | None]) -> None:
    """New rows will repeat them, so they are things of their own, as are those without words."""
    assert len(np.unique(grouped(texts))) == 40


def test_groups_that_rows_have_are_kept_and_joined() -> None:
    """A row equal to one of a pair belongs to both; numbers begin at 0."""
    texts = written(30, 60)
    texts[7] = changed(texts[3], 1)
    groups = np.arange(30)
    groups[20] = 7
    found = grouped(texts, groups=groups)
    assert found[3] == found[7] == found[20]
    assert sorted(np.unique(found)) == [*range(28)]


def test_copies_with_another_truth_are_different_things() -> None:
    """Where a word decides, texts are alike on purpose; where few differ, only those stay apart."""
    texts = written(60, 60)
    both = [*texts, *(changed(text, 1) for text in texts)]
    assert len(np.unique(grouped(both, np.repeat([0, 1], 60)))) == 120
    truth = np.zeros(120, np.int64)
    truth[60:62] = 1
    assert len(np.unique(grouped(both, truth))) == 62


def test_a_form_that_many_texts_are_written_in_makes_no_group() -> None:
    """Copies of other texts are still found."""
    form = written(1, 60)[0]
    notices = [f"{form} {words}" for words in written(60, 4)]
    others = written(100, 60)
    groups = grouped([*notices, *others, *(changed(text, 1) for text in others[:20])])
    assert len(np.unique(groups[:60])) == 60
    assert np.array_equal(groups[160:], groups[60:80])


def test_many_texts_are_read_as_far_as_time_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    """All alike, and each a little at least: what stands further behind does not count."""
    read: list[int] = []

    def noted(texts: list[str | None], words: int, letters: int) -> tuple[np.ndarray, np.ndarray]:
        read.extend(len(text or "") for text in texts)
        return shingles(texts, words, letters)

    shingles = near_texts.shingles
    monkeypatch.setattr(near_texts, "shingles", noted)
    monkeypatch.setattr(near_texts, "MOST_LETTERS", 40_000)
    texts = written(50, 1_000)
    groups = grouped(
        [*texts, *(f"{text[:1_000]} {other}" for text, other in zip(texts, written(50, 500), strict=True))]
    )
    assert read == [500] * 100  # not 400, of which there would be 40,000
    assert np.array_equal(groups[50:], groups[:50])
