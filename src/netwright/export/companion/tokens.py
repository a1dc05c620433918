"""Makes of the tokens of sentences what the model.onnx beside this file takes: what stands around each.

The graph does the rest. It needs numpy.
"""

import csv
import io
import re
import unicodedata
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST, OWN, BITS = 60, 12, 24  # letters of a token that are read, features of its own, bits of a hashed one
AROUND = {-3: (0,), -2: (0, 2), -1: (0, 2, 3), 0: range(OWN), 1: (0, 2, 3), 2: (0, 2), 3: (0,)}
PAIRS = ((-2, -1), (-1, 0), (0, 1), (1, 2), (-1, 1))
STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))  # of SplitMix64


def mixed(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return hashes whose every bit depends on all bits of what they were."""
    bits = hashes + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in STEPS:
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return bits


def salt(offset: int, name: int) -> np.uint64:
    """Return what tells one place and sort of feature from others."""
    return mixed(np.array([1_000 * (offset + 500) + name], np.uint64))[0]


def shape(word: str) -> str:
    """Return how a token is written, with equal signs in a row told twice at most."""
    signs = ("X" if one.isupper() else "x" if one.isalpha() else "0" if one.isdigit() else one for one in word)
    return re.sub(r"(.)\1+", r"\1\1", "".join(signs))


def own(word: str) -> list[int]:
    """Return a number for each feature that a token has by itself."""
    written = unicodedata.normalize("NFKC", word[:LONGEST])
    low, form = written.lower(), shape(written)
    texts = [re.sub(r"\d", "0", low), written, form, low[-3:], low[-2:], low[:3], low[-1:], low[-4:], low[:1]]
    texts += [low[:2], low[:4], form[-4:]]
    return [zlib.crc32(f"{place} {text}".encode("utf-8", "surrogatepass")) + 2 for place, text in enumerate(texts)]


def facts(word: str) -> list[float]:
    """Return numbers of a token: how it is written."""
    letters = max(1, len(word))
    digits = sum(sign.isdigit() for sign in word) / letters
    return [float(word[:1].isupper()), float(word.isupper() and letters > 1), digits, min(letters, 20) / 10]


def fed(rows: list[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    """Return the inputs of the graph for tokens, by name; sentences are whole, one behind the other."""
    words = [row.get("token") or "" for row in rows]
    names, count = [row.get("sentence") for row in rows], len(rows)
    begins = np.array([not place or names[place] != names[place - 1] for place in range(count)])
    sentence = np.cumsum(begins) - 1
    hashes = np.array([own(word) for word in words], np.uint64)

    def beside(offset: int) -> NDArray[np.uint64]:
        places = np.arange(count) + offset
        near = np.clip(places, 0, count - 1)
        inside = (places == near) & (sentence[near] == sentence)
        return np.where(inside[:, None], hashes[near], np.uint64(1))

    found = [beside(offset)[:, name] ^ salt(offset, name) for offset, each in AROUND.items() for name in each]
    for one, two in PAIRS:
        found.append((mixed(beside(one)[:, 0]) + beside(two)[:, 0]) ^ salt(100 + one, two))
    first = np.flatnonzero(begins)
    sizes = np.diff(np.append(first, count))
    place, size = np.arange(count) - first[sentence], sizes[sentence]
    plain = np.concatenate([np.array([facts(word) for word in words]).T, [1 / (1 + place), 1 / (size - place)]])
    return {
        "netwright: buckets": (mixed(np.stack(found, axis=1)) >> np.uint64(64 - BITS)).astype(np.int64),
        "netwright: plain": plain.T.astype(np.float32),
        "netwright: positions": (np.arange(count) + sentence)[:, None].astype(np.int32),
    }


def read(path: str) -> list[dict[str, Any]]:
    """Return the tokens of a table with the columns sentence and token, or of text with a token a line."""
    text = Path(path).read_bytes().decode("utf-8-sig")
    if path.lower().endswith(".csv"):
        return list(csv.DictReader(io.StringIO(text, newline="")))
    lines = [line.split("\t") if "\t" in line else line.split() for line in text.replace("\r\n", "\n").split("\n")]
    ends = np.cumsum([not cells for cells in lines]).tolist()
    return [{"sentence": end, "token": cells[0]} for end, cells in zip(ends, lines, strict=True) if cells]
