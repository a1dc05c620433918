"""Parts of a step that do not wait for each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

STREAMS = 8  # of a card, at most: more of such short operations do not run beside each other


def side_by_side(parts: Sequence[Callable[[], Tensor]]) -> list[Tensor]:
    """Return what comes of each part, in order: beside each other where the step is being recorded on a card.

    Elsewhere one after the other: a processor has its cores busy with other stacks, and a card that is not recorded on
    waits for the processor to start its operations.
    """
    if len(parts) == 1 or not _recording():
        return [part() for part in parts]
    current = torch.cuda.current_stream()
    streams: list[torch.cuda.Stream] = []
    for _ in range(min(STREAMS, len(parts))):
        streams.append(torch.cuda.Stream())  # type: ignore[no-untyped-call]
    found = []
    for stream in streams:
        stream.wait_stream(current)
    for place, part in enumerate(parts):
        with torch.cuda.stream(streams[place % len(streams)]):
            found.append(part())
    for stream in streams:
        current.wait_stream(stream)
    return found


def _recording() -> bool:
    return torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()
