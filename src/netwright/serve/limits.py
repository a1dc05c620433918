"""What a server lets strangers do: every limit in one place, with the reason for its usual value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one process takes on at most; beyond it a request is refused, by the status that stands behind.

    Attributes:
        body: bytes of one request; 413.
        rows: of one request, and of what is predicted together; 413.
        seconds: from the end of a request to the end of its answer; 503.
        wait: seconds for the head of a request to arrive, and for its body beyond what `slowest` allows; 408.
        requests: that are being answered at one time; 503.
        slowest: bytes a second that a body may take: a slower one is meant to hold the server up.
        held: bytes of the bodies of all requests together; 503.
        connections: that are open at one time; further ones are closed at once, with 503.
        head: bytes of the head of a request before the rest of it is waited for; 431.
    """

    body: int = 8 * 2**20  # a photograph, 45 s of sound, 10,000 rows of 40 columns; hostile JSON takes 50 times that
    rows: int = 10_000
    seconds: float = 30.0
    wait: float = 10.0
    requests: int = 256
    slowest: int = 50_000
    held: int = 128 * 2**20
    connections: int = 1_000
    head: int = 64 * 2**10
