"""Rows that belong together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from netwright.data.groups import kept_together


def test_equal_cells_tie_groups_through_any_chain() -> None:
    """Row 0 and 1 are copies, 1 and 3 of one person, 3 and 4 copies; a missing person ties nothing."""
    groups = np.array([7, 7, 2, 3, 3, 9, 8])
    cells = pd.Series(["a", "b", None, "b", "c", None, "d"])
    found = kept_together(groups, cells)
    assert found.tolist() == [0, 0, 1, 0, 0, 2, 3]


def test_it_is_what_a_search_of_the_graph_finds() -> None:
    """On random groups and cells."""
    generator = np.random.default_rng(0)
    for _ in range(30):
        groups, cells = generator.integers(0, 12, 25), generator.integers(0, 12, 25)
        found, reached = kept_together(groups, pd.Series(cells)), {0}
        while True:
            more = {
                row for row in range(25) for one in reached if groups[row] == groups[one] or cells[row] == cells[one]
            }
            if more == reached:
                break
            reached = more
        assert set(np.flatnonzero(found == found[0]).tolist()) == reached
