"""Hashed n-grams."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.data.ngrams import COARSE, Grams, blocks, count_grams

BUCKETS, HALF, MOST_LETTERS, MOST_SPELLED = COARSE.buckets, COARSE.part, COARSE.letters, COARSE.spelled

BASE, WORD = 0x9E3779B97F4A7C15, 2**64


def bucket(gram: str, first: int = 0) -> int:
    """Return the bucket of an n-gram behind the first of its sort, letter by letter with Python's whole numbers."""
    mixed = (sum((ord(letter) + 1) * pow(BASE, place, WORD) for place, letter in enumerate(gram)) + BASE) % WORD
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % WORD
    return ((mixed ^ (mixed >> 31)) >> 52) + first


def slow_grams(text: str, apart: bool = False) -> Counter[int]:
    """Return the buckets of a text's n-grams and how many n-grams are in each, one by one."""
    pairs, letters, short = (HALF, 2 * HALF, 0) if apart else (0, HALF, HALF)
    plain = unicodedata.normalize("NFKC", text[:MOST_LETTERS]).lower()[:MOST_LETTERS]
    words: list[tuple[int, str]] = []
    inside = False
    for place, letter in enumerate(plain):
        category = unicodedata.category(letter)[0]
        if category in "LNM":
            if inside:
                words[-1] = (words[-1][0], words[-1][1] + letter)
            else:
                words.append((place, letter))
        elif category == "S" or letter in "!?":
            words.append((place, letter))
        inside = category in "LNM"
    found = Counter(bucket(word) for _, word in words)
    found.update(bucket(f"{one} {other}", pairs) for (_, one), (_, other) in pairwise(words))
    for place, word in words:
        if place < MOST_SPELLED and unicodedata.category(word[0])[0] in "LNM":
            spaced = f" {word} "
            found.update(bucket(spaced[i : i + n], letters) for n in (3, 4, 5) for i in range(len(spaced) - n + 1))
        runs = [word[i : i + n] for n in (1, 2) for i in range(len(word) - n + 1)]
        found.update(bucket(run, short) for run in runs if all(0x4E00 <= ord(letter) <= 0x9FFF for letter in run))
    return found


def of_text(grams: Grams, text: int) -> dict[int, int]:
    """Return buckets and counts of one text."""
    own = grams.rows == text
    return dict(zip(grams.buckets[own].tolist(), grams.counts[own].tolist(), strict=True))


TEXTS = st.text(st.sampled_from("abcXÉéß 12.,!?_\n\t\0ﬁ²中文字😀€"), max_size=40) | st.text(
    st.characters(max_codepoint=0x2FF), max_size=20
)


@settings(max_examples=150)
@given(st.lists(TEXTS, max_size=6))
def test_grams_are_those_of_the_definition(texts: list[str]) -> None:
    """All texts at once give, for each, what one n-gram after another gives, each sort in its own buckets or not."""
    for apart in (False, True):
        grams = count_grams(texts, replace(COARSE, apart=apart))
        for place, text in enumerate(texts):
            assert of_text(grams, place) == dict(slow_grams(text, apart))


def test_long_texts_are_cut() -> None:
    """Words are read up to a limit, and runs of letters up to a smaller one."""
    text = " ".join(f"word{i}" for i in range(600))
    assert of_text(count_grams([text]), 0) == dict(slow_grams(text))
    assert of_text(count_grams([text + " more"]), 0) == of_text(count_grams([text]), 0)


def test_one_letter_of_many_is_cut_after_it_is_unfolded() -> None:
    """A ligature that stands for eighteen letters makes no text longer than the limit."""
    grams = count_grams(["ﷺ" * MOST_LETTERS])
    assert grams.counts.sum() < 10 * MOST_LETTERS


@pytest.mark.parametrize("texts", [[], [None], ["", None, " .,- \n"]])
def test_without_words_there_is_nothing(texts: list[str | None]) -> None:
    """Missing, empty and blank texts have no n-grams."""
    grams = count_grams(texts)
    assert (len(grams.rows), grams.texts) == (0, len(texts))


def test_letters_are_counted() -> None:
    """As many as were read; NUL is none, and a letter that is unfolded is as many as it becomes."""
    assert count_grams(["abc d", None, "a\0b\0", "ﬁ", "x" * 9_000]).lengths.tolist() == [5, 0, 2, 2, MOST_LETTERS]


@pytest.mark.parametrize(
    "one, other",
    [("Ünïcode", "ÜNÏCODE"), ("ﬁne", "fine"), ("ｗｉｄｅ", "wide"), ("a\u0308", "ä"), ("x,  y", "x y")],
)
def test_ways_to_write_the_same(one: str, other: str) -> None:
    """Case, ligatures, width, composition and spacing do not matter."""
    grams = count_grams([one, other])
    assert of_text(grams, 0) == of_text(grams, 1)


@pytest.mark.parametrize("text", ["हिन्दी", "ภาษาไทย", "עברית", "中文", "한국어", "кириллица", "🙂!", "e\u0301"])
def test_every_script_has_grams(text: str) -> None:
    """Letters, marks and symbols of any script count, and other words in it have other n-grams."""
    grams = count_grams([text, text[:-1]])
    assert of_text(grams, 0)
    assert of_text(grams, 0) != of_text(grams, 1)


def test_half_a_surrogate_pair_is_read() -> None:
    """Text that is not quite Unicode is no reason to stop."""
    assert count_grams(["a\ud800b"]).texts == 1


def test_blocks_cover_all_texts_in_order() -> None:
    """Blocks are short, without gap or overlap."""
    texts = ["x" * 5_000, None, "y"] * 200
    slices = list(blocks(texts))
    assert [place for part in slices for place in range(part.start, part.stop)] == list(range(600))
    assert len(slices) > 1
    assert list(blocks([])) == []


def test_buckets_are_the_same_in_every_process() -> None:
    """Neither the seed of Python's own hashes nor the process matters."""
    program = "from netwright.data.ngrams import count_grams; print(count_grams(['ab, 中文']).buckets.tolist())"
    printed = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    written_in_files = [1414, 2769, 3094, 5510, 5656, 5899, 5901, 6829, 6950, 7860, 7877, 8130]
    assert printed.strip() == str(written_in_files)


def test_buckets_are_spread_evenly() -> None:
    """A thousand words that differ by a digit fall into buckets as chance would have it."""
    grams = count_grams([f"w{i}" for i in range(1_000)])
    words = grams.buckets[grams.buckets < HALF]
    assert len(np.unique(words)) == pytest.approx(HALF * (1 - np.exp(-1_000 / HALF)), abs=40)
    assert grams.buckets.max() < BUCKETS
