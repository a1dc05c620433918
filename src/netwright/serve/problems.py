"""What went wrong with a request, as JSON: the sentence, and the row and column at fault (RFC 9457)."""

from __future__ import annotations

import http
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel, Field

JSON_TYPE = "application/problem+json"
MOST_FAULTS = 100


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        row: its place among the rows of the request, from 0; None where it is in none of them, or there is one only.
        column: the name of the column; None where it is in none.
        problem: a sentence.
    """

    row: int | None
    column: str | None
    problem: str


class Refusal(Exception):
    """A request is not answered: the status and the reason."""

    def __init__(
        self, status: int, detail: str, faults: tuple[Fault, ...] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.faults = status, detail, faults
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """Return what the client reads."""
        found: dict[str, Any] = {"title": title(self.status), "status": self.status, "detail": self.detail}
        found["faults"] = [asdict(fault) for fault in self.faults[:MOST_FAULTS]]
        return json.dumps(found).encode()


def title(status: int) -> str:
    """Return the usual words for a status.

    >>> title(404), title(599)
    ('Not Found', 'Error')
    """
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"


# --- the same for the OpenAPI document ---------------------------------------------------------------------------


class FaultSchema(BaseModel):
    """One thing that is wrong with a request."""

    row: int | None = Field(description="The place among the rows of the request, from 0; null where it is in none.")
    column: str | None = Field(description="The name of the column at fault; null where it is in none.")
    problem: str = Field(description="What is wrong, in a sentence.")


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    title: str
    status: int
    detail: str = Field(description="What is wrong and what to do, in a sentence or two.")
    faults: list[FaultSchema]


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how an OpenAPI document tells of refusals of these statuses."""
    content = {JSON_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": title(status), "content": content} for status in statuses}
