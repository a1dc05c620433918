"""A program at work in a process of its own: it is told a line, does what that asks, and says a line when it has."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

SHOWN = 200  # letters at most of what a program says that fails

Failed = Callable[[str], Exception]
"""The last words of a program → the error that says that it failed."""


@contextmanager
def at_work(
    command: Sequence[str], environment: Mapping[str, str] | None, log: Path, failed: Failed
) -> Iterator[Worker]:
    """Start a program, and end it in any case.

    Args:
        command: its words.
        environment: its variables; None for those of this process.
        log: a file for what it says on standard error.
        failed: what is raised when it ends before it has answered.
    """
    with (
        log.open("w+b") as said,
        subprocess.Popen(  # noqa: S603 - our own programs; what a model names stands in them as texts only
            [*command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, env=environment
        ) as process,
    ):
        try:
            yield Worker(process, log, failed)
        finally:
            process.kill()  # it may be at work still, if someone wants to end


class Worker:
    """A program that is at work: see `at_work`."""

    def __init__(self, process: subprocess.Popen[str], log: Path, failed: Failed) -> None:
        self._process, self._log, self._failed = process, log, failed

    def ask(self, line: str, answer: str) -> None:
        """Tell the program a line, and wait for its answer; whatever else it prints is passed over.

        Raises:
            Exception: that of `failed`, if it ends first.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended, and says why
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        self.wait_for(answer)

    def wait_for(self, answer: str) -> None:
        """Wait until the program prints a line.

        Raises:
            Exception: that of `failed`, if it ends first.
        """
        assert self._process.stdout is not None
        for found in self._process.stdout:
            if found.rstrip("\n") == answer:
                return
        raise self._failed(self._last_words())

    def finish(self) -> None:
        """Wait for the end of the program.

        Raises:
            Exception: that of `failed`, if it ends badly.
        """
        self._process.communicate()
        if self._process.returncode:
            raise self._failed(self._last_words())

    def _last_words(self) -> str:
        """Return the last line that the program wrote on standard error."""
        self._process.wait()
        lines = self._log.read_text("utf-8", "replace").split("\n")
        return next((line.strip()[:SHOWN] for line in reversed(lines) if line.strip()), "it ended without a word")
