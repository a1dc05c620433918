"""Limits as a person writes them."""

from __future__ import annotations

import math

import pytest

from netwright.errors import BadLatency, BadSize
from netwright.mix.footprint import Footprint
from netwright.resources.limits import NO_LIMITS, Limits, make_limits, parse_latency, parse_size


def test_usual_ways_of_writing_are_read() -> None:
    """Units may stand with or without a space, in capitals or not; sizes follow SI and IEC."""
    assert [parse_latency(text) for text in ("1ms", "500 us", "0.01s", "2µs")] == [1e-3, 5e-4, 0.01, 2e-6]
    assert [parse_size(text) for text in ("2MB", "2mb", "500kB", "1 MiB", "700")] == [2e6, 2e6, 5e5, 2**20, 700]


@pytest.mark.parametrize("text", ["", "fast", "0ms", "-1ms", "1 minute", "1", "nan", "1e400s", "1ms 2ms"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """A sentence says how to write it."""
    with pytest.raises(BadLatency, match="1ms"):
        parse_latency(text)


@pytest.mark.parametrize("text", ["", "small", "0", "-2MB", "2 megabytes", "infMB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """A sentence says how to write it."""
    with pytest.raises(BadSize, match="2MB"):
        parse_size(text)


def test_a_number_is_a_size_in_bytes_and_no_latency() -> None:
    """From Python a number may come where a text is expected; a time without a unit says nothing."""
    assert parse_size(200_000) == 200_000  # type: ignore[arg-type]
    with pytest.raises(BadLatency):
        parse_latency(0.001)  # type: ignore[arg-type]


def test_no_limit_is_kept_by_everything() -> None:
    """Without limits nothing is too slow or too large; with one, that one counts."""
    assert not NO_LIMITS and make_limits(None, None) == NO_LIMITS
    assert Footprint(math.inf, 10**12).keeps(NO_LIMITS)
    assert Limits(size=10)
    assert not Footprint(0.001, 11).keeps(Limits(size=10))
    assert Footprint(0.001, 10).keeps(make_limits("1ms", "10B"))
    assert not Footprint(0.0011, 10).keeps(make_limits("1ms", "10B"))
