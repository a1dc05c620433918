"""Moments as nodes of an ONNX graph: where in the year, the month, the week and the day they lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netwright.build.graph import Graph
from netwright.data.moments import LONGEST, THURSDAY, Cycle

DAY = 86_400  # seconds
_ERA = 146_097  # days of 400 years, after which the calendar repeats itself
_MARCH = 719_468  # days from 0000-03-01 to 1970-01-01


def days_and_seconds(graph: Graph, moments: str) -> tuple[str, str]:
    """Return the names of whole days since 1970 and of the seconds of the day, both int64, of seconds since 1970."""
    seconds = graph.apply("Mod", moments, graph.constant(DAY, np.int64))  # never negative, as in Python
    days = graph.apply("Div", graph.apply("Sub", moments, seconds), graph.constant(DAY, np.int64))
    return days, seconds


def cycles(graph: Graph, wanted: Sequence[Cycle], days: str, seconds: str) -> list[str]:
    """Return the names of what `data.moments` gives of each cycle (B, 1): sine, cosine, of a week whether it ends.

    Args:
        graph: takes the nodes.
        wanted: the cycles.
        days: whole days since 1970.
        seconds: of the day.
    """
    of_year, of_month = _place_in_year(graph, days) if {"year", "month"} & {*wanted} else ("", "")
    views = []
    for cycle in wanted:
        match cycle:
            case "year":
                place = of_year
            case "month":
                place = of_month
            case "week":
                since_sunday = graph.apply("Add", days, graph.constant(THURSDAY, np.int64))
                place = graph.apply("Mod", since_sunday, graph.constant(7, np.int64))
            case "day":  # a table would be of half a megabyte
                views += _circle_of_day(graph, seconds)
                continue
        angles = 2 * np.pi * (np.arange(LONGEST[cycle]) / LONGEST[cycle])
        tables = [np.sin(angles), np.cos(angles)]
        if cycle == "week":
            tables.append(np.isin(np.arange(7), (0, 6)))
        views += [graph.apply("Gather", graph.constant(table, np.float32), place, axis=0) for table in tables]
    return views


def _circle_of_day(graph: Graph, seconds: str) -> list[str]:
    around = graph.constant(2 * np.pi / DAY, np.float32)
    angle = graph.apply("Mul", graph.cast(seconds, np.float32), around)
    return [graph.apply("Sin", angle), graph.apply("Cos", angle)]


def _place_in_year(graph: Graph, days: str) -> tuple[str, str]:
    """Return the names of the days since the first of January, and since the first of the month.

    By whole numbers, in years that begin in March, so that the leap day is the last (Hinnant 2013, “chrono-compatible
    low-level date algorithms”, civil_from_days).
    """

    def number(value: int) -> str:
        return graph.constant(value, np.int64)

    def divided(value: str, by: int) -> str:
        return graph.apply("Div", value, number(by))  # of what is not negative

    def times(value: str, by: int) -> str:
        return graph.apply("Mul", value, number(by))

    since = graph.apply("Add", days, number(_MARCH))
    of_era = graph.apply("Mod", since, number(_ERA))
    leaps = graph.apply("Sub", divided(of_era, 36_524), divided(of_era, 1_460))
    even = graph.apply("Sub", graph.apply("Add", of_era, leaps), divided(of_era, _ERA - 1))
    year = divided(even, 365)  # of the era
    quarters = graph.apply("Sub", divided(year, 4), divided(year, 100))
    of_year = graph.apply("Sub", of_era, graph.apply("Add", times(year, 365), quarters))  # since the first of March
    month = divided(graph.apply("Add", times(of_year, 5), number(2)), 153)  # 0 is March
    before = divided(graph.apply("Add", times(month, 153), number(2)), 5)
    of_month = graph.apply("Sub", of_year, before)
    leap = graph.apply("Gather", graph.constant([_is_leap(one) for one in range(400)], np.int64), year, axis=0)
    after = graph.apply("Add", graph.apply("Add", of_year, number(59)), leap)
    early = graph.apply("Less", month, number(10))  # March to December
    return graph.apply("Where", early, after, graph.apply("Sub", of_year, number(306))), of_month


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
