"""What a file of Parquet takes is told before it is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from netwright.data import parquet
from netwright.data.large import PART_BYTES, PART_ROWS, LargeParquet
from netwright.data.parquet import PART_ROWS as LOOKED_AT
from netwright.data.parquet import Texts, open_parquet, rows_within, texts_of
from netwright.data.reading import read_table
from netwright.errors import NotATable

ROWS = 5_000


def written(path: Path, texts: list[str | None]) -> Path:
    """Return a file with a column of texts and one of numbers."""
    pq.write_table(pa.table({"text": texts, "number": range(len(texts))}), path, compression="zstd")
    return path


@pytest.fixture
def repeated(tmp_path: Path) -> Path:
    """Return a small file of one text of a megabyte in each of its rows."""
    text = "".join(map(chr, np.random.default_rng(0).integers(97, 123, 2**20)))
    codes = pa.array(np.zeros(ROWS, np.int32))
    table = pa.table({"text": pa.DictionaryArray.from_arrays(codes, [text]), "number": range(ROWS)})
    pq.write_table(table, tmp_path / "t.parquet", store_schema=False)  # else it is read as categories
    assert (tmp_path / "t.parquet").stat().st_size < 2**22
    return tmp_path / "t.parquet"


def test_one_text_in_all_rows_is_not_read_in_full(repeated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five gigabytes in two megabytes: it is refused where there are no five."""
    monkeypatch.setattr(parquet, "free_memory", lambda: 2**32)
    for read in (read_table, LargeParquet):
        with pytest.raises(NotATable, match="texts take more than the 4295 MB"):
            read(repeated)


def test_it_is_told_what_texts_take(repeated: Path, tmp_path: Path) -> None:
    """To the byte, missing ones aside; of few rows nobody asks."""
    found = texts_of(repeated, open_parquet(repeated))
    assert found == Texts(ROWS * 2**20, LOOKED_AT * 2**20)
    plain = written(tmp_path / "p.parquet", ["é", None, "abc", ""] * 1_000)
    assert texts_of(plain, open_parquet(plain)).total == 5 * 1_000
    few = written(tmp_path / "f.parquet", ["abc"] * 9)
    assert texts_of(few, open_parquet(few)) == Texts(0, 0)


def test_texts_that_share_their_beginnings_are_counted_too(tmp_path: Path) -> None:
    """They are written so by a few programs, and read as any others."""
    table = pa.table({"text": [f"a beginning {place:05}" for place in range(2_000)], "number": range(2_000)})
    encodings = {"text": "DELTA_BYTE_ARRAY", "number": "PLAIN"}
    pq.write_table(table, tmp_path / "t.parquet", use_dictionary=False, column_encoding=encodings)
    assert texts_of(tmp_path / "t.parquet", open_parquet(tmp_path / "t.parquet")).total == 17 * 2_000
    assert read_table(tmp_path / "t.parquet")["text"].tolist() == table["text"].to_pylist()


def test_heavy_rows_come_in_smaller_parts() -> None:
    """So that those of one part fit; usual ones come as many at once as ever."""
    assert rows_within(Texts(1e6, 1e5), PART_ROWS, PART_BYTES) == PART_ROWS
    assert rows_within(Texts(1e10, PART_BYTES / 3), PART_ROWS, PART_BYTES) == 3 * LOOKED_AT
    assert rows_within(Texts(1e12, 1e9), PART_ROWS, PART_BYTES) == LOOKED_AT


def test_a_large_table_is_read_in_such_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of its rows, and its size counts the texts."""
    path = written(tmp_path / "t.parquet", ["a long text " * 9, "b"] * 3_000)
    monkeypatch.setattr("netwright.data.large.PART_BYTES", 150_000)
    table = LargeParquet(path)
    parts = [*table.rest(np.array([0]), 0)]
    assert max(map(len, parts)) == 2 * LOOKED_AT and sum(map(len, parts)) == 5_999
    assert table.size > 3_000 * 109


def test_lists_count_by_what_is_in_them(tmp_path: Path) -> None:
    """A row may hold as much as a file does."""
    many = pa.ListArray.from_arrays([0, 40_000_000], np.zeros(40_000_000, np.int8))
    table = pa.table({"many": many, "one": [1]})
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd")
    with pytest.raises(NotATable, match="40,000,001 cells"):
        read_table(tmp_path / "t.parquet")


def test_usual_files_are_read_as_before(tmp_path: Path) -> None:
    """Texts, categories and numbers, with what is missing."""
    frame = pd.DataFrame({"a": ["x", None, "y"] * 700, "b": pd.Categorical(["u", "v", None] * 700), "c": range(2_100)})
    frame.to_parquet(tmp_path / "t.parquet")
    found = read_table(tmp_path / "t.parquet")
    assert found["a"].isna().sum() == 700 and found["a"].tolist()[:1] == ["x"]
    assert isinstance(found["b"].dtype, pd.CategoricalDtype) and found["c"].tolist() == [*range(2_100)]
