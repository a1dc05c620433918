"""The benchmark of workers: its table, and that what it measures can be measured."""

from __future__ import annotations

import scaling


def test_the_costs_of_the_driver_are_measured() -> None:
    """Each takes some time, and none is left out."""
    found = scaling.costs()
    assert len(found) == 6
    assert all(cost.seconds > 0 for cost in found)


def test_throughputs_are_told_beside_one_worker() -> None:
    """Whatever stands first."""
    rates = {0: 3.0, 1: 2.0, 2: 4.0}
    found = [scaling.Throughput(number, 2, 10, 10 / rate, rate, 1.5, "same") for number, rate in rates.items()]
    lines = scaling.throughput_table(found).split("\n")
    assert lines[2:] == [
        "| none | 3.00 | 1.50 | 3.3 | 1.5 |",
        "| 1 | 2.00 | 1.00 | 5.0 | 1.5 |",
        "| 2 | 4.00 | 2.00 | 2.5 | 1.5 |",
    ]


def test_the_table_is_one_that_networks_can_learn() -> None:
    """Four classes of some size each, the same every time."""
    made = scaling.table(400)
    assert made["kind"].value_counts().min() > 20
    assert made.equals(scaling.table(400))
