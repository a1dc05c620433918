"""JSON as a bundle holds it: UTF-8, finite numbers, no repeated keys, bounded in depth and number."""

from __future__ import annotations

import json
import math
import re
from itertools import islice
from operator import itemgetter
from pathlib import Path

import numpy as np

from netwright import errors
from netwright.bundle import format as rules
from netwright.bundle.format import Json

# Everything up to the next mark that is not inside a string. Each part is possessive and the end of the content is a
# mark too, so the time is linear in the content, whatever it is.
_NEXT_MARK = re.compile(rb'(?:[^"\[\]{},:]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"?)*+([\[\]{},:]|\Z)', re.DOTALL)
_STEPS = bytes.maketrans(b"[{]},:", b"\x01\x01\xff\xff\x00\x00")  # each mark → its step in depth, a signed byte
_BLOCK = 2**14  # marks looked at together: few enough that a small hostile part is found early
_LONGEST_NUMBER = 4300  # digits: Python's own limit, which a program can lift; beyond it parsing is quadratic


def encode_json(value: Json) -> bytes:
    """Return the bytes of a JSON value; equal values give equal bytes.

    Raises:
        ValueError: if it holds a number that is not finite, or text that is not Unicode (a lone surrogate).
        TypeError: if it holds anything but JSON values.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def decode_json(path: Path, name: str, content: bytes) -> Json:
    """Return the value that a member holds.

    Args:
        path: of the bundle, for the sentence of an error.
        name: of the member.
        content: its bytes.

    Raises:
        OversizedBundle: if it passes a limit of the format.
        DamagedBundle: if it is not JSON, repeats a key, or holds a number that is not finite.
    """
    fault = passed_limit(content)
    if fault:
        raise errors.OversizedBundle(path, f"{name} {fault}")
    try:
        return json.loads(
            content.decode(),
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_whole,
        )
    except (ValueError, RecursionError) as error:
        raise errors.DamagedBundle(path, f"{name} is not plain JSON") from error


def passed_limit(content: bytes) -> str:
    """Return which limit a JSON text passes, as the end of a sentence, or an empty string; nothing is parsed."""
    depth = values = keys = 0
    marks = map(itemgetter(1), _NEXT_MARK.finditer(content))
    while block := b"".join(islice(marks, _BLOCK)):
        depths = depth + np.frombuffer(block.translate(_STEPS), np.int8).cumsum(dtype=np.int64)
        values += block.count(b",") + block.count(b"[") + block.count(b"{")
        keys += block.count(b":")
        if depths.max() > rules.DEEPEST:
            return f"is nested deeper than {rules.DEEPEST} levels"
        if values > rules.MOST_VALUES:
            return f"holds more than {rules.MOST_VALUES:,} values"
        if keys > rules.MOST_KEYS:
            return f"holds more than {rules.MOST_KEYS:,} keys"
        if depths.min() < 0:
            break  # not JSON: the parser will say so before it reads on
        depth = depths[-1]
    return ""


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("a number is too long")
    return int(text)
