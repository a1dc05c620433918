"""Tables from files and from memory: every cell of a text file stays text until its column's kind is known."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import pandas as pd

from netwright.errors import (
    DuplicateColumns,
    EmptyTable,
    MissingFile,
    NotATable,
    NotAFile,
    RaggedRow,
    nearest,
)

SNIFFED = 2**20  # bytes looked at for encoding and separator
LARGEST = 8 * 2**30  # bytes of a file read whole into memory
ENCODINGS = ("utf-8-sig", "gb18030", "latin-1")  # tried in this order; latin-1 reads anything
SEPARATORS = ",;\t|"


def read_table(source: Any) -> pd.DataFrame:
    """Return a table; text files as text cells, other sources with the types that they carry.

    Args:
        source: a path to CSV, TSV, Parquet, JSON lines or Excel, the text formats also packed by gzip, bzip2 or xz; or
            a pandas frame, which is left as it is.

    Raises:
        DataError: if there is no such file or it holds no table.
    """
    if isinstance(source, pd.DataFrame):
        return _checked(source.set_axis([str(name) for name in source.columns], axis=1), "the data frame")
    if not isinstance(source, str | Path):
        raise NotATable(type(source).__name__, "it is neither a path nor a pandas data frame")
    path = Path(source)
    if not path.exists():
        folder = path.parent if path.parent.is_dir() else Path()
        raise MissingFile(path, nearest(path.name, (entry.name for entry in folder.iterdir())))
    if not path.is_file():
        raise NotAFile(path)
    if path.stat().st_size == 0:
        raise EmptyTable(path, "the file is empty")
    if path.stat().st_size > LARGEST:
        raise NotATable(path, f"it is larger than {LARGEST // 2**30} GiB")
    return _checked(_reader(path)(path), str(path))


def _checked(table: pd.DataFrame, name: str) -> pd.DataFrame:
    twice = [column for column, count in Counter(table.columns).items() if count > 1]
    if twice:
        raise DuplicateColumns(name, twice)
    if not len(table):
        raise EmptyTable(name, "it has a header but no rows" if len(table.columns) else "it has no columns")
    return table


def _reader(path: Path) -> Callable[[Path], pd.DataFrame]:
    """Return the reader for what the file begins with, or else is named."""
    with path.open("rb") as file:
        head = file.read(8)
    if head[:4] == b"PAR1":
        return _read_parquet
    if head[:4] == b"PK\x03\x04":
        return _read_excel
    if path.suffix.lower() in (".parquet", ".xlsx"):
        raise NotATable(path, f"its content is not what {path.suffix} says")
    if any(part in (".jsonl", ".ndjson", ".json") for part in path.suffixes):
        return _read_json_lines
    return _read_text


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet  # half a second that a CSV reader need not pay

    try:
        return cast(pd.DataFrame, pyarrow.parquet.read_table(path, use_threads=False).to_pandas())
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise NotATable(path, "the Parquet file is damaged") from error


def _read_excel(path: Path) -> pd.DataFrame:
    try:
        return pd.read_excel(path, engine="openpyxl", na_filter=False, dtype=object)
    except Exception as error:  # openpyxl raises whatever its XML parser meets
        raise NotATable(path, "it is no Excel workbook that can be read") from error


def _read_json_lines(path: Path) -> pd.DataFrame:
    text = _decode(_unpacked(path))[0].strip()
    try:
        table = pd.read_json(io.StringIO(text), lines=not text.startswith("["), dtype=False, convert_dates=False)
    except ValueError as error:
        raise NotATable(path, "it should hold one JSON object a line") from error
    nested = [name for name in table if table[name].map(lambda cell: isinstance(cell, dict | list)).any()]
    return table.assign(**{name: table[name].map(repr) for name in nested}) if nested else table


def _unpacked(path: Path) -> bytes:
    """Return the content, unpacked if it is packed; never more than `LARGEST` bytes of it."""
    with path.open("rb") as file:
        head = file.read(6)
    openers: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
    opener = next((function for magic, function in openers.items() if head.startswith(magic)), None)
    if opener is None:
        return path.read_bytes()
    try:
        with cast(BinaryIO, opener(path)) as file:
            content = file.read(LARGEST + 1)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise NotATable(path, "the packed file is damaged") from error
    if len(content) > LARGEST:
        raise NotATable(path, f"unpacked it is larger than {LARGEST // 2**30} GiB")
    return content


def _decode(content: bytes) -> tuple[str, str]:
    """Return the text and its encoding."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace"), "utf-16"
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 reads any bytes")


def _read_text(path: Path) -> pd.DataFrame:
    """Read CSV in any usual dialect, every cell as text."""
    text, _ = _decode(_unpacked(path))
    if "\x00" in text[:SNIFFED]:
        raise NotATable(path, "it holds binary data")
    lines = text[:SNIFFED].splitlines()[: 2_000]
    skipped = 0
    while skipped < len(lines) and (not lines[skipped].strip() or lines[skipped].lstrip().startswith("#")):
        skipped += 1
    if skipped == len(lines):
        raise EmptyTable(path, "it has no lines but blank ones and comments")
    separator = find_separator(lines[skipped:])
    try:
        return pd.read_csv(
            io.StringIO(text),
            sep=separator,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            skiprows=skipped,
            skipinitialspace=True,
            engine="c",
            low_memory=False,
            header=None,
        ).pipe(_with_header)
    except pd.errors.EmptyDataError as error:
        raise EmptyTable(path, "it has no columns") from error
    except pd.errors.ParserError as error:
        raise _ragged(path, text, separator, skipped) from error


def _with_header(table: pd.DataFrame) -> pd.DataFrame:
    """Take the first row as the header; a cell without a name is named after its place."""
    names = [str(name).strip() if isinstance(name, str) else f"column {place}" for place, name in enumerate(table.iloc[0], 1)]
    return table.iloc[1:].set_axis(names, axis=1).reset_index(drop=True)


def find_separator(lines: list[str]) -> str:
    """Return the separator that cuts the lines into the same number of cells most often, quotes respected.

    >>> find_separator(["a;b;c", "1,5;2;3"])
    ';'
    """

    def regularity(separator: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in csv.reader(lines[:200], delimiter=separator) if row)
        width, count = widths.most_common(1)[0]
        return (count / widths.total() if width > 1 else 0.0, width)

    try:
        return max(SEPARATORS, key=regularity)
    except csv.Error:
        return ","


def _ragged(path: Path, text: str, separator: str, skipped: int) -> RaggedRow | NotATable:
    """Return the error for a table that would not parse: the first row of another width than the header."""
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        cells = [(rows.line_num, len(row)) for row in rows if row][skipped:]
    except csv.Error:
        return NotATable(path, "a quoted cell does not end")
    width = cells[0][1] if cells else 0
    wrong = next(((line, count) for line, count in cells if count > width), None)
    return RaggedRow(path, wrong[0], wrong[1], width) if wrong else NotATable(path, "its rows cannot be told apart")
