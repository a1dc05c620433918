"""Tags that are handed over mark entities, and are the most probable ones that do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from netwright.entities import SLIGHT, best_tags, entity_counts

O, B_A, I_A, B_B, I_B = range(5)  # noqa: E741 - the names of tags


def firsts(lengths: list[int]) -> np.ndarray:
    """Return which tokens begin a sentence."""
    return np.concatenate([[place == 0 for place in range(length)] for length in lengths])


def fits(tags: tuple[int, ...]) -> bool:
    """Return whether an entity goes on only where one of its type is."""
    pairs = zip((O, *tags), tags, strict=False)
    return all(tag not in (I_A, I_B) or before in (tag, tag - 1) for before, tag in pairs)


def searched(chances: np.ndarray) -> tuple[int, ...]:
    """Return the best of all ways through the tags of one sentence."""
    own = chances.copy()
    own[:, 1::2] += SLIGHT * own[:, 2::2]
    own = np.maximum(own, np.finfo(float).tiny)
    ways = (way for way in itertools.product(range(chances.shape[1]), repeat=len(chances)) if fits(way))
    return max(ways, key=lambda way: float(np.log(own[np.arange(len(way)), way]).sum()))


@pytest.mark.parametrize("seed", range(20))
def test_the_best_way_is_found(seed: int) -> None:
    """Of several sentences of very different lengths at once, as a search through all ways finds it for each."""
    generator = np.random.default_rng(seed)
    lengths = generator.permutation([1, 1, 2, 3, 5, 6]).tolist()
    chances = generator.dirichlet(np.full(5, 0.3), sum(lengths))
    found = np.split(best_tags(chances, firsts(lengths)), np.cumsum(lengths)[:-1])
    parts = np.split(chances, np.cumsum(lengths)[:-1])
    assert [tuple(one) for one in found] == [searched(one) for one in parts]


def test_most_probable_tags_that_fit_are_kept() -> None:
    """Of a sentence alone and of one among others."""
    tags = np.array([O, B_A, I_A, B_B, O, B_A])
    chances = 0.6 * np.eye(5)[tags] + 0.08
    assert np.array_equal(best_tags(chances, firsts([6])), tags)
    assert best_tags(np.concatenate([chances, chances]), firsts([6, 6])).tolist() == [*tags, *tags]


def test_a_tag_that_goes_on_with_nothing_begins() -> None:
    """Where hardly anything speaks for another, as CoNLL-2000 reads it; else what is likelier is found."""
    assert best_tags(np.eye(5)[[O, I_A, I_A, I_B]], firsts([4])).tolist() == [O, B_A, I_A, B_B]
    assert best_tags(np.array([[0.3, 0.2, 0.4, 0.1, 0.0]]), firsts([1])).tolist() == [O]
    assert best_tags(np.array([[0.2, 0.3, 0.4, 0.1, 0.0]]), firsts([1])).tolist() == [B_A]


def test_no_entity_goes_on_into_the_next_sentence() -> None:
    """Though its tag says so."""
    chances = np.eye(5)[[B_A, I_A, I_A]]
    assert best_tags(chances, firsts([3])).tolist() == [B_A, I_A, I_A]
    assert best_tags(chances, firsts([2, 1])).tolist() == [B_A, I_A, B_A]


def test_nothing_and_a_single_tag_are_answered() -> None:
    """No tokens, and tokens that can only be outside."""
    assert len(best_tags(np.zeros((0, 3)), np.zeros(0, bool))) == 0
    assert best_tags(np.ones((2, 1)), firsts([2])).tolist() == [O, O]
    assert best_tags(np.eye(4)[[3, 2]], firsts([2])).tolist() == [3, 1]  # a type of which there is no going on


def test_entities_are_counted_whole() -> None:
    """Found, said and true ones, each at its first token."""
    truth, said = np.array([B_A, I_A, O, B_B]), np.array([B_A, O, O, B_B])
    counts = entity_counts(truth, said, firsts([4]))
    assert [one.tolist() for one in counts] == [[0, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 1]]
