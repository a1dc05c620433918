"""Values as Python text, laid out as formatters (ruff, black) lay it out."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH = 120  # letters of a line
STEP = "    "


@dataclass(frozen=True)
class Name:
    """Text that stands for itself: a name, or an expression."""

    text: str


@dataclass(frozen=True)
class Call:
    """A call: of what, with which values."""

    name: str
    values: Sequence[Any] = ()
    named: Mapping[str, Any] = field(default_factory=dict)


def quoted(text: str) -> str:
    r"""Return a text as a Python literal, in double quotes unless those cost more escapes than single ones.

    >>> print(quoted("it's"), quoted('"so"'), quoted("a\tb"), quoted("Größe"))
    "it's" '"so"' "a\tb" "Größe"
    """
    quote = '"' if text.count('"') <= text.count("'") else "'"
    return quote + "".join(_letter(letter, quote) for letter in text) + quote


def _letter(letter: str, quote: str) -> str:
    if letter in (quote, "\\"):
        return "\\" + letter
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()


def flat(value: Any) -> str:
    """Return a value as text on one line.

    >>> flat({"sizes": (3,), "build": Call("Linear", (3, 4), {"bias": False})})
    '{"sizes": (3,), "build": Linear(3, 4, bias=False)}'
    """
    match value:
        case Name(text):
            return text
        case str():
            return quoted(value)
        case Call(name, values, named):
            return f"{name}({', '.join([*map(flat, values), *(f'{key}={flat(one)}' for key, one in named.items())])})"
        case tuple():
            return f"({', '.join(map(flat, value))}{',' if len(value) == 1 else ''})"
        case list():
            return f"[{', '.join(map(flat, value))}]"
        case dict():
            return f"{{{', '.join(f'{flat(key)}: {flat(one)}' for key, one in value.items())}}}"
        case _:
            return repr(value)


def laid_out(value: Any, before: str, indent: str = "", after: str = "") -> str:
    """Return a value as text, with one entry a line where it does not fit into one.

    Args:
        value: numbers, texts, None, tuples, lists, dictionaries, `Call` and `Name`.
        before: what stands on the line before the value, its indent included.
        indent: of the line.
        after: what follows the value on its last line.
    """
    line = before + flat(value) + after
    parts = _parts(value)
    if columns_of(line) <= WIDTH or parts is None:
        return line
    opening, entries, closing = parts
    inner = indent + STEP
    lines = [laid_out(entry, inner + lead, inner, ",") for lead, entry in entries]
    return "\n".join([before + opening, *lines, indent + closing + after])


def columns_of(line: str) -> int:
    """Return how many columns of a screen a line takes, as formatters count them: Chinese letters take two."""
    return sum(0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF") for one in line)


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]], str] | None:
    """Return what a value opens with, its entries, each with what leads it in, and what it closes with."""
    match value:
        case Call(name, values, named) if values or named:
            entries = [("", one) for one in values] + [(f"{key}=", one) for key, one in named.items()]
            return f"{name}(", entries, ")"
        case tuple() | list() if value:
            opening, closing = ("(", ")") if isinstance(value, tuple) else ("[", "]")
            return opening, [("", one) for one in value], closing
        case dict() if value:
            return "{", [(f"{flat(key)}: ", one) for key, one in value.items()], "}"
        case _:
            return None


def assigned(name: str, value: Any) -> str:
    """Return the assignment of a value to a name.

    >>> assigned("SIZES", (3, 4))
    'SIZES = (3, 4)'
    """
    return laid_out(value, f"{name} = ")


def folded(text: str, indent: str = "", lead: str = "") -> str:
    """Return text as lines that fit, each after an indent and a lead such as the sign of a comment."""
    return textwrap.fill(
        text, WIDTH, initial_indent=indent + lead, subsequent_indent=indent + lead, break_long_words=False
    )
