"""Hostile HTTP requests to a served model, as an ASGI server hands them on."""

from __future__ import annotations

import json
from functools import cache
from random import Random
from typing import Any

import fuzz_bundles
import fuzz_media
import fuzz_tables
from fuzz_cells import odd_cell

PATHS = (
    "/predict",
    "/predict",
    "/predict/batch",
    "/predict/batch",
    "/model",
    "/metrics",
    "/openapi.json",
    "/",
    "/health",
)
METHODS = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "X" * 100, "")
TYPES = (
    *("application/json", "application/json; charset=utf-16", "text/csv", "application/octet-stream", "image/png", ""),
    *(
        "audio/wav",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "\xff",
    ),
)
ODD = (
    "null",
    "[]",
    "{}",
    "0",
    '""',
    "[" * 10**5,
    '{"a":' * 10**5,
    "1" * 10**5,
    '"' + "\\" * 999,
    "nan",
    "\x00",
    "{} {}",
)
NUMBERS = ("1e999", "-0", "1e-999", "9" * 400, "0.1", "NaN", "Infinity", "true", "null", '"\\ud800"', '{"a":1}', "[1]")


def make(draw: Random) -> tuple[str, bytes]:
    """Return the name and the content of a request; the name begins with that of the model that is asked."""
    model = draw.choice(fuzz_bundles.MODELS[:-1] if draw.random() < 0.9 else fuzz_bundles.MODELS)
    kind, body = _body(draw, model)
    headers = [("content-type", kind), ("host", draw.choice(("localhost", "127.0.0.1:80", "evil.example", "")))]
    if draw.random() < 0.3:
        odd = ("accept", "authorization", "content-length", "content-encoding", "expect", "range", "cookie", "a b")
        headers.append(
            (draw.choice(odd), draw.choice(("text/csv", "gzip", "-1", "9" * 40, "*/*", _latin(odd_cell(draw)))))
        )
    path = draw.choice(PATHS) if draw.random() < 0.95 else "/" + _latin(odd_cell(draw))
    if draw.random() < 0.2:
        body = fuzz_tables.damaged(draw, body)
    request = {
        "method": _method(draw, path),
        "path": path,
        "headers": headers,
        "pieces": _pieces(draw, body),
        "ends": draw.random() < 0.97,  # else the client goes away
    }
    return f"{model}.json", json.dumps(request).encode()


def _method(draw: Random, path: str) -> str:
    right = "POST" if path.startswith("/predict") else "GET"
    return right if draw.random() < 0.9 else draw.choice(METHODS)


def _latin(text: str) -> str:
    return text.encode("utf-8", "replace").decode("latin-1")


def _pieces(draw: Random, body: bytes) -> list[str]:
    """Return a body as it may arrive: bytes as letters of Latin-1, which JSON can hold."""
    if draw.random() < 0.8:
        return [body.decode("latin-1")]
    cut = draw.randrange(len(body) + 1)
    return [piece.decode("latin-1") for piece in (body[:cut], b"", body[cut:])]


def _body(draw: Random, model: str) -> tuple[str, bytes]:
    match draw.randrange(6):
        case 0 | 1:
            return draw.choice(TYPES[:2]), _row_of_json(draw, model)
        case 2:
            return draw.choice(("text/csv", *TYPES)), fuzz_tables.make(draw)[1][: 2**20]
        case 3:
            return draw.choice(("image/png", "audio/wav", *TYPES)), fuzz_media.make(draw)[1]
        case 4:
            return draw.choice(("multipart/form-data; boundary=x", *TYPES)), _form(draw)
        case _:
            return draw.choice(TYPES), draw.choice(ODD).encode()


def _row_of_json(draw: Random, model: str) -> bytes:
    """Return rows that the model knows, some cells of which are hostile; as text, for Python would not write all."""
    rows = []
    for _ in range(draw.choice((1, 1, 2, 30))):
        cells = [f"{json.dumps(name)}: {_cell(draw, cell)}" for name, cell in draw.choice(_known(model)).items()]
        if draw.random() < 0.1:
            cells = cells[1:] + cells[-1:]
        rows.append("{" + ", ".join(cells) + "}")
    listed = "[" + ", ".join(rows) + "]"
    return (rows[0] if len(rows) == 1 and draw.random() < 0.8 else listed).encode("utf-8", "surrogatepass")


def _cell(draw: Random, known: Any) -> str:
    if draw.random() < 0.85:
        return json.dumps(known)
    return draw.choice(NUMBERS) if draw.random() < 0.5 else json.dumps(odd_cell(draw), ensure_ascii=draw.random() < 0.5)


@cache
def _known(model: str) -> list[dict[str, Any]]:
    """Return rows that a model answers, as it is asked for them."""
    columns = json.loads((fuzz_bundles.RELEASED / f"{model}.json").read_text())["columns"]
    if model == "tagging":
        return [{"text": "Ada lives in Oslo."}, {"tokens": ["Ada", "lives", "in", "Oslo", "."]}]
    plain = {name: [None if isinstance(cell, dict) else cell for cell in cells] for name, cells in columns.items()}
    return [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]


def _form(draw: Random) -> bytes:
    """Return a form with files, the marks of which are right or not."""
    mark, parts = draw.choice((b"x", b"x", b"y", b"")), b""
    for _ in range(draw.choice((0, 1, 1, 2, 1_100 if draw.random() < 0.05 else 3))):
        name = draw.choice(("a.csv", "a.png", "../../a", "a" * 999, "", _latin(odd_cell(draw))))
        said = draw.choice(("form-data; name=file", "form-data", "x" * 9_000, "")) + f'; filename="{name}"'
        content = draw.choice((fuzz_media.make, fuzz_tables.make))(draw)[1][:20_000]
        head = f"content-disposition: {said}\r\ncontent-type: {draw.choice(TYPES)}\r\n\r\n".encode("latin-1", "replace")
        parts += b"--" + mark + b"\r\n" + head + content + b"\r\n"
    return parts + draw.choice((b"--" + mark + b"--\r\n", b""))
