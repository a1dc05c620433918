"""Gradient descent with Nesterov's momentum over a stack of networks whose parameters lie in one vector."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class SgdState:
    """The velocity (M · P,), changed in place, since a copy would double the memory; and room for a step (M · P,)."""

    velocity: Tensor
    scratch: Tensor


def init(parameters: Tensor) -> SgdState:
    """Return the state before the first step for parameters (M · P,)."""
    return SgdState(torch.zeros_like(parameters), torch.empty_like(parameters))


def step(
    parameters: Tensor,
    gradient: Tensor,
    state: SgdState,
    *,
    rates: Tensor,
    decays: Tensor,
    pace: float,
    shrink: float,
    momentum: float,
) -> None:
    """Take one step in place, as `torch.optim.SGD` does (Sutskever et al. 2013), each network at its own pace.

    h = g + s·λ·θ;  v ← μv + h;  θ ← θ - p·η·(h + μv)

    Args:
        parameters: (M · P,), changed in place.
        gradient: (M · P,).
        state: from `init`; updated.
        rates: η (M · P,), the largest learning rate of each number.
        decays: λ (M · P,), the largest decay of each number.
        pace: p, the schedule of the learning rate.
        shrink: s, the schedule of the decay.
        momentum: μ.
    """
    torch.addcmul(gradient, parameters, decays, value=shrink, out=state.scratch)
    state.velocity.mul_(momentum).add_(state.scratch)
    state.scratch.add_(state.velocity, alpha=momentum)
    parameters.addcmul_(state.scratch, rates, value=-pace)
