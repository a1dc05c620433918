"""What a command says: results on standard output, everything else on standard error."""

from __future__ import annotations

import io
import json
import math
import os
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from netwright.errors import CannotWrite

errors = Console(stderr=True)


def open_streams() -> None:
    """Let every script through: a file or pipe gets UTF-8, a terminal that lacks a letter gets its number instead.

    A terminal of another encoding, or the code page of a Windows pipe, would otherwise end a command at the first label
    that it cannot spell.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty():
                stream.reconfigure(errors="backslashreplace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def put(text: str) -> None:
    """Write a text and a line end to standard output, now.

    Raises:
        BrokenPipeError: if whoever read it has gone.
        CannotWrite: if it leads to a disk that is full, and the like.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _close_output()
        raise
    except OSError as error:
        _close_output()
        raise CannotWrite("Standard output", error.strerror or str(error)) from error


def put_json(values: Mapping[str, Any]) -> None:
    """Write an object as one line of JSON to standard output; a number that is not finite becomes null."""
    put(json.dumps(_finite(values), ensure_ascii=False, allow_nan=False))


def say(text: str) -> None:
    """Write a sentence to standard error as it is, wrapped only by the terminal itself."""
    errors.print(text, markup=False, highlight=False, soft_wrap=True)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(entry) for name, entry in value.items()}
    return [_finite(entry) for entry in value] if isinstance(value, list | tuple) else value


def _close_output() -> None:
    """Let what is still to be written vanish, so that the interpreter's own last flush does not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
