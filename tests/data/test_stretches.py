"""Which rows follow each other is told by their positions, however they are taken and parted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.data.stretches import alike, begins, blocks, edges_of, positions_of, stretches

LENGTHS = st.lists(st.integers(1, 40), max_size=30)


def rows_of(lengths: list[int]) -> np.ndarray:
    """Return the positions of sentences of these lengths."""
    return positions_of(np.repeat(np.arange(len(lengths)), lengths))


@given(LENGTHS)
def test_sentences_are_told_apart(lengths: list[int]) -> None:
    """Though two that follow each other have the same name only where they are one."""
    positions = rows_of(lengths)
    assert np.array_equal(stretches(positions), np.repeat(np.arange(len(lengths)), lengths))
    assert np.diff(edges_of(positions)).tolist() == lengths


def test_what_was_taken_out_parts_a_sentence() -> None:
    """Of a sentence without its third token two stretches are left; those of one name that lie apart are two."""
    assert begins(rows_of([5])[[0, 1, 3, 4]]).tolist() == [True, False, True, False]
    assert begins(positions_of(np.array([1, 1, 2, 1]))).tolist() == [True, False, True, True]
    assert begins(rows_of([3])[::-1]).tolist() == [True, True, True]


@given(LENGTHS, st.integers(1, 50))
def test_blocks_part_no_sentence(lengths: list[int], most: int) -> None:
    """They hold all rows in order, and no more than asked for but for one longer sentence."""
    positions = rows_of(lengths)
    found = [positions[block] for block in blocks(positions, most)]
    assert np.array_equal(np.concatenate([np.zeros(0, np.int64), *found]), positions)
    assert all(len(one) <= most or len(np.unique(stretches(one))) == 1 for one in found)
    assert sum(len(np.unique(stretches(one))) for one in found) == len(lengths)


@given(LENGTHS, st.integers(1, 50))
def test_sentences_of_one_length_go_together(lengths: list[int], most: int) -> None:
    """Each once and whole; laid in step they take no more room than there is, but for one longer sentence."""
    positions = rows_of(lengths)
    found = [*alike(positions, most)]
    assert sorted(np.concatenate([np.zeros(0, np.int64), *found]).tolist()) == list(range(len(positions)))
    for rows in found:
        own = np.bincount(stretches(positions[rows]))
        assert own.max() * len(own) <= max(most, own.max())
    assert sum(len(np.unique(stretches(positions[rows]))) for rows in found) == len(lengths)


@pytest.mark.parametrize("most", [1, 10])
def test_no_rows_are_no_blocks(most: int) -> None:
    """Nothing is asked for nothing."""
    nothing = np.zeros(0, np.int64)
    assert [*alike(nothing, most)] == [] and len(stretches(nothing)) == 0
    assert [len(nothing[block]) for block in blocks(nothing, most)] == []
