"""A trial, or the whole run, came to nothing."""

from __future__ import annotations

from netwright.errors.base import NetwrightError, RunError


class NoTrialFinished(RunError):
    """Nothing worked."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"No network could be trained; the first cause: {cause}.")


class TrialError(NetwrightError):
    """One trial ended badly; the run goes on without it."""


class ShortOfMemory(RunError):
    """Memory did not suffice for what all trials need."""

    def __init__(self) -> None:
        super().__init__(
            "Memory does not suffice for this run. Close other programs, or give fewer rows or columns; "
            "repeating the command goes on with what it had come to."
        )


class FailedDevice(RunError):
    """A graphics card does not compute."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The graphics card does not compute: {why}. Repeat the command, which goes on with what it had come to, "
            "or begin anew on the processor by --fresh --device cpu."
        )
