"""Dropout for a stack of networks, each with a rate of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

LEVELS = 256  # rates are kept to 1/256: one random byte an activation is enough
SHIFTS = 2**16  # a mask is cut from a longer row of random numbers, at one of this many places
STEP = 64  # places lie this far apart, so that every cut begins on a cache line


class Dropout(Protocol):
    """What of the activations is dropped in training.

    Attributes:
        generator: where the random numbers come from.
    """

    generator: torch.Generator

    def scaled(self, share: float) -> None:
        """Use this share of the rates from now on."""

    def follow(self, rates: Tensor) -> None:
        """Go on with other rates (M,), on the processor."""

    def state(self) -> dict[str, Tensor]:
        """Return all that drawing has changed, by name."""

    def restore(self, state: Mapping[str, Tensor], device: torch.device) -> None:
        """Go on from what `state` returned, where networks compute."""

    def apply(self, hidden: Tensor) -> Tensor:
        """Return hidden (M, E, B, H) with some activations at 0 and the others scaled up, so that the mean stays."""


def dropout_on(device: torch.device, rates: Tensor, seed: int) -> Dropout:
    """Return what drops activations at rates (M,) where networks compute."""
    if device.type == "cuda":
        return CardNoise(rates.to(device), torch.Generator(device).manual_seed(seed))
    return Noise(rates, torch.Generator().manual_seed(seed))


@dataclass
class Noise:
    """What is dropped on a processor.

    Drawing a number for each activation at each step took a sixth of the time of training. So a long row of them is
    drawn once for each network, and each mask is a stretch of it that begins at a random place. The row is drawn anew
    when the rates have changed by a level.

    Attributes:
        rates: (M,) the share of activations to drop in each network.
        generator: where the random numbers come from.
    """

    rates: Tensor
    generator: torch.Generator
    _levels: Tensor = field(init=False)
    _row: Tensor | None = field(init=False, default=None)  # (M, L) factors: 0, or 1 / (1 - rate)

    def __post_init__(self) -> None:
        self._levels = (self.rates * LEVELS).round()

    def scaled(self, share: float) -> None:
        """Use this share of the rates from now on."""
        levels = (self.rates * share * LEVELS).round()
        if not torch.equal(levels, self._levels):
            self._levels, self._row = levels, None

    def follow(self, rates: Tensor) -> None:
        """Go on with other rates (M,): from the next `scaled` on."""
        self.rates = rates

    def state(self) -> dict[str, Tensor]:
        """Return all that drawing has changed, by name."""
        row = {} if self._row is None else {f"row.{str(self._row.dtype)[6:]}": self._row.float().cpu()}
        return {"levels": self._levels, "generator": self.generator.get_state(), **row}

    def restore(self, state: Mapping[str, Tensor], device: torch.device) -> None:
        """Go on from what `state` returned, where networks compute."""
        self._levels, self._row = state["levels"], None
        self.generator.set_state(state["generator"])
        for dtype in (torch.float32, torch.bfloat16):
            if (row := state.get(f"row.{str(dtype)[6:]}")) is not None:
                self._row = row.to(device, dtype)

    def apply(self, hidden: Tensor) -> Tensor:
        """Return hidden (M, E, B, H) with some activations at 0 and the others scaled up, so that the mean stays."""
        if not bool(self._levels.any()):
            return hidden
        count = math.prod(hidden.shape[1:])
        if self._row is None or self._row.shape[1] < count + STEP or self._row.dtype != hidden.dtype:
            self._row = self._drawn(count + SHIFTS, hidden.dtype).to(hidden.device)
        places = (self._row.shape[1] - count) // STEP
        start = STEP * int(torch.randint(places, (), generator=self.generator))
        return hidden * self._row[:, start : start + count].view(hidden.shape)

    def _drawn(self, length: int, dtype: torch.dtype) -> Tensor:
        """Return factors (M, length). Eight bytes come out of one draw."""
        stack = len(self._levels)
        draws = torch.empty(stack, -(-length // 8), dtype=torch.int64).random_(-(2**63), None, generator=self.generator)
        kept = draws.view(torch.uint8)[:, :length] >= self._levels.to(torch.uint8)[:, None]
        return (kept * (LEVELS / (LEVELS - self._levels))[:, None]).to(dtype)


class CardNoise:
    """What is dropped on a graphics card: each activation has a number of its own, which is drawn there.

    Nothing of it is decided by the processor from step to step, so that steps can be recorded.
    """

    def __init__(self, rates: Tensor, generator: torch.Generator) -> None:
        """Drop activations at rates (M,); both are on the card."""
        self.generator = generator
        self._kept = torch.empty_like(rates)  # (M,) the share of activations that stay
        self.follow(rates)

    def scaled(self, share: float) -> None:
        """Use this share of the rates from now on."""
        torch.mul(self._rates, -share, out=self._kept).add_(1)

    def follow(self, rates: Tensor) -> None:
        """Go on with other rates (M,)."""
        self._any = bool(rates.any())
        self._rates = rates.to(self._kept.device)
        self.scaled(1.0)

    def state(self) -> dict[str, Tensor]:
        """Return all that drawing has changed, by name."""
        return {"generator": self.generator.get_state()}

    def restore(self, state: Mapping[str, Tensor], device: torch.device) -> None:
        """Go on from what `state` returned."""
        self.generator.set_state(state["generator"])

    def apply(self, hidden: Tensor) -> Tensor:
        """Return hidden (M, E, B, H) with some activations at 0 and the others scaled up, so that the mean stays."""
        if not self._any:
            return hidden
        drawn = torch.rand(hidden.shape, generator=self.generator, device=hidden.device)
        kept = self._kept[:, None, None, None]
        return hidden * ((drawn < kept) / kept).to(hidden.dtype)
