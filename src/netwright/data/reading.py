"""Tables from files and from memory: every cell of a text file stays text until its column's kind is known."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.delimited import decode, read_delimited
from netwright.data.folders import as_of_folder, held_by, read_folder
from netwright.data.halves import read_json
from netwright.data.packed import DAMAGED, most_cells, most_unpacked, opener_of, too_much
from netwright.errors import (
    DataError,
    DuplicateColumns,
    EmptyTable,
    MissingExtra,
    MissingFile,
    NotAFile,
    NotATable,
    nearest,
)

LARGEST = 8 * 2**30  # bytes of a file read whole into memory
FOLDER = "folder"  # among the attributes of a table: where its file lies
NEIGHBOURS = 2_000  # names in a folder that are compared with one that is not there


def read_table(source: Any, held: str | None = None) -> pd.DataFrame:
    """Return a table; text files as text cells, other sources with the types that they carry.

    Args:
        source: a path to CSV, TSV, Parquet, JSON lines or Excel (first sheet), the text formats also packed by gzip,
            bzip2 or xz; an image, a sound or a folder of such; a pandas frame, which is left as it is; or an array of
            images.
        held: what is looked for in a folder, image or sound; what is more where nobody says.

    Raises:
        DataError: if there is no such file or it holds no table.
        MissingExtra: if it is Parquet, and pyarrow is not installed.
    """
    if isinstance(source, pd.DataFrame | np.ndarray):
        return checked(as_table(source), "The data frame")
    if not isinstance(source, str | Path):
        raise NotATable(f"A {type(source).__name__}", "it is neither a path nor a pandas data frame")
    path = Path(source)
    try:
        if path.is_dir():
            return read_folder(path, held)
        if path.is_file() and (held := held_by(path)):
            return as_of_folder(pd.DataFrame({held: [str(path)]}, dtype=object))
        table = checked(_reader(usable_file(path))(path), path)
        table.attrs[FOLDER] = str(path.parent)
        return table
    except (OSError, MemoryError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it does not fit into memory"
        raise NotATable(path, f"it cannot be read ({why.lower()})") from error


def folder_of(table: pd.DataFrame) -> Path:
    """Return the folder in which the paths in a table begin: that of its file, else the working one."""
    return Path(table.attrs.get(FOLDER, "."))


def as_table(frame: pd.DataFrame | NDArray[Any]) -> pd.DataFrame:
    """Return a frame with its columns named by text; it may have no rows. The frame itself is left as it is.

    An array of images (N, H, W) or (N, H, W, C) becomes a frame with one column of them.

    Raises:
        DuplicateColumns: if two columns then have one name.
    """
    if isinstance(frame, np.ndarray):
        if frame.ndim not in (3, 4):
            raise NotATable("The array", "it is not one of images (N, H, W) or (N, H, W, C)")
        return as_of_folder(pd.DataFrame({"image": pd.Series([*frame], dtype=object)}))
    names = frame.columns.tolist()
    table = frame if all(type(name) is str for name in names) else frame.set_axis([*map(str, names)], axis=1)
    check_names(map(str, names), "The data frame")
    return table


def file_content(path: Path) -> bytes:
    """Return the content of a file, unpacked if it is packed.

    Raises:
        DataError: if there is no such file, or it is empty, too large, or cannot be read.
    """
    try:
        return _unpacked(usable_file(path))
    except OSError as error:
        raise NotATable(path, f"it cannot be read ({(error.strerror or 'no reason given').lower()})") from error


def usable_file(path: Path, largest: float = LARGEST) -> Path:
    """Return the path of a file that can be read, of no more than so many bytes.

    Raises:
        DataError: if it is none.
    """
    if "\0" in str(path) or not path.exists():
        beside = itertools.islice(path.parent.iterdir(), NEIGHBOURS) if path.parent.is_dir() else ()
        names = [entry.name for entry in beside]
        raise MissingFile(path, nearest(path.name, names))
    if not path.is_file():
        raise NotAFile(path)
    if path.stat().st_size == 0:
        raise EmptyTable(path, "the file is empty")
    if path.stat().st_size > largest:
        raise NotATable(path, f"it is larger than {largest // 2**30} GiB")
    return path


def check_names(columns: Iterable[str], name: object) -> None:
    """See that no two columns of a table have one name.

    Raises:
        DuplicateColumns: if some have.
    """
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise DuplicateColumns(name, twice)


def checked(table: pd.DataFrame, name: object) -> pd.DataFrame:
    """Return a table that was read, if it has columns of different names, and rows.

    Raises:
        DataError: if not.
    """
    check_names(table.columns, name)
    if not len(table.columns):
        raise EmptyTable(name, "it has no columns")
    if not len(table):
        raise EmptyTable(name, "it has a header but no rows")
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
    return _read_text


def _read_parquet(path: Path) -> pd.DataFrame:
    """Read a file of Parquet.

    Raises:
        MissingExtra: if pyarrow is not installed.
        NotATable: if it is damaged, or takes far more than its size tells.
    """
    try:
        from netwright.data.parquet import open_parquet, texts_of  # a CSV reader need not pay for it
    except ImportError as error:
        raise MissingExtra("pyarrow", "parquet") from error
    try:
        file = open_parquet(path)
        check_names(file.schema_arrow.names, path)  # pandas may fail to convert columns of one name
        texts_of(path, file)
        table = file.read(use_threads=False)
        stored = [place for place, name in enumerate(table.column_names) if not name.startswith("__index_level_")]
        return cast(pd.DataFrame, table.select(stored).to_pandas(ignore_metadata=True))  # an index is a column
    except (DataError, MemoryError):
        raise
    except Exception as error:  # besides its own, pyarrow raises what it meets in names, time zones and dates
        raise NotATable(path, "the Parquet file is damaged") from error


def _read_excel(path: Path) -> pd.DataFrame:
    """Read the first sheet; its first row that is not empty is the header."""
    from netwright.data.workbook import Oversized, first_sheet  # as above, of openpyxl

    try:
        columns = first_sheet(path)
    except Oversized as error:
        raise NotATable(path, str(error)) from error
    except MemoryError:
        raise
    except Exception as error:  # openpyxl raises whatever its XML parser meets
        raise NotATable(path, "it is no Excel workbook that can be read") from error
    if not columns:
        raise EmptyTable(path, "its first sheet is empty")
    heads = (cells[0] for cells in columns)
    names = [f"column {place}" if name is None else str(name).strip() for place, name in enumerate(heads, 1)]
    table = pd.DataFrame({place: pd.Series(cells[1:], dtype=object) for place, cells in enumerate(columns)})
    return table.set_axis(names, axis=1)


def read_records(path: Path, text: str) -> pd.DataFrame:
    """Read one object a line, a list of objects, or one object of columns."""
    try:
        records = read_json(text) if text[0] == "[" else [read_json(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError) as error:
        records = _columns_of_json(text)
        if records is None:
            raise NotATable(path, "it should hold one JSON object a line") from error
    if isinstance(records, list) and len(records) == 1 and isinstance(records[0], dict):
        records = _columns_of_json(text) or records
    if isinstance(records, list) and not all(isinstance(record, dict) for record in records):
        raise NotATable(path, "it should hold one JSON object a line")
    if isinstance(records, list):
        cells = len(records) * len({name for record in records for name in record})
        if cells > most_cells(len(text)):  # as where each object has names of its own
            raise NotATable(path, f"its objects have {cells:,} cells together, nearly all of them missing")
    return pd.DataFrame(records)


def _columns_of_json(text: str) -> dict[str, Any] | None:
    """Return the columns by name of an object such as {"a": [1, 2], "b": {"0": 3, "1": 4}}; None for anything else.

    Rows that have names have the same ones in all columns, in whatever order.
    """
    try:
        content = read_json(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not all(isinstance(cells, list | dict) for cells in content.values()):
        return None
    named = [cells for cells in content.values() if isinstance(cells, dict)]
    if any(cells.keys() != named[0].keys() for cells in named):
        return None
    columns = {
        name: [cells[row] for row in named[0]] if isinstance(cells, dict) else cells for name, cells in content.items()
    }
    return columns if len({len(cells) for cells in columns.values()}) == 1 else None


def is_json(path: Path, head: bytes) -> bool:
    """Return whether a text file holds JSON, by its name or its first bytes."""
    named = any(part.lower() in (".jsonl", ".ndjson", ".json") for part in path.suffixes)
    return named or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b'{"', b"[{"))


def _read_text(path: Path) -> pd.DataFrame:
    content = _unpacked(path)
    if is_json(path, content[:64]):
        text = decode(content).strip()
        if not text:
            raise EmptyTable(path, "it has no lines but blank ones")
        return read_records(path, text)
    return read_delimited(content, path)


def _unpacked(path: Path) -> bytes:
    """Return the content, unpacked if it is packed; never more than `LARGEST` bytes, nor than text would unpack to."""
    opener = opener_of(path)
    if opener is None:
        return path.read_bytes()
    most = min(LARGEST, most_unpacked(path))
    try:
        with opener(path) as file:
            content: bytes = file.read(most + 1)
    except DAMAGED as error:
        raise NotATable(path, "the packed file is damaged") from error
    if len(content) > most:
        raise too_much(path, most)
    return content
