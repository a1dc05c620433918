"""The parameters of a stack of networks as one vector, with a view of it for every tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

# Factors on the learning rate by the last part of a parameter's name, after RealMLP (2407.04491, table 1): the scale
# in front of the first layer learns faster, biases slower. Chosen again on our own runs where they differ.
RATE_FACTORS = {"scale": 6.0, "frequency": 0.1, "phase": 0.1}
BIAS_FACTOR = 0.1
UNDECAYED = ("bias", "scale", "phase", "frequency", "categories")


@dataclass(frozen=True)
class Stack:
    """All trained numbers of M networks in one vector, tensor after tensor; `weights` are views into it.

    Attributes:
        parameters: (M · P,) every tensor (M, ...) laid flat, one after the other.
        gradient: (M · P,) likewise; autograd fills it through the views.
        weights: tensors (M, ...) by name, views of `parameters`.
        constants: tensors (M, ...) that are not trained (knots).
    """

    parameters: Tensor
    gradient: Tensor
    weights: Mapping[str, Tensor]
    constants: Mapping[str, Tensor]

    def named(self) -> dict[str, Tensor]:
        """Return every tensor (M, ...) by name, parameters and constants."""
        return {**self.weights, **self.constants}

    def rates(self, rates: Tensor) -> Tensor:
        """Return the learning rate (M · P,) of each number: that of its network (M,) times the factor of its tensor."""
        return self._spread(lambda name: rates * _rate_factor(name))

    def decays(self, decays: Tensor) -> Tensor:
        """Return the weight decay (M · P,) of each number: that of its network (M,), or 0 where none is due."""
        return self._spread(lambda name: decays * (not name.endswith(UNDECAYED)))

    def _spread(self, of_tensor: Callable[[str], Tensor]) -> Tensor:
        pieces = [of_tensor(name).repeat_interleave(tensor[0].numel()) for name, tensor in self.weights.items()]
        return torch.cat(pieces)


def stack_parameters(weights: Mapping[str, Tensor]) -> Stack:
    """Lay the tensors (M, ...) end to end in one vector, so that an optimiser step is a few operations on it."""
    constants = {name: tensor for name, tensor in weights.items() if name.endswith("knots")}
    trained = {name: tensor for name, tensor in weights.items() if name not in constants}
    parameters = torch.cat([tensor.flatten() for tensor in trained.values()])
    gradient = torch.zeros_like(parameters)
    views: dict[str, Tensor] = {}
    place = 0
    for name, tensor in trained.items():
        part = slice(place, place + tensor.numel())
        views[name] = parameters[part].view_as(tensor).detach().requires_grad_()
        views[name].grad = gradient[part].view_as(tensor)
        place += tensor.numel()
    return Stack(parameters, gradient, views, constants)


def _rate_factor(name: str) -> float:
    part = name.split(".")[-1]
    return BIAS_FACTOR if part.endswith("bias") else RATE_FACTORS.get(part, 1.0)
