"""Made rows are like those there are."""

from __future__ import annotations

import numpy as np

from netwright.data.augment import swapped
from netwright.data.features import Features, joined, table_features


def _features(rows: int = 400) -> Features:
    generator = np.random.default_rng(0)
    return table_features(
        generator.normal(size=(rows, 3)).astype(np.float32),
        generator.integers(0, 2, (rows, 2)).astype(np.float32),
        generator.integers(0, 5, (rows, 1)),
    )


def test_a_share_of_the_cells_comes_from_other_rows_of_the_same_column() -> None:
    """Each value stands in its column somewhere, most cells are untouched, and the types stay."""
    features = _features()
    made = swapped(features, 0.2, np.random.default_rng(1))
    assert 0.15 < float(np.mean(made["numeric"] != features["numeric"])) < 0.25
    assert all(np.isin(made["numeric"][:, column], features["numeric"][:, column]).all() for column in range(3))
    assert (made["numeric"].dtype, made["plain"].dtype, made["categories"].dtype) == (np.float32, np.float32, np.int64)
    assert np.array_equal(swapped(features, 0.0, np.random.default_rng(1))["numeric"], features["numeric"])


def test_joined_rows_follow_one_another() -> None:
    """Both tables are there, in order."""
    first, second = _features(5), _features(7)
    both = joined(first, second)
    assert len(both) == 12
    assert np.array_equal(both.rows(np.arange(5, 12))["categories"], second["categories"])
