"""The families of errors, and the hint that many of them end with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 2_000  # letters of a sentence: it may name what a hostile file made as long as itself
ENDING = 400  # of them that are its end, which says what to do


class NetwrightError(Exception):
    """Anything that the user, not the programmer, can put right."""

    exit_status = 2

    def __init__(self, sentence: str = "") -> None:
        super().__init__(
            sentence if len(sentence) <= LONGEST else f"{sentence[: LONGEST - ENDING]} … {sentence[-ENDING:]}"
        )


class DataError(NetwrightError, ValueError):
    """The data cannot be used as it stands."""


class SettingError(NetwrightError, ValueError):
    """An option has a value that cannot be."""


class BundleError(NetwrightError):
    """A model file is damaged, hostile or of a newer format."""


class OutputError(NetwrightError):
    """A result cannot be written where it was asked for."""


class RunError(NetwrightError):
    """The run ended with nothing to hand over; the message names the first cause."""

    exit_status = 1


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for the known name most like `name`, or an empty string."""
    folded = {str(other).strip().casefold(): str(other) for other in known}
    found = difflib.get_close_matches(name.strip().casefold(), list(folded), n=1, cutoff=0.6)
    return f" Did you mean {folded[found[0]]!r}?" if found else ""


def megabytes(size: float) -> str:
    """Return bytes as megabytes in full, as `--memory` takes them.

    >>> megabytes(1.2345e9)
    '1235 MB'
    """
    return f"{-(-int(size) // 10**6)} MB"
