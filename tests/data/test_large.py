"""Tables are read some rows at a time as they would be read at once: a sample, and then all others."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from netwright.data import blocks, large, large_text
from netwright.data.large import LargeFrame, LargeParquet, LargeTable
from netwright.data.large_text import LargeText
from netwright.data.needs import MOST_JUDGED, ROW, TIMES, judged_rows, large_table, needed
from netwright.data.reading import folder_of, read_table
from netwright.errors import EmptyTable, NotATable, RaggedRow, TooLargeForMemory

ROWS = 500


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read few bytes and few rows together, so that even these tables have many parts."""
    monkeypatch.setattr(blocks, "BLOCK", 701)
    monkeypatch.setattr(large_text, "BLOCK", 701)
    monkeypatch.setattr(large, "PART_ROWS", 37)


def cells() -> pd.DataFrame:
    """Return a table of texts with quotes, line ends, several scripts and missing cells; no row is like another."""
    words = ["plain", "with, comma", "two\nlines", 'a "quote"', "größe", "尺", ""]
    return pd.DataFrame(
        {
            "number": [str(place) for place in range(ROWS)],
            "word": [words[place % len(words)] for place in range(ROWS)],
            "gap": ["" if place % 3 else f"{place}.5" for place in range(ROWS)],
        }
    )


def together(table: LargeTable, most: int) -> pd.DataFrame:
    """Return a sample and all other rows, in the order of the numbers."""
    sample = table.sample(most, 0)
    assert len(sample.table) == len(sample.numbers) == min(most, ROWS)
    rest = [*table.rest(sample.numbers, 0)]
    assert len(rest) > 3
    found = pd.concat([sample.table, *rest], ignore_index=True).astype(object)
    return found.sort_values("number", key=lambda cells: cells.astype(int), ignore_index=True)


def check_equal(found: pd.DataFrame, read: pd.DataFrame) -> None:
    """Check that two tables hold the same cells."""
    assert [*found.columns] == [*read.columns]
    left, right = (table.astype(object).where(table.notna(), None) for table in (found, read))
    pd.testing.assert_frame_equal(left, right.reset_index(drop=True), check_dtype=False)


Write = Callable[[Path], None]


def as_text(encoding: str = "utf-8", **options: object) -> Write:
    """Return what writes the cells as delimited text."""
    return lambda path: path.write_bytes(cells().to_csv(index=False, **options).encode(encoding)) and None  # type: ignore[call-overload]


def packed(pack: Callable[[bytes], bytes]) -> Write:
    """Return what writes the cells as packed text."""
    return lambda path: path.write_bytes(pack(cells().to_csv(index=False).encode())) and None


WAYS: dict[str, Write] = {
    "commas": as_text(),
    "a mark in front": as_text("utf-8-sig"),
    "semicolons": as_text(sep=";"),
    "tabs, all quoted": as_text(sep="\t", quoting=1),
    "Windows line ends": as_text(lineterminator="\r\n"),
    "UTF-16": as_text("utf-16"),
    "GB 18030": lambda path: (
        path.write_bytes(cells().replace("größe", "很大").to_csv(index=False).encode("gb18030")) and None
    ),
    "gzip": packed(gzip.compress),
    "bzip2": packed(bz2.compress),
    "xz": packed(lzma.compress),
    "comments": lambda path: path.write_text("# made today\n\n" + cells().to_csv(index=False)) and None,
    "no header": lambda path: path.write_text(cells().assign(gap="0.5").to_csv(index=False, header=False)) and None,
    "short rows": lambda path: (
        path.write_text(cells().assign(gap=None).to_csv(index=False).replace(",\n", "\n")) and None
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_text_is_read_in_parts_as_at_once(way: str, tmp_path: Path) -> None:
    """Whatever the dialect and the encoding; every row once, whether it is in the sample or not."""
    path = tmp_path / "a.csv"
    WAYS[way](path)
    read = read_table(path)
    table = LargeText(path)
    names = {read.columns[0]: "number"}
    sample = table.sample(50, 0)
    rest = [part.rename(columns=names) for part in table.rest(sample.numbers, 0)]
    found = pd.concat([sample.table.rename(columns=names), *rest], ignore_index=True)
    assert table.rows == len(read) == len(found) == ROWS and len(rest) > 3
    found = found.sort_values("number", key=lambda one: one.astype(int), ignore_index=True)
    check_equal(found.rename(columns={"number": read.columns[0]}), read)
    assert folder_of(sample.table) == tmp_path


def test_json_lines_are_read_in_parts_as_at_once(tmp_path: Path) -> None:
    """A line that lacks a field lacks the cell."""
    path = tmp_path / "a.jsonl"
    records = cells().to_dict("records")
    del records[7]["gap"]
    path.write_text("\n".join(json.dumps(record) for record in records))
    check_equal(together(LargeText(path), 60), read_table(path))


def test_parquet_is_read_in_parts_as_at_once(tmp_path: Path) -> None:
    """Types stay; of several groups of rows."""
    path = tmp_path / "a.parquet"
    frame = cells().assign(number=range(ROWS), day=pd.Timestamp("2024-01-01"))
    frame.to_parquet(path, row_group_size=120)
    check_equal(together(LargeParquet(path), 60), read_table(path))


def test_a_frame_is_read_in_parts_and_left_as_it_is() -> None:
    """Whatever its index."""
    frame = cells().set_index(pd.Index([1] * ROWS))
    before = frame.copy()
    check_equal(together(LargeFrame(frame), 60), frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("most", [1, ROWS - 1, ROWS, 10 * ROWS])
def test_a_sample_has_as_many_rows_as_it_is_asked_for(most: int, tmp_path: Path) -> None:
    """Or all, and then nothing is left."""
    as_text()(tmp_path / "a.csv")
    table = LargeText(tmp_path / "a.csv")
    sample = table.sample(most, 0)
    left = sum(len(part) for part in table.rest(sample.numbers, 0))
    assert (len(sample.table), left) == (min(most, ROWS), max(0, ROWS - most))


def test_a_sample_is_of_the_whole_file(tmp_path: Path) -> None:
    """And the parts of what is left come in random order, unless the file can only be read from its beginning."""
    as_text()(tmp_path / "a.csv")
    packed(gzip.compress)(tmp_path / "b.gz")
    plain, bound = LargeText(tmp_path / "a.csv"), LargeText(tmp_path / "b.gz")
    sample = plain.sample(100, 0)
    assert abs(sample.table["number"].astype(int).mean() - ROWS / 2) < 50
    firsts = [
        [int(part["number"].iloc[0]) for part in table.rest(table.sample(10, 0).numbers, 0)] for table in (plain, bound)
    ]
    assert firsts[0] != sorted(firsts[0]) and firsts[1] == sorted(firsts[1])


def test_what_is_no_table_is_refused_as_at_once(tmp_path: Path) -> None:
    """A row with too many cells by its line, in the sample and outside of it; binary data, lists of JSON, nothing."""
    path = tmp_path / "a.csv"
    lines = ["a,b", *(f"{place},x" for place in range(300))]
    path.write_text("\n".join([*lines[:200], "1,2,3,4", *lines[200:]]))
    with pytest.raises(RaggedRow, match=r"Line 201 of .* has 4 cells, but the header has 2"):
        LargeText(path).sample(1_000, 0)
    table = LargeText(path)
    sample = table.sample(5, 0)
    with pytest.raises(RaggedRow, match="Line 201 of"):
        [*table.rest(sample.numbers, 0)]
    for content, said in ((b"\x00\x01\x02" * 500, "binary"), (b'[{"a": 1},\n{"a": 2}]' * 9, "JSON lines")):
        path.write_bytes(content)
        with pytest.raises(NotATable, match=said):
            LargeText(path)
    path.write_bytes(b"# nothing\n\n")
    with pytest.raises(EmptyTable):
        LargeText(path).sample(5, 0)
    path.write_bytes(gzip.compress(cells().to_csv(index=False).encode())[:-900])
    with pytest.raises(NotATable, match="the packed file is damaged"):
        LargeText(path)
    path.write_bytes(b"PAR1" + b"x" * 100)
    with pytest.raises(NotATable, match="the Parquet file is damaged"):
        LargeParquet(path)


def test_what_a_table_takes_is_told_before_it_is_read(tmp_path: Path) -> None:
    """By its size; of packed text by what it unpacks to, as far as there is room."""
    as_text()(tmp_path / "a.csv")
    packed(gzip.compress)(tmp_path / "b.gz")
    size, whole = (tmp_path / "a.csv").stat().st_size, needed(tmp_path / "a.csv", 0)
    assert TIMES["text"] * size < whole < TIMES["text"] * size + 2 * ROW * ROWS
    assert needed(tmp_path / "b.gz", 1.01 * whole) == pytest.approx(whole)
    assert needed(tmp_path / "b.gz", 1_000) == np.inf
    assert needed(cells(), 0) > cells().memory_usage().sum()
    assert needed(tmp_path, 0) == needed(tmp_path / "none.csv", 0) == needed(np.zeros((9, 9)), 0) == 0


def test_a_workbook_is_not_read_in_parts(tmp_path: Path) -> None:
    """It is refused with what to do instead."""
    cells().to_excel(tmp_path / "a.xlsx", index=False)
    assert isinstance(large_table(cells(), 1), LargeFrame)
    with pytest.raises(TooLargeForMemory, match="save it as CSV"):
        large_table(tmp_path / "a.xlsx", 1)


def test_how_many_rows_are_held_hangs_on_the_room_and_the_classes() -> None:
    """Within bounds."""
    table = LargeFrame(cells())
    assert judged_rows(table, 1e12, 2) == MOST_JUDGED
    assert judged_rows(table, 1e3, 2) == 500
    assert 500 < judged_rows(table, 1e8, 100) < judged_rows(table, 1e8, 2) < MOST_JUDGED
