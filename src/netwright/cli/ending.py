"""What Ctrl-C and SIGTERM mean while a run is on its way."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from netwright.resources.budget import Budget
from netwright.streams import errors

SHOW_CURSOR = b"\x1b[?25h\n"  # the live display hides it, and an end at once leaves no time to close the display


@contextmanager
def ending_early(budget: Budget, reading: Callable[[], bool]) -> Iterator[None]:
    """Let Ctrl-C or SIGTERM ask for the best so far; a second one, or one while data is read, ends at once.

    So it stays until the process has ended, once one has come: Python would show where it was when the next came.

    Args:
        budget: is ended.
        reading: whether data is read just now.
    """
    asked = 0

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1  # first of all: the next may come anywhere below, and interrupt this
        if asked == 1:
            budget.end()
            if reading():  # many files may take minutes, and nothing is learnt yet
                raise KeyboardInterrupt
        if asked == 2:
            if errors.is_terminal:
                os.write(2, SHOW_CURSOR)
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if asked else handler)
