"""Files of every format."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tracemalloc
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from netwright.data.reading import read_table
from netwright.errors import DataError, DuplicateColumns, EmptyFolder, EmptyTable, MissingFile, NotAFile, NotATable

Calls = Callable[[Callable[[], object]], int]

TABLE = pd.DataFrame({"n": [1, 2, 3], "w": ["a", "漢字", None], "f": [0.5, None, 2.0], "b": [True, False, True]})


def as_texts(table: pd.DataFrame) -> list[list[str | None]]:
    """Return all cells as text."""
    return [[None if pd.isna(cell) else str(cell) for cell in row] for row in table.to_numpy(dtype=object).tolist()]


@pytest.mark.parametrize("name", ["t.parquet", "t.xlsx", "t.jsonl", "t.json", "t", "t.ndjson"])
def test_formats_keep_their_types(tmp_path: Path, name: str) -> None:
    """Parquet, Excel and JSON give typed cells, whatever the file is called as long as its content is clear."""
    path = tmp_path / name
    if name.endswith("xlsx"):
        TABLE.to_excel(path, index=False)
    elif name.endswith(("jsonl", "ndjson")):
        TABLE.to_json(path, orient="records", lines=True)
    elif name.endswith("json"):
        TABLE.to_json(path, orient="records")
    else:
        TABLE.to_parquet(path)
    found = read_table(path)
    assert list(found.columns) == list(TABLE.columns) and len(found) == 3
    assert found["n"].tolist() == [1, 2, 3] and found["w"].tolist()[:2] == ["a", "漢字"] and pd.isna(found["w"].iloc[2])


@pytest.mark.parametrize("name, packer", [("t.csv.gz", gzip), ("t.csv.bz2", bz2), ("t.csv.xz", lzma), ("t.csv", gzip)])
def test_packed_text_is_unpacked(tmp_path: Path, name: str, packer: Any) -> None:
    """Packing is told from the content."""
    (tmp_path / name).write_bytes(packer.compress(b"a,b\n1,x\n2,\n"))
    assert as_texts(read_table(str(tmp_path / name))) == [["1", "x"], ["2", None]]


def test_parquet_keeps_categories_and_indices(tmp_path: Path) -> None:
    """An index that was stored under a name is a column; one without a name is none."""
    table = pd.DataFrame({"c": pd.Categorical(["x", "y"]), "d": pd.to_datetime(["2024-01-01", None])}, index=[5, 9])
    table.to_parquet(tmp_path / "a.parquet")
    assert list(read_table(tmp_path / "a.parquet").columns) == ["c", "d"]
    assert isinstance(read_table(tmp_path / "a.parquet")["c"].dtype, pd.CategoricalDtype)
    table.rename_axis("id").to_parquet(tmp_path / "b.parquet")
    assert set(read_table(tmp_path / "b.parquet").columns) == {"c", "d", "id"}


def test_frames_are_taken_as_they_are() -> None:
    """The caller's frame is not changed, and names that are no text become text."""
    frame = pd.DataFrame({0: [1, 2], ("x", 1): [3, 4]})
    found = read_table(frame)
    assert list(found.columns) == ["0", "('x', 1)"] and list(frame.columns) == [0, ("x", 1)]


def test_nested_json_is_kept_as_text(tmp_path: Path) -> None:
    """Lists and objects in cells do not stop a table from being read."""
    (tmp_path / "t.jsonl").write_text('{"a": [1, 2], "b": {"c": 1}}\n{"a": null, "b": 2, "d": "later"}\n')
    assert list(read_table(tmp_path / "t.jsonl").columns) == ["a", "b", "d"]


def test_an_excel_sheet_may_begin_with_empty_rows(tmp_path: Path) -> None:
    """Margins around a table do not matter."""
    sheet = pd.DataFrame([[None, None, None], [None, "a", "b"], [None, 1, "x"], [None, 2, None]])
    sheet.to_excel(tmp_path / "t.xlsx", index=False, header=False)
    found = read_table(tmp_path / "t.xlsx")
    assert list(found.columns) == ["a", "b"] and as_texts(found) == [["1", "x"], ["2", None]]


def test_a_missing_file_is_answered_by_the_nearest_name(tmp_path: Path) -> None:
    """A slip in the name is put right by the message."""
    (tmp_path / "Houses.csv").write_text("a\n1\n")
    with pytest.raises(MissingFile, match=r"Did you mean 'Houses\.csv'"):
        read_table(tmp_path / "house.csv")
    with pytest.raises(MissingFile, match="Check the path"):
        read_table(tmp_path / "nowhere" / "x\0y.csv")


@pytest.mark.parametrize(
    "name, content, error, words",
    [
        ("t.csv", b"", EmptyTable, "empty"),
        ("t.csv", b"a,b\n", EmptyTable, "header but no rows"),
        ("t.csv", b"a,b,a,b\n1,2,3,4\n", DuplicateColumns, "'a', 'b'"),
        ("t.parquet", b"PAR1 and rubbish PAR1", NotATable, "damaged"),
        ("t.parquet", b"a,b\n1,2\n", NotATable, "not what .parquet says"),
        ("t.xlsx", b"PK\x03\x04 and rubbish", NotATable, "Excel"),
        ("t.csv.gz", b"\x1f\x8b\x08\x00rubbish rubbish", NotATable, "damaged"),
        ("t.json", b"{not json", NotATable, "JSON"),
        ("t.jsonl", b"3\n4\n", NotATable, "JSON"),
        ("t.jsonl", b"\n\n", EmptyTable, "blank"),
        ("t.csv", b"\x00\x01\x02" * 50, NotATable, "binary"),
        ("t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 64, NotATable, "binary"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, name: str, content: bytes, error: type[DataError], words: str) -> None:
    """Each kind of bad file has one sentence that names it."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=words) as caught:
        read_table(tmp_path / name)
    assert name in str(caught.value)


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    """A file cut short is said to be damaged."""
    TABLE.to_parquet(tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(NotATable, match="damaged"):
        read_table(tmp_path / "t.parquet")


def test_folders_and_other_things_are_refused(tmp_path: Path) -> None:
    """Only files and frames hold tables."""
    with pytest.raises(NotAFile, match="is not a file"):
        read_table("/dev/null")
    with pytest.raises(EmptyFolder, match="holds no image"):
        read_table(tmp_path)
    with pytest.raises(NotATable, match="neither a path"):
        read_table([1, 2])
    with pytest.raises(DuplicateColumns, match="'a'"):
        read_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(DuplicateColumns, match="'1'"):
        read_table(pd.DataFrame([[1, 2]], columns=[1, "1"]))
    with pytest.raises(EmptyTable):
        read_table(pd.DataFrame({"a": []}))
    with pytest.raises(EmptyTable):
        read_table(pd.DataFrame(index=[1, 2]))


def test_same_names_in_excel_and_parquet_are_refused(tmp_path: Path) -> None:
    """Names are not made different behind the user's back."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pd.DataFrame([["a", "a"], [1, 2]]).to_excel(tmp_path / "t.xlsx", index=False, header=False)
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "t.parquet")
    for name in ("t.xlsx", "t.parquet"):
        with pytest.raises(DuplicateColumns, match="'a'"):
            read_table(tmp_path / name)


def test_large_files_are_read_without_a_loop_over_their_rows(tmp_path: Path, calls_of: Calls) -> None:
    """60,000 rows take no more calls than 6,000 do."""
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(60_000, 5)).round(3)).rename(
        columns=lambda name: f"c{name}"
    )
    calls = {}
    for rows in (6_000, 60_000):
        path = tmp_path / f"{rows}.csv"
        table.head(rows).to_csv(path, index=False)
        assert read_table(path).shape == (rows, 5)
        calls[rows] = calls_of(partial(read_table, path))
    assert calls[60_000] < 1.2 * calls[6_000]


def edited_workbook(path: Path, old: bytes, new: bytes) -> None:
    """Write a workbook of two columns to a path, with one piece of its sheet replaced."""
    made, out = io.BytesIO(), io.BytesIO()
    pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}).to_excel(made, index=False)
    with zipfile.ZipFile(made) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            part = before.read(name)
            if name == "xl/worksheets/sheet1.xml":
                assert old in part
                part = part.replace(old, new, 1)
            after.writestr(name, part)
    path.write_bytes(out.getvalue())


@pytest.mark.parametrize(
    "old, new, words",
    [
        pytest.param(b"<sheetData>", b"<sheetData>" + b" " * 2**27, "unpack to 128 MiB", id="a part blown up"),
        pytest.param(b'<row r="3"', b'<row r="999999999999"', "more than 1,048,576 rows", id="a row far below"),
    ],
)
def test_a_small_workbook_that_is_a_large_one_is_refused(tmp_path: Path, old: bytes, new: bytes, words: str) -> None:
    """Before it takes memory or time."""
    edited_workbook(tmp_path / "t.xlsx", old, new)
    with pytest.raises(NotATable, match=words):
        read_table(tmp_path / "t.xlsx")


def test_a_cell_far_to_the_right_costs_its_own_row_only(tmp_path: Path) -> None:
    """Columns that hold nothing are left out, also where the sheet says that it has a million rows."""
    edited_workbook(tmp_path / "t.xlsx", b'r="B3"', b'r="XFD3"')
    assert as_texts(read_table(tmp_path / "t.xlsx"))[-1][-1] == "y"
    edited_workbook(tmp_path / "t.xlsx", b'<row r="3"', b'<row r="1048576"')
    assert as_texts(read_table(tmp_path / "t.xlsx")) == [["1", "x"], ["2", "y"]]


def test_a_packed_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """No more is unpacked than a table of the file's size would hold."""
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"1,2\n" * 2**25, 1))
    tracemalloc.start()
    try:
        with pytest.raises(NotATable, match="larger than 64 MiB"):
            read_table(tmp_path / "t.csv.gz")
        assert tracemalloc.get_traced_memory()[1] < 300 * 2**20
    finally:
        tracemalloc.stop()


def test_a_small_parquet_file_of_very_many_cells_is_refused(tmp_path: Path) -> None:
    """A column of one value takes no room in the file, but much in memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({f"c{place}": pa.nulls(2**20, pa.int8()) for place in range(40)})
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd")
    with pytest.raises(NotATable, match="41,943,040 cells"):
        read_table(tmp_path / "t.parquet")


def test_rows_with_names_are_put_together_by_these(tmp_path: Path) -> None:
    """A column may list them in another order; objects that have other names are cells."""
    (tmp_path / "t.json").write_text('{"a": {"0": 1, "1": 2}, "b": {"1": "two", "0": "one"}}')
    assert read_table(tmp_path / "t.json").to_dict("list") == {"a": [1, 2], "b": ["one", "two"]}
    (tmp_path / "t.json").write_text('{"user": {"id": 1}, "place": {"north": 2}}')
    assert read_table(tmp_path / "t.json").to_dict("list") == {"user": [{"id": 1}], "place": [{"north": 2}]}


def test_objects_with_names_of_their_own_each_are_refused(tmp_path: Path) -> None:
    """A small file would be a table of their number squared."""
    lines = (f'{{"{place}":1}}' for place in range(6_000))
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    with pytest.raises(NotATable, match="36,000,000 cells"):
        read_table(tmp_path / "t.jsonl")


def test_halves_of_letters_in_json_are_told_as_such(tmp_path: Path) -> None:
    """No UTF-8 holds them, so neither could an answer or a model; whole pairs are letters."""
    (tmp_path / "t.jsonl").write_text(r'{"a": "x\ud83d", "b": "\ud83d\ude00"}' + "\n" + r'{"a": ["\udc00"], "b": 1}')
    found = read_table(tmp_path / "t.jsonl")
    assert found["a"].iloc[0] == "x\ufffd" and found["b"].iloc[0] == "😀" and found["a"].iloc[1] == ["\ufffd"]
