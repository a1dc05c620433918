"""What one block costs, as a value; which of a network's tensors are trained."""

from __future__ import annotations

from dataclasses import dataclass

CONSTANTS = ("knots", "mean", "variance")  # last words of the names of tensors that are measured, not trained


@dataclass(frozen=True)
class Cost:
    """One block's cost.

    Attributes:
        width: features that leave it, or channels where a map leaves it.
        members: networks that share weights from here on (TabM); 1 without.
        parameters: trained numbers.
        flops: floating-point operations for one row (two a multiply-add; activations not counted).
        pixels: height and width of the map that leaves it, or places of a sequence and 1; (1, 1) where a vector does.
        beside: features of a table that wait until a sequence has become a vector.
    """

    width: int
    members: int
    parameters: int
    flops: int
    pixels: tuple[int, int] = (1, 1)
    beside: int = 0

    @property
    def numbers(self) -> int:
        """Return how many numbers leave the block for one row, of all members together."""
        return self.members * self.width * self.pixels[0] * self.pixels[1]


def is_trained(name: str) -> bool:
    """Return whether a tensor of this name is changed by the optimiser.

    >>> is_trained("0.weight"), is_trained("2.first_mean")
    (True, False)
    """
    return name.rpartition(".")[2].rpartition("_")[2] not in CONSTANTS
