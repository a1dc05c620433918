"""Tables as delimited text: encoding, separator, quotes, comments and header are told from the content.

Every cell comes back as the text that it is, or missing where it is empty.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from netwright.data.cells import is_missing, read_number
from netwright.errors import EmptyTable, NotATable, RaggedRow

try:
    from netwright.data.arrow import read_regular
except ImportError:  # who only predicts need not have pyarrow
    WITH_ARROW = False
else:
    WITH_ARROW = True

SAMPLE = 2**20  # bytes or letters looked at for encoding and dialect
LINES = 200  # looked at for the dialect
SEPARATORS = ",;\t|"
CONTROLS = 0.01  # share of control letters from which a file is no text
SLIPS = 0.1  # of the letters beyond ASCII that may be none in a text of UTF-8: rows of other sources, cut letters
TOUCHED = 0.5  # share of Chinese words with a Latin letter beside them from which they are Western accents misread
LOST = "\ufffd"
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f]")


@dataclass(frozen=True)
class Dialect:
    """How a text is cut into cells.

    Attributes:
        separator: one letter; a blank stands for any run of blanks.
        quote: the letter around cells that hold separators or line ends.
    """

    separator: str
    quote: str = '"'


def decode(content: bytes) -> str:
    """Return the text: UTF-8 or UTF-16, else GB 18030 where that gives words, else Windows-1252 or Latin-1.

    Text of UTF-8 with a few bytes that are none stays what it is, with the sign for a lost letter in their places.
    """
    return decoded(content)[0]


def decoded(content: bytes) -> tuple[str, str]:
    """Return a text as `decode` does, and the name of its encoding."""
    sample = content[:SAMPLE]
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace"), "utf-16"
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):  # without a mark: every other byte of ASCII is zero
        if (
            len(sample) >= 8
            and sample[start::2].count(0) > 0.4 * len(sample) / 2
            and sample[1 - start :: 2].count(0) == 0
        ):
            return content.decode(encoding, errors="replace"), encoding
    for encoding in ("utf-8-sig", "gb18030", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            if encoding == "utf-8-sig" and _slips(sample) <= SLIPS:
                return content.decode(encoding, errors="replace"), encoding
            continue
        if encoding != "gb18030" or not _is_misread(text[:SAMPLE]):
            return text, encoding
    return content.decode("latin-1"), "latin-1"


def _slips(sample: bytes) -> float:
    """Return the share of what is beyond ASCII that is no UTF-8; of texts in other encodings most is none."""
    text = sample.decode("utf-8-sig", errors="replace")
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    return text.count(LOST) / max(1, beyond)


def _is_misread(text: str) -> bool:
    """Return whether the Chinese letters of a text are accents with the letter behind them, as in `M閘anie`."""
    words = re.findall(r"([A-Za-z]?)[^\x00-\x7f]+([A-Za-z]?)", text)
    return sum(bool(before or after) for before, after in words) > TOUCHED * len(words)


def read_delimited(content: bytes, name: object) -> pd.DataFrame:
    """Return the table that a text holds.

    Blank lines, and lines of comment (`#`) before the header, are passed over. Short rows are filled up with missing
    cells. A first row of numbers is data: the columns are then called `column 1`, `column 2`, ….

    Args:
        content: of the file.
        name: of the file, for errors.

    Raises:
        DataError: if it is no text, holds no row, or has a row with more cells than the header.
    """
    text = decode(content)
    start, dialect = beginning(text, name)
    return with_header(cut_rows(text[start:], dialect, name, 1 + text.count("\n", 0, start)))


def first_width(content: bytes, name: object) -> int:
    """Return how many cells the first row of a text has: so many columns `read_delimited` would make; 0 without a row.

    No other row is cut, and no table is made.

    Raises:
        DataError: if it is no text, holds nothing but comments, or a cell of the row is longer than cells may be.
    """
    text = decode(content)
    start, dialect = beginning(text, name)
    if dialect.separator == " ":
        return next((len(row) for row in map(str.split, io.StringIO(text[start:])) if row), 0)
    try:
        return next((len(row) for row in _reader(text[start:], dialect, strict=False) if row), 0)
    except csv.Error as error:
        raise _too_long(name) from error


def cut_rows(text: str, dialect: Dialect, name: object, first_line: int, width: int = 0) -> pd.DataFrame:
    """Return all rows of a text, the header among them if it has one; each cell is a text, or missing if it is empty.

    Args:
        text: begins with a row.
        dialect: how it is cut.
        name: of the file, and the number of its line with which the text begins, for errors.
        first_line: that number.
        width: cells of a row; 0 for as many as the first row has.

    Raises:
        DataError: if a row has more cells, or a quoted cell does not end.
    """
    rows = _at_once(text, dialect, width)
    return _row_by_row(text, dialect, name, first_line, width) if rows is None else rows


def beginning(text: str, name: object) -> tuple[int, Dialect]:
    """Return where in a text the header begins, and the dialect; its first `SAMPLE` letters are looked at.

    Raises:
        DataError: if it is no text, or holds nothing but comments.
    """
    sample = text[:SAMPLE]
    if "\x00" in sample or len(_CONTROL.findall(sample)) > CONTROLS * len(sample):
        raise NotATable(name, "it holds binary data")
    return _start(text, name)


def _start(text: str, name: object) -> tuple[int, Dialect]:
    """Return where the header begins, and the dialect."""
    lines = text[:SAMPLE].splitlines(keepends=True)[: 10 * LINES]
    # As spreadsheet programmes write; neither a line end nor a quote can part cells.
    stated = re.fullmatch(r"sep=([^\r\n\"])\s*", lines[0]) if lines else None
    passed = 1 if stated else 0
    while passed < len(lines) and (not lines[passed].strip() or lines[passed].lstrip().startswith("#")):
        passed += 1
    if passed < len(lines):
        dialect = Dialect(stated[1]) if stated else find_dialect(lines[passed:])
    last = max((place for place in range(passed) if lines[place].strip()), default=None)
    if passed == len(lines) and (last is None or not lines[last].lstrip("# \t").strip()):
        raise EmptyTable(name, "it has no lines but blank ones and comments")
    if passed == len(lines):
        return 0, find_dialect(lines)
    if last is not None and lines[last].lstrip().startswith("#") and _is_header(lines[last], lines[passed], dialect):
        passed = last
    return sum(map(len, lines[:passed])), dialect


def _is_header(comment: str, line: str, dialect: Dialect) -> bool:
    """Return whether a comment names the columns: it has as many cells as the line below it, which is data."""
    above, below = _cut(comment, dialect), _cut(line, dialect)
    return len(above) == len(below) > 1 and any(np.isfinite(read_number(cell)) for cell in below)


def find_dialect(lines: Sequence[str]) -> Dialect:
    """Return the dialect of the lines of a table, header first."""
    separator = find_separator(lines)
    mark = re.escape(separator)
    blank = rf"[^\S{mark}]*"  # without the separator itself, or a line of tabs would take the square of their number
    single = re.compile(rf"(?:^|{mark}){blank}'[^']*'{blank}(?={mark}|$)")
    looked_at = [line.strip() for line in lines[:LINES] if line.strip()]
    quoted = sum(bool(single.search(line)) for line in looked_at)
    quote = "'" if quoted > 0.5 * len(looked_at) and not any('"' in line for line in looked_at) else '"'
    return Dialect(separator, quote)


def find_separator(lines: Sequence[str]) -> str:
    """Return the separator that cuts most lines into as many cells as the header; a blank for columns of numbers.

    >>> find_separator(["a;b;c", "1,5;2;3"]), find_separator(["1.0  2.0", "3.0  4.0"])
    (';', ' ')
    """

    def regularity(separator: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in csv.reader(lines[:LINES], delimiter=separator) if row)
        width = len(next(row for row in csv.reader(lines[:LINES], delimiter=separator) if row))
        return (widths[width] / widths.total() if width > 1 else 0.0, width)

    try:
        best = max(SEPARATORS, key=regularity)
        if regularity(best)[0] > 0:
            return best
    except (csv.Error, StopIteration):
        return ","
    pieces = [line.split() for line in lines[:LINES] if line.strip()]
    numbers = sum(bool(np.isfinite(read_number(piece))) for row in pieces for piece in row)
    even = len({len(row) for row in pieces}) == 1 and len(pieces[0]) > 1
    return " " if even and numbers > 0.5 * sum(map(len, pieces)) else ","


def _at_once(text: str, dialect: Dialect, width: int) -> pd.DataFrame | None:
    """Return all rows, the header among them; None where they are not regular enough for the fast way."""
    separator, quote = dialect.separator, dialect.quote
    if not WITH_ARROW or separator == " " or not separator.isascii():
        return None
    if f"{separator} {quote}" in text or text.count(quote) % 2:
        return None
    width = width or len(_cut(text[:SAMPLE].lstrip().split("\n", 1)[0], dialect))
    return read_regular(text, separator, quote, width)


def _cut(line: str, dialect: Dialect) -> list[str]:
    if dialect.separator == " ":
        return line.split()
    try:
        return next(csv.reader([line], delimiter=dialect.separator, quotechar=dialect.quote, skipinitialspace=True), [])
    except csv.Error:
        return []


def _row_by_row(text: str, dialect: Dialect, name: object, first_line: int, width: int) -> pd.DataFrame:
    """Return all rows, the header among them, cut one by one: slower, but irregular rows are filled up or named."""
    rows = []
    for line, row in _rows(text, dialect, name):
        if not row:
            continue
        width = width or len(row)
        if len(row) > width and not any(cell.strip() for cell in row[width:]):
            row = row[:width]  # a separator too many at the end
        if len(row) != width and row[0].lstrip().startswith("#"):
            continue
        if len(row) > width:
            raise RaggedRow(name, first_line + line - 1, len(row), width)
        rows.append([cell or None for cell in row] + [None] * (width - len(row)))
    columns = {place: pd.array([row[place] for row in rows], dtype="str") for place in range(width)}
    return pd.DataFrame(columns)


def _rows(text: str, dialect: Dialect, name: object) -> list[tuple[int, list[str]]]:
    """Return the number of the line on which each row ends, and its cells."""
    if dialect.separator == " ":
        return [(line, row.split()) for line, row in enumerate(text.splitlines(), 1)]
    try:
        return _cut_rows(text, dialect, strict=True)
    except csv.Error as error:
        if "end of data" in str(error) or "field limit" in str(error):
            raise NotATable(name, "a quoted cell does not end") from error
    try:
        return _cut_rows(text, dialect, strict=False)  # quotes inside of words
    except csv.Error as error:
        raise _too_long(name) from error


def _too_long(name: object) -> NotATable:
    letters = f"{csv.field_size_limit():,}"
    return NotATable(name, f"a quoted cell does not end, or a cell has more than {letters} letters")


def _cut_rows(text: str, dialect: Dialect, *, strict: bool) -> list[tuple[int, list[str]]]:
    reader = _reader(text, dialect, strict=strict)
    return [(reader.line_num, row) for row in reader]


def _reader(text: str, dialect: Dialect, *, strict: bool) -> Any:
    """Return a reader of `csv`: it gives rows, and says on which line it is."""
    return csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.separator,
        quotechar=dialect.quote,
        skipinitialspace=True,
        strict=strict,
    )


def with_header(rows: pd.DataFrame) -> pd.DataFrame:
    """Take the first row as the header, unless it is data; a column without a name is named after its place."""
    first = [cell.strip() if isinstance(cell, str) else "" for cell in rows.iloc[0].tolist()] if len(rows) else []
    numbered = [f"column {place}" for place in range(1, len(first) + 1)]
    if _is_data(first, rows):
        return rows.set_axis(numbered, axis=1)
    names = [name.removeprefix("#").strip() or name for name in first[:1]] + first[1:]
    named = [name or number for name, number in zip(names, numbered, strict=True)]
    return rows.iloc[1:].set_axis(named, axis=1).reset_index(drop=True)


def _is_data(first: list[str], rows: pd.DataFrame) -> bool:
    """Return whether the first row is no header: it holds a fraction above numbers, or numbers only.

    Whole numbers in steps of one, such as 0, 1, 2 or 2019, 2020, 2021, are names all the same.
    """
    numbers = [read_number(cell) for cell in first]
    if len(rows) > 1 and all(np.isfinite(numbers)):
        steps = np.diff(numbers)
        return not (len(numbers) > 1 and (steps == 1).all())
    return any(
        number % 1 != 0 and all(is_missing(cell) or np.isfinite(read_number(cell)) for cell in rows.iloc[1:20, place])
        for place, number in enumerate(numbers)
        if np.isfinite(number) and len(rows) > 1
    )
