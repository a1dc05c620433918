"""What requests to a model hold and what comes back, as functions: a value for tables, for files, for sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from netwright.serve.problems import Refusal

JSON = "application/json"
CSV = "text/csv"
MULTIPART = "multipart/form-data"
BYTES = "application/octet-stream"

Reply = dict[str, Any]
"""The answer for one row, as plain JSON values."""


@dataclass(frozen=True)
class Part:
    """A body, or a file that was uploaded in one.

    Attributes:
        type: its media type, in small letters and without parameters; empty where nobody said.
        content: its bytes.
        name: of the file, as the client calls it; empty for a body.
    """

    type: str
    content: bytes = field(repr=False)
    name: str = ""


@dataclass(frozen=True)
class Form:
    """How requests become rows, and rows replies. A row is what only these functions look into.

    Attributes:
        one: parts → one row, in a list. Raises Refusal.
        many: parts → rows. Raises Refusal.
        predict: rows → one reply each. Raises Refusal, of which the place of the row at fault is that in these rows.
        of_csv: the bytes of a table → one reply a row; None where there are no tables. Raises Refusal.
        one_schema, many_schema: media type → JSON schema of a body.
        reply_schema: JSON schema of a reply.
        components: name → JSON schema that the others refer to.
        warm: a row in a list, which stands for those to come.
        weigh: rows → how much work and memory they take together, in rows of a usual size.
    """

    one: Callable[[Sequence[Part]], list[Any]]
    many: Callable[[Sequence[Part]], list[Any]]
    predict: Callable[[list[Any]], list[Reply]]
    of_csv: Callable[[bytes], list[Reply]] | None
    one_schema: dict[str, Any]
    many_schema: dict[str, Any]
    reply_schema: dict[str, Any]
    components: dict[str, Any]
    warm: list[Any]
    weigh: Callable[[list[Any]], int] = len


def unsupported(part: Part, known: Sequence[str]) -> Refusal:
    """Return that a media type is none of those that a request may have."""
    said = repr(part.type) if part.type else "not said"
    return Refusal(415, f"The type of the content is {said}, but should be {' or '.join(known)}.")


def only_part(parts: Sequence[Part]) -> Part:
    """Return the only part of a request.

    Raises:
        Refusal: if there are more or none.
    """
    if len(parts) != 1:
        raise Refusal(422, f"The request holds {len(parts)} files, but should hold one.")
    return parts[0]
