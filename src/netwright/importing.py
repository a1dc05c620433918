"""Importing what is large without the garbage collector, which would search it again and again while it grows.

Nothing that is imported becomes garbage, but Python collects by how much is made: importing PyTorch alone makes several
hundred thousand objects, and the collections in between take a fifth of its time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collecting() -> Iterator[None]:
    """Keep the garbage collector still; what is there afterwards counts as old, and is not searched at the next turn.

    A collector that was off stays off.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # what its owner froze stays frozen
            gc.freeze()
            gc.unfreeze()  # together they move all objects to the oldest generation, without looking at any
        if collecting:
            gc.enable()
