"""Something that was noticed in the data, and what was done about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing noticed.

    Attributes:
        kind: an id, such as `leak` or `duplicate_rows`.
        column: where; None for the whole table.
        message: what was seen and what was done, in a sentence or two.
    """

    kind: str
    column: str | None
    message: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)
