"""The framework that trains. It is loaded when a run asks for it."""

from __future__ import annotations

from importlib.util import find_spec

from netwright.errors import MissingExtra
from netwright.train.framework import Framework


def find_framework(device: str = "auto") -> Framework:
    """Return what trains networks.

    Args:
        device: cpu, cuda or cuda:1, or auto.

    Raises:
        MissingExtra: if it is not installed.
        NoDevice: if there is no such device.
    """
    if find_spec("torch") is None:
        raise MissingExtra("torch", "train")
    from netwright.train.torch import Torch

    return Torch.on(device)
