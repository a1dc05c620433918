"""Hostile model files: real ones with bytes changed, and real ones whose documents and weights were forged with care.

Of the latter every size and hash is right, as of an attacker who can hash as well as we can.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from copy import deepcopy
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import forge
import numpy as np
from fuzz_tables import damaged

RELEASED = Path(__file__).parent.parent / "tests" / "bundle" / "released" / "format-1"
MODELS = ("tabular", "number", "tagging", "image", "audio", "text")
ODD = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        3,
        7,
        64,
        1_023,
        2**16,
        2**31 - 1,
        2**31,
        2**63,
        10**30,
        0.5,
        -0.0,
        1e-320,
        1e308,
    ),
    *(-1e308, "", "x", "silu", "tabular", "regression", "1024x1024x3", "a\0b", "\U0010ffff", [], {}, [[]], [None]),
)
NUMBERS = (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-40, 0.0, 65504.0)


def make(draw: Random) -> tuple[str, bytes]:
    """Return the name and the content of a file; the name begins with that of the model."""
    name = draw.choice(MODELS if draw.random() < 0.1 else MODELS[:-1])  # that of texts is large
    return f"{name}.nw", hostile(draw, released(name))


def hostile(draw: Random, content: bytes) -> bytes:
    """Return a model file with bytes changed, or with forged members that the manifest is made to fit."""
    if draw.random() < 0.4:
        return damaged(draw, content)
    members = dict(_members(content))
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        chosen = draw.choice([*members])
        members[chosen] = _forged(draw, chosen, members[chosen])
    return _sealed(draw, members)


@cache
def released(name: str) -> bytes:
    """Return a model that an earlier version wrote."""
    return (RELEASED / f"{name}.nw").read_bytes()


@cache
def _members(content: bytes) -> tuple[tuple[str, bytes], ...]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return tuple((name, file.read(name)) for name in file.namelist())


def _forged(draw: Random, name: str, content: bytes) -> bytes:
    if not name.endswith(".json"):
        return _forged_weights(draw, content)
    try:
        tree = json.loads(content)
    except ValueError:
        return content
    for _ in range(draw.choice((1, 1, 2, 5))):
        tree = changed(draw, tree)
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def changed(draw: Random, tree: Any) -> Any:
    """Return a tree of JSON with one place of it changed."""
    tree = deepcopy(tree)
    parent, key = None, None
    node = tree
    while isinstance(node, dict | list) and node and (parent is None or draw.random() < 0.9):
        parent, key = node, draw.choice([*node] if isinstance(node, dict) else range(len(node)))
        node = node[key]
    if parent is None:
        return draw.choice(ODD)
    match draw.randrange(8):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, list):
            parent.insert(key, deepcopy(node))
        case 1:
            parent[draw.choice(("x", "name", "kind", "__class__"))] = node
        case 2 if isinstance(parent, list):
            parent *= draw.choice((2, 50))
        case 3:
            other = draw.choice([*parent] if isinstance(parent, dict) else range(len(parent)))
            parent[key], parent[other] = parent[other], parent[key]
        case 4 if isinstance(node, int | float) and not isinstance(node, bool):
            parent[key] = draw.choice((node + 1, node - 1, -node, node * 2, node * 1000, node / 3))
        case _:
            parent[key] = draw.choice(ODD)
    return tree


def _forged_weights(draw: Random, content: bytes) -> bytes:
    length = int.from_bytes(content[:8], "little")
    header, body = json.loads(content[8 : 8 + length]), bytearray(content[8 + length :])
    names = [name for name in header if header[name].get("shape")]
    if not names:
        return content
    entry = header[draw.choice(names)]
    first, last = entry["data_offsets"]
    match draw.randrange(4):
        case 0:
            entry["shape"] = draw.choice((entry["shape"][::-1], [1, *entry["shape"]], [2**31], [0], entry["shape"][1:]))
        case 1:
            entry["dtype"] = draw.choice(("F64", "F32", "F16", "I64", "U8", "BOOL", "BF16"))
        case 2 if entry["dtype"] in ("F16", "F32"):
            kind = np.dtype({"F16": np.float16, "F32": np.float32}[entry["dtype"]])
            with np.errstate(over="ignore"):
                value = np.array(draw.choice(NUMBERS)).astype(kind).tobytes()
            count = (last - first) // kind.itemsize
            body[first:last] = value * count if draw.random() < 0.5 else value + body[first + kind.itemsize : last]
        case _:
            body[first:last] = draw.randbytes(last - first)
    raw = json.dumps(header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    return struct.pack("<Q", len(raw)) + raw + bytes(body)


def _sealed(draw: Random, members: dict[str, bytes]) -> bytes:
    """Return an archive of members with a manifest that fits them, unless that was forged too."""
    try:
        manifest = json.loads(members["manifest.json"])
        for name, content in members.items():
            if name != "manifest.json" and draw.random() < 0.97:
                entry = manifest["members"][name]
                entry["size"], entry["sha256"] = len(content), hashlib.sha256(content).hexdigest()
                if not name.endswith(".json"):
                    entry["tensors"] = _entries(content)
        members["manifest.json"] = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # it was forged beyond that
    return forge.archive([forge.record(name, content) for name, content in members.items()])


def _entries(content: bytes) -> dict[str, Any]:
    """Return what a manifest says of tensors whose header may be forged."""
    length = int.from_bytes(content[:8], "little")
    header, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    kinds = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "U8": "u1", "BOOL": "u1"}
    found = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        kind = np.dtype(kinds.get(entry["dtype"], "u1"))
        values = np.frombuffer(body[first:last][: (last - first) // kind.itemsize * kind.itemsize], kind)
        finite = values[np.isfinite(values.astype(np.float64))]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (None, None)
        found[name] = {"dtype": entry["dtype"], "shape": entry["shape"], "low": low, "high": high}
    return found
