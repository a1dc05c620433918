"""Matrices are kept in half the bytes, and never at the price of a bit that was promised."""

from __future__ import annotations

import numpy as np

from netwright.bundle.short import half_where_equal, rounded

GENERATOR = np.random.default_rng(0)


def test_rounded_matrices_lose_nothing_when_they_are_halved() -> None:
    """What was rounded comes back bit for bit from float16; what was not is left in float32."""
    weights = {"1.weight": GENERATOR.normal(size=(2, 5, 4)).astype(np.float32), "0.knots": np.linspace(0, 1, 10)}
    weights["0.knots"] = weights["0.knots"].astype(np.float32)
    short = rounded(weights)
    halved = half_where_equal(short)
    assert {name: tensor.dtype.name for name, tensor in halved.items()} == {"1.weight": "float16", "0.knots": "float32"}
    assert all(np.array_equal(halved[name].astype(np.float32), short[name]) for name in weights)
    assert np.array_equal(short["0.knots"], weights["0.knots"])
    np.testing.assert_allclose(short["1.weight"], weights["1.weight"], rtol=2**-11, atol=2**-25)


def test_numbers_too_large_or_not_finite_stay_as_they_are() -> None:
    """Nothing overflows, and empty tensors are tensors too."""
    large = {"1.weight": np.array([1.0, 70_000.0], np.float32), "2.up_weight": np.empty((0, 3), np.float32)}
    assert np.array_equal(rounded(large)["1.weight"], large["1.weight"])
    assert half_where_equal(large)["1.weight"].dtype == np.float32
