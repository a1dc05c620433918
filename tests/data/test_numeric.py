"""Numbers as features."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.data.numeric import (
    KNOTS,
    SCORES,
    NumberEncoding,
    PairEncoding,
    Values,
    fit_quantiles,
    fit_scale,
    has_two_values,
    in_order,
    quantiles_of,
    scale,
)

ANY_NUMBER = st.floats(allow_infinity=True, allow_nan=True)
COLUMNS = st.lists(ANY_NUMBER, min_size=0, max_size=60).map(lambda cells: np.array(cells, np.float64))


def sample(name: str) -> Values:
    """Return 4,000 values of a distribution."""
    generator = np.random.default_rng(0)
    normal = generator.normal(size=4_000)
    values: dict[str, Values] = {
        "normal": normal,
        "uniform": generator.random(4_000),
        "few": np.round(normal),
        "log-normal": np.exp(3 * normal),
        "cauchy": generator.standard_cauchy(4_000),
        "exponential": generator.exponential(size=4_000),
        "mostly zero": np.where(generator.random(4_000) < 0.9, 0.0, np.exp(2 * normal)),
    }
    return values[name]


def test_scaling_is_by_median_and_quartiles() -> None:
    """The centre is the median, and one quartile distance is one unit."""
    assert fit_scale(in_order(np.array([9.0, 1.0, 5.0, np.nan, 3.0, 7.0]))) == (5.0, 1 / 4)


def test_equal_quartiles_leave_half_the_range() -> None:
    """A column that is mostly one value is scaled by half its range, and a constant one to nothing."""
    assert fit_scale(in_order(np.array([0.0] * 9 + [8.0]))) == (0.0, 1 / 4)
    assert fit_scale(in_order(np.array([3.0, 3.0]))) == (3.0, 0.0)
    assert fit_scale(in_order(np.array([np.nan]))) == (0.0, 0.0)


def test_the_clip_is_smooth() -> None:
    """Scaled values are nearly kept around 0, bounded by 3 far out, and missing ones are 0."""
    scaled = scale(np.array([0.1, 3.0, -1e300, np.inf, np.nan]), 0.0, 1.0)
    assert scaled == pytest.approx([0.1, 3 / np.sqrt(2), -3, 3, 0], abs=1e-4)


@given(COLUMNS.filter(len), st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_quantiles_are_those_of_numpy(cells: Values, shares: list[float]) -> None:
    """The quick quantiles agree with numpy's."""
    ordered = in_order(cells)
    if len(ordered):
        found = quantiles_of(ordered, np.array(shares))
        assert found == pytest.approx(np.quantile(ordered, shares), rel=1e-6, abs=1e-9 * np.abs(ordered).max())


@pytest.mark.parametrize("name", ["normal", "uniform", "few"])
def test_even_columns_have_one_view(name: str) -> None:
    """Scaling is enough where tails are light."""
    assert not NumberEncoding.fit(sample(name)).heavy


@pytest.mark.parametrize("name", ["log-normal", "cauchy", "exponential", "mostly zero"])
def test_heavy_tails_have_normal_scores_beside(name: str) -> None:
    """Where scaling flattens the tail or the middle, the second view tells far values apart, in their order."""
    cells = sample(name)
    encoding = NumberEncoding.fit(cells)
    scaled, scores = encoding.numeric_views(cells)
    assert encoding.heavy
    assert np.abs(scores).max() <= 3
    assert scores.std() == pytest.approx(0.9, abs=0.2)
    order = np.argsort(cells)
    assert (np.diff(scores[order]) >= 0).all()
    part = order[-380:-20] if name == "mostly zero" else order[-60:]  # what scaling does not tell apart well
    assert np.ptp(scores[part]) > 1.3 * np.ptp(scaled[part])


def test_equal_values_have_the_mean_of_their_scores() -> None:
    """A value that many cells hold stands where the middle of them would."""
    cells = np.array([0.0] * 800 + [1.0] * 100 + [2.0] * 100)
    scores = NumberEncoding.fit(cells).numeric_views(np.array([0.0, 1.0, 2.0, np.nan, -9.0, 9.0]))[1]
    assert scores[0] == pytest.approx(-1.1, abs=0.2)
    assert 0.8 < scores[1] < 1.3 < scores[2] < 2.4
    assert scores[3] == 0
    assert scores[4] == scores[0]
    assert scores[5] == scores[2]


@given(COLUMNS, COLUMNS)
def test_no_number_breaks_the_features(fitted: Values, seen: Values) -> None:
    """Whatever cells it was fitted on and sees, features are finite and within ±3, and the cells stay as they were."""
    before = fitted.copy(), seen.copy()
    for encoding in (NumberEncoding.fit(fitted), PairEncoding.fit(fitted), PairEncoding.fit_truths(fitted)):
        piece = encoding.encode(seen)
        for view in (*piece.numeric, *piece.plain):
            assert view.dtype == np.float32
            assert view.shape == seen.shape
            assert (np.abs(view) <= 3).all()
    assert np.array_equal(before[0], fitted, equal_nan=True)
    assert np.array_equal(before[1], seen, equal_nan=True)


@given(COLUMNS)
def test_quantiles_of_features_rise(cells: Values) -> None:
    """The knots for piecewise-linear embeddings rise strictly, by no less than what they are divided by."""
    for view in NumberEncoding.fit(cells).numeric_views(cells):
        knots = fit_quantiles(view)
        assert knots.shape == (KNOTS,)
        assert knots.dtype == np.float32
        assert (np.diff(knots) > 1e-6).all()


def test_few_values_keep_all_their_intervals() -> None:
    """Knots are spread over the distinct values, so that a common one does not take them all."""
    knots = fit_quantiles(np.array([0.0] * 80 + [1.0] * 10 + [2.0] * 10, np.float32))
    assert knots[[0, 24, 48]].tolist() == [0.0, 1.0, 2.0]


def test_missing_cells_have_a_flag_only_if_they_were_seen() -> None:
    """A flag that was constant at fit time would never have been learnt."""
    seen = np.array([1.0, np.nan])
    assert [view.tolist() for view in NumberEncoding.fit(np.array([1.0, 2.0, np.nan])).encode(seen).plain] == [[0, 1]]
    assert NumberEncoding.fit(np.array([1.0, 2.0, 3.0])).encode(seen).plain == []


def test_a_common_value_among_many_has_a_flag() -> None:
    """Three in ten cells are 0 and the others all differ; of few distinct values none is told apart."""
    cells = np.array([0.0] * 30 + [float(place) for place in range(1, 71)])
    encoding = NumberEncoding.fit(cells)
    assert encoding.common == 0
    assert [view.tolist() for view in encoding.encode(np.array([0.0, 5.0, np.nan])).plain] == [[1, 0, 0]]
    assert NumberEncoding.fit(np.array([0.0] * 20 + [float(place) for place in range(1, 81)])).common is None
    assert NumberEncoding.fit(np.array([0.0] * 90 + [1.0, 2.0, 3.0])).common is None
    assert NumberEncoding.fit(np.array([])).common is None


def test_two_values_are_minus_one_and_one() -> None:
    """The lesser of two values is -1, the other 1, what is missing 0, and others lie on their line, within ±2."""
    encoding = PairEncoding.fit(np.array([5.0, 7.0, 5.0]))
    (plain,) = encoding.encode(np.array([5.0, 7.0, np.nan, 6.5, 100.0])).plain
    assert plain.tolist() == [-1, 1, 0, 0.5, 2]


def test_a_truth_that_never_varied_is_still_a_truth() -> None:
    """False is -1 and true is 1, even if only one of them was seen."""
    (plain,) = PairEncoding.fit_truths(np.array([1.0, 1.0])).encode(np.array([0.0, 1.0])).plain
    assert plain.tolist() == [-1, 1]


@pytest.mark.parametrize("cells, two", [([], True), ([1, 1, np.nan], True), ([1, 2, 1], True), ([1, 2, 3], False)])
def test_two_values_are_told(cells: list[float], two: bool) -> None:
    """At most two distinct values, missing cells aside."""
    assert has_two_values(np.array(cells, np.float64)) is two


def test_knots_are_as_many_as_the_format_says() -> None:
    """Every heavy column keeps the same number of knots, so that they stack to one array."""
    knots = NumberEncoding.fit(sample("cauchy")).knots
    assert knots.shape == (SCORES,)
    assert (np.diff(knots) >= 0).all()
