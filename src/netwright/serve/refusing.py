"""What pydantic says of a body that it does not read, as a refusal."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from netwright.serve.problems import Refusal

SHORT = 64 * 2**10  # bytes of a body up to which its values are shown; to make objects of a long one could take seconds
UNSEEN = object()
"""Stands for a value that is not looked at."""


def faults_of(error: ValidationError, body: bytes) -> list[Any]:
    """Return what is wrong with a body, with the values at fault where it is short."""
    return list[Any](error.errors(include_url=False, include_context=False, include_input=len(body) <= SHORT))


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
