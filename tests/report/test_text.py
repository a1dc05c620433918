from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.report.numbers import cells, fitted, printable, shortened
from netwright.report.text import SHOWN, headline, leaderboard, smaller_mixes
from netwright.result import FrontPoint, Result, Standing


@given(st.text(), st.integers(1, 40))
def test_any_text_fits(text: str, width: int) -> None:
    """A fitted text takes exactly its columns, whatever its script, and stays on one line."""
    assert cells(fitted(text, width)) == width
    assert shortened(text, width) == printable(text) or cells(shortened(text, width)) <= width
    assert len(fitted(text, width).splitlines()) == 1


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_keeps_its_width(of_classes: Result, width: int) -> None:
    """However long and wide the names are, no line is wider than asked for."""
    names = ("short", "漢字" * 40, "x" * 200, "e\u0301" * 90, "line\nbreak")
    board = tuple(Standing(i, name, name, 0.5, 0.1, 0.2, 10**9, 99_999.0) for i, name in enumerate(names))
    lines = leaderboard(replace(of_classes, leaderboard=board), width).splitlines()
    assert max(map(cells, lines)) <= width
    assert len(lines) == 1 + len(names) + 1


def test_columns_are_straight(of_classes: Result) -> None:
    """Scores stand below each other, also where wide letters stand before them."""
    board = tuple(replace(line, name="深度" * place) for place, line in enumerate(of_classes.leaderboard))
    lines = leaderboard(replace(of_classes, leaderboard=board)).splitlines()[1:-1]
    ends = {cells(line[: line.index("%") + 1]) for line in lines}
    assert len(ends) == 1


def test_the_table_says_what_it_leaves_out(of_classes: Result) -> None:
    """Only the best trials are listed, and the last lines say how many more there are and how many failed."""
    lines = leaderboard(replace(of_classes, leaderboard=of_classes.leaderboard * 5)).splitlines()
    assert lines[-2] == f"and {20 - SHOWN} more"
    assert lines[-1] == "14 trials, 2 failed, 59 s"
    assert leaderboard(replace(of_classes, leaderboard=(), trials=1, failed=0)).endswith("1 trial, 59 s")


def test_names_cannot_steer_the_terminal(of_classes: Result) -> None:
    """Escape sequences, bells and marks that turn the line around do not reach the screen."""
    odd = "\x1b[2J\x07\u202e\r"
    board = tuple(replace(line, name=odd, origin=odd) for line in of_classes.leaderboard)
    result = replace(of_classes, leaderboard=board, test_metrics={odd: 0.5}, metric=odd)
    shown = leaderboard(result) + headline(result)
    assert not set(shown) & set(odd) - set("[2J")


def test_the_headline_has_its_interval(of_classes: Result) -> None:
    """The score comes with its interval, the baselines and the test file."""
    assert headline(of_classes).splitlines()[:4] == [
        "accuracy 86.3 % (95 % interval 85.7 % to 86.9 %)",
        "  always the usual answer: 55.0 %",
        "  untuned default network: 84.3 %",
        "  on the test file: accuracy 86.1 %",
    ]


def test_smaller_mixes_stand_in_a_table(of_classes: Result) -> None:
    """Costs and scores below each other; one mix alone is no choice."""
    points = (FrontPoint(0.85, 0.4, 90_000, 1, (3,)), FrontPoint(0.863, 1.25, 12_300_000, 16, (3, 4)))
    lines = smaller_mixes(replace(of_classes, front=points))
    assert lines[1:-1] == [
        "networks  accuracy  one row     file",
        "       1    85.0 %   0.4 ms  0.09 MB",
        "      16    86.3 %  1.25 ms  12.3 MB",
    ]
    assert smaller_mixes(replace(of_classes, front=points[:1])) == []
