"""Numbers of a spec as tensors where networks compute."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor


def constant(numbers: tuple[float, ...], device: torch.device) -> Tensor:
    """Return numbers (n,), whole ones as int64, on a device.

    A graphics card gets them once: a copy makes the processor wait, and cannot be part of a recorded step.
    """
    return torch.tensor(numbers) if device.type == "cpu" else _on_card(numbers, device)


@cache  # never let go, since recordings go on reading them; a process knows a few tables and colours
def _on_card(numbers: tuple[float, ...], device: torch.device) -> Tensor:
    return torch.tensor(numbers, device=device)
