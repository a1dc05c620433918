"""Rows that belong together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from netwright.data.groups import check_groups, group_words, kept_together
from netwright.data.schema import Outcome, Target


def test_the_column_decides_and_missing_cells_leave_copies_together() -> None:
    """Numbers and words of them are alike; what means nothing ties nothing."""
    groups = np.array([7, 7, 2, 3, 3, 9, 8, 2])
    cells = pd.Series(["1", 1, None, " 1 ", "b", "NA", "d", float("nan")], dtype=object)
    found = kept_together(groups, cells)
    assert found[0] == found[1] == found[3]
    assert found[2] == found[7]
    assert len(set(found.tolist())) == 5


def test_copies_of_two_people_stay_with_these() -> None:
    """Else equal rows would tie everybody to everybody."""
    found = kept_together(np.zeros(6, np.int64), pd.Series(["a", "b"] * 3))
    assert found.tolist() == [0, 1, 0, 1, 0, 1]


def test_any_cell_will_do() -> None:
    """Lists too, as JSON lines hold them."""
    found = kept_together(np.arange(3), pd.Series([[1], [1], {"a": 2}], dtype=object))
    assert found[0] == found[1] != found[2]


def test_a_number_is_one_group_however_it_is_held() -> None:
    """A part of a table without a gap holds whole numbers, and one with a gap holds floats."""
    wanted = ["3", "12", None]
    for cells in ([3.0, 12.0, np.nan], [" 3", "12", ""], pd.array([3, 12, None], "Int64")):
        assert group_words(pd.Series(cells)) == wanted
    assert group_words(pd.Series([3, 12])) == wanted[:2]


def test_poor_groups_are_told_of() -> None:
    """Few of them, or a class that lies in one."""
    target = Target("kind", Outcome.BINARY, ("a", "b"))
    found = check_groups(np.array([0, 0, 1, 1, 2]), np.array([0, 0, 1, 0, 1]), target)
    assert [finding.kind for finding in found] == ["few_groups"]
    found = check_groups(np.arange(8), np.array([0, *[1] * 7]), target)
    assert [finding.kind for finding in found] == ["class_in_one_group"] and "'a'" in found[0].message
