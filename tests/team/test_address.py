"""An address leads to a cluster that runs, and to the one that was named."""

from __future__ import annotations

import pytest

from netwright.errors import BadCluster, NoCluster
from netwright.team.address import ADDRESS, check_joined, named, reach


def test_auto_is_what_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that the user gives stays that; and what the environment has may be none, which is said of it."""
    monkeypatch.delenv(ADDRESS, raising=False)
    assert named("auto") == "auto"
    monkeypatch.setenv(ADDRESS, "10.0.0.5:6379")
    assert named("auto") == "10.0.0.5:6379"
    assert named("head:1") == "head:1"
    monkeypatch.setenv(ADDRESS, "local")
    with pytest.raises(BadCluster, match="RAY_ADDRESS says 'local'"):
        named("auto")


@pytest.mark.parametrize("address", ["local", "ray://127.0.0.1:10001", "nowhere", "127.0.0.1:port", ":6379", ""])
def test_an_address_that_would_start_a_cluster_or_is_none_is_refused(address: str) -> None:
    """Only clusters that run are joined."""
    with pytest.raises(BadCluster):
        named(address)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "127.0.0.1:99999999"])
def test_where_nobody_answers_is_said_soon(address: str) -> None:
    """Also where no such port can be."""
    with pytest.raises(NoCluster, match="nobody answers there"):
        reach(address, 5.0)


@pytest.mark.parametrize("address", ["10.0.0.5:6379", "127.0.0.1:6379", "localhost:6379"])
def test_the_cluster_that_was_joined_before_is_taken_where_it_is_named(address: str) -> None:
    """By its head, or by a name of this machine, which is its head."""
    check_joined(address, "10.0.0.5:6379", "10.0.0.5")


@pytest.mark.parametrize("address", ["10.0.0.6:6379", "10.0.0.5:6380", "127.0.0.1:6379", "no such host:6379"])
def test_another_cluster_than_the_joined_one_is_refused(address: str) -> None:
    """Else trials would be given to machines that nobody had named."""
    with pytest.raises(NoCluster, match=r"is in the Ray cluster 10\.0\.0\.5:6379"):
        check_joined(address, "10.0.0.5:6379", "10.0.0.7")
