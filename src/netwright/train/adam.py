"""AdamW over a stack of networks whose parameters lie in one vector: `init` and `step`, explicit state."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from netwright.train.rates import EPSILON


@dataclass
class AdamState:
    """Moments (M · P,) and the number of steps; changed in place, since copies would double the memory."""

    first: Tensor
    second: Tensor
    scratch: Tensor
    steps: int = 0


def init(parameters: Tensor) -> AdamState:
    """Return the state before the first step for parameters (M · P,)."""
    return AdamState(torch.zeros_like(parameters), torch.zeros_like(parameters), torch.empty_like(parameters))


def step(
    parameters: Tensor,
    gradient: Tensor,
    state: AdamState,
    *,
    rates: Tensor,
    decays: Tensor,
    pace: float,
    shrink: float,
    momentum: float,
    second_moment: float,
) -> None:
    """Take one step in place: AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101), each network at its own pace.

    m ← β₁m + (1-β₁)g;  v ← β₂v + (1-β₂)g²;  θ ← θ - p·s·η·λ·θ - p·η·m̂/(√v̂ + ε)

    Args:
        parameters: (M · P,), changed in place.
        gradient: (M · P,).
        state: from `init`; updated.
        rates: η (M · P,), the largest learning rate of each number.
        decays: η·λ (M · P,), the largest decay of each number.
        pace: p, the schedule of the learning rate.
        shrink: s, the schedule of the decay.
        momentum: β₁.
        second_moment: β₂.
    """
    state.steps += 1
    first = 1 - momentum**state.steps
    second = 1 - second_moment**state.steps
    state.first.lerp_(gradient, 1 - momentum)
    state.second.mul_(second_moment).addcmul_(gradient, gradient, value=1 - second_moment)
    torch.sqrt(state.second, out=state.scratch)
    state.scratch.add_(EPSILON * second**0.5)  # m̂/(√v̂ + ε) = √s₂/s₁ · m/(√v + ε√s₂), with s the two corrections
    torch.div(state.first, state.scratch, out=state.scratch)
    parameters.addcmul_(parameters, decays, value=-pace * shrink)
    parameters.addcmul_(state.scratch, rates, value=-pace * second**0.5 / first)
