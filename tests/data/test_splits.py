"""Groups of equal rows, and folds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from netwright.data.frame import Frame
from netwright.data.schema import Outcome
from netwright.data.splits import row_groups, split_folds, thing_groups

Calls = Callable[[Callable[[], object]], int]

CELLS = {
    "number": st.sampled_from([0.0, -0.0, 1.5, float("nan")]),
    "word": st.sampled_from(["", "a", "b", "\0", None]),
    "moment": st.sampled_from(["2024-01-01", "2024-01-01T00:00:01", "NaT"]),
}
TYPES: dict[str, Any] = {"number": np.float64, "word": object, "moment": "datetime64[s]"}


def frame_of(rows: list[tuple[Any, ...]]) -> Frame:
    """Return a frame of a number, a word and a moment."""
    return Frame({name: np.array([row[i] for row in rows], TYPES[name]) for i, name in enumerate(CELLS)}, len(rows))


def key(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a value that is equal for rows that are."""
    return ("missing" if row[0] != row[0] else row[0] + 0.0, row[1], row[2])


@given(st.lists(st.tuples(*CELLS.values()), min_size=1, max_size=30))
def test_groups_are_those_of_equal_rows(rows: list[tuple[Any, ...]]) -> None:
    """Two rows share a group exactly if all their cells are equal, missing ones included."""
    groups = row_groups(frame_of(rows))
    for i, one in enumerate(rows):
        for j, other in enumerate(rows):
            assert (groups[i] == groups[j]) == (key(one) == key(other))


def test_groups_count_from_zero_in_the_order_of_rows() -> None:
    """Numbers say nothing but which rows are equal, and are the same whatever the cells are."""
    rows = [(2.0, "b", "NaT"), (1.0, "a", "NaT"), (2.0, "b", "NaT")]
    assert row_groups(frame_of(rows)).tolist() == [0, 1, 0]


def test_without_columns_every_row_is_its_own_group() -> None:
    """Rows of which nothing is known are not called equal."""
    assert row_groups(Frame({}, 3)).tolist() == [0, 1, 2]


def test_not_a_number_is_one_value_whatever_its_bits() -> None:
    """The many bit patterns of not-a-number are all just missing."""
    odd = np.array([0x7FF8000000000000, 0xFFF8000000000001], np.uint64).view(np.float64)
    assert row_groups(Frame({"x": odd}, 2)).tolist() == [0, 0]


def test_groups_of_a_large_table_are_found_without_a_loop_over_its_rows(calls_of: Calls) -> None:
    """100,000 rows of 20 columns that are told apart by the last only take no more calls than a tenth of them."""
    generator = np.random.default_rng(0)
    columns = {f"x{i}": generator.integers(0, 2, 100_000).astype(float) for i in range(20)}
    few = {name: cells[:10_000] for name, cells in columns.items()}
    assert calls_of(lambda: row_groups(Frame(columns, 100_000))) < 1.2 * calls_of(
        lambda: row_groups(Frame(few, 10_000))
    )


def folds_of(target: Any, folds: int, outcome: Outcome = Outcome.MULTICLASS, seed: int = 0) -> NDArray[np.int64]:
    """Return the folds of rows that are all different."""
    values = np.asarray(target)
    return split_folds(values, np.arange(len(values)), folds=folds, outcome=outcome, seed=seed)


def test_copies_stay_together_and_rows_that_are_equal_by_chance_do_not() -> None:
    """A table that was doubled has pairs; where equal rows differ in truth, each row is a thing of its own."""
    cells = np.arange(50.0)
    doubled = Frame({"x": np.concatenate([cells, cells])}, 100)
    groups = thing_groups(doubled, np.concatenate([cells, cells]) % 7)
    assert (groups[:50] == groups[50:]).all() and len(np.unique(groups)) == 50
    by_chance = Frame({"x": cells % 5}, 50)
    assert len(np.unique(thing_groups(by_chance, np.random.default_rng(0).integers(0, 2, 50)))) == 50
    assert len(np.unique(thing_groups(Frame({"x": np.zeros(4)}, 4), np.array([0, 1, 0, 1])))) == 4


def test_few_disputed_copies_are_still_copies() -> None:
    """One pair in fifty whose truths differ is an error of writing, and only that pair may be parted."""
    cells = np.arange(50.0)
    truth = np.concatenate([cells, cells]) % 7
    truth[50] += 1
    groups = thing_groups(Frame({"x": np.concatenate([cells, cells])}, 100), truth)
    assert groups[0] != groups[50] and (groups[1:50] == groups[51:]).all()


@given(st.lists(st.integers(0, 4), min_size=8, max_size=80), st.integers(2, 8), st.integers(0, 5))
def test_single_rows_are_spread_to_within_one(classes: list[int], folds: int, seed: int) -> None:
    """Folds differ by at most one row, in all and in each class, even where a class has fewer rows than folds."""
    found = folds_of(classes, folds, seed=seed)
    assert np.ptp(np.bincount(found, minlength=folds)) <= 1
    for one in set(classes):
        assert np.ptp(np.bincount(found[np.array(classes) == one], minlength=folds)) <= 1


@settings(max_examples=200)
@given(st.data())
def test_groups_stay_together_and_no_fold_is_empty(data: st.DataObject) -> None:
    """Whatever the groups and classes, rows of one group share a fold, and every fold has a row."""
    groups = np.array(data.draw(st.lists(st.integers(0, 12), min_size=2, max_size=60)))
    distinct = len(set(groups.tolist()))
    folds = data.draw(st.integers(1, min(8, distinct)))
    outcome = data.draw(st.sampled_from(list(Outcome)))
    target = data.draw(st.lists(st.integers(0, 3), min_size=len(groups), max_size=len(groups)))
    found = split_folds(
        np.array(target, float), groups, folds=folds, outcome=outcome, seed=data.draw(st.integers(0, 9))
    )
    assert set(found.tolist()) == set(range(folds))
    assert all(len(set(found[groups == group].tolist())) == 1 for group in groups)


def slow_folds(classes: list[int], groups: list[int], folds: int, order: list[int]) -> list[int]:
    """Return the fold of each group in `order`, dealt out one by one as the docstring says."""
    totals, own, last, dealt = [0] * folds, [0] * folds, None, []
    for group in order:
        rows = [row for row, name in enumerate(groups) if name == group]
        if classes[rows[0]] != last:
            last, own = classes[rows[0]], [0] * folds
        fold = min(range(folds), key=lambda i: (own[i], totals[i]))
        own[fold] += len(rows)
        totals[fold] += len(rows)
        dealt.append(fold)
    return dealt


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=4, max_size=40), st.integers(1, 4))
def test_dealing_at_once_is_as_even_as_one_by_one(rows: list[tuple[int, int]], folds: int) -> None:
    """Single rows, which are dealt at once, leave the same rows of each class per fold as dealing one by one."""
    groups = [group if group < 3 else 100 + place for place, (group, _) in enumerate(rows)]
    distinct = len(set(groups))
    folds = min(folds, distinct)
    classes = [kind for _, kind in rows]
    found = split_folds(np.array(classes), np.array(groups), folds=folds, outcome=Outcome.MULTICLASS, seed=0)
    first = {group: groups.index(group) for group in groups}
    order = sorted(first, key=lambda group: (classes[first[group]], -groups.count(group)))
    dealt = slow_folds(classes, groups, folds, order)
    sizes = [
        sum(groups.count(group) for group, fold in zip(order, dealt, strict=True) if fold == i) for i in range(folds)
    ]
    assert sorted(np.bincount(found, minlength=folds).tolist()) == sorted(sizes)


def test_a_class_with_one_row_lands_in_the_smallest_fold() -> None:
    """A lone row does not unbalance the folds: ten rows in four folds, the lone one where there are fewest."""
    found = folds_of([0] * 9 + [1], 3)
    assert np.bincount(found).tolist() in ([4, 3, 3], [3, 4, 3], [3, 3, 4])


def test_the_same_seed_gives_the_same_folds_and_another_gives_others() -> None:
    """Folds depend on the seed alone, and do depend on it."""
    classes = np.arange(200) % 3
    assert np.array_equal(folds_of(classes, 5, seed=1), folds_of(classes, 5, seed=1))
    assert not np.array_equal(folds_of(classes, 5, seed=1), folds_of(classes, 5, seed=2))


@pytest.mark.parametrize("scale", [1.0, 1e300, 1e-300])
def test_numbers_are_spread_by_their_quantiles(scale: float) -> None:
    """Each fold has its share of every tenth of a number to predict, however large the numbers are."""
    values = np.random.default_rng(0).normal(size=500) * scale
    found = folds_of(values, 5, Outcome.REGRESSION)
    tenth = np.argsort(np.argsort(values)) // 50
    for fold in range(5):
        assert np.bincount(tenth[found == fold], minlength=10).tolist() == [10] * 10


def test_a_number_with_few_values_is_spread_like_classes() -> None:
    """Equal values to predict are one stratum: nine of ten equal still leave each fold its share of the tenth."""
    values = np.array([0.0] * 90 + [5.0] * 10)
    found = folds_of(values, 5, Outcome.REGRESSION)
    assert np.bincount(found[90:], minlength=5).tolist() == [2] * 5


def test_sorted_rows_are_shuffled() -> None:
    """Folds do not follow the order of the file."""
    found = folds_of(np.zeros(100), 2, Outcome.BINARY)
    assert 30 < (found[:50] == 0).sum() * 2 < 70


@pytest.mark.parametrize("folds", [0, 4])
def test_more_folds_than_groups_are_refused(folds: int) -> None:
    """Folds that could only be empty are a mistake of the caller."""
    with pytest.raises(ValueError, match="folds <= number of groups must hold, but got"):
        folds_of([0, 1, 1], folds)


def test_folds_of_many_rows_are_cut_without_a_loop_over_them(calls_of: Calls) -> None:
    """100,000 rows take no more calls than a tenth of them."""
    classes = np.random.default_rng(0).integers(0, 10, 100_000)
    assert calls_of(lambda: folds_of(classes, 5)) < 1.2 * calls_of(lambda: folds_of(classes[:10_000], 5))
