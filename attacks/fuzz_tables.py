"""Hostile files of tables: every format, encoding and packing that is read, rightly made and then damaged."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from fuzz_cells import column, odd_cell, odd_name

ENCODINGS = ("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252", "gb18030", "shift_jis")
SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet", ".xlsx", ".conll", ".gz", ".zip", "", ".png")
ODD_JSON = ("[" * 10**5, '{"a":' * 10**4, "[{}]", "[]", "{}", "null", '{"a":1}', '"a"', "1", "[null]", '[{"a":1},2]')
ENTITIES = b'?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
HEADS = (b"", b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"{", b"[{", b"\xff\xfe", b"\x89PNG")
BOMB = 200 * 2**20  # bytes that a small packed file unpacks to
Cells = dict[str, list[str]]


def make(draw: Random) -> tuple[str, bytes]:
    """Return the name and the content of a file."""
    cells = _cells(draw)
    ending, content = draw.choice(MAKERS)(draw, cells)
    if draw.random() < 0.6:  # else most would be refused for one thing, and others never be come to
        return f"table{ending}", content
    if draw.random() < 0.8:
        content = damaged(draw, content)
    if draw.random() < 0.08:
        packing, content = _packed(draw, content)
        ending += packing
    if draw.random() < 0.15:
        ending = draw.choice(SUFFIXES)
    return f"table{ending}", content


def damaged(draw: Random, content: bytes) -> bytes:
    """Return content with bytes changed, cut off, put in, or repeated."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 5, 20))):
        place = draw.randrange(len(data) + 1)
        length = min(len(data) - place, draw.choice((1, 2, 8, 64, 1000)))
        match draw.randrange(6):
            case 0 if length:
                data[place] ^= 1 << draw.randrange(8)
            case 1:
                del data[place : place + length]
            case 2:
                data[place:place] = draw.randbytes(draw.choice((1, 4, 40)))
            case 3:
                data[place:place] = data[place : place + length]
            case 4:
                data[place : place + length] = bytes(length)
            case 5:
                data[place : place + length] = draw.choice((b"\xff", b"\x80", b'"', b"\n", b"\r", b",", b"9")) * length
    return bytes(data[: draw.randrange(len(data) + 1)]) if draw.random() < 0.2 else bytes(data)


def _cells(draw: Random) -> Cells:
    """Return columns by name, all equally long; most tables are small, a few very wide."""
    wide = draw.random() < 0.002
    rows = draw.choice((0, 1, 2, 9, 10, 11)) if draw.random() < 0.2 else draw.randrange(12, 60)
    width = draw.choice((1_000, 10_000)) if wide else draw.choice((0, 1, 1, 2, 3, 3, 4, 6, 9))
    rows = min(rows, 12) if wide else rows
    if wide:
        return {f"c{place}": [str(draw.randrange(3)) for _ in range(rows)] for place in range(width)}
    return {f"{odd_name(draw)}\x01{place}": column(draw, rows) for place in range(width)}  # names of a dict differ


def _names(cells: Cells) -> list[str]:
    return [name.partition("\x01")[0] for name in cells]


def _rows(cells: Cells) -> list[list[str]]:
    return [list(row) for row in zip(*cells.values(), strict=True)]


def _delimited(draw: Random, cells: Cells) -> tuple[str, bytes]:
    separator, quote = draw.choice((",", ",", ";", "\t", "|", " ", "::")), draw.choice(('"', '"', "'", ""))
    end = draw.choice(("\n", "\n", "\r\n", "\r"))

    def line(row: list[str]) -> str:
        return separator.join(_quoted(draw, cell, separator, quote) for cell in row)

    rows = _rows(cells)
    for row in rows:
        if draw.random() < 0.03:
            row[:] = row[: draw.randrange(len(row) + 1)] + [odd_cell(draw)] * draw.randrange(3)  # ragged
    lines = [*map(line, rows)]
    if draw.random() < 0.9:
        lines.insert(0, line(_names(cells)))
    for extra in ("", "# a comment", "sep=;", "\ufeff", "   ", "---", line(_names(cells))):
        if draw.random() < 0.05:
            lines.insert(draw.randrange(len(lines) + 1), extra)
    text = end.join(lines) + (end if draw.random() < 0.8 else "")
    return draw.choice((".csv", ".tsv", ".txt")), _encoded(draw, text)


def _quoted(draw: Random, cell: str, separator: str, quote: str) -> str:
    if not quote or draw.random() < 0.02:
        return cell
    if any(mark in cell for mark in (separator, quote, "\n", "\r")) or draw.random() < 0.1:
        return quote + (cell.replace(quote, 2 * quote) if draw.random() < 0.95 else cell) + quote
    return cell


def _encoded(draw: Random, text: str) -> bytes:
    encoding = draw.choice(ENCODINGS)
    return text.encode(encoding, errors=draw.choice(("replace", "ignore")))


def _value(draw: Random, depth: int = 0) -> Any:
    """Return a value of JSON, now and then a nested one."""
    match draw.randrange(12 if depth < 4 else 9):
        case 0 | 1 | 2:
            return odd_cell(draw)
        case 3 | 4:
            return draw.choice((0, 1, -1, 2**31, 2**63, 2**64, 10**30, -(2**63) - 1))
        case 5 | 6:
            return draw.choice((0.5, 1e308, -0.0, 1e-320, float("nan"), float("inf")))
        case 7:
            return draw.choice((True, False))
        case 8:
            return None
        case 9:
            return [_value(draw, depth + 1) for _ in range(draw.randrange(4))]
        case 10:
            return {odd_name(draw): _value(draw, depth + 1) for _ in range(draw.randrange(4))}
        case _:
            return [[]] * draw.randrange(3)


def _json(draw: Random, cells: Cells) -> tuple[str, bytes]:
    names = _names(cells)
    records: list[Any] = [dict(zip(names, row, strict=True)) for row in _rows(cells)]
    for place in range(len(records)):
        if draw.random() < 0.1:
            records[place][draw.choice([*names, "b"])] = _value(draw)
    if records and draw.random() < 0.1:
        records[draw.randrange(len(records))] = _value(draw)
    match draw.randrange(5):
        case 0:
            text = json.dumps(records)
        case 1:
            text = json.dumps({name.partition("\x01")[0]: column for name, column in cells.items()})
        case 2:
            text = json.dumps({name: {str(place): cell for place, cell in enumerate(cells[name])} for name in cells})
        case 3:
            text = draw.choice(ODD_JSON)
        case _:
            text = "\n".join(json.dumps(record, ensure_ascii=draw.random() < 0.5) for record in records)
    if draw.random() < 0.1:
        text = text.replace(': "', ': "\\ud83d', draw.choice((1, 5)))  # half of a letter, which no UTF-8 can hold
    return draw.choice((".json", ".jsonl", ".ndjson")), text.encode("utf-8", "surrogatepass")


def _tagged(draw: Random, cells: Cells) -> tuple[str, bytes]:
    """Return sentences with tags, in CoNLL columns or as JSON lines."""
    tags = ("O", "O", "B-PER", "I-PER", "B-LOC", "E-LOC", "S-X", "L-", "-", "", "B-" + "x" * 300)
    lines = []
    for _ in range(draw.randrange(1, 15)):
        tokens = [draw.choice(("Ada", "lives", "in", "Oslo", ".", odd_cell(draw))) for _ in range(draw.randrange(1, 8))]
        said = [draw.choice(tags) for _ in tokens]
        if draw.random() < 0.5:
            lines += [f"{token} {tag}" for token, tag in zip(tokens, said, strict=True)] + [""]
        else:
            record: Any = {"tokens": tokens, "tags": said[: draw.choice((len(said), draw.randrange(len(said) + 1)))]}
            if draw.random() < 0.4:
                text = " ".join(tokens)
                ends = [draw.choice((0, len(text), draw.randrange(-3, len(text) + 9), 2**70)) for _ in range(2)]
                record = {"text": text, "spans": [{"start": ends[0], "end": ends[1], "label": draw.choice(tags)}]}
            lines.append(json.dumps(record))
    if draw.random() < 0.3:
        lines.insert(0, "-DOCSTART- -X- O O")
    if draw.random() < 0.1:
        lines = [line.replace('"Ada"', '"\\ud83d"') for line in lines]
    return draw.choice((".conll", ".jsonl", ".txt", ".iob")), _encoded(draw, "\n".join(lines))


def _array(draw: Random, cells: list[str]) -> Any:
    """Return a column of a Parquet file."""
    rows = len(cells)
    blank = [draw.random() < 0.1 for _ in range(rows)]

    def typed(kind: Any, value: Any) -> Any:
        return pa.array([None if gone else value() for gone in blank], kind)

    makers: tuple[Any, ...] = (
        lambda: pa.array(cells, pa.large_string()),
        lambda: pa.array(cells).dictionary_encode(),
        lambda: pa.array([cell.encode("utf-8", "surrogatepass") for cell in cells], pa.binary()),
        lambda: pa.nulls(rows),
        lambda: typed(pa.int64(), lambda: draw.choice((0, 1, 2**63 - 1, -(2**63)))),
        lambda: typed(pa.uint64(), lambda: draw.choice((0, 2**64 - 1))),
        lambda: typed(pa.float16(), lambda: draw.choice((0.0, 65504.0, float("inf"), float("nan")))),
        lambda: typed(pa.float64(), lambda: draw.choice((1e308, -1e308, 5e-324, float("nan"), draw.gauss(0, 1)))),
        lambda: typed(pa.bool_(), lambda: draw.random() < 0.5),
        lambda: typed(pa.decimal128(38, 4), lambda: Decimal(draw.choice(("0", "1.5", "9" * 33, "-1e5")))),
        lambda: typed(pa.date32(), lambda: date(draw.choice((1, 1970, 9999)), 1, 1)),
        lambda: typed(pa.timestamp("us", "UTC"), lambda: datetime(draw.choice((1, 1970, 9999)), 1, 1)),
        lambda: typed(pa.timestamp("ns"), lambda: draw.choice((0, 2**63 - 1, -(2**63) + 1))),
        lambda: typed(pa.duration("us"), lambda: timedelta(days=draw.randrange(-999, 999))),
        lambda: typed(pa.time64("us"), lambda: datetime(2000, 1, 1, 3).time()),
        lambda: typed(pa.list_(pa.int64()), lambda: [1] * draw.randrange(3)),
        lambda: typed(pa.struct([("a", pa.int64())]), lambda: {"a": 1}),
        lambda: typed(pa.map_(pa.string(), pa.int64()), lambda: [("a", 1)]),
    )
    return draw.choice(makers)()


def _parquet(draw: Random, cells: Cells) -> tuple[str, bytes]:
    out = io.BytesIO()
    safe = {name: [cell.encode("utf-8", "replace").decode() for cell in column] for name, column in cells.items()}
    arrays = [_array(draw, column) for column in safe.values()]
    names = [name.encode("utf-8", "replace").decode() for name in _names(cells)]
    table = pa.Table.from_arrays(arrays, names=names)
    packing = draw.choice(("none", "snappy", "gzip", "zstd"))
    pq.write_table(table, out, compression=packing, store_schema=draw.random() < 0.7)
    return ".parquet", out.getvalue()


def _workbook(draw: Random, cells: Cells) -> tuple[str, bytes]:
    """Return an Excel file; some of its parts are damaged, blown up, or name others."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (_names(cells), *_rows(cells)[:30]):
        sheet.append([_sheet_cell(draw, cell) for cell in row[:50]])
    out = io.BytesIO()
    book.save(out)
    return ".xlsx", out.getvalue() if draw.random() < 0.5 else _repacked(draw, out.getvalue())


def _sheet_cell(draw: Random, cell: str) -> Any:
    plain = "".join(letter for letter in cell if letter >= " ")[:30_000]
    match draw.randrange(6):
        case 0:
            return draw.choice((1, 1.5, True, None, datetime(2024, 1, 1), date(1900, 2, 28), timedelta(days=3)))
        case 1:
            return draw.choice(("=1/0", "=A1", "#DIV/0!", "=HYPERLINK(1)"))
        case _:
            return plain


def _repacked(draw: Random, content: bytes) -> bytes:
    """Return a zip whose members are damaged, missing, doubled, blown up or named otherwise."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        chosen = draw.choice(old.namelist())
        for name in old.namelist():
            part = old.read(name)
            if name == chosen:
                match draw.randrange(6):
                    case 0:
                        continue
                    case 1:
                        part = damaged(draw, part)
                    case 2:
                        part = part[: len(part) // 2]
                    case 3 if draw.random() < 0.2:
                        part = part.replace(b">", b">" + b" " * BOMB, 1)
                    case 4:
                        part = part.replace(b"?>", ENTITIES, 1)
                    case _:
                        part = part.replace(b'<row r="1"', b'<row r="1048576"').replace(b'"A1"', b'"XFD1048576"')
            new.writestr(name, part)
    return out.getvalue()


def _packed(draw: Random, content: bytes) -> tuple[str, bytes]:
    inner = b"a,b\n" + b"1,2\n" * (BOMB // 4) if draw.random() < 0.01 else content
    match draw.randrange(4):
        case 0:
            return ".gz", gzip.compress(inner, 1)
        case 1:
            return ".bz2", bz2.compress(inner, 1)
        case 2:
            return ".xz", lzma.compress(inner, preset=0)
        case _:
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
                file.writestr(draw.choice(("table.csv", "../table.csv", "/etc/x", "a/b.csv")), content)
            return ".zip", out.getvalue()


def _binary(draw: Random, cells: Cells) -> tuple[str, bytes]:
    return draw.choice(SUFFIXES), draw.choice(HEADS) + draw.randbytes(draw.choice((0, 1, 8, 200, 5_000)))


MAKERS = (*(_delimited,) * 10, *(_json,) * 4, *(_parquet,) * 3, _workbook, *(_tagged,) * 2, _binary)
