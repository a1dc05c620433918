"""A trial, or the whole run, came to nothing."""

from __future__ import annotations

from collections.abc import Mapping

from netwright.errors.base import NetwrightError, RunError


class NoTrialFinished(RunError):
    """Nothing worked."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"No network could be trained; the first cause: {cause}.")


class NoWorkers(RunError):
    """Nobody is there to train."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"No worker could be started; the first cause: {cause}. Leave out --workers and --cluster to train in this "
            "process."
        )


class OtherVersions(RunError):
    """A worker runs other versions than the driver, so that trials would hang on who trained them."""

    def __init__(self, worker: str, theirs: Mapping[str, str], ours: Mapping[str, str]) -> None:
        names = sorted({*theirs, *ours})
        told = [
            f"{name} {theirs.get(name, 'missing')} instead of {ours.get(name, 'none')}"
            for name in names
            if theirs.get(name) != ours.get(name)
        ]
        super().__init__(
            f"Trials cannot be given to {worker}: it has {', '.join(told)}. Install the same releases on every machine."
        )


class NotLookedAgain(RunError):
    """The run was at its end before what its trials learnt from was there again."""

    def __init__(self) -> None:
        super().__init__(
            "The run was at its end before the trained network, whose view its trials learn from, had looked at all "
            "rows again. Nothing is lost: repeat the command, with more time where there is a limit, as --time +5m."
        )


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
