"""The activations by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "relu6": functional.relu6,
    "silu": functional.silu,
    "gelu": functional.gelu,
    "mish": functional.mish,
    "selu": functional.selu,
    "tanh": torch.tanh,
    "hardtanh": functional.hardtanh,
}
