"""What is wrong with a body, as a refusal; it takes no longer however large the body is."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from netwright.errors import nearest
from netwright.serve.problems import Fault, Refusal

SHORT = 64 * 2**10  # bytes of a body up to which its values are shown; to make objects of a long one could take seconds
MOST_HINTS, MOST_COMPARED = 20, 200  # columns that a likely name is looked for, and names that are looked through
UNSEEN = object()
"""Stands for a value that is not looked at."""


def faults_of(error: ValidationError, body: bytes) -> list[Any]:
    """Return what is wrong with a body, with the values at fault where it is short."""
    return list[Any](error.errors(include_url=False, include_context=False, include_input=len(body) <= SHORT))


def lacking(absent: Sequence[str], others: Iterable[str], row: int | None = None) -> Refusal:
    """Return a refusal of a row or a table that lacks columns, with the names that may be meant.

    Args:
        absent: the columns.
        others: names that are there and nobody asked for.
        row: the row that lacks them; None for the only one, or for all.
    """
    compared, where = [*itertools.islice(others, MOST_COMPARED)], place_of(row)
    hints = (nearest(name, compared) if number < MOST_HINTS else "" for number, name in enumerate(absent))
    sentences = [f"The column {name!r}{where} is missing.{hint}" for name, hint in zip(absent, hints, strict=True)]
    faults = tuple(Fault(row, name, sentence) for name, sentence in zip(absent, sentences, strict=True))
    return Refusal(422, f"{sentences[0]} Where nothing is known, send null, or an empty cell.", faults)


def place_of(row: int | None) -> str:
    """Return where a row stands in the words of a sentence."""
    return "" if row is None else f" in row {row}, counted from 0,"


def general_refusal(fault: Any, most: int, rows: str) -> Refusal | None:
    """Return a refusal of what lies in no row: the body is no JSON, or holds too many rows; None for anything else.

    Args:
        fault: the first of `faults_of`.
        most: rows that there may be.
        rows: what they are called.
    """
    if fault["type"] == "json_invalid":
        return Refusal(400, f"The body is not JSON that can be read: {fault['msg'].partition(': ')[2]}.")
    if fault["type"] == "too_long":
        return Refusal(413, f"A request may have {most:,} {rows} at most. Send the rest in another one.")
    return None
