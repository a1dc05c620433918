"""Texts of columns where pyarrow is not installed are those of Arrow: held as both, asked the same."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.answers import check_format
from netwright.data.arrow import ArrowTexts
from netwright.data.cell_texts import Texts
from netwright.data.dates import read_date
from netwright.data.python_texts import PythonTexts
from netwright.data.reading import read_table
from netwright.errors import MissingExtra
from netwright.export.companion import numerals

CELLS = st.one_of(
    st.none(),
    st.text(alphabet="0123456789.,eE+-%$() '\u00a0", max_size=8),
    st.text(alphabet="0123456789-T: ", max_size=19),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
    st.floats().map(repr),
    st.datetimes(min_value=datetime.datetime(1000, 1, 1)).map(str),
    st.sampled_from(
        ["NA", "inf", "-Infinity", "NaN", "+1", "1,234", "1.234,5", "", " x ", "\u3000", "١٢", "1e400", "x"]
    ),
)


def both(cells: list[str | None]) -> tuple[Texts, Texts]:
    """Return the same texts, held in two ways."""
    return ArrowTexts.of(cells), PythonTexts.of(cells)


@given(st.lists(CELLS, max_size=12))
def test_both_ways_hold_the_same_texts(cells: list[str | None]) -> None:
    """Trimmed, told apart, and found by a rule."""
    one, other = both(cells)
    assert one.to_list() == other.to_list() and len(one) == len(other) == len(cells)
    assert [one.first(row, 3) for row in range(len(one))] == [other.first(row, 3) for row in range(len(other))]
    assert one.encoded()[0] == other.encoded()[0]
    assert one.encoded()[1].tolist() == other.encoded()[1].tolist()
    for rule in (r"^0\d", r"\.", r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$"):
        assert one.matches(rule).tolist() == other.matches(rule).tolist()


@given(st.lists(CELLS, max_size=12), st.sampled_from([".", ","]))
def test_both_ways_read_the_same_numbers(cells: list[str | None], mark: str) -> None:
    """Infinities too, and whether all are written plainly."""
    one, other = both(cells)
    np.testing.assert_array_equal(one.numbers(mark), other.numbers(mark))
    plain, others = one.plain_numbers(), other.plain_numbers()
    assert (plain is None) == (others is None)
    if plain is not None and others is not None:
        np.testing.assert_array_equal(plain, others)


@pytest.mark.parametrize("mark", [".", ","])
def test_a_text_of_very_many_digits_is_told_at_once(mark: str) -> None:
    """That it is no number took the square of their number: for these, minutes, in any row that a server is asked."""
    long = "1" * 200_000 + "x"
    assert np.isnan(PythonTexts.of([long, "2"]).numbers(mark)).tolist() == [True, False]
    assert np.isnan(numerals.number(long, mark))


@given(st.lists(CELLS, max_size=4))
def test_moments_are_what_each_text_stands_for(cells: list[str | None]) -> None:
    """In both ways, where all of them are written as ISO 8601 has it."""
    for texts in both(cells):
        found = texts.moments()
        if found is not None:
            each = [None if text is None else read_date(text, "year first") for text in texts.to_list()]
            expected = np.array([np.datetime64("NaT") if one is None else one for one in each], "datetime64[s]")
            np.testing.assert_array_equal(found, expected)


def test_moments_are_found_by_both() -> None:
    """The fast way is taken where it can be."""
    for texts in both(["2024-03-01", None, "2024-03-01 12:30:00"]):
        found = texts.moments()
        assert found is not None and str(found[2]) == "2024-03-01T12:30:00" and np.isnat(found[1])


# --- without pyarrow ------------------------------------------------------------------------------------------------

TABLE = """number,word,code,moment,truth,short,y
1.5, a ,007,2024-01-05,yes,0.1,x
"1,234.5",b,042,2024-01-06 10:00:00,no,0.25,y
,NA,7.0,,TRUE,1e-3,x
-inf,"ä, ö",,nonsense,maybe,,y
12 %,,100,2024-02-30,1,3,x
"""

READ = """
import io, json, sys
if sys.argv[1] == "without":
    sys.modules["pyarrow"] = None
import numpy as np, pandas as pd
from netwright.data.columns import WITH_ARROW
from netwright.data.parsing import parse_column
from netwright.data.reading import read_table
from netwright.data.schema import Column, Kind

assert WITH_ARROW == (sys.argv[1] == "with")
text = read_table(sys.argv[2])
typed = pd.DataFrame({
    "number": np.array([1.5, np.nan, np.inf], np.float32), "word": ["x ", None, "3.0"],
    "code": pd.Categorical(["7", None, "042"]),
    "moment": np.array(["2024-01-05", "NaT", "1999-12-31T23:59:59"], "datetime64[s]"),
    "truth": pd.array([True, None, False], dtype="boolean"), "short": [b"1.5", 2, None],
})
kinds = {"number": Kind.NUMERIC, "word": Kind.CATEGORICAL, "code": Kind.CATEGORICAL, "moment": Kind.DATETIME,
         "truth": Kind.BOOLEAN, "short": Kind.NUMERIC}
forms = {"number": ".", "code": "3", "moment": "year first", "short": "."}
found = []
for table in (text, typed, typed.astype({"word": "str", "number": "Float64"}), text.iloc[:1]):
    for name, kind in kinds.items():
        column = Column(name, kind, False, 0.0, 2, forms.get(name, ""))
        cells = parse_column(table[name], column)
        found.append([name, str(cells.dtype), [None if cell is None else repr(cell) for cell in cells.tolist()]])
print(json.dumps(found))
"""


def test_cells_are_the_same_with_and_without_pyarrow(tmp_path: Path) -> None:
    """Of a text file and of typed frames, in a process where pyarrow cannot be imported and in one where it can."""
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    found = []
    for way in ("with", "without"):
        command = [sys.executable, "-c", READ, way, str(tmp_path / "t.csv")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found.append(done.stdout)
    assert found[0] == found[1] and found[0].count("number") == 4


PREDICT = """
import sys
if sys.argv.pop(1) == "without":
    sys.modules["pyarrow"] = sys.modules["torch"] = None
sys.argv = ["netwright", "predict", *sys.argv[1:]]
from netwright.cli import main
main()
"""


@pytest.mark.parametrize("kind", ["tabular", "text", "number"])
def test_answers_are_the_same_with_and_without_pyarrow(tmp_path: Path, kind: str) -> None:
    """Of the command that a small install has, to the last digit."""
    released = Path(__file__).parent.parent / "bundle" / "released" / "format-1"
    rows = json.loads((released / f"{kind}.json").read_text())["columns"]
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False)
    answers = []
    for way in ("with", "without"):
        out = tmp_path / f"{way}.csv"
        words = [way, str(released / f"{kind}.nw"), str(tmp_path / "rows.csv"), "-o", str(out)]
        proba = [] if kind == "number" else ["--proba"]
        command = [sys.executable, "-c", PREDICT, *words, *proba]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        answers.append(out.read_bytes())
    assert answers[0] == answers[1] and len(answers[0].splitlines()) == 13


def test_parquet_without_pyarrow_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading and writing both name the extra that brings it."""
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.delitem(sys.modules, "netwright.data.parquet", raising=False)  # which other tests have loaded
    with pytest.raises(MissingExtra, match=r"netwright\[parquet\]") as raised:
        read_table(path)
    assert raised.value.exit_status == 2
    with pytest.raises(MissingExtra, match=r"netwright\[parquet\]"):
        check_format(tmp_path / "answers.parquet")
