"""What activations are."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Activation = Callable[[Tensor], Tensor]
