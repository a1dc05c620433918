"""A trial, or the whole run, came to nothing."""

from __future__ import annotations

from netwright.errors.base import NetwrightError, RunError


class NoTrialFinished(RunError):
    """Nothing worked."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"No network could be trained; the first cause: {cause}.")


class TrialError(NetwrightError):
    """One trial ended badly; the run goes on without it."""
