"""What is collected: no program that imports a framework, what needs Keras or Ray where that is, no cluster unasked."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest

collect_ignore = ["src/netwright/build/programs"]
if "NETWRIGHT_CLUSTER" not in os.environ:  # `make cluster`: they start a Ray cluster, which takes minutes and Ray
    collect_ignore.append("tests/cluster")
if find_spec("ray") is None:
    collect_ignore.append("src/netwright/team/cluster.py")
collect_ignore_glob = [] if find_spec("keras") else ["src/netwright/*/*keras*"]
if find_spec("keras") is None:
    collect_ignore.append("src/netwright/build/backend.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the test that takes the longest: as the last, it would leave one of two processes idle."""
    items.sort(key=lambda item: item.path.name != "test_readme.py")
