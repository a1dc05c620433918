"""Halves of letters: what JSON and names of files may hold, and no UTF-8 can.

JSON may escape one half of a surrogate pair, as programs do that cut texts by 16-bit units. Python stands a byte of a
file's name that is no UTF-8 for such a half (PEP 383).
"""

from __future__ import annotations

import json
import re
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(text: str) -> Any:
    r"""Return the value of a JSON text, with U+FFFD where half a letter stands.

    Raises:
        ValueError: if it is none.
        RecursionError: if it is nested too deeply.

    >>> read_json(r'["a\ud83db", "\ud83d\ude00"]')
    ['a�b', '😀']
    """
    value = json.loads(text)
    return _mended(value) if _ESCAPED.search(text) or _HALF.search(text) else value


def _mended(value: Any) -> Any:
    match value:
        case str():
            return _HALF.sub("\ufffd", value)
        case list():
            return [_mended(entry) for entry in value]
        case dict():
            return {_mended(name): _mended(entry) for name, entry in value.items()}
    return value


def spelt(name: str) -> str:
    r"""Return the name of a file as UTF-8 can hold it: a byte that is no letter is written as its number.

    >>> spelt("caf\udce9.png")
    'caf\\udce9.png'
    """
    return name.encode("utf-8", "backslashreplace").decode()
