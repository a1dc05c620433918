"""A whole mix as a program of PyTorch: a graph with its weights that runs without the code that it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.export import Dim

from netwright.build.torch import forward
from netwright.build.torch_chain import windowed_marginals
from netwright.data.goal import Goal
from netwright.data.stretches import POSITIONS
from netwright.spec.network import Network, taken_features, without_chain
from netwright.spec.numbers import LEAST_CHANCE

Weighed = tuple[Network, Mapping[str, NDArray[np.float32]], float]
"""Networks of one shape, their tensors (S, ...) by name, and their share of the mix."""


class _Stack(nn.Module):
    """Networks of one shape with their weights, whose answers are averaged."""

    def __init__(self, network: Network, weights: Mapping[str, NDArray[np.float32]]) -> None:
        super().__init__()
        self.network = network
        self.names = [*weights]
        for place, array in enumerate(weights.values()):
            self.register_buffer(f"weight{place}", torch.from_numpy(np.array(array)))

    def forward(self, features: Mapping[str, Tensor], classes: bool) -> Tensor:
        """Return the mean prediction (B, K) of networks and members: probabilities, or values."""
        tensors = [self.get_buffer(f"weight{place}") for place in range(len(self.names))]
        weights = dict(zip(self.names, tensors, strict=True))
        stack = len(tensors[0])
        batch = {name: each.expand(stack, *each.shape) for name, each in features.items()}
        outputs = forward(without_chain(self.network) if self.network.chained else self.network, weights, batch)
        if self.network.chained:
            scores, pairs = outputs.flatten(0, 1), weights[f"{self.network.last}.transitions"].flatten(0, 1)
            outputs = windowed_marginals(scores, pairs, features[POSITIONS][:, 0]).view_as(outputs)  # (S, E, B, K)
        return (torch.softmax(outputs, dim=3) if classes else outputs).mean(dim=(0, 1))


class _Mix(nn.Module):
    """A mix of such stacks, calibrated."""

    def __init__(self, mix: Sequence[Weighed], goal: Goal, temperature: float) -> None:
        super().__init__()
        self.stacks = nn.ModuleList([_Stack(network, weights) for network, weights, _ in mix])
        self.shares = [share for _, _, share in mix]
        self.scale, self.temperature = goal.scale, temperature

    def forward(self, features: dict[str, Tensor]) -> Tensor:
        """Return probabilities (B, K), or values (B,) in the unit of the target, as float64."""
        parts = [stack(features, self.scale is None) for stack in self.stacks]
        mixed = sum((part * share for part, share in zip(parts, self.shares, strict=True)), torch.zeros(())).double()
        if self.scale is not None:
            return (mixed[:, 0] * self.scale.scale + self.scale.shift).clamp(self.scale.low, self.scale.high)
        if self.temperature == 1.0:
            return mixed
        return torch.softmax(mixed.clamp_min(LEAST_CHANCE).log() / self.temperature, dim=1)


def save_program(
    path: Path, mix: Sequence[Weighed], goal: Goal, temperature: float, features: Mapping[str, NDArray[Any]]
) -> tuple[str, ...]:
    """Write a program from a dictionary of features (B, ...), for any number of rows, to answers.

    Args:
        path: of the file.
        mix: the networks.
        goal: what they learnt.
        temperature: the logits of the mix are divided by it.
        features: of two rows or more, which show types and shapes; those that no network takes are left out.

    Returns:
        The names of the features that it takes.
    """
    names = {name for network, _, _ in mix for name in taken_features(network)}
    shown = {name: torch.from_numpy(array) for name, array in features.items() if name in names}
    rows = Dim("rows")
    by_row = {"features": {name: {0: rows} for name in shown}}
    with torch.no_grad():
        program = torch.export.export(_Mix(mix, goal, temperature).eval(), (shown,), dynamic_shapes=by_row)
    torch.export.save(program, path)
    return tuple(shown)
