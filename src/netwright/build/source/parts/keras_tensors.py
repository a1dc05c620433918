"""What Keras computes with."""

from __future__ import annotations

from typing import Any

Tensor = Any  # of Keras, whatever it runs on
