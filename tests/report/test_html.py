from __future__ import annotations

import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from netwright.errors import DamagedJournal, UnfinishedRun
from netwright.events import DataRead, RunFinished, RunStarted, TrialFailed, TrialStarted
from netwright.journal import Journal
from netwright.report.html import render, write_report
from netwright.report.summary import summary_html
from netwright.result import Result

Record = Callable[[Result], Path]
Calls = Callable[[Callable[[], object]], int]
HOSTILE = '"><script>alert(1)</script>'
EMPTY = {"meta", "br", "hr", "img", "link", "input", "circle", "rect", "line", "polyline"}


class Page(HTMLParser):
    """Collects what a page is made of; `open` is empty at the end if every element was closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note the end of an element."""
        if tag not in EMPTY:
            assert self.open.pop() == tag


def report(path: Path, description: str = "") -> str:
    """Return the report of a recorded run."""
    with Journal.open(path) as journal:
        return render(journal, description)


@pytest.mark.parametrize("name", ["of_classes", "of_numbers"])
def test_the_page_needs_nothing_else(recorded: Record, name: str, request: pytest.FixtureRequest) -> None:
    """A report is well formed, has no script, loads nothing, and its headings form an outline."""
    text = report(recorded(request.getfixturevalue(name)), HOSTILE)
    page = Page(text)
    assert not page.open
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not {"src", "href", "onload", "onclick", "srcset"} & page.attributes
    assert not re.search(r"https?:|url\(|@import", text)
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(text) < 200_000


@pytest.mark.parametrize("name", ["of_classes", "of_numbers"])
def test_charts_are_sound_and_can_be_read_out(recorded: Record, name: str, request: pytest.FixtureRequest) -> None:
    """Every chart is well-formed SVG with a name, whose numbers are numbers."""
    pictures = re.findall(r"<svg.*?</svg>", report(recorded(request.getfixturevalue(name))), re.DOTALL)
    assert len(pictures) == {"of_classes": 5, "of_numbers": 3}[name]
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        assert root.get("role") == "img" and root.get("aria-label")
        assert "nan" not in picture.lower() and "inf" not in picture.lower()


def test_hostile_texts_stay_texts(recorded: Record, of_classes: Result) -> None:
    """A header, label, reason or description that looks like HTML is shown as it is written."""
    text = report(recorded(of_classes), HOSTILE)
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 6


def test_the_top_can_be_understood(recorded: Record, of_classes: Result) -> None:
    """The first things on the page say in words how good it is, how sure that is, and what to compare it with."""
    top = report(recorded(of_classes)).split("</section>")[0]
    for words in (
        "Predicting “Vertragsart”",
        "one of several classes, learnt from 12,480 rows and 8 columns",
        "86.3 %",
        "95 % interval 85.7 % to 86.9 %",
        "Of 100 new rows like these",
        "always the usual answer, to compare",
        "accuracy, on the test file",
        "2 more failed",
    ):
        assert words in top


def test_every_part_of_a_run_is_told(recorded: Record, of_classes: Result) -> None:
    """Findings, unused columns, the leaderboard, failures, the model and the way to repeat the run are there."""
    text = report(recorded(of_classes), "dense 256 → head")
    for words in (
        "32 rows repeat another row.",
        "no: it names the row",
        "no: it is the same in every row",
        "no: it is empty",
        "categorical (as you said)",
        "periodic, 3 × 256 SiLU, 16 members",
        "1,204,224",
        "52 %",
        "the loss was not a number",
        "dense 256 → head",
        "Which classes it mixes up",
        "honest score 86.3 %",
        "were not trained on it.",
        "netwright fit &#39;kunden 2025.csv&#39; --target Vertragsart --time 60s --seed 0 --kind PLZ=categorical",
    ):
        assert words in text


def test_a_number_has_its_own_chart(recorded: Record, of_numbers: Result) -> None:
    """For a number there is no confusion matrix, but true values over predicted ones."""
    text = report(recorded(of_numbers))
    assert "Predicted and true values" in text and "mixes up" not in text
    assert "miss “Vertragsart” by 24,318 typically" in text and "lower is better" in text and "ended early" in text


def test_many_classes_have_no_matrix(recorded: Record, of_classes: Result) -> None:
    """Over 30 classes a confusion matrix could not be read, and is left out."""
    labels = tuple(f"class {place}" for place in range(31))
    many = replace(of_classes, labels=labels, confusion=((1,) * 31,) * 31)
    assert "mixes up" not in report(recorded(many))
    assert "mixes up" in report(recorded(replace(many, labels=labels[:30], confusion=((1,) * 30,) * 30)))


def test_a_large_matrix_is_scrolled_and_not_shrunk(recorded: Record, of_classes: Result) -> None:
    """On a telephone thirty classes would be drawn at half their size, with names of six pixels."""
    labels = tuple(f"class {place}" for place in range(30))
    text = report(recorded(replace(of_classes, labels=labels, confusion=((1,) * 30,) * 30)))
    width, least = re.search(r'<div class="scroll"><svg viewBox="0 0 (\d+) .*?min-width:(\d+)px', text).groups()  # type: ignore[union-attr]
    assert int(least) * 14 / int(width) >= 11  # pixels of a letter there


def brightness(colour: Sequence[float]) -> float:
    """Return the relative luminance of red, green and blue, 0 to 1 (WCAG 2.2)."""
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_counts_can_be_read_on_every_cell(recorded: Record, of_classes: Result, theme: int) -> None:
    """In the contrast that WCAG 2.2 asks of small texts, on the weakest and on the strongest colour."""
    text = report(recorded(replace(of_classes, confusion=((9, 0, 0, 0), *of_classes.confusion[1:]))))
    named = [found[theme] for name in ("ink", "paper", "mark") if (found := re.findall(rf"--{name}: #(\w+);", text))]
    whole = ["".join(2 * digit for digit in one) if len(one) == 3 else one for one in named]
    ink, paper, mark = ([int(one[at : at + 2], 16) / 255 for at in (0, 2, 4)] for one in whole)
    shades = [float(found) for found in re.findall(r'class="cell" style="fill-opacity:([\d.]+)"', text)]
    assert ".count { fill: var(--ink); }" in text and 'class="count"' in text and max(shades) > 10 * min(shades)
    for shade in (min(shades), max(shades)):
        cell = [(1 - shade) * under + shade * over for under, over in zip(paper, mark, strict=True)]
        light, dark = sorted((brightness(ink), brightness(cell)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_what_is_not_a_number_is_a_dash(recorded: Record, of_classes: Result) -> None:
    """Scores that are not defined neither stop the report nor are drawn."""
    odd = replace(
        of_classes,
        score=math.nan,
        score_low=-math.inf,
        score_high=math.inf,
        reliability=((math.nan, 0.5, 3.0), (0.5, math.inf, 1.0)),
        importance=(("age", math.nan), ("PLZ", math.inf)),
    )
    page = Page(report(recorded(odd)))
    assert not page.open


def test_the_smallest_run_has_a_report(recorded: Record, of_numbers: Result) -> None:
    """A result without baselines, charts and further metrics is reported too."""
    bare = replace(of_numbers, baselines=(), leaderboard=(), reliability=(), metrics={}, trials=0)
    assert not Page(report(recorded(bare))).open


def test_a_wide_table_and_long_names_stay_small(tmp_path: Path, of_classes: Result) -> None:
    """With 5,000 columns, very long names and a hundred failures a report is under 1 MB."""
    column = {"name": "x" * 2_000, "kind": "numeric", "stated": False, "missing": 0.5, "distinct": 3}
    found = {"kind": "leak", "column": "x", "message": "长" * 1_000}
    labels = tuple(f"{place}" + "y" * 5_000 for place in range(30))
    result = replace(
        of_classes, labels=labels, confusion=((7_000,) * 30,) * 30, leaderboard=of_classes.leaderboard * 200
    )
    with Journal.create(tmp_path / "journal.sqlite") as journal:
        journal.record(RunStarted({"kinds": {"x" * 100: "text"}, "data": "z" * 9_000}))
        schema = {"columns": [column] * 5_000, "target": {"name": "t" * 9_000}}
        journal.record(DataRead(1.0, schema, (found,) * 5_000, 100, 5_000))
        for trial in range(100):
            journal.record(TrialStarted(1.0, trial, "n" * 1_000, "random", {}, 1))
            journal.record(TrialFailed(1.0, trial, "r" * 1_000))
        journal.record(RunFinished(9.0, replace(result, failed=100)))
        text = render(journal, "d" * 10**7)
    assert len(text.encode()) < 2**20
    assert "and 4,900 more" in text and "and 4,700 more" in text and "and 70 more" in text


def test_a_report_of_a_wide_table_is_quickly_made(tmp_path: Path, of_classes: Result, calls_of: Calls) -> None:
    """Of 5,000 columns and as many findings, those that are not shown are hardly more than read."""
    column = {"name": "x", "kind": "numeric", "stated": False, "missing": 0.5, "distinct": 3}
    found = {"kind": "leak", "column": "x", "message": "it leaks"}
    calls = []
    for columns in (500, 5_000):
        with Journal.create(tmp_path / f"{columns}.sqlite") as journal:
            journal.record(RunStarted({"kinds": {}, "data": "d"}))
            schema = {"columns": [column] * columns, "target": {"name": "t"}}
            journal.record(DataRead(1.0, schema, (found,) * columns, 100, columns))
            journal.record(RunFinished(9.0, of_classes))
            calls.append(calls_of(partial(render, journal, "d")))
    assert calls[1] - calls[0] < 30 * 4_500  # counted 14 for each; one that is shown takes hundreds


def test_an_unfinished_run_has_no_report(tmp_path: Path) -> None:
    """A run without a result is said to have none, and no file is written."""
    with Journal.create(tmp_path / "journal.sqlite") as journal:
        journal.record(RunStarted({}))
        with pytest.raises(UnfinishedRun, match="there is nothing to report"):
            write_report(tmp_path / "report.html", journal)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    "schema",
    [{}, {"columns": 1}, {"columns": [{}], "target": {"name": "y"}}, {"columns": [], "target": []}, {"columns": ["x"]}],
)
def test_a_record_with_odd_columns_is_refused(tmp_path: Path, of_classes: Result, schema: dict[str, object]) -> None:
    """Columns that are not described as Netwright does end in one sentence."""
    with Journal.create(tmp_path / "journal.sqlite") as journal:
        journal.record(DataRead(1.0, schema, (), 100, 1))
        journal.record(RunFinished(9.0, of_classes))
        with pytest.raises(DamagedJournal, match="columns are not described"):
            render(journal)


def test_a_matrix_that_does_not_fit_is_refused(recorded: Record, of_classes: Result) -> None:
    """A confusion matrix with another number of rows or columns than classes is not drawn."""
    for confusion in (of_classes.confusion[:3], tuple(row[:3] for row in of_classes.confusion)):
        with pytest.raises(DamagedJournal, match="confusion matrix"):
            report(recorded(replace(of_classes, confusion=confusion)))


def test_a_report_replaces_the_last_one(recorded: Record, of_classes: Result, tmp_path: Path) -> None:
    """The file is written whole, in UTF-8, in place of an older one, with nothing beside it."""
    (tmp_path / "report.html").write_text("old")
    with Journal.open(recorded(of_classes)) as journal:
        write_report(tmp_path / "report.html", journal, description="漢\ud800")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and "漢?" in text and text.rstrip().endswith("</html>")
    assert {file.name for file in tmp_path.iterdir()} == {"journal.sqlite", "report.html"}


def test_the_report_is_light() -> None:
    """Making a report loads neither PyTorch nor pandas, numpy or a charting library."""
    program = "import sys, netwright.report.html, netwright.report.text; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"torch", "pandas", "numpy", "matplotlib"} & set(done.stdout.split())


def test_the_notebook_table_is_escaped(of_classes: Result) -> None:
    """The small table is whole, has its styles inline, and shows hostile names as text."""
    odd = replace(of_classes, metric=HOSTILE, test_metrics={HOSTILE: 0.5})
    text = summary_html(odd)
    assert not Page(text).open and "<script" not in text and "<style" not in text
    assert "86.3 % (95 % interval 85.7 % to 86.9 %)" in summary_html(of_classes)
    assert "14 trials, 2 failed, 59 s" in text
